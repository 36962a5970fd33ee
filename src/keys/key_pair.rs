//! How does a parsed key sign, verify and name its public half? The one place that speaks to aws-lc about keys.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use rsa::pkcs8::PrivateKeyInfoRef;

use super::alg::SigningAlg;
use super::jwk::PublicParameters;
use super::private_key::PrivateKeyError;

/// RSA with 4096 bits makes the longest signature.
const MAX_SIGNATURE_BYTES: usize = 512;
const ACCEPTED_RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A private key ready to sign. Parsing checks the key and costs a quarter of an RSA signature: never per token.
pub(super) struct KeyPair {
    alg: SigningAlg,
    parsed: Parsed,
}

enum Parsed {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// aws-lc refused to sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct SigningFailed;

/// A signature, on the stack.
pub(super) struct Signature {
    bytes: [u8; MAX_SIGNATURE_BYTES],
    length: usize,
}

impl Signature {
    fn fill(length: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), SigningFailed>) -> Result<Self, SigningFailed> {
        let mut bytes = [0_u8; MAX_SIGNATURE_BYTES];
        fill(bytes.get_mut(..length).ok_or(SigningFailed)?)?;
        Ok(Self { bytes, length })
    }

    fn copy(signature: &[u8]) -> Result<Self, SigningFailed> {
        Self::fill(signature.len(), |out| {
            out.copy_from_slice(signature);
            Ok(())
        })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl KeyPair {
    /// Parses and checks a PKCS#8 (RFC 5208, RFC 5958) private key.
    pub(super) fn parse(alg: SigningAlg, pkcs8: &[u8]) -> Result<Self, PrivateKeyError> {
        let wrong_kind = |_| PrivateKeyError::WrongKind { alg };
        let parsed = match alg {
            SigningAlg::Rs256 | SigningAlg::Ps256 => {
                // Before aws-lc looks at it, whose refusal of a short key gives no reason.
                if let Some(bits) = rsa_bits(pkcs8).filter(|bits| !ACCEPTED_RSA_BITS.contains(bits)) {
                    return Err(PrivateKeyError::RsaSize { bits });
                }
                Parsed::Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(wrong_kind)?)
            }
            SigningAlg::Es256 => {
                Parsed::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(wrong_kind)?)
            }
            SigningAlg::EdDsa => Parsed::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8).map_err(wrong_kind)?),
        };
        Ok(Self { alg, parsed })
    }

    pub(super) const fn alg(&self) -> SigningAlg {
        self.alg
    }

    /// The public half as JWK members (RFC 7518 §6, RFC 8037 §2).
    pub(super) fn public_parameters(&self) -> Result<PublicParameters, PrivateKeyError> {
        let wrong_kind = PrivateKeyError::WrongKind { alg: self.alg };
        Ok(match &self.parsed {
            Parsed::Rsa(key) => {
                // aws-lc gives an RSAPublicKey (RFC 8017 §A.1.1); Base64urlUInt has no leading zeros, like UintRef.
                let public_key = RsaPublicKeyRef::try_from(key.public_key().as_ref()).map_err(|_| wrong_kind)?;
                PublicParameters::Rsa {
                    n: URL_SAFE_NO_PAD.encode(public_key.modulus.as_bytes()),
                    e: URL_SAFE_NO_PAD.encode(public_key.public_exponent.as_bytes()),
                }
            }
            Parsed::P256(key) => {
                // 0x04, x, y, each coordinate of full length (RFC 7518 §6.2.1.2).
                let (x, y) = key
                    .public_key()
                    .as_ref()
                    .strip_prefix(&[4])
                    .filter(|point| point.len() == 64)
                    .and_then(|point| point.split_at_checked(32))
                    .ok_or(wrong_kind)?;
                PublicParameters::Ec {
                    crv: "P-256".to_owned(),
                    x: URL_SAFE_NO_PAD.encode(x),
                    y: URL_SAFE_NO_PAD.encode(y),
                }
            }
            Parsed::Ed25519(key) => PublicParameters::Okp {
                crv: "Ed25519".to_owned(),
                x: URL_SAFE_NO_PAD.encode(key.public_key().as_ref()),
            },
        })
    }

    /// How many bytes a signature has.
    pub(super) fn signature_bytes(&self) -> usize {
        match &self.parsed {
            Parsed::Rsa(key) => key.public_modulus_len(),
            Parsed::P256(_) | Parsed::Ed25519(_) => 64,
        }
    }

    /// Signs `message`.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Signature, SigningFailed> {
        // aws-lc takes its own randomness; the parameter is there for ring's sake.
        let rng = SystemRandom::new();
        match &self.parsed {
            Parsed::Rsa(key) => {
                // RFC 7518 §3.5: the PSS salt has the length of the hash, as it has in `RSA_PSS_SHA256`.
                let padding: &'static dyn RsaEncoding =
                    if self.alg == SigningAlg::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                Signature::fill(key.public_modulus_len(), |out| {
                    key.sign(padding, &rng, message, out).map_err(|_| SigningFailed)
                })
            }
            Parsed::P256(key) => Signature::copy(key.sign(&rng, message).map_err(|_| SigningFailed)?.as_ref()),
            Parsed::Ed25519(key) => Signature::copy(key.try_sign(message).map_err(|_| SigningFailed)?.as_ref()),
        }
    }

    /// Whether the public half accepts `signature`.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let (algorithm, public_key): (&'static dyn VerificationAlgorithm, &[u8]) = match (&self.parsed, self.alg) {
            (Parsed::Rsa(key), SigningAlg::Ps256) => (&RSA_PSS_2048_8192_SHA256, key.public_key().as_ref()),
            (Parsed::Rsa(key), _) => (&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref()),
            (Parsed::P256(key), _) => (&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref()),
            (Parsed::Ed25519(key), _) => (&ED25519, key.public_key().as_ref()),
        };
        UnparsedPublicKey::new(algorithm, public_key).verify(message, signature).is_ok()
    }
}

/// The length of the modulus in `pkcs8`, to the next whole byte; `None` for what is no RSA key.
fn rsa_bits(pkcs8: &[u8]) -> Option<usize> {
    let info = PrivateKeyInfoRef::try_from(pkcs8).ok()?;
    let key = RsaPrivateKeyRef::try_from(info.private_key.as_bytes()).ok()?;
    Some(key.modulus.as_bytes().len() * 8)
}

#[cfg(test)]
mod tests {
    use crate::entropy::SystemEntropy;
    use crate::keys::{RsaBits, SigningAlg, generate_private_key};

    #[test]
    fn only_the_message_that_was_signed_verifies() {
        for alg in SigningAlg::ALL {
            let pair = generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).unwrap().parse().unwrap();
            let signature = pair.sign(b"message").ok().unwrap();
            assert!(pair.verify(b"message", signature.as_bytes()), "{alg}");
            assert!(!pair.verify(b"massage", signature.as_bytes()), "{alg}");
            assert_eq!(signature.as_bytes().len(), pair.signature_bytes());
        }
    }
}
