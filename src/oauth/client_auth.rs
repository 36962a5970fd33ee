//! With what does a token request authenticate: exactly one mechanism, as presented? (RFC 6749 §2.3, RFC 7521 §4.2)

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::client_assertion::CLIENT_ASSERTION_TYPE;
use super::error::{MalformedRequest, TokenError};
use super::form::{TokenParameters, decode_form_component};

/// Longest secret that is looked at, in bytes.
pub const MAX_SECRET_LENGTH: usize = 1024;

/// How a request authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// A secret in the `Authorization` header.
    ClientSecretBasic,
    /// A secret in the body.
    ClientSecretPost,
    /// An assertion in the body, signed with the client's key.
    PrivateKeyJwt,
    /// A session of the console, where a client tries its own tokens; no request to the token endpoint brings one.
    ConsoleSession,
}

impl Mechanism {
    /// Every mechanism.
    pub const ALL: [Self; 4] =
        [Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt, Self::ConsoleSession];

    /// Its name in metadata and logs (RFC 8414 §2).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::ConsoleSession => "console_session",
        }
    }
}

/// One reading of what was presented: a client id and a secret. Not `Debug`: it holds a secret.
pub struct Candidate {
    /// The client id, not yet known to be any client's.
    pub client_id: String,
    /// The secret, not yet known to be anyone's.
    pub secret: Zeroizing<String>,
}

/// What a request presented, not yet checked. Not `Debug`: it holds a secret.
pub enum PresentedCredentials {
    /// A secret.
    Secret(PresentedSecret),
    /// An assertion.
    Assertion(PresentedAssertion),
}

/// A secret that a request presented. Not `Debug`.
pub struct PresentedSecret {
    /// Where it stood.
    pub mechanism: Mechanism,
    /// The readings to try, in order: Basic may be sent form-encoded or raw, so it may have two.
    pub candidates: Vec<Candidate>,
}

/// An assertion that a request presented. Not `Debug`: until it has expired or was used, it is as good as a secret.
pub struct PresentedAssertion {
    /// `client_assertion`
    pub assertion: Zeroizing<String>,
    /// `client_id`, which need not be there (RFC 7521 §4.2).
    pub client_id: Option<String>,
}

impl PresentedCredentials {
    /// How the request authenticates.
    pub const fn mechanism(&self) -> Mechanism {
        match self {
            Self::Secret(secret) => secret.mechanism,
            Self::Assertion(_) => Mechanism::PrivateKeyJwt,
        }
    }
}

/// Did the request try to authenticate by HTTP Basic? Only then does a 401 carry a challenge (RFC 6749 §5.2).
pub fn uses_basic(authorization: &[&[u8]]) -> bool {
    authorization.iter().any(|header| basic_payload(header).is_some())
}

/// Finds the one mechanism a request uses.
///
/// `authorization` holds the value of each `Authorization` header.
///
/// # Errors
/// `invalid_request` when two mechanisms or two secrets are presented or one is malformed, `invalid_client` when there
/// is none.
pub fn parse_credentials(
    authorization: &[&[u8]],
    parameters: &mut TokenParameters,
) -> Result<PresentedCredentials, TokenError> {
    let body_secret = parameters.client_secret.take();
    let assertion = parameters.client_assertion.take();
    let header = match authorization {
        [] => None,
        [one] => Some(*one),
        _ => return Err(MalformedRequest::TwoAuthorizationHeaders.into()),
    };
    // RFC 6749 §2.3: "The client MUST NOT use more than one authentication method in each request."
    if [header.is_some(), body_secret.is_some(), assertion.is_some()].into_iter().filter(|used| *used).count() > 1 {
        return Err(MalformedRequest::TwoMethods.into());
    }
    if let Some(header) = header {
        let payload = basic_payload(header).ok_or(TokenError::UnsupportedAuthorizationScheme)?;
        return parse_basic(payload, parameters.client_id.as_deref());
    }
    let client_id = parameters.client_id.take();
    if let Some(assertion) = assertion {
        return match parameters.client_assertion_type.as_deref() {
            Some(CLIENT_ASSERTION_TYPE) => {
                Ok(PresentedCredentials::Assertion(PresentedAssertion { assertion, client_id }))
            }
            Some(_) => Err(TokenError::UnsupportedAssertionType),
            None => Err(MalformedRequest::AssertionTypeMissing.into()),
        };
    }
    match (client_id, body_secret) {
        (Some(client_id), Some(secret)) => Ok(PresentedCredentials::Secret(PresentedSecret {
            mechanism: Mechanism::ClientSecretPost,
            candidates: vec![Candidate { client_id, secret }],
        })),
        _ => Err(TokenError::NoCredentials),
    }
}

