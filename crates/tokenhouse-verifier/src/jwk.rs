//! Can this JWK verify access tokens, and with which algorithm? (RFC 7517 §4, RFC 7518 §3 and §6, RFC 8037 §2)

use std::fmt;

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use thiserror::Error;

use crate::algorithm::Algorithm;
use crate::header::MAX_KID_BYTES;
use crate::json_object::JsonObject;

/// Smallest and largest RSA modulus accepted, in bits (RFC 7518 §3.3, RFC 8725 §3.2; the cap bounds the work per
/// token).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The members of a private or symmetric key (RFC 7518 §6.2.2, §6.3.2 and §6.4.1).
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Why a key of a JWK Set is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnusableKey {
    /// Not a JSON object, or a member of the wrong type.
    #[error("it is not a well-formed JWK")]
    Malformed,
    /// No `kid`, or not a string of 1 to 128 octets: no token could name it.
    #[error("it has no kid of 1 to 128 bytes")]
    NoKid,
    /// `use` is not `sig`, or `key_ops` lacks `verify`.
    #[error("it is not for verifying signatures")]
    OtherUse,
    /// A symmetric key, or private members beside the public ones: whoever published it has published a secret.
    #[error("it contains private or symmetric key material")]
    Private,
    /// `kty`, `crv` or `alg` is not supported, or they do not fit together.
    #[error("its kty, crv or alg is not supported")]
    NotSupported,
    /// RSA with fewer than 2048 or more than 8192 bits, an even modulus, or an exponent other than 65537.
    #[error("it is an RSA key of fewer than 2048 or more than 8192 bits, or with an exponent other than 65537")]
    WeakRsa,
}

/// A public key, parsed once, that verifies signatures of one algorithm and no other (RFC 8725 §3.1).
#[derive(Clone)]
pub struct VerificationKey {
    kid: String,
    algorithm: Algorithm,
    key: ParsedPublicKey,
}

impl VerificationKey {
    /// The key's id (RFC 7517 §4.5).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm the key is for.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` is this key's over `message`.
    pub fn verify_signature(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }

    /// The key in an encoding that is the same for equal keys.
    pub(crate) fn encoded(&self) -> &[u8] {
        self.key.as_ref()
    }

    /// Takes a key out of the members of a JWK. Without `alg`, an RSA key is for RS256.
    pub fn from_jwk(jwk: &JsonObject) -> Result<Self, UnusableKey> {
        if PRIVATE_MEMBERS.iter().any(|member| jwk.contains_key(*member)) {
            return Err(UnusableKey::Private);
        }
        check_use(jwk)?;
        let kid = text(jwk, "kid")?.filter(|kid| (1..=MAX_KID_BYTES).contains(&kid.len())).ok_or(UnusableKey::NoKid)?;
        let alg = text(jwk, "alg")?;
        let (algorithm, key) = match (text(jwk, "kty")?, text(jwk, "crv")?, alg) {
            (Some("RSA"), _, None | Some("RS256")) => {
                (Algorithm::Rs256, rsa(jwk, &signature::RSA_PKCS1_2048_8192_SHA256)?)
            }
            (Some("RSA"), _, Some("RS384")) => (Algorithm::Rs384, rsa(jwk, &signature::RSA_PKCS1_2048_8192_SHA384)?),
            (Some("RSA"), _, Some("PS256")) => (Algorithm::Ps256, rsa(jwk, &signature::RSA_PSS_2048_8192_SHA256)?),
            (Some("EC"), Some("P-256"), None | Some("ES256")) => (Algorithm::Es256, p256(jwk)?),
            (Some("OKP"), Some("Ed25519"), None | Some("EdDSA")) => (Algorithm::EdDsa, ed25519(jwk)?),
            _ => return Err(UnusableKey::NotSupported),
        };
        Ok(Self { kid: kid.to_owned(), algorithm, key })
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VerificationKey({:?}, {})", self.kid, self.algorithm)
    }
}

/// RFC 7517 §4.2 and §4.3: a key for encryption does not verify signatures.
fn check_use(jwk: &JsonObject) -> Result<(), UnusableKey> {
    let verifies = match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => return Err(UnusableKey::Malformed),
    };
    if verifies && text(jwk, "use")?.is_none_or(|purpose| purpose == "sig") {
        Ok(())
    } else {
        Err(UnusableKey::OtherUse)
    }
}

