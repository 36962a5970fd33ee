//! Which private keys are accepted, and how are they read and written? PKCS#8 inside; PEM at the border.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding, SecretDocument};
use thiserror::Error;
use zeroize::Zeroizing;

use super::alg::SigningAlg;
use super::key_pair::KeyPair;

/// Why a private key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PrivateKeyError {
    /// No PEM (RFC 7468) at all, or a block of another kind.
    #[error(
        "expected one PEM block, BEGIN PRIVATE KEY (PKCS#8), BEGIN RSA PRIVATE KEY or BEGIN EC PRIVATE KEY; \
         `openssl pkcs8 -topk8 -nocrypt -in FILE` makes the first of most others"
    )]
    NotPem,
    /// A block under a passphrase.
    #[error("the private key is encrypted: decrypt it first, with `openssl pkcs8 -in FILE -out DECRYPTED`")]
    Encrypted,
    /// Broken, or a key of another algorithm or curve.
    #[error("not a valid private key for {alg}")]
    WrongKind {
        /// What it was to sign.
        alg: SigningAlg,
    },
    /// An RSA key too short to be safe or too long to be quick.
    #[error("the RSA key has {bits} bits: between 2048 and 4096 are accepted")]
    RsaSize {
        /// The length of its modulus.
        bits: usize,
    },
    /// The key generator gave up.
    #[error("the {alg} key could not be generated")]
    Generation {
        /// What was to be made.
        alg: SigningAlg,
    },
}

/// A private key and the one algorithm that it signs with. Wiped from memory when dropped; `Debug` shows no key.
pub struct PrivateKey {
    alg: SigningAlg,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl PrivateKey {
    /// A key from unencrypted PKCS#8 DER, parsed once to be sure of it.
    pub fn from_pkcs8(alg: SigningAlg, pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, PrivateKeyError> {
        KeyPair::parse(alg, &pkcs8)?;
        Ok(Self { alg, pkcs8 })
    }

    /// A key from the one PEM block in `pem`: PKCS#8, PKCS#1 (RFC 8017 §A.1.2) or SEC 1 (RFC 5915).
    pub fn from_pem(alg: SigningAlg, pem: &str) -> Result<Self, PrivateKeyError> {
        let (label, der) = SecretDocument::from_pem(pem.trim()).map_err(|_| PrivateKeyError::NotPem)?;
        let wrong_kind = PrivateKeyError::WrongKind { alg };
        let pkcs8 = match label {
            "PRIVATE KEY" => Zeroizing::new(der.as_bytes().to_vec()),
            "RSA PRIVATE KEY" => {
                let key = rsa::PrivateKey::from_pkcs1_der(der.as_bytes()).map_err(|_| wrong_kind)?;
                key.to_pkcs8_der().map_err(|_| wrong_kind)?.to_bytes()
            }
            "EC PRIVATE KEY" => {
                let key = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_bytes())
                    .map_err(|_| wrong_kind)?;
                Zeroizing::new(key.to_pkcs8v1().map_err(|_| wrong_kind)?.as_ref().to_vec())
            }
            "ENCRYPTED PRIVATE KEY" => return Err(PrivateKeyError::Encrypted),
            _ => return Err(PrivateKeyError::NotPem),
        };
        Self::from_pkcs8(alg, pkcs8)
    }

    /// The key as unencrypted PKCS#8 PEM, for an export that the operator asked for.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, PrivateKeyError> {
        SecretDocument::try_from(self.pkcs8.as_slice())
            .and_then(|document| document.to_pem("PRIVATE KEY", LineEnding::LF))
            .map_err(|_| PrivateKeyError::WrongKind { alg: self.alg })
    }

    /// The algorithm that it signs with.
    pub const fn alg(&self) -> SigningAlg {
        self.alg
    }