/// What follows the scheme `Basic`, in any case (RFC 9110 §11.1); `None` for another scheme.
fn basic_payload(header: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = header.split_at_checked(5)?;
    let is_basic = scheme.eq_ignore_ascii_case(b"basic") && matches!(rest.first(), None | Some(b' '));
    is_basic.then(|| rest.trim_ascii())
}

/// Reads the Basic credentials, raw and form-encoded.
///
/// RFC 6749 §2.3.1 wants id and secret form-encoded first; curl and most Python clients send them raw. Generated ids
/// and secrets mean the same either way; for the others both readings are tried.
fn parse_basic(payload: &[u8], body_client_id: Option<&str>) -> Result<PresentedCredentials, TokenError> {
    let malformed = TokenError::from(MalformedRequest::MalformedBasic);
    let Ok(decoded) = BASE64_STANDARD.decode(payload).map(Zeroizing::new) else { return Err(malformed) };
    let Ok(text) = std::str::from_utf8(&decoded) else { return Err(malformed) };
    let Some((raw_id, raw_secret)) = text.split_once(':') else { return Err(malformed) };
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(malformed);
    }
    let mut candidates = Vec::with_capacity(1);
    let decoded_id = decode_form_component(raw_id.as_bytes());
    let decoded_secret = decode_form_component(raw_secret.as_bytes());
    if let (Ok(id), Ok(secret)) = (decoded_id, decoded_secret)
        && (id != raw_id || secret != raw_secret)
    {
        candidates.push(Candidate { client_id: id.into_owned(), secret: Zeroizing::new(secret.into_owned()) });
    }
    candidates.push(Candidate { client_id: raw_id.to_owned(), secret: Zeroizing::new(raw_secret.to_owned()) });
    if let Some(body_id) = body_client_id {
        candidates.retain(|candidate| candidate.client_id == body_id);
        if candidates.is_empty() {
            return Err(MalformedRequest::ClientIdsDiffer.into());
        }
    }
    if candidates.iter().all(|candidate| candidate.client_id.is_empty() || candidate.secret.is_empty()) {
        return Err(TokenError::NoCredentials);
    }
    Ok(PresentedCredentials::Secret(PresentedSecret { mechanism: Mechanism::ClientSecretBasic, candidates }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn basic(text: &str) -> Vec<u8> {
        format!("Basic {}", BASE64_STANDARD.encode(text)).into_bytes()
    }

    fn readings(header: &[u8]) -> Vec<(String, String)> {
        let presented = parse_credentials(&[header], &mut TokenParameters::default()).ok().unwrap();
        let PresentedCredentials::Secret(presented) = presented else { panic!("not a secret") };
        presented.candidates.into_iter().map(|one| (one.client_id, one.secret.to_string())).collect()
    }

    fn failure(headers: &[&[u8]], mut parameters: TokenParameters) -> TokenError {
        parse_credentials(headers, &mut parameters).err().unwrap()
    }

    fn owned(id: &str, secret: &str) -> (String, String) {
        (id.to_owned(), secret.to_owned())
    }

    #[test]
    fn basic_without_special_characters_has_one_reading() {
        assert_eq!(readings(&basic("partner-a:ths_x")), [owned("partner-a", "ths_x")]);
        assert_eq!(readings(b"bAsIc cGFydG5lcjpzZWNyZXQ="), [owned("partner", "secret")]);
    }

    #[test]
    fn basic_with_percent_or_plus_is_read_both_ways() {
        assert_eq!(readings(&basic("a%2Db:c+d")), [owned("a-b", "c d"), owned("a%2Db", "c+d")]);
        assert_eq!(readings(&basic("a:100%")), [owned("a", "100%")], "not an encoding, so only raw");
        assert_eq!(readings(&basic("a:b:c")), [owned("a", "b:c")], "only the first colon separates");
    }

    #[rstest]
    #[case(b"Basic ###")]
    #[case(b"Basic bm9jb2xvbg==")] // "nocolon"
    #[case(b"Basic //79")] // not UTF-8
    #[case(b"Basic YTpiAA==")] // "a:b\0"
    #[case(b"Basic")]
    fn malformed_basic_is_an_invalid_request(#[case] header: &[u8]) {
        assert_eq!(failure(&[header], TokenParameters::default()), MalformedRequest::MalformedBasic.into());
    }

    #[test]
    fn rfc6749_2_3_one_mechanism_per_request() {
        let header = basic("a:b");
        let with_secret = TokenParameters { client_secret: Some("b".to_owned().into()), ..Default::default() };
        assert_eq!(failure(&[&header], with_secret), MalformedRequest::TwoMethods.into());
        let with_assertion = TokenParameters { client_assertion: Some("x".to_owned().into()), ..Default::default() };
        assert_eq!(failure(&[&header], with_assertion), MalformedRequest::TwoMethods.into());
        assert_eq!(
            failure(&[&header, &header], TokenParameters::default()),
            MalformedRequest::TwoAuthorizationHeaders.into()
        );
    }

    #[test]
    fn the_client_id_in_the_body_must_be_that_of_the_header() {
        let same = TokenParameters { client_id: Some("a".to_owned()), ..Default::default() };
        assert!(parse_credentials(&[&basic("a:b")], &mut { same }).is_ok());
        let other = TokenParameters { client_id: Some("other".to_owned()), ..Default::default() };
        assert_eq!(failure(&[&basic("a:b")], other), MalformedRequest::ClientIdsDiffer.into());
    }

    #[test]
    fn half_a_credential_is_none() {
        let id_only = TokenParameters { client_id: Some("a".to_owned()), ..Default::default() };
        assert_eq!(failure(&[], id_only), TokenError::NoCredentials);
        assert_eq!(failure(&[&basic("a:")], TokenParameters::default()), TokenError::NoCredentials);
        assert_eq!(failure(&[&basic(":b")], TokenParameters::default()), TokenError::NoCredentials);
        assert_eq!(failure(&[b"Bearer abc"], TokenParameters::default()), TokenError::UnsupportedAuthorizationScheme);
    }

    #[test]
    fn the_body_has_one_reading() {
        let mut parameters = TokenParameters {
            client_id: Some("a%2Db".to_owned()),
            client_secret: Some("c+d".to_owned().into()),
            ..Default::default()
        };
        let presented = parse_credentials(&[], &mut parameters).ok().unwrap();
        assert_eq!(presented.mechanism(), Mechanism::ClientSecretPost);
        let PresentedCredentials::Secret(presented) = presented else { panic!("not a secret") };
        let [only] = presented.candidates.as_slice() else { panic!("not one reading") };
        assert_eq!((only.client_id.as_str(), only.secret.as_str()), ("a%2Db", "c+d"));
    }

    #[test]
    fn rfc6749_5_2_only_basic_is_answered_with_a_challenge() {
        for header in [&b"Basic cGFydG5lcjpzZWNyZXQ="[..], b"BASIC", b"Basic  "] {
            assert!(uses_basic(&[b"Bearer abc", header]));
        }
        for headers in [&[][..], &[&b"Bearer abc"[..]], &[b"Basically abc"], &[b"Bas"]] {
            assert!(!uses_basic(headers));
        }
    }

    #[test]
    fn mechanisms_are_called_as_in_the_metadata() {
        let names = Mechanism::ALL.map(Mechanism::as_str);
        assert_eq!(names, ["client_secret_basic", "client_secret_post", "private_key_jwt", "console_session"]);
    }

    #[test]
    fn an_assertion_has_its_type() {
        let with = |type_: Option<&str>, client_id: Option<&str>| {
            let mut parameters = TokenParameters {
                client_assertion: Some("a.b.c".to_owned().into()),
                client_assertion_type: type_.map(str::to_owned),
                client_id: client_id.map(str::to_owned),
                ..Default::default()
            };
            parse_credentials(&[], &mut parameters)
        };
        for client_id in [None, Some("partner")] {
            let presented = with(Some(CLIENT_ASSERTION_TYPE), client_id).ok().unwrap();
            assert_eq!(presented.mechanism(), Mechanism::PrivateKeyJwt);
            let PresentedCredentials::Assertion(presented) = presented else { panic!("not an assertion") };
            assert_eq!((presented.assertion.as_str(), presented.client_id.as_deref()), ("a.b.c", client_id));
        }
        assert_eq!(with(None, None).err(), Some(MalformedRequest::AssertionTypeMissing.into()));
        let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
        assert_eq!(with(Some(saml), None).err(), Some(TokenError::UnsupportedAssertionType));
        let only_type =
            TokenParameters { client_assertion_type: Some(CLIENT_ASSERTION_TYPE.to_owned()), ..Default::default() };
        assert_eq!(failure(&[], only_type), TokenError::NoCredentials);
    }

    proptest! {
        #[test]
        fn both_spellings_of_any_credentials_are_among_the_readings(id in "[!-9;-~]{1,20}", secret in "[ -~]{1,30}") {
            let expected = (id.clone(), secret.clone());
            let raw = readings(&basic(&format!("{id}:{secret}")));
            prop_assert!(raw.contains(&expected));
            let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let encoded = readings(&basic(&format!("{}:{}", encode(&id), encode(&secret))));
            prop_assert!(encoded.contains(&expected));
        }

        #[test]
        fn no_header_panics(header in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse_credentials(&[&header], &mut TokenParameters::default());
        }
    }
}
