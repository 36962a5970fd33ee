//! What is published about a key? One JWK with its thumbprint as `kid` (RFC 7517 §4, RFC 7638, RFC 8037 §2).

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::alg::SigningAlg;
use super::certificate::{CertificateError, self_signed_certificate};
use super::private_key::{PrivateKey, PrivateKeyError};
use crate::clock::UnixMillis;

/// The members of a JWK that make the public key. Every value but `crv` is base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicParameters {
    /// RFC 7518 §6.3.1
    #[serde(rename = "RSA")]
    Rsa {
        /// Modulus, big-endian.
        n: String,
        /// Exponent, big-endian.
        e: String,
    },
    /// RFC 7518 §6.2.1
    #[serde(rename = "EC")]
    Ec {
        /// `P-256`
        crv: String,
        /// 32 bytes.
        x: String,
        /// 32 bytes.
        y: String,
    },
    /// RFC 8037 §2
    #[serde(rename = "OKP")]
    Okp {
        /// `Ed25519`
        crv: String,
        /// 32 bytes.
        x: String,
    },
}

impl PublicParameters {
    /// The SHA-256 thumbprint (RFC 7638 §3.1, RFC 8037 §2), base64url: 43 characters.
    pub fn thumbprint(&self) -> String {
        // RFC 7638 §3.2: the required members only, in alphabetical order, without white space. base64url needs no
        // escaping.
        let canonical = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Ec { crv, x, y } => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Okp { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
        };
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
    }
}

/// What a published key is for (RFC 7517 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyUse {
    /// Signatures; there is no other use here.
    #[serde(rename = "sig")]
    Signature,
}

/// A signing key as the JWK Set shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PublicJwk {
    /// `kty` and the key itself.
    #[serde(flatten)]
    pub parameters: PublicParameters,
    /// The thumbprint of `parameters`.
    pub kid: String,
    /// The one algorithm of this key: RFC 8725 §3.1.
    pub alg: SigningAlg,
    /// `sig`
    #[serde(rename = "use")]
    pub key_use: KeyUse,
    /// The self-signed certificate, base64 DER (RFC 7517 §4.7: not base64url).
    pub x5c: [String; 1],
    /// Its SHA-1 thumbprint, base64url (RFC 7517 §4.8); a name, not a protection.
    pub x5t: String,
}

/// Why a JWK could not be made of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PublicJwkError {
    /// The key.
    #[error(transparent)]
    PrivateKey(#[from] PrivateKeyError),
    /// Its certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl PublicJwk {
    /// The public half of `key`, with a certificate valid from `not_before` in the name of its `kid`.
    pub fn from_private_key(key: &PrivateKey, not_before: UnixMillis) -> Result<Self, PublicJwkError> {
        let parameters = key.parse()?.public_parameters()?;
        let kid = parameters.thumbprint();
        let certificate = self_signed_certificate(key, &kid, not_before)?;
        let x5t = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate);
        Ok(Self {
            parameters,
            kid,
            alg: key.alg(),
            key_use: KeyUse::Signature,
            x5c: [STANDARD.encode(&certificate)],
            x5t: URL_SAFE_NO_PAD.encode(x5t),
        })
    }

    /// The certificate as PEM (RFC 7468 §5).
    pub fn certificate_pem(&self) -> String {
        let [certificate] = &self.x5c;
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\r\n");
        let mut rest = certificate.as_str();
        while !rest.is_empty() {
            // RFC 7468 §2: exactly 64 characters in each line but the last.
            let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
            pem.push_str(line);
            pem.push_str("\r\n");
            rest = after;
        }
        pem + "-----END CERTIFICATE-----\r\n"
    }

    /// The SHA-1 thumbprint of the certificate, which is its name in many tools and protects nothing.
    pub fn certificate_sha1(&self) -> Vec<u8> {
        // Made by us, it decodes.
        URL_SAFE_NO_PAD.decode(&self.x5t).unwrap_or_default()
    }
}

