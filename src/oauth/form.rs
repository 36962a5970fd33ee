//! Which parameters does the body of a client's request hold? (RFC 6749 §3.2 and Appendix B)

use std::borrow::Cow;

use zeroize::Zeroizing;

/// The endpoint whose parameters are read: those of others are as good as unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The token endpoint.
    Token,
    /// The endpoint where a client replaces its secret.
    Secret,
}

/// The parameters of a request that this server knows, each at most once (but `resource`, RFC 8707 §2).
///
/// Empty values and JSON `null` count as absent (RFC 6749 §3.2); unknown parameters are ignored. Not `Debug`: it may
/// hold a secret.
#[derive(Default)]
#[expect(missing_docs, reason = "each field is the parameter of that name")]
pub struct TokenParameters {
    pub grant_type: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<Zeroizing<String>>,
    pub client_assertion: Option<Zeroizing<String>>,
    pub client_assertion_type: Option<String>,
    pub audience: Option<String>,
    pub resource: Vec<String>,
    pub scope: Option<String>,
    pub organization: Option<String>,
    pub label: Option<String>,
    pub overlap_seconds: Option<String>,
}

/// Why a body holds no usable parameters; the text is for the caller and quotes nothing of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedBody {
    /// A `%` that is not followed by two hexadecimal digits.
    #[error("the form body holds a % that is not followed by two hexadecimal digits; percent-encode it as %25")]
    PercentEncoding,
    /// Not UTF-8 after decoding.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Not one JSON object.
    #[error("the body is not one JSON object; check its quotes, commas and Content-Type")]
    NotJsonObject,
    /// A known parameter twice.
    #[error("the parameter {0} was given more than once")]
    Repeated(&'static str),
    /// A known parameter that is not a JSON string.
    #[error("the JSON member {0} must be a string")]
    NotAString(&'static str),
    /// A known parameter that is not a JSON number.
    #[error("the JSON member {0} must be a number")]
    NotANumber(&'static str),
    /// More parameters than the limit.
    #[error("the body holds more than {0} parameters")]
    TooMany(usize),
}

/// The parameters this server knows. Anything else is ignored (RFC 6749 §3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    GrantType,
    ClientId,
    ClientSecret,
    ClientAssertion,
    ClientAssertionType,
    Audience,
    Resource,
    Scope,
    Organization,
    Label,
    OverlapSeconds,
}

impl Known {
    const NAMES: [(&'static str, Self); 11] = [
        ("grant_type", Self::GrantType),
        ("client_id", Self::ClientId),
        ("client_secret", Self::ClientSecret),
        ("audience", Self::Audience),
        ("scope", Self::Scope),
        ("resource", Self::Resource),
        ("client_assertion", Self::ClientAssertion),
        ("client_assertion_type", Self::ClientAssertionType),
        ("organization", Self::Organization),
        ("label", Self::Label),
        ("overlap_seconds", Self::OverlapSeconds),
    ];

    pub(super) fn named(name: &str, endpoint: Endpoint) -> Option<(&'static str, Self)> {
        Self::NAMES.into_iter().find(|(known, parameter)| *known == name && parameter.is_of(endpoint))
    }

    const fn is_of(self, endpoint: Endpoint) -> bool {
        match self {
            Self::ClientId | Self::ClientSecret | Self::ClientAssertion | Self::ClientAssertionType => true,
            Self::GrantType | Self::Audience | Self::Resource | Self::Scope | Self::Organization => {
                matches!(endpoint, Endpoint::Token)
            }
            Self::Label | Self::OverlapSeconds => matches!(endpoint, Endpoint::Secret),
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// Collects parameters and notices repetition, also of empty ones.
#[derive(Default)]
pub(super) struct Collector {
    pub(super) parameters: TokenParameters,
    seen: u16,
}

impl Collector {
    pub(super) fn note_once(&mut self, name: &'static str, known: Known) -> Result<(), MalformedBody> {
        if self.seen & known.bit() != 0 {
            return Err(MalformedBody::Repeated(name));
        }
        self.seen |= known.bit();
        Ok(())
    }

    pub(super) fn store(&mut self, known: Known, value: String) {
        if value.is_empty() {
            return;
        }
        let parameters = &mut self.parameters;
        match known {
            Known::GrantType => parameters.grant_type = Some(value),
            Known::ClientId => parameters.client_id = Some(value),
            Known::ClientSecret => parameters.client_secret = Some(Zeroizing::new(value)),
            Known::ClientAssertion => parameters.client_assertion = Some(Zeroizing::new(value)),
            Known::ClientAssertionType => parameters.client_assertion_type = Some(value),
            Known::Audience => parameters.audience = Some(value),
            Known::Scope => parameters.scope = Some(value),
            Known::Organization => parameters.organization = Some(value),
            Known::Label => parameters.label = Some(value),
            Known::OverlapSeconds => parameters.overlap_seconds = Some(value),
            Known::Resource => parameters.resource.push(value),
        }
    }
}

/// Parses an `application/x-www-form-urlencoded` body with at most `limit` parameters.
pub fn parse_form(body: &[u8], limit: usize, endpoint: Endpoint) -> Result<TokenParameters, MalformedBody> {
    let mut collector = Collector::default();
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    for (index, pair) in pairs.enumerate() {
        if index >= limit {
            return Err(MalformedBody::TooMany(limit));
        }
        let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default()),
            None => (pair, [].as_slice()),
        };
        let name = decode_form_component(name)?;
        if let Some((name, known)) = Known::named(&name, endpoint) {
            // RFC 8707 §2: it may be given several times.
            if known != Known::Resource {
                collector.note_once(name, known)?;
            }
            collector.store(known, decode_form_component(value)?.into_owned());
        }
    }
    Ok(collector.parameters)
}

/// Decodes one name or value of a form (RFC 6749 Appendix B): `+` is a space, `%XX` an octet.
pub fn decode_form_component(encoded: &[u8]) -> Result<Cow<'_, str>, MalformedBody> {
    if !encoded.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return std::str::from_utf8(encoded).map(Cow::Borrowed).map_err(|_| MalformedBody::NotUtf8);
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some(plain) = rest.iter().position(|byte| matches!(byte, b'%' | b'+')) {
        let (before, after) = rest.split_at_checked(plain).unwrap_or_default();
        decoded.extend_from_slice(before);
        let (byte, after) = match after {
            [b'+', after @ ..] => (b' ', after),
            [b'%', high, low, after @ ..] => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => return Err(MalformedBody::PercentEncoding),
            },
            _ => return Err(MalformedBody::PercentEncoding),
        };
        decoded.push(byte);
        rest = after;
    }
    decoded.extend_from_slice(rest);
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| MalformedBody::NotUtf8)
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn form(body: &str) -> Result<TokenParameters, MalformedBody> {
        parse_form(body.as_bytes(), 64, Endpoint::Token)
    }

    #[test]
    fn a_form_is_decoded_and_unknown_parameters_are_ignored() {
        let parameters = form("grant_type=client_credentials&scope=a+b%20c&foo=1&foo=2&client_id=").ok().unwrap();
        assert_eq!(parameters.grant_type.as_deref(), Some("client_credentials"));
        assert_eq!(parameters.scope.as_deref(), Some("a b c"));
        assert_eq!(parameters.client_id, None, "an empty value is an absent one");
    }

    #[rstest]
    #[case("scope=a&scope=b", MalformedBody::Repeated("scope"))]
    #[case("scope=&scope=", MalformedBody::Repeated("scope"))]
    #[case("client_secret=%zz", MalformedBody::PercentEncoding)]
    #[case("client_secret=%4", MalformedBody::PercentEncoding)]
    #[case("client_id=%ff", MalformedBody::NotUtf8)]
    fn a_malformed_form_says_what_is_wrong(#[case] body: &str, #[case] expected: MalformedBody) {
        assert_eq!(form(body).err(), Some(expected));
    }

    #[test]
    fn every_octet_has_its_hexadecimal_spellings() {
        for octet in 0..=u8::MAX {
            let expected = std::str::from_utf8(&[octet]).map(str::to_owned).map_err(|_| MalformedBody::NotUtf8);
            for spelling in [format!("%{octet:02X}"), format!("%{octet:02x}")] {
                let decoded = decode_form_component(spelling.as_bytes()).map(Cow::into_owned);
                assert_eq!(decoded, expected, "{spelling}");
            }
        }
    }

    #[test]
    fn resource_may_repeat() {
        assert_eq!(form("resource=a&resource=b").ok().unwrap().resource, ["a", "b"]);
    }

    #[test]
    fn too_many_parameters_are_refused() {
        assert!(form(&"x=1&".repeat(64)).is_ok());
        assert_eq!(form(&"x=1&".repeat(65)).err(), Some(MalformedBody::TooMany(64)));
    }

    #[test]
    fn each_endpoint_knows_its_own_parameters_only() {
        let body = "label=a&label=b&overlap_seconds=1&overlap_seconds=2";
        let token = form(body).ok().unwrap();
        assert_eq!((token.label, token.overlap_seconds), (None, None));
        let secret = |body: &str| parse_form(body.as_bytes(), 64, Endpoint::Secret);
        assert_eq!(secret(body).err(), Some(MalformedBody::Repeated("label")));
        assert_eq!(secret("scope=a&scope=b&label=x").ok().unwrap().label.as_deref(), Some("x"));
    }

    proptest! {
        #[test]
        fn any_text_survives_form_encoding(text in "\\PC{1,40}") {
            let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let body = format!("scope={encoded}");
            prop_assert_eq!(form(&body).ok().unwrap().scope, Some(text));
        }

        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            for endpoint in [Endpoint::Token, Endpoint::Secret] {
                let _ = parse_form(&body, 64, endpoint);
            }
        }
    }
}