fn rsa(jwk: &JsonObject, parameters: &'static signature::RsaParameters) -> Result<ParsedPublicKey, UnusableKey> {
    let (n, e) = (octets(jwk, "n")?, octets(jwk, "e")?);
    // RFC 7518 §6.3.1.1 wants the fewest octets; libraries that put a zero in front are known, and it changes nothing.
    let n = n.get(n.iter().take_while(|octet| **octet == 0).count()..).unwrap_or_default();
    let (Some(first), Some(last)) = (n.first(), n.last()) else { return Err(UnusableKey::WeakRsa) };
    let bits = n.len() * 8 - first.leading_zeros() as usize;
    if !RSA_BITS.contains(&bits) || last & 1 == 0 || e != [1, 0, 1] {
        return Err(UnusableKey::WeakRsa);
    }
    RsaPublicKeyComponents { n, e: e.as_slice() }.to_parsed_public_key(parameters).map_err(|_| UnusableKey::Malformed)
}

fn p256(jwk: &JsonObject) -> Result<ParsedPublicKey, UnusableKey> {
    let (x, y) = (octets(jwk, "x")?, octets(jwk, "y")?);
    // RFC 7518 §6.2.1.2: both coordinates are full length.
    if x.len() != 32 {
        return Err(UnusableKey::Malformed);
    }
    // SEC 1 §2.3.3: an uncompressed point. Parsing it refuses another length, and so another `y`, and a point off the curve.
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).map_err(|_| UnusableKey::Malformed)
}

fn ed25519(jwk: &JsonObject) -> Result<ParsedPublicKey, UnusableKey> {
    ParsedPublicKey::new(&signature::ED25519, octets(jwk, "x")?).map_err(|_| UnusableKey::Malformed)
}

fn text<'a>(jwk: &'a JsonObject, member: &str) -> Result<Option<&'a str>, UnusableKey> {
    jwk.get(member).map(|value| value.as_str().ok_or(UnusableKey::Malformed)).transpose()
}

