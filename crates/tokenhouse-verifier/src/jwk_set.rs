//! Which keys does an issuer's JWK Set offer for verifying access tokens? (RFC 7517 §5)

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;
use thiserror::Error;

use crate::algorithm::Algorithm;
use crate::error::VerifyError;
use crate::json_object::{JsonObjectError, parse_json_object};
use crate::jwk::{UnusableKey, VerificationKey};

/// Most keys a set may hold: many more than a rotation needs, few enough to parse at once.
pub const MAX_KEYS: usize = 64;

/// Why a document is not a JWK Set that can be worked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JwkSetError {
    /// Not a JSON object.
    #[error("the JWK Set {0}")]
    NotAJsonObject(JsonObjectError),
    /// No `keys`, or not an array.
    #[error("the JWK Set has no array `keys`")]
    NoKeys,
    /// More than [`MAX_KEYS`].
    #[error("the JWK Set has more than {MAX_KEYS} keys")]
    TooManyKeys,
}

/// The keys of an issuer, parsed and ready.
#[derive(Clone)]
pub struct JwkSet {
    keys: Vec<VerificationKey>,
    unusable: Vec<(Option<String>, UnusableKey)>,
    generation: [u8; 32],
}

impl JwkSet {
    /// Parses the JSON of a JWK Set. Unknown members are ignored and keys that cannot be used passed over (RFC 7517
    /// §5), so that a set with a key of some future kind still works.
    pub fn parse(json: &[u8]) -> Result<Self, JwkSetError> {
        let document = parse_json_object(json).map_err(JwkSetError::NotAJsonObject)?;
        let Some(Value::Array(members)) = document.get("keys") else { return Err(JwkSetError::NoKeys) };
        if members.len() > MAX_KEYS {
            return Err(JwkSetError::TooManyKeys);
        }
        let (mut keys, mut unusable) = (Vec::new(), Vec::new());
        for member in members {
            match member.as_object().ok_or(UnusableKey::Malformed).and_then(VerificationKey::from_jwk) {
                Ok(key) => keys.push(key),
                Err(reason) => unusable.push((member.get("kid").and_then(Value::as_str).map(str::to_owned), reason)),
            }
        }
        let generation = digest(&keys);
        Ok(Self { keys, unusable, generation })
    }

    /// The usable keys.
    pub fn keys(&self) -> &[VerificationKey] {
        &self.keys
    }

    /// The `kid` and the reason of each key that was passed over.
    pub fn unusable(&self) -> &[(Option<String>, UnusableKey)] {
        &self.unusable
    }

    /// Whether some usable key has this `kid`.
    pub fn contains(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid() == kid)
    }

    /// The key for a token's `kid` and `alg`. Of several with the same `kid` (RFC 7517 §4.5 allows it) the first that
    /// is pinned to that algorithm is taken; a key is never used with another.
    pub(crate) fn find(&self, kid: &str, algorithm: Algorithm) -> Result<&VerificationKey, VerifyError> {
        let mut pinned_to = None;
        for key in self.keys.iter().filter(|key| key.kid() == kid) {
            if key.algorithm() == algorithm {
                return Ok(key);
            }
            pinned_to = pinned_to.or(Some(key.algorithm()));
        }
        match pinned_to {
            Some(key) => Err(VerifyError::AlgorithmMismatch { token: algorithm, key }),
            None => Err(VerifyError::UnknownKey { kid: kid.to_owned() }),
        }
    }

    /// The same for sets with the same usable keys, different for all others.
    pub(crate) const fn generation(&self) -> &[u8; 32] {
        &self.generation
    }
}

impl FromStr for JwkSet {
    type Err = JwkSetError;

    fn from_str(json: &str) -> Result<Self, JwkSetError> {
        Self::parse(json.as_bytes())
    }
}

impl fmt::Debug for JwkSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("JwkSet")
            .field("keys", &self.keys)
            .field("unusable", &self.unusable)
            .finish_non_exhaustive()
    }
}

fn digest(keys: &[VerificationKey]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for key in keys {
        for field in [key.kid().as_bytes(), key.algorithm().name().as_bytes(), key.encoded()] {
            context.update(&(field.len() as u64).to_be_bytes());
            context.update(field);
        }
    }
    context.finish().as_ref().try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    fn rsa(kid: &str, alg: &str) -> Value {
        json!({"kty":"RSA","kid":kid,"alg":alg,"n":URL_SAFE_NO_PAD.encode([0xFF; 256]),"e":"AQAB"})
    }

    fn set(keys: &[Value]) -> JwkSet {
        json!({"keys": keys, "unknown": {}}).to_string().parse().unwrap()
    }

    #[test]
    fn unusable_keys_are_passed_over_and_told() {
        let set = set(&[json!(1), json!({"kty":"oct","kid":"o","k":"AA"}), rsa("a", "RS256")]);
        assert_eq!(set.keys().len(), 1);
        assert!(set.contains("a") && !set.contains("o"));
        assert_eq!(set.unusable(), [(None, UnusableKey::Malformed), (Some("o".into()), UnusableKey::Private)]);
    }

    #[test]
    fn a_key_is_found_by_kid_and_algorithm_together() {
        let set = set(&[rsa("a", "RS256"), rsa("a", "PS256"), rsa("b", "PS256")]);
        assert_eq!(set.find("a", Algorithm::Ps256).unwrap().algorithm(), Algorithm::Ps256);
        assert_eq!(set.find("a", Algorithm::Rs256).unwrap().algorithm(), Algorithm::Rs256);
        assert_eq!(
            set.find("b", Algorithm::Rs256).unwrap_err(),
            VerifyError::AlgorithmMismatch { token: Algorithm::Rs256, key: Algorithm::Ps256 }
        );
        assert_eq!(set.find("../b", Algorithm::Ps256).unwrap_err(), VerifyError::UnknownKey { kid: "../b".into() });
    }

    #[test]
    fn a_document_that_is_no_set_is_refused() {
        for (text, reason) in [
            ("[]", JwkSetError::NotAJsonObject(JsonObjectError::NotAnObject)),
            ("{\"keys\":[],\"keys\":[]}", JwkSetError::NotAJsonObject(JsonObjectError::DuplicateMember)),
            ("{}", JwkSetError::NoKeys),
            ("{\"keys\":{}}", JwkSetError::NoKeys),
        ] {
            assert_eq!(text.parse::<JwkSet>().unwrap_err(), reason);
        }
        let many = |count| json!({"keys": vec![json!({}); count]}).to_string().parse::<JwkSet>();
        assert_eq!(many(MAX_KEYS).unwrap().unusable().len(), MAX_KEYS);
        assert_eq!(many(MAX_KEYS + 1).unwrap_err(), JwkSetError::TooManyKeys);
    }

    #[test]
    fn the_generation_follows_the_keys_and_nothing_else() {
        let one = set(&[rsa("a", "RS256")]);
        assert_eq!(one.generation(), set(&[rsa("a", "RS256"), json!({"kty":"oct"})]).generation());
        let mut other_modulus = rsa("a", "RS256");
        other_modulus["n"] = URL_SAFE_NO_PAD.encode([0xFD; 256]).into();
        for other in [set(&[rsa("b", "RS256")]), set(&[rsa("a", "PS256")]), set(&[other_modulus]), set(&[])] {
            assert_ne!(one.generation(), other.generation());
        }
    }
}
