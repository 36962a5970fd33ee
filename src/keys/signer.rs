//! How does a token get its signature? Compact JWS by a key that was parsed once (RFC 7515 §3.1, §5.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use thiserror::Error;

use super::alg::SigningAlg;
use super::key_pair::{KeyPair, SigningFailed};
use super::private_key::{PrivateKey, PrivateKeyError};

/// Base64url with AVX2 or NEON, where the processor has it and the text is long enough. Its tables are made once.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon")))]
static BASE64URL: std::sync::LazyLock<base64::engine::Simd> =
    std::sync::LazyLock::new(|| base64::engine::Simd::url_safe(base64::engine::general_purpose::NO_PAD));

/// Base64url a few characters at a time.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon"))))]
static BASE64URL: base64::engine::GeneralPurpose = base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The header types of access tokens: RFC 9068 §2.1, and what Auth0 writes. Their headers are encoded once per key.
const USUAL_TYPES: [&str; 2] = ["at+jwt", "JWT"];

/// Why a key cannot be used to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignerError {
    /// The key itself.
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
    /// It signs, but its public half does not accept the signature.
    #[error("the key failed its self-test: what it signs does not verify")]
    SelfTest,
}

/// The cryptographic library refused to sign: nothing that the request did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("signing failed")]
pub struct SignError;

impl From<SigningFailed> for SignError {
    fn from(_: SigningFailed) -> Self {
        Self
    }
}

/// A key that signs tokens. `Debug` names it and shows no key.
pub struct Signer {
    key_pair: KeyPair,
    kid: String,
    headers: [String; USUAL_TYPES.len()],
}

impl Signer {
    /// Parses the key, once, and proves it: a broken one must fail when it is loaded, not in the first token.
    pub fn from_private_key(key: &PrivateKey) -> Result<Self, SignerError> {
        let key_pair = key.parse()?;
        let kid = key_pair.public_parameters()?.thumbprint();
        let message = b"tokenhouse signing key self-test";
        if !key_pair.sign(message).is_ok_and(|signature| key_pair.verify(message, signature.as_bytes())) {
            return Err(SignerError::SelfTest);
        }
        let headers = USUAL_TYPES.map(|typ| encode_header(key_pair.alg(), typ, Some(&kid)));
        Ok(Self { key_pair, kid, headers })
    }

    /// The algorithm of its signatures.
    pub const fn alg(&self) -> SigningAlg {
        self.key_pair.alg()
    }

    /// The thumbprint of its public half, as the JWK Set names it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs `claims_json` under the header `{"alg":…,"typ":…,"kid":…}`. An RSA signature takes about 0.85 ms.
    pub fn sign_compact(&self, typ: &str, claims_json: &[u8]) -> Result<String, SignError> {
        let encoded_now;
        let usual = USUAL_TYPES.iter().zip(&self.headers).find(|(usual, _)| **usual == typ);
        let header = if let Some((_, header)) = usual {
            header
        } else {
            encoded_now = encode_header(self.alg(), typ, Some(&self.kid));
            &encoded_now
        };
        self.sign_under(header, claims_json)
    }

    /// As [`Self::sign_compact`], with a `kid` that somebody else has given to the key, or none.
    pub fn sign_compact_as(&self, typ: &str, kid: Option<&str>, claims_json: &[u8]) -> Result<String, SignError> {
        self.sign_under(&encode_header(self.alg(), typ, kid), claims_json)
    }

    fn sign_under(&self, header: &str, claims_json: &[u8]) -> Result<String, SignError> {
        let length = header.len() + encoded_length(claims_json.len()) + encoded_length(self.key_pair.signature_bytes());
        let mut token = String::with_capacity(length + 2);
        token.push_str(header);
        token.push('.');
        BASE64URL.encode_string(claims_json, &mut token);
        let signature = self.key_pair.sign(token.as_bytes())?;
        token.push('.');
        BASE64URL.encode_string(signature.as_bytes(), &mut token);
        Ok(token)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").field("alg", &self.alg()).field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn encode_header(alg: SigningAlg, typ: &str, kid: Option<&str>) -> String {
    #[derive(Serialize)]
    struct Header<'a> {
        alg: SigningAlg,
        typ: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        kid: Option<&'a str>,
    }
    // Strings only: there is nothing that could fail.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&Header { alg, typ, kid }).unwrap_or_default())
}