fn octets(jwk: &JsonObject, member: &str) -> Result<Vec<u8>, UnusableKey> {
    let encoded = text(jwk, member)?.ok_or(UnusableKey::Malformed)?;
    URL_SAFE_NO_PAD.decode(encoded).map_err(|_| UnusableKey::Malformed)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
    use serde_json::json;

    use super::*;

    fn key(jwk: Value) -> Result<VerificationKey, UnusableKey> {
        let Value::Object(members) = jwk else { unreachable!() };
        VerificationKey::from_jwk(&members)
    }

    /// A modulus of that many octets, all bits set: odd, and never verified with here.
    fn modulus(octets: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0xFF; octets])
    }

    #[test]
    fn a_key_is_pinned_to_one_algorithm() {
        for (alg, algorithm) in [
            (Value::Null, Algorithm::Rs256),
            ("RS256".into(), Algorithm::Rs256),
            ("RS384".into(), Algorithm::Rs384),
            ("PS256".into(), Algorithm::Ps256),
        ] {
            let mut jwk =
                json!({"kty":"RSA","kid":"k","n":modulus(256),"e":"AQAB","use":"sig","key_ops":["verify"],"x5t":1});
            if !alg.is_null() {
                jwk.as_object_mut().unwrap().insert("alg".into(), alg);
            }
            let key = key(jwk).unwrap();
            assert_eq!((key.kid(), key.algorithm()), ("k", algorithm));
            assert_eq!(format!("{key:?}"), format!("VerificationKey(\"k\", {algorithm})"));
        }
    }

    #[test]
    fn a_signature_verifies_under_its_key_and_message_only() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let jwk = |pair: &Ed25519KeyPair| {
            let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
            key(json!({"kty":"OKP","kid":"k","crv":"Ed25519","x":x})).unwrap()
        };
        let (own, other) = (jwk(&pair), jwk(&Ed25519KeyPair::generate().unwrap()));
        let signature = pair.sign(b"message");
        assert!(own.verify_signature(b"message", signature.as_ref()));
        assert!(!own.verify_signature(b"massage", signature.as_ref()));
        assert!(!other.verify_signature(b"message", signature.as_ref()));
        assert_eq!(own.encoded(), jwk(&pair).encoded());
        assert_ne!(own.encoded(), other.encoded());
    }

    #[test]
    fn both_coordinates_of_a_point_have_full_length() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let divided_at = |at: usize| {
            let (x, y) = point.split_at(at);
            let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
            key(json!({"kty":"EC","kid":"k","crv":"P-256","x":x,"y":y})).map(|key| key.algorithm())
        };
        assert_eq!(divided_at(32), Ok(Algorithm::Es256));
        for at in [31, 33] {
            assert_eq!(divided_at(at), Err(UnusableKey::Malformed));
        }
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[..32]), [&point[32..], &[0]].concat());
        for y in [&y[..31], &y] {
            let y = URL_SAFE_NO_PAD.encode(y);
            let refused = key(json!({"kty":"EC","kid":"k","crv":"P-256","x":x,"y":y})).unwrap_err();
            assert_eq!(refused, UnusableKey::Malformed);
        }
    }

    #[test]
    fn weak_rsa_keys_are_passed_over() {
        let even = URL_SAFE_NO_PAD.encode([vec![0xFF; 255], vec![0xFE]].concat());
        let short = URL_SAFE_NO_PAD.encode([vec![0x7F], vec![0xFF; 255]].concat());
        for (n, e) in [
            (modulus(128), "AQAB"),
            (modulus(1025), "AQAB"),
            (modulus(256), "Aw"),
            (modulus(256), "AQ"),
            (modulus(256), "AAEAAQ"),
            (even, "AQAB"),
            (short, "AQAB"),
            (String::new(), "AQAB"),
        ] {
            assert_eq!(key(json!({"kty":"RSA","kid":"k","n":n,"e":e})).unwrap_err(), UnusableKey::WeakRsa, "{n} {e}");
        }
        let padded = URL_SAFE_NO_PAD.encode([vec![0x00], vec![0xFF; 256]].concat());
        assert!(key(json!({"kty":"RSA","kid":"k","n":padded,"e":"AQAB"})).is_ok());
    }

    #[test]
    fn other_keys_are_passed_over() {
        let n = modulus(256);
        for (jwk, reason) in [
            (json!({"kty":"oct","kid":"k","k":"AAAA"}), UnusableKey::Private),
            (json!({"kty":"oct","kid":"k","alg":"HS256"}), UnusableKey::NotSupported),
            (json!({"kty":"RSA","kid":"k","n":n,"e":"AQAB","d":"AQAB"}), UnusableKey::Private),
            (json!({"kty":"RSA","n":n,"e":"AQAB"}), UnusableKey::NoKid),
            (json!({"kty":"RSA","kid":"","n":n,"e":"AQAB"}), UnusableKey::NoKid),
            (json!({"kty":"RSA","kid":1,"n":n,"e":"AQAB"}), UnusableKey::Malformed),
            (json!({"kty":"RSA","kid":"k","n":n,"e":"AQAB","use":"enc"}), UnusableKey::OtherUse),
            (json!({"kty":"RSA","kid":"k","n":n,"e":"AQAB","key_ops":["sign"]}), UnusableKey::OtherUse),
            (json!({"kty":"RSA","kid":"k","n":n,"e":"AQAB","alg":"RS512"}), UnusableKey::NotSupported),
            (json!({"kty":"RSA","kid":"k","n":n,"e":"AQAB","alg":"ES256"}), UnusableKey::NotSupported),
            (json!({"kty":"RSA","kid":"k","n":n,"e":"AQAB="}), UnusableKey::Malformed),
            (json!({"kty":"EC","kid":"k","crv":"P-384","x":"AA","y":"AA"}), UnusableKey::NotSupported),
            (json!({"kty":"EC","kid":"k","crv":"P-256","x":"AA","y":"AA"}), UnusableKey::Malformed),
            (json!({"kty":"EC","kid":"k","crv":"P-256","x":modulus(32),"y":modulus(32)}), UnusableKey::Malformed),
            (json!({"kty":"OKP","kid":"k","crv":"X25519","x":modulus(32)}), UnusableKey::NotSupported),
            (json!({"kty":"OKP","kid":"k","crv":"Ed25519","x":modulus(31)}), UnusableKey::Malformed),
        ] {
            assert_eq!(key(jwk.clone()).unwrap_err(), reason, "{jwk}");
        }
    }
}