    /// The unencrypted PKCS#8 DER, for sealing.
    pub fn expose_pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    pub(super) fn parse(&self) -> Result<KeyPair, PrivateKeyError> {
        KeyPair::parse(self.alg, &self.pkcs8)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PrivateKey").field("alg", &self.alg).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use rsa::pkcs1::EncodeRsaPrivateKey as _;
    use rsa::pkcs8::DecodePrivateKey as _;
    use rstest::rstest;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::keys::public_test_keys::PublicTestKey;
    use crate::keys::{RsaBits, generate_private_key};

    fn pem(label: &'static str, der: &[u8]) -> String {
        SecretDocument::try_from(der).unwrap().to_pem(label, LineEnding::LF).unwrap().to_string()
    }

    #[test]
    fn what_is_exported_can_be_imported() {
        for alg in [SigningAlg::Es256, SigningAlg::EdDsa] {
            let key = generate_private_key(alg, RsaBits::default(), &SystemEntropy).unwrap();
            let exported = key.to_pem().unwrap();
            assert!(exported.starts_with("-----BEGIN PRIVATE KEY-----\n"));
            assert_eq!(PrivateKey::from_pem(alg, &exported).unwrap().expose_pkcs8(), key.expose_pkcs8());
        }
        let key = PublicTestKey::Rs256Active.load();
        assert_eq!(*key.to_pem().unwrap(), include_str!("../../tests/keys/rs256-active.pem"));
    }

    #[test]
    fn the_older_pem_forms_are_the_same_key() {
        let rsa = PublicTestKey::Rs256Active.load();
        let pkcs1 = rsa::PrivateKey::from_pkcs8_der(rsa.expose_pkcs8()).unwrap().to_pkcs1_pem(LineEnding::LF).unwrap();
        assert!(pkcs1.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
        assert_eq!(PrivateKey::from_pem(SigningAlg::Rs256, &pkcs1).unwrap().expose_pkcs8(), rsa.expose_pkcs8());

        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let sec1 = pem("EC PRIVATE KEY", ec.private_key().as_der().unwrap().as_ref());
        let imported = PrivateKey::from_pem(SigningAlg::Es256, &sec1).unwrap();
        assert_eq!(imported.expose_pkcs8(), ec.to_pkcs8v1().unwrap().as_ref());

        for (alg, pem) in [(SigningAlg::Es256, pkcs1.as_str()), (SigningAlg::Rs256, &sec1), (SigningAlg::EdDsa, &sec1)]
        {
            assert_eq!(PrivateKey::from_pem(alg, pem).unwrap_err(), PrivateKeyError::WrongKind { alg });
        }
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        let rsa = PublicTestKey::Rs256Active.load().to_pem().unwrap();
        let ec = generate_private_key(SigningAlg::Es256, RsaBits::default(), &SystemEntropy).unwrap().to_pem().unwrap();
        let refused = |alg, pem: &str| PrivateKey::from_pem(alg, pem).unwrap_err();
        for (alg, pem) in [(SigningAlg::Es256, &rsa), (SigningAlg::EdDsa, &rsa), (SigningAlg::Rs256, &ec)] {
            assert_eq!(refused(alg, pem), PrivateKeyError::WrongKind { alg });
        }
        assert!(PrivateKey::from_pem(SigningAlg::Ps256, &rsa).is_ok());
    }

    #[rstest]
    #[case("", PrivateKeyError::NotPem)]
    #[case("MIIEvQIBADANBg", PrivateKeyError::NotPem)]
    #[case("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", PrivateKeyError::NotPem)]
    #[case(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----",
        PrivateKeyError::Encrypted
    )]
    #[case("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----", PrivateKeyError::WrongKind { alg: SigningAlg::Rs256 })]
    fn other_texts_are_refused(#[case] pem: &str, #[case] expected: PrivateKeyError) {
        assert_eq!(PrivateKey::from_pem(SigningAlg::Rs256, pem).unwrap_err(), expected);
    }

    #[test]
    fn a_short_rsa_key_is_refused_for_its_length() {
        let pem = include_str!("../../tests/keys/refused-rsa-1024.pem");
        let error = PrivateKey::from_pem(SigningAlg::Rs256, pem).unwrap_err();
        assert_eq!(error, PrivateKeyError::RsaSize { bits: 1024 });
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", PublicTestKey::Rs256Active.load()), "PrivateKey { alg: Rs256, .. }");
    }
}