const fn encoded_length(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::Jwk};
    use serde_json::{Value, json};

    use super::*;
    use crate::clock::UnixMillis;
    use crate::entropy::SystemEntropy;
    use crate::keys::{PublicJwk, PublicParameters, RsaBits, generate_private_key};

    const CLAIMS: &[u8] = br#"{"iss":"https://issuer.example/","exp":4102444800}"#;

    fn key(alg: SigningAlg) -> PrivateKey {
        generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).unwrap()
    }

    #[test]
    fn jsonwebtoken_accepts_every_algorithm_under_its_published_key() {
        for alg in SigningAlg::ALL {
            let key = key(alg);
            let jwk = PublicJwk::from_private_key(&key, UnixMillis(0)).unwrap();
            let token = Signer::from_private_key(&key).unwrap().sign_compact("at+jwt", CLAIMS).unwrap();

            let jwk: Jwk = serde_json::from_value(serde_json::to_value(jwk).unwrap()).unwrap();
            let mut validation = Validation::new(alg.as_str().parse::<Algorithm>().unwrap());
            validation.set_required_spec_claims(&["exp", "iss"]);
            let decoding_key = DecodingKey::from_jwk(&jwk).unwrap();
            let decoded = jsonwebtoken::decode::<Value>(&token, &decoding_key, &validation).unwrap();
            assert_eq!(decoded.header.kid, jwk.common.key_id);
            assert_eq!(decoded.header.typ.as_deref(), Some("at+jwt"));
            assert_eq!(decoded.claims, serde_json::from_slice::<Value>(CLAIMS).unwrap());
        }
    }

    #[test]
    fn aws_lc_accepts_every_signature_of_the_length_of_rfc_7518() {
        for alg in SigningAlg::ALL {
            let signer = Signer::from_private_key(&key(alg)).unwrap();
            let token = signer.sign_compact("JWT", CLAIMS).unwrap();
            let (message, encoded) = token.rsplit_once('.').unwrap();
            let signature = URL_SAFE_NO_PAD.decode(encoded).unwrap();
            // RFC 7518 §3.4: ES256 is R and S of 32 bytes each, not ASN.1.
            assert_eq!(signature.len(), if alg.is_rsa() { 256 } else { 64 });

            let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
            let accepted = match signer.key_pair.public_parameters().unwrap() {
                PublicParameters::Rsa { n, e } => {
                    let algorithm = if alg == SigningAlg::Ps256 {
                        &signature::RSA_PSS_2048_8192_SHA256
                    } else {
                        &signature::RSA_PKCS1_2048_8192_SHA256
                    };
                    let public_key = signature::RsaPublicKeyComponents { n: decode(&n), e: decode(&e) };
                    public_key.verify(algorithm, message.as_bytes(), &signature).is_ok()
                }
                PublicParameters::Ec { x, y, .. } => {
                    let point = [vec![4], decode(&x), decode(&y)].concat();
                    verifies(&signature::ECDSA_P256_SHA256_FIXED, &point, message, &signature)
                }
                PublicParameters::Okp { x, .. } => verifies(&signature::ED25519, &decode(&x), message, &signature),
            };
            assert!(accepted, "{alg}");
        }
    }

    fn verifies(algorithm: &'static dyn VerificationAlgorithm, key: &[u8], message: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(algorithm, key).verify(message.as_bytes(), signature).is_ok()
    }

    #[test]
    fn the_header_has_three_members_for_usual_and_unusual_types() {
        let signer = Signer::from_private_key(&key(SigningAlg::EdDsa)).unwrap();
        for typ in ["at+jwt", "JWT", "logout+jwt", "odd\"type"] {
            let token = signer.sign_compact(typ, b"{}").unwrap();
            let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
            let expected = json!({"alg": "EdDSA", "typ": typ, "kid": signer.kid()});
            assert_eq!(serde_json::from_slice::<Value>(&header).unwrap(), expected);
        }
    }

    #[test]
    fn the_buffer_has_the_exact_length() {
        for alg in SigningAlg::ALL {
            let signer = Signer::from_private_key(&key(alg)).unwrap();
            for length in [2, 3, 4, 789] {
                let token = signer.sign_compact("at+jwt", &vec![b' '; length]).unwrap();
                assert_eq!(token.len(), token.capacity(), "{alg} {length}");
            }
        }
    }

    #[test]
    fn a_damaged_key_is_refused_before_it_signs() {
        for alg in SigningAlg::ALL {
            let key = key(alg);
            let mut damaged = zeroize::Zeroizing::new(key.expose_pkcs8().to_vec());
            let middle = damaged.len() / 2;
            damaged[middle] ^= 1;
            let refused = match PrivateKey::from_pkcs8(alg, damaged) {
                Ok(damaged) => Signer::from_private_key(&damaged).unwrap().kid() != key_id(&key),
                Err(_) => true,
            };
            assert!(refused, "{alg}");
        }
    }

    fn key_id(key: &PrivateKey) -> String {
        key.parse().unwrap().public_parameters().unwrap().thumbprint()
    }

    #[test]
    fn debug_shows_no_key() {
        let signer = Signer::from_private_key(&key(SigningAlg::EdDsa)).unwrap();
        assert_eq!(format!("{signer:?}"), format!("Signer {{ alg: EdDsa, kid: {:?}, .. }}", signer.kid()));
    }
}
