//! How does a key sign whatever is asked of it, also under another algorithm? (RFC 7518 §3)
//!
//! A signer of real tokens must never do this, so it is no part of `keys`.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use thiserror::Error;

use super::case::NotSent;
use crate::clock::UnixMillis;
use crate::keys::{PrivateKey, PublicJwk, PublicJwkError, SigningAlg};

/// Why a key is of no use here.
#[derive(Debug, Error)]
pub enum SpecimenKeyError {
    /// Its public half.
    #[error(transparent)]
    Jwk(#[from] PublicJwkError),
    /// The library does not take it.
    #[error("the key cannot be parsed")]
    Unparsable,
}

/// The two keys of a run.
#[derive(Debug)]
pub struct KeyRing {
    /// The published one.
    pub genuine: Arc<SpecimenKey>,
    /// An attacker's, of the same kind.
    pub attacker: Arc<SpecimenKey>,
}

/// A key with its public half in every spelling.
pub struct SpecimenKey {
    parsed: Parsed,
    alg: SigningAlg,
    jwk: PublicJwk,
    spki: Vec<u8>,
    raw: Vec<u8>,
}

enum Parsed {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SpecimenKey {
    /// Parses `key`; its certificate is valid from `not_before`.
    ///
    /// # Errors
    /// If it cannot be parsed.
    pub fn new(key: &PrivateKey, not_before: UnixMillis) -> Result<Self, SpecimenKeyError> {
        let jwk = PublicJwk::from_private_key(key, not_before)?;
        let der = key.expose_pkcs8();
        let unparsable = |_| SpecimenKeyError::Unparsable;
        let parsed = match key.alg() {
            SigningAlg::Rs256 | SigningAlg::Ps256 => Parsed::Rsa(RsaKeyPair::from_pkcs8(der).map_err(unparsable)?),
            SigningAlg::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
                Parsed::P256(pair.map_err(unparsable)?)
            }
            SigningAlg::EdDsa => Parsed::Ed25519(Ed25519KeyPair::from_pkcs8(der).map_err(unparsable)?),
        };
        let spki: Result<PublicKeyX509Der<'_>, _> = match &parsed {
            Parsed::Rsa(pair) => pair.public_key().as_der(),
            Parsed::P256(pair) => pair.public_key().as_der(),
            Parsed::Ed25519(pair) => pair.public_key().as_der(),
        };
        let spki = spki.map_err(|_| SpecimenKeyError::Unparsable)?.as_ref().to_vec();
        let raw = match &parsed {
            Parsed::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Parsed::P256(pair) => pair.public_key().as_ref().to_vec(),
            Parsed::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        };
        Ok(Self { parsed, alg: key.alg(), jwk, spki, raw })
    }

    /// The algorithm that it is published for.
    pub const fn alg(&self) -> SigningAlg {
        self.alg
    }

    /// Its thumbprint.
    pub fn kid(&self) -> &str {
        &self.jwk.kid
    }

    /// What a JWK Set says of it.
    pub const fn public_jwk(&self) -> &PublicJwk {
        &self.jwk
    }

    /// The same as JSON.
    pub fn jwk(&self) -> Value {
        serde_json::to_value(&self.jwk).unwrap_or_else(|_| json!({}))
    }

    /// The public key, as SubjectPublicKeyInfo in DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The public key as the algorithm itself has it: for RSA, PKCS#1.
    pub fn raw_der(&self) -> &[u8] {
        &self.raw
    }

    /// SubjectPublicKeyInfo as PEM.
    pub fn spki_pem(&self) -> String {
        pem("PUBLIC KEY", &self.spki)
    }

    /// PKCS#1 as PEM.
    pub fn raw_pem(&self) -> String {
        pem("RSA PUBLIC KEY", &self.raw)
    }

    /// A certificate of it.
    pub fn certificate_pem(&self) -> String {
        self.jwk.certificate_pem()
    }

    /// Signs with the algorithm that it is published for.
    ///
    /// # Errors
    /// If the library refuses.
    pub fn sign(&self, input: &[u8]) -> Result<Vec<u8>, NotSent> {
        self.sign_as(self.alg.as_str(), input)
    }

    /// Signs with another algorithm that the same key can do.
    ///
    /// # Errors
    /// If it cannot, or the library refuses.
    pub fn sign_as(&self, alg: &str, input: &[u8]) -> Result<Vec<u8>, NotSent> {
        let random = SystemRandom::new();
        match &self.parsed {
            Parsed::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match alg {
                    "RS256" => &RSA_PKCS1_SHA256,
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => return Err(NotSent::DoesNotApply("an RSA key cannot sign so")),
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, input, &mut signature).map_err(|_| NotSent::SigningFailed)?;
                Ok(signature)
            }
            Parsed::P256(pair) if alg == "ES256" => {
                let signature = pair.sign(&random, input).map_err(|_| NotSent::SigningFailed)?;
                Ok(signature.as_ref().to_vec())
            }
            Parsed::Ed25519(pair) if alg == "EdDSA" => Ok(pair.sign(input).as_ref().to_vec()),
            Parsed::P256(_) | Parsed::Ed25519(_) => {
                Err(NotSent::DoesNotApply("this key has one algorithm only; try it with an RSA key"))
            }
        }
    }
}

impl std::fmt::Debug for SpecimenKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SpecimenKey").field("kid", &self.jwk.kid).finish_non_exhaustive()
    }
}

/// The HMAC of `input` under `secret`, with `alg`.
pub(super) fn mac(alg: &str, secret: &[u8], input: &[u8]) -> Vec<u8> {
    let algorithm = match alg {
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    hmac::sign(&hmac::Key::new(algorithm, secret), input).as_ref().to_vec()
}

/// RFC 7468, with the line ends that tools of Unix write.
fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem + &format!("-----END {label}-----\n")
}
