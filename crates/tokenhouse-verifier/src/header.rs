//! Which key, algorithm and kind of token does the JOSE header ask for? (RFC 7515 §4, RFC 8725 §3.1 and §3.11)

use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::error::{TokenPart, VerifyError};
use crate::json_object::parse_json_object;

/// Longest `kid` accepted, in octets.
pub(crate) const MAX_KID_BYTES: usize = 128;

/// The header parameters that are used. `jku`, `jwk`, `x5u`, `x5c` and `x5t` are not among them: a token does not
/// choose the key it is checked with (RFC 8725 §3.10).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JoseHeader {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: String,
    pub(crate) typ: Option<String>,
}

impl JoseHeader {
    /// Parses the decoded header of an access token, which must name its key.
    pub(crate) fn parse(header: &[u8]) -> Result<Self, VerifyError> {
        let ProtectedHeader { algorithm, kid, typ } = ProtectedHeader::parse(header)?;
        Ok(Self { algorithm, kid: kid.ok_or(VerifyError::KidMissing)?, typ })
    }
}

/// The parameters of a JOSE header that are used; `kid` is not required of every kind of JWT.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtectedHeader {
    /// `alg`
    pub algorithm: Algorithm,
    /// `kid`: 1 to 128 octets.
    pub kid: Option<String>,
    /// `typ`, as it came.
    pub typ: Option<String>,
}

impl ProtectedHeader {
    /// Parses the decoded header: no `crit`, `b64`, `enc` or `zip`, an `alg` of the closed list, no member twice.
    pub fn parse(header: &[u8]) -> Result<Self, VerifyError> {
        let mut members = parse_json_object(header)
            .map_err(|reason| VerifyError::NotAJsonObject { part: TokenPart::Header, reason })?;
        // RFC 7515 §4.1.11: no extension is understood, so each `crit` is refused, also an empty one or one of
        // registered names.
        if members.contains_key("crit") {
            return Err(VerifyError::CriticalHeader);
        }
        // RFC 7797 §3: `b64` changes what is signed.
        if members.contains_key("b64") {
            return Err(VerifyError::UnencodedPayload);
        }
        // RFC 7516 §4.1.2 and §4.1.3: they belong to a JWE.
        if members.contains_key("enc") || members.contains_key("zip") {
            return Err(VerifyError::Encrypted);
        }
        let algorithm = match members.get("alg") {
            Some(Value::String(name)) => Algorithm::from_name(name).ok_or(VerifyError::AlgorithmNotSupported)?,
            _ => return Err(VerifyError::AlgorithmNotSupported),
        };
        let kid = match members.remove("kid") {
            Some(Value::String(kid)) if (1..=MAX_KID_BYTES).contains(&kid.len()) => Some(kid),
            Some(_) => return Err(VerifyError::KidMalformed),
            None => None,
        };
        let typ = match members.remove("typ") {
            Some(Value::String(typ)) => Some(typ),
            Some(_) => return Err(VerifyError::TypNotAccepted { typ: None }),
            None => None,
        };
        Ok(Self { algorithm, kid, typ })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_object::JsonObjectError;

    fn refusal(header: &str) -> VerifyError {
        JoseHeader::parse(header.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_is_used_is_taken_and_the_rest_ignored() {
        let header =
            JoseHeader::parse(br#"{"alg":"RS256","kid":"k","typ":"at+jwt","jku":"https://evil/","x5c":[1],"x":{}}"#);
        assert_eq!(
            header.unwrap(),
            JoseHeader { algorithm: Algorithm::Rs256, kid: "k".into(), typ: Some("at+jwt".into()) }
        );
    }

    #[test]
    fn a_header_that_could_mean_something_else_is_refused() {
        let duplicate =
            VerifyError::NotAJsonObject { part: TokenPart::Header, reason: JsonObjectError::DuplicateMember };
        let huge_kid = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(MAX_KID_BYTES + 1));
        for (header, reason) in [
            (r#"{"alg":"RS256","kid":"k","crit":[]}"#, VerifyError::CriticalHeader),
            (r#"{"alg":"RS256","kid":"k","crit":["alg"]}"#, VerifyError::CriticalHeader),
            (r#"{"alg":"RS256","kid":"k","b64":true}"#, VerifyError::UnencodedPayload),
            (r#"{"alg":"RS256","kid":"k","zip":"DEF"}"#, VerifyError::Encrypted),
            (r#"{"alg":"RS256","kid":"k","enc":"A256GCM"}"#, VerifyError::Encrypted),
            (r#"{"alg":"RS256","kid":"k","kid":"k"}"#, duplicate),
            (r#"{"kid":"k"}"#, VerifyError::AlgorithmNotSupported),
            (r#"{"alg":null,"kid":"k"}"#, VerifyError::AlgorithmNotSupported),
            (r#"{"alg":["RS256"],"kid":"k"}"#, VerifyError::AlgorithmNotSupported),
            (r#"{"alg":"nOnE","kid":"k"}"#, VerifyError::AlgorithmNotSupported),
            (r#"{"alg":"RS256"}"#, VerifyError::KidMissing),
            (r#"{"alg":"RS256","kid":""}"#, VerifyError::KidMalformed),
            (r#"{"alg":"RS256","kid":7}"#, VerifyError::KidMalformed),
            (&huge_kid, VerifyError::KidMalformed),
            (r#"{"alg":"RS256","kid":"k","typ":["at+jwt"]}"#, VerifyError::TypNotAccepted { typ: None }),
        ] {
            assert_eq!(refusal(header), reason, "{header}");
        }
    }
}
