//! How do programs want a public key that know no JWK? As SubjectPublicKeyInfo in PEM (RFC 5280 §4.1.2.7, RFC 7468 §13)

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::BoxedUint;
use rsa::pkcs8::{EncodePublicKey as _, LineEnding, SecretDocument};

use super::jwk::PublicParameters;

/// What comes before the point of a P-256 key (RFC 5480 §2.1.1).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// What comes before an Ed25519 key (RFC 8410 §4).
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A JWK that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the JWK is no key")]
pub struct NoKey;

/// The key of `parameters`, in PEM.
///
/// # Errors
/// If they are none.
pub fn public_key_pem(parameters: &PublicParameters) -> Result<String, NoKey> {
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| NoKey);
    let der = match parameters {
        PublicParameters::Rsa { n, e } => {
            let (n, e) = (BoxedUint::from_be_slice_vartime(&decode(n)?), BoxedUint::from_be_slice_vartime(&decode(e)?));
            let key = rsa::PublicKey::new(n, e).map_err(|_| NoKey)?;
            return key.to_public_key_pem(LineEnding::LF).map_err(|_| NoKey);
        }
        PublicParameters::Ec { x, y, .. } => [P256.as_slice(), &[4], &decode(x)?, &decode(y)?].concat(),
        PublicParameters::Okp { x, .. } => [ED25519.as_slice(), &decode(x)?].concat(),
    };
    let document = SecretDocument::try_from(der.as_slice()).map_err(|_| NoKey)?;
    document.to_pem("PUBLIC KEY", LineEnding::LF).map(|pem| pem.to_string()).map_err(|_| NoKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use crate::entropy::SystemEntropy;
    use crate::keys::{PublicJwk, PublicKey, RsaBits, SigningAlg, generate_private_key};

    #[test]
    fn it_is_read_back_as_the_same_key() {
        for alg in SigningAlg::ALL {
            let key = generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).unwrap();
            let jwk = PublicJwk::from_private_key(&key, UnixMillis(0)).unwrap();
            let pem = public_key_pem(&jwk.parameters).unwrap();
            assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{pem}");
            let read = serde_json::to_value(PublicKey::from_pem(&pem, None).unwrap().key.to_jwk("kid")).unwrap();
            let expected = serde_json::to_value(&jwk.parameters).unwrap();
            for (name, value) in expected.as_object().unwrap() {
                assert_eq!(read[name], *value, "{alg}");
            }
        }
        assert_eq!(public_key_pem(&PublicParameters::Rsa { n: "!".to_owned(), e: "AQAB".to_owned() }), Err(NoKey));
    }
}
