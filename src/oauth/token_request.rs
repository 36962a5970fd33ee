//! What does a request to the token endpoint ask for? (RFC 6749 §4.4.2, RFC 8707 §2)

use super::client_auth::{PresentedCredentials, parse_credentials};
use super::error::{MalformedRequest, TokenError};
use super::form::{Endpoint, TokenParameters, parse_form};
use super::json_body::parse_json;
use super::scope::is_nqchar;

/// What arrived, before anything is believed.
pub struct RawTokenRequest<'a> {
    /// The `Content-Type` header.
    pub content_type: Option<&'a [u8]>,
    /// Each `Authorization` header.
    pub authorization: &'a [&'a [u8]],
    /// The body.
    pub body: &'a [u8],
    /// How many parameters the body may hold.
    pub parameter_limit: usize,
}

/// A well-formed request for the client credentials grant. Not `Debug`: it holds a secret.
pub struct TokenRequest {
    /// With what the client authenticates.
    pub credentials: PresentedCredentials,
    /// What it asks for.
    pub access: AccessRequest,
}

/// Which access is asked for: parameters as sent, grammar not yet checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRequest {
    /// `audience`.
    pub audience: Option<String>,
    /// `resource`, each time it was given.
    pub resource: Vec<String>,
    /// `scope`.
    pub scope: Option<String>,
}

/// The two media types that a body may have.
enum MediaType {
    Form,
    Json,
}

/// Parses a request to the token endpoint.
///
/// # Errors
/// The first thing that is wrong with it, as the RFC's error.
pub fn parse_token_request(raw: &RawTokenRequest<'_>) -> Result<TokenRequest, TokenError> {
    let mut parameters = parse_body(raw, Endpoint::Token)?;
    let credentials = parse_credentials(raw.authorization, &mut parameters)?;
    match parameters.grant_type.as_deref() {
        Some("client_credentials") => {}
        None => return Err(TokenError::MissingGrantType),
        Some(other) => return Err(TokenError::UnsupportedGrantType(quotable(other))),
    }
    // The caller expects `org_id` in the token: to ignore this would hand out a token that means something else.
    if parameters.organization.is_some() {
        return Err(MalformedRequest::OrganizationNotSupported.into());
    }
    let TokenParameters { audience, resource, scope, .. } = parameters;
    Ok(TokenRequest { credentials, access: AccessRequest { audience, resource, scope } })
}

/// The parameters of a body of either media type.
pub(super) fn parse_body(raw: &RawTokenRequest<'_>, endpoint: Endpoint) -> Result<TokenParameters, TokenError> {
    let parsed = match media_type(raw.content_type) {
        Some(MediaType::Form) => parse_form(raw.body, raw.parameter_limit, endpoint),
        Some(MediaType::Json) => parse_json(raw.body, raw.parameter_limit, endpoint),
        None => return Err(MalformedRequest::ContentType.into()),
    };
    parsed.map_err(|problem| MalformedRequest::Body(problem).into())
}

/// The media type without its parameters, in any case (RFC 9110 §8.3.1).
fn media_type(content_type: Option<&[u8]>) -> Option<MediaType> {
    let essence = content_type?.split(|byte| *byte == b';').next()?.trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        Some(MediaType::Form)
    } else if essence.eq_ignore_ascii_case(b"application/json") {
        Some(MediaType::Json)
    } else {
        None
    }
}

/// `text` where it may stand in an `error_description`, else nothing.
fn quotable(text: &str) -> Option<String> {
    (text.len() <= 100 && text.bytes().all(is_nqchar)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(content_type: &str, body: &str) -> Result<TokenRequest, TokenError> {
        parse_token_request(&RawTokenRequest {
            content_type: Some(content_type.as_bytes()),
            authorization: &[],
            body: body.as_bytes(),
            parameter_limit: 64,
        })
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[rstest]
    #[case(FORM, "grant_type=client_credentials&client_id=a&client_secret=b")]
    #[case(
        "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
        "grant_type=client_credentials&client_id=a&client_secret=b"
    )]
    #[case(
        "application/json;charset=utf-8",
        r#"{"grant_type":"client_credentials","client_id":"a","client_secret":"b","organization":null}"#
    )]
    fn both_media_types_are_read_with_a_charset(#[case] content_type: &str, #[case] body: &str) {
        assert!(parse(content_type, body).is_ok());
    }

    #[rstest]
    #[case("text/plain")]
    #[case("multipart/form-data; boundary=x")]
    #[case("")]
    fn other_media_types_are_refused(#[case] content_type: &str) {
        assert_eq!(parse(content_type, "").err(), Some(MalformedRequest::ContentType.into()));
    }

    #[rstest]
    #[case("client_id=a&client_secret=b", TokenError::MissingGrantType)]
    #[case("client_id=a&client_secret=b&grant_type=", TokenError::MissingGrantType)]
    #[case("client_id=a&client_secret=b&grant_type=password", TokenError::UnsupportedGrantType(Some("password".into())))]
    #[case("client_id=a&client_secret=b&grant_type=%22%0a", TokenError::UnsupportedGrantType(None))]
    #[case("client_id=a&client_secret=b&grant_type=client_credentials&organization=org_1", MalformedRequest::OrganizationNotSupported.into())]
    fn what_is_not_a_client_credentials_request_is_told(#[case] body: &str, #[case] expected: TokenError) {
        assert_eq!(parse(FORM, body).err(), Some(expected));
    }
}
