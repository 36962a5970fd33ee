//! What does a client ask for that wants to replace its secret?

use super::client_auth::{PresentedCredentials, parse_credentials};
use super::form::Endpoint;
use super::secret_error::SecretError;
use super::token_request::{RawTokenRequest, parse_body};

/// A well-formed request for a new secret. Not `Debug`: it holds a secret.
pub struct SecretRequest {
    /// With what the client authenticates: its present secret.
    pub credentials: PresentedCredentials,
    /// What the new one will be.
    pub wish: NewSecretWish,
}

/// How the new secret and the end of the present one shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSecretWish {
    /// A label for people.
    pub label: Option<String>,
    /// For how many seconds the present one works on.
    pub overlap: Option<u32>,
}

/// Parses a request for a new secret. It is read as the token endpoint reads its own: form or JSON, the query never.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse_secret_request(raw: &RawTokenRequest<'_>) -> Result<SecretRequest, SecretError> {
    let mut parameters = parse_body(raw, Endpoint::Secret)?;
    let credentials = parse_credentials(raw.authorization, &mut parameters)?;
    let overlap = parameters.overlap_seconds.as_deref().map(parse_seconds).transpose()?;
    Ok(SecretRequest { credentials, wish: NewSecretWish { label: parameters.label, overlap } })
}

/// Digits only: no sign, no fraction. A number beyond the range is none that any bound allows.
fn parse_seconds(text: &str) -> Result<u32, SecretError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SecretError::OverlapNotSeconds);
    }
    Ok(text.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::oauth::error::{MalformedRequest, TokenError};
    use crate::oauth::form::MalformedBody;

    const FORM: &str = "application/x-www-form-urlencoded";
    const CREDENTIALS: &str = "client_id=a&client_secret=b";

    fn parse(content_type: &str, body: &[u8]) -> Result<SecretRequest, SecretError> {
        let content_type = Some(content_type.as_bytes());
        parse_secret_request(&RawTokenRequest { content_type, authorization: &[], body, parameter_limit: 64 })
    }

    fn wish(content_type: &str, body: &str) -> NewSecretWish {
        parse(content_type, body.as_bytes()).ok().unwrap().wish
    }

    #[test]
    fn form_and_json_say_the_same() {
        let expected = NewSecretWish { label: Some("new host".to_owned()), overlap: Some(60) };
        assert_eq!(wish(FORM, &format!("{CREDENTIALS}&label=new+host&overlap_seconds=60")), expected);
        for seconds in ["60", "\"60\""] {
            let body =
                format!(r#"{{"client_id":"a","client_secret":"b","label":"new host","overlap_seconds":{seconds}}}"#);
            assert_eq!(wish("application/json", &body), expected);
        }
        assert_eq!(wish(FORM, CREDENTIALS), NewSecretWish::default());
        assert_eq!(wish(FORM, &format!("{CREDENTIALS}&label=&overlap_seconds=")), NewSecretWish::default());
        assert_eq!(wish(FORM, &format!("{CREDENTIALS}&overlap_seconds=99999999999999")).overlap, Some(u32::MAX));
    }

    #[rstest]
    #[case("overlap_seconds=-1", SecretError::OverlapNotSeconds)]
    #[case("overlap_seconds=1.5", SecretError::OverlapNotSeconds)]
    #[case("overlap_seconds=%2B1", SecretError::OverlapNotSeconds)]
    #[case("overlap_seconds=1d", SecretError::OverlapNotSeconds)]
    #[case("label=a&label=b", TokenError::from(MalformedRequest::Body(MalformedBody::Repeated("label"))).into())]
    #[case("client_secret=c", TokenError::from(MalformedRequest::Body(MalformedBody::Repeated("client_secret"))).into())]
    fn what_cannot_be_read_is_told(#[case] more: &str, #[case] expected: SecretError) {
        assert_eq!(parse(FORM, format!("{CREDENTIALS}&{more}").as_bytes()).err(), Some(expected));
    }

    #[test]
    fn a_request_without_a_secret_has_no_credentials() {
        assert_eq!(parse(FORM, b"client_id=a").err(), Some(TokenError::NoCredentials.into()));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(FORM, &body);
            let _ = parse("application/json", &body);
        }
    }
}