/// The JWK Set (RFC 7517 §5) of `keys`, in the order given: the same keys in the same order give the same bytes.
pub fn render_jwk_set<'a>(keys: impl IntoIterator<Item = &'a PublicJwk>) -> Vec<u8> {
    #[derive(Serialize)]
    struct JwkSet<'a> {
        keys: Vec<&'a PublicJwk>,
    }
    let set = JwkSet { keys: keys.into_iter().collect() };
    // Strings and enums only: there is nothing that could fail.
    serde_json::to_vec(&set).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::keys::public_test_keys::PublicTestKey;
    use crate::keys::{RsaBits, generate_private_key};

    #[rstest]
    #[case::rfc_7638_section_3_1(
        r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB"}"#,
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )]
    #[case::rfc_8037_appendix_a_3(
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    )]
    #[case::rfc_9449_section_4(
        r#"{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#,
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    )]
    fn thumbprints_of_the_rfcs(#[case] jwk: &str, #[case] thumbprint: &str) {
        assert_eq!(serde_json::from_str::<PublicParameters>(jwk).unwrap().thumbprint(), thumbprint);
    }

    #[test]
    fn a_jwk_survives_json_and_has_the_members_that_verifiers_ask_for() {
        for alg in SigningAlg::ALL {
            let key = generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).unwrap();
            let jwk = PublicJwk::from_private_key(&key, UnixMillis(0)).unwrap();
            let json = serde_json::to_value(&jwk).unwrap();
            assert_eq!(serde_json::from_value::<PublicJwk>(json.clone()).unwrap(), jwk);
            assert_eq!((json["alg"].as_str().unwrap(), json["use"].as_str().unwrap()), (alg.as_str(), "sig"));
            assert_eq!(json["kid"].as_str().unwrap(), jwk.parameters.thumbprint());
            assert_eq!(json["x5t"].as_str().unwrap().len(), 27);
            // RFC 7517 §4.7: standard base64, one certificate.
            let certificates = json["x5c"].as_array().unwrap();
            assert_eq!(certificates.len(), 1);
            assert!(STANDARD.decode(certificates[0].as_str().unwrap()).is_ok());
            let members: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
            let own: &[&str] = match alg {
                SigningAlg::Rs256 | SigningAlg::Ps256 => &["e", "n"],
                SigningAlg::Es256 => &["crv", "x", "y"],
                SigningAlg::EdDsa => &["crv", "x"],
            };
            let mut expected = [&["alg", "kid", "kty", "use", "x5c", "x5t"], own].concat();
            let mut members = members;
            members.sort_unstable();
            expected.sort_unstable();
            assert_eq!(members, expected);
        }
    }

    #[test]
    fn the_certificate_is_read_back_from_its_pem() {
        let jwk = PublicJwk::from_private_key(&PublicTestKey::Rs256Active.load(), UnixMillis(0)).unwrap();
        let pem = jwk.certificate_pem();
        assert!(pem.lines().all(|line| line.len() <= 64), "{pem}");
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(body, jwk.x5c[0]);
        let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &STANDARD.decode(body).unwrap());
        assert_eq!(jwk.certificate_sha1(), sha1.as_ref());
    }

    #[test]
    fn rsa_integers_have_no_leading_zeros() {
        let key = PublicTestKey::Rs256Active.load();
        let PublicParameters::Rsa { n, e } = key.parse().unwrap().public_parameters().unwrap() else { panic!() };
        assert_eq!((URL_SAFE_NO_PAD.decode(n).unwrap().len(), e.as_str()), (256, "AQAB"));
    }

    #[test]
    fn a_jwk_set_keeps_the_order_given() {
        let jwk = |key: PublicTestKey| PublicJwk::from_private_key(&key.load(), UnixMillis(0)).unwrap();
        let (active, next) = (jwk(PublicTestKey::Rs256Active), jwk(PublicTestKey::Rs256Next));
        let set: serde_json::Value = serde_json::from_slice(&render_jwk_set([&next, &active])).unwrap();
        assert_eq!(set["keys"][0]["kid"], next.kid.as_str());
        assert_eq!(set["keys"][1]["kid"], active.kid.as_str());
        assert_eq!(render_jwk_set([&next, &active]), render_jwk_set([&next, &active]));
        assert_eq!(render_jwk_set([]), br#"{"keys":[]}"#);
    }
}
