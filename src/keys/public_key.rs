//! Which public keys may a client register, and in which forms are they read? JWK (RFC 7517), or PEM (RFC 7468) with
//! SubjectPublicKeyInfo, PKCS#1 or an X.509 certificate.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;
use rsa::pkcs8::{Document, ObjectIdentifier};
use serde_json::Value;
use thiserror::Error;
use tokenhouse_verifier::jws::{JsonObject, parse_json_object};
use tokenhouse_verifier::{Algorithm, JsonObjectError, UnusableKey, VerificationKey};

use super::jwk::PublicParameters;
use super::x509::read_certificate;
use crate::clock::UnixMillis;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Why a text is no public key that a client may register. The words quote nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PublicKeyError {
    /// No PEM, several blocks, or a block of another kind.
    #[error(
        "expected one PEM block, BEGIN PUBLIC KEY, BEGIN RSA PUBLIC KEY or BEGIN CERTIFICATE; \
         `openssl pkey -in PRIVATE.pem -pubout` makes the first"
    )]
    NotPem,
    /// A private key.
    #[error(
        "this is a private key, which belongs to the client alone: register its public half, which \
         `openssl pkey -in PRIVATE.pem -pubout` writes"
    )]
    Private,
    /// Not a JSON object.
    #[error("expected one JWK: the text {0}")]
    NotJwk(JsonObjectError),
    /// Several keys, or one in the clothes of several.
    #[error("this is a JWK Set: give one of its keys at a time")]
    JwkSet,
    /// A key that is no RSA, P-256 or Ed25519 key, or is broken.
    #[error("expected an RSA key, an EC key on the curve P-256 or an Ed25519 key, unbroken")]
    NotSupported,
    /// A key that must not be used.
    #[error("the key cannot be used: {0}")]
    Unusable(UnusableKey),
    /// An algorithm that is not among those of client assertions.
    #[error("the alg of a key is RS256, RS384, PS256, ES256 or EdDSA")]
    UnknownAlgorithm,
    /// An algorithm that does not go with the key.
    #[error("{0} does not go with this key: RSA takes RS256, RS384 or PS256, P-256 takes ES256, Ed25519 takes EdDSA")]
    OtherAlgorithm(Algorithm),
    /// Two different algorithms for one key.
    #[error("the JWK says {jwk} and the request {asked}: say the same, or leave one out")]
    TwoAlgorithms {
        /// In the JWK.
        jwk: Algorithm,
        /// Beside it.
        asked: Algorithm,
    },
}

/// A public key and the one algorithm that it verifies (RFC 8725 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    parameters: PublicParameters,
}

/// What a text held: a key, and what stood beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadKey {
    /// The key.
    pub key: PublicKey,
    /// The `kid` of a JWK.
    pub kid: Option<String>,
    /// The end of a certificate's validity.
    pub certificate_expires_at: Option<UnixMillis>,
}

impl PublicKey {
    /// A key for `algorithm`, by default the first that goes with it.
    ///
    /// # Errors
    /// If the key is too weak or broken, or the algorithm does not go with it.
    pub fn new(parameters: PublicParameters, algorithm: Option<Algorithm>) -> Result<Self, PublicKeyError> {
        let fitting: &[Algorithm] = match &parameters {
            PublicParameters::Rsa { .. } => &[Algorithm::Rs256, Algorithm::Rs384, Algorithm::Ps256],
            PublicParameters::Ec { .. } => &[Algorithm::Es256],
            PublicParameters::Okp { .. } => &[Algorithm::EdDsa],
        };
        let default = fitting.first().copied().ok_or(PublicKeyError::NotSupported)?;
        let algorithm = algorithm.unwrap_or(default);
        if !fitting.contains(&algorithm) {
            return Err(PublicKeyError::OtherAlgorithm(algorithm));
        }
        let key = Self { algorithm, parameters: without_leading_zeros(parameters) };
        key.verification_key("kid").map_err(PublicKeyError::Unusable)?;
        Ok(key)
    }

    /// Reads the one PEM block in `pem`.
    ///
    /// # Errors
    /// If it is none, or no key that may be registered.
    pub fn from_pem(pem: &str, algorithm: Option<Algorithm>) -> Result<ReadKey, PublicKeyError> {
        let (label, der) = Document::from_pem(pem.trim()).map_err(|_| PublicKeyError::NotPem)?;
        let (parameters, certificate_expires_at) = match label {
            "PUBLIC KEY" => (from_spki(der.as_bytes())?, None),
            "RSA PUBLIC KEY" => (from_pkcs1(der.as_bytes())?, None),
            "CERTIFICATE" => {
                let certified = read_certificate(der.as_bytes()).map_err(|_| PublicKeyError::NotSupported)?;
                (from_spki(certified.spki)?, Some(certified.not_after))
            }
            private if private.ends_with("PRIVATE KEY") => return Err(PublicKeyError::Private),
            _ => return Err(PublicKeyError::NotPem),
        };
        Ok(ReadKey { key: Self::new(parameters, algorithm)?, kid: None, certificate_expires_at })
    }

    /// Reads the JWK that the text `jwk` is.
    ///
    /// # Errors
    /// If it is none, or no key that may be registered.
    pub fn from_jwk_text(jwk: &str, algorithm: Option<Algorithm>) -> Result<ReadKey, PublicKeyError> {
        Self::from_jwk(&parse_json_object(jwk.as_bytes()).map_err(PublicKeyError::NotJwk)?, algorithm)
    }

    /// Reads a JWK; members that are not those of a key are passed over (RFC 7517 §4).
    ///
    /// # Errors
    /// If it is no key that may be registered.
    pub fn from_jwk(jwk: &JsonObject, algorithm: Option<Algorithm>) -> Result<ReadKey, PublicKeyError> {
        if jwk.contains_key("keys") && !jwk.contains_key("kty") {
            return Err(PublicKeyError::JwkSet);
        }
        let declared = match jwk.get("alg") {
            None => None,
            Some(Value::String(name)) => Some(Algorithm::from_name(name).ok_or(PublicKeyError::UnknownAlgorithm)?),
            Some(_) => return Err(PublicKeyError::UnknownAlgorithm),
        };
        if let (Some(jwk), Some(asked)) = (declared, algorithm)
            && jwk != asked
        {
            return Err(PublicKeyError::TwoAlgorithms { jwk, asked });
        }
        let mut named = jwk.clone();
        named.entry("kid").or_insert_with(|| Value::from("kid"));
        let checked = VerificationKey::from_jwk(&named).map_err(|reason| match reason {
            UnusableKey::Private => PublicKeyError::Private,
            other => PublicKeyError::Unusable(other),
        })?;
        let parameters =
            serde_json::from_value(Value::Object(jwk.clone())).map_err(|_| PublicKeyError::NotSupported)?;
        let kid = jwk.contains_key("kid").then(|| checked.kid().to_owned());
        let key = Self::new(parameters, algorithm.or(declared))?;
        Ok(ReadKey { key, kid, certificate_expires_at: None })
    }

    /// The one algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The members of a JWK that make the key.
    pub const fn parameters(&self) -> &PublicParameters {
        &self.parameters
    }

    /// The key as a JWK that is named `kid`.
    pub fn to_jwk(&self, kid: &str) -> JsonObject {
        let mut jwk = match serde_json::to_value(&self.parameters) {
            Ok(Value::Object(members)) => members,
            // Strings only: there is nothing that could fail.
            _ => JsonObject::new(),
        };
        jwk.insert("kid".to_owned(), kid.into());
        jwk.insert("alg".to_owned(), self.algorithm.name().into());
        jwk.insert("use".to_owned(), "sig".into());
        jwk
    }

    /// The key ready to verify. Parsed anew each time, in a few microseconds: most keys are used seldom.
    ///
    /// # Errors
    /// Never for a key that was made by this module.
    pub fn verification_key(&self, kid: &str) -> Result<VerificationKey, UnusableKey> {
        VerificationKey::from_jwk(&self.to_jwk(kid))
    }
}

fn from_spki(der: &[u8]) -> Result<PublicParameters, PublicKeyError> {
    let spki = SubjectPublicKeyInfoRef::try_from(der).map_err(|_| PublicKeyError::NotSupported)?;
    let key = spki.subject_public_key.as_bytes().ok_or(PublicKeyError::NotSupported)?;
    match spki.algorithm.oid {
        RSA_ENCRYPTION => from_pkcs1(key),
        EC_PUBLIC_KEY if spki.algorithm.parameters_oid() == Ok(P256) => {
            // SEC 1 §2.3.3: 0x04, x, y: uncompressed, as everything writes it.
            let point = key.strip_prefix(&[4]).filter(|point| point.len() == 64);
            let (x, y) = point.and_then(|point| point.split_at_checked(32)).ok_or(PublicKeyError::NotSupported)?;
            Ok(PublicParameters::Ec {
                crv: "P-256".to_owned(),
                x: URL_SAFE_NO_PAD.encode(x),
                y: URL_SAFE_NO_PAD.encode(y),
            })
        }
        ED25519 => Ok(PublicParameters::Okp { crv: "Ed25519".to_owned(), x: URL_SAFE_NO_PAD.encode(key) }),
        _ => Err(PublicKeyError::NotSupported),
    }
}

fn from_pkcs1(der: &[u8]) -> Result<PublicParameters, PublicKeyError> {
    let key = RsaPublicKeyRef::try_from(der).map_err(|_| PublicKeyError::NotSupported)?;
    Ok(PublicParameters::Rsa {
        n: URL_SAFE_NO_PAD.encode(key.modulus.as_bytes()),
        e: URL_SAFE_NO_PAD.encode(key.public_exponent.as_bytes()),
    })
}

/// RFC 7518 §6.3.1.1: the fewest octets. Some libraries put a zero in front, and the thumbprint would then be another.
fn without_leading_zeros(parameters: PublicParameters) -> PublicParameters {
    let PublicParameters::Rsa { n, e } = parameters else { return parameters };
    let n = match URL_SAFE_NO_PAD.decode(&n) {
        Ok(octets) => {
            let zeros = octets.iter().take_while(|octet| **octet == 0).count();
            URL_SAFE_NO_PAD.encode(octets.get(zeros..).unwrap_or_default())
        }
        Err(_) => n,
    };
    PublicParameters::Rsa { n, e }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _, LineEnding};
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::keys::public_test_keys::PublicTestKey;
    use crate::keys::{RsaBits, SigningAlg, generate_private_key, self_signed_certificate};

    /// As openssl writes them from the keys in tests/keys and from the RFCs' examples.
    const SPKI_ED25519: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
";

    fn pem(label: &'static str, der: &[u8]) -> String {
        Document::try_from(der).unwrap().to_pem(label, LineEnding::LF).unwrap()
    }

    #[test]
    fn every_form_of_one_key_is_the_same_key() {
        let private = PublicTestKey::Rs256Active.load();
        let certificate = self_signed_certificate(&private, "partner", UnixMillis(1_700_000_000_999)).unwrap();
        let spki = read_certificate(&certificate).unwrap().spki;
        let pkcs1 = SubjectPublicKeyInfoRef::try_from(spki).unwrap().subject_public_key.as_bytes().unwrap();
        let of_pem = |label, der| PublicKey::from_pem(&pem(label, der), None).unwrap();
        let read = of_pem("CERTIFICATE", &certificate);
        let ten_years = 3652 * 86_400_000;
        assert_eq!(read.certificate_expires_at, Some(UnixMillis(1_700_000_000_000 + ten_years)));
        assert_eq!(read.key.parameters(), &private.parse().unwrap().public_parameters().unwrap());
        for other in [of_pem("PUBLIC KEY", spki), of_pem("RSA PUBLIC KEY", pkcs1)] {
            assert_eq!((&other.key, other.certificate_expires_at), (&read.key, None));
        }
        let jwk = PublicKey::from_jwk(&read.key.to_jwk("mine"), None).unwrap();
        assert_eq!((jwk.key, jwk.kid.as_deref()), (read.key, Some("mine")));
    }

    #[test]
    fn every_kind_of_key_is_read_from_its_certificate_and_verifies() {
        for alg in SigningAlg::ALL {
            let private = generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).unwrap();
            let certificate = pem("CERTIFICATE", &self_signed_certificate(&private, "x", UnixMillis(0)).unwrap());
            let asked = Algorithm::from_name(alg.as_str()).unwrap();
            let read = PublicKey::from_pem(&certificate, Some(asked)).unwrap();
            assert_eq!(read.key.algorithm(), asked);
            let signature = private.parse().unwrap().sign(b"message").ok().unwrap();
            let key = read.key.verification_key("k").unwrap();
            assert!(key.verify_signature(b"message", signature.as_bytes()), "{alg}");
            assert!(!key.verify_signature(b"massage", signature.as_bytes()), "{alg}");
        }
    }

    #[test]
    fn the_algorithm_goes_with_the_key() {
        let rsa = pem(
            "CERTIFICATE",
            &self_signed_certificate(&PublicTestKey::Rs256Active.load(), "x", UnixMillis(0)).unwrap(),
        );
        let read = |pem: &str, alg| PublicKey::from_pem(pem, alg).map(|read| read.key.algorithm());
        assert_eq!(read(&rsa, None), Ok(Algorithm::Rs256));
        assert_eq!(read(&rsa, Some(Algorithm::Rs384)), Ok(Algorithm::Rs384));
        assert_eq!(read(&rsa, Some(Algorithm::Ps256)), Ok(Algorithm::Ps256));
        assert_eq!(read(&rsa, Some(Algorithm::Es256)), Err(PublicKeyError::OtherAlgorithm(Algorithm::Es256)));
        assert_eq!(read(SPKI_ED25519, None), Ok(Algorithm::EdDsa));
        assert_eq!(read(SPKI_ED25519, Some(Algorithm::Rs256)), Err(PublicKeyError::OtherAlgorithm(Algorithm::Rs256)));
    }

    #[test]
    fn a_jwk_may_say_its_algorithm_and_its_name() {
        let ed25519 = json!({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let with = |name: &str, value: Value| {
            let mut jwk = ed25519.clone();
            jwk[name] = value;
            PublicKey::from_jwk_text(&jwk.to_string(), None)
        };
        let plain = PublicKey::from_jwk_text(&ed25519.to_string(), None).unwrap();
        assert_eq!((plain.key.algorithm(), plain.kid), (Algorithm::EdDsa, None));
        assert_eq!(plain.key, PublicKey::from_pem(SPKI_ED25519, None).unwrap().key);
        assert_eq!(with("kid", json!("a")).unwrap().kid.as_deref(), Some("a"));
        assert_eq!(with("alg", json!("EdDSA")).unwrap().key, plain.key);
        assert_eq!(with("alg", json!("HS256")).unwrap_err(), PublicKeyError::UnknownAlgorithm);
        assert_eq!(with("alg", json!("none")).unwrap_err(), PublicKeyError::UnknownAlgorithm);
        assert_eq!(with("d", json!("AA")).unwrap_err(), PublicKeyError::Private);
        assert_eq!(with("keys", json!([])).unwrap().key, plain.key, "a member of no meaning");
        assert_eq!(with("use", json!("enc")).unwrap_err(), PublicKeyError::Unusable(UnusableKey::OtherUse));
        assert_eq!(
            PublicKey::from_jwk_text(r#"{"kty":"OKP","kty":"OKP"}"#, None).unwrap_err(),
            PublicKeyError::NotJwk(JsonObjectError::DuplicateMember)
        );
        assert_eq!(PublicKey::from_jwk_text(r#"{"keys":[]}"#, None).unwrap_err(), PublicKeyError::JwkSet);
        let jwk = with("alg", json!("EdDSA")).unwrap().key.to_jwk("x");
        assert_eq!(
            PublicKey::from_jwk(&jwk, Some(Algorithm::Rs256)).unwrap_err(),
            PublicKeyError::TwoAlgorithms { jwk: Algorithm::EdDsa, asked: Algorithm::Rs256 }
        );
    }

    #[test]
    fn a_zero_in_front_of_the_modulus_makes_no_other_key() {
        let private = PublicTestKey::Rs256Active.load();
        let parameters = private.parse().unwrap().public_parameters().unwrap();
        let PublicParameters::Rsa { n, e } = parameters.clone() else { panic!() };
        let padded = URL_SAFE_NO_PAD.encode([vec![0], URL_SAFE_NO_PAD.decode(n).unwrap()].concat());
        let jwk = json!({"kty":"RSA","n":padded,"e":e}).to_string();
        let read = PublicKey::from_jwk_text(&jwk, None).unwrap();
        assert_eq!(read.key.parameters().thumbprint(), parameters.thumbprint());
    }

    #[rstest]
    #[case("", PublicKeyError::NotPem)]
    #[case("not a key", PublicKeyError::NotPem)]
    #[case("-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----", PublicKeyError::NotSupported)]
    #[case("-----BEGIN RSA PUBLIC KEY-----\nMAA=\n-----END RSA PUBLIC KEY-----", PublicKeyError::NotSupported)]
    #[case("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", PublicKeyError::NotSupported)]
    #[case("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----", PublicKeyError::NotPem)]
    #[case("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----", PublicKeyError::Private)]
    #[case("-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----", PublicKeyError::Private)]
    #[case("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----", PublicKeyError::Private)]
    fn other_texts_are_refused(#[case] text: &str, #[case] expected: PublicKeyError) {
        assert_eq!(PublicKey::from_pem(text, None).unwrap_err(), expected);
    }

    #[test]
    fn two_blocks_are_refused() {
        assert_eq!(
            PublicKey::from_pem(&format!("{SPKI_ED25519}{SPKI_ED25519}"), None).unwrap_err(),
            PublicKeyError::NotPem
        );
    }

    #[test]
    fn weak_and_foreign_keys_are_refused() {
        let private = include_str!("../../tests/keys/refused-rsa-1024.pem");
        let short = rsa::PrivateKey::from_pkcs8_pem(private).unwrap();
        let spki = short.as_public_key().to_public_key_pem(LineEnding::LF).unwrap();
        assert_eq!(PublicKey::from_pem(&spki, None).unwrap_err(), PublicKeyError::Unusable(UnusableKey::WeakRsa));
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let mut off_curve = ec.public_key().as_ref().to_vec();
        off_curve[10] ^= 1;
        let private = generate_private_key(SigningAlg::Es256, RsaBits::default(), &SystemEntropy).unwrap();
        let certificate = self_signed_certificate(&private, "x", UnixMillis(0)).unwrap();
        let spki = read_certificate(&certificate).unwrap().spki.to_vec();
        let at = spki.windows(8).position(|window| window == P256.as_bytes()).unwrap();
        let mut other_curve = spki.clone();
        other_curve[at + 7] -= 1;
        assert!(PublicKey::from_pem(&pem("PUBLIC KEY", &spki), None).is_ok());
        let refused = PublicKey::from_pem(&pem("PUBLIC KEY", &other_curve), None).unwrap_err();
        assert_eq!(refused, PublicKeyError::NotSupported);
        let (x, y) = off_curve[1..].split_at(32);
        let parameters = PublicParameters::Ec {
            crv: "P-256".to_owned(),
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        };
        assert_eq!(PublicKey::new(parameters, None).unwrap_err(), PublicKeyError::Unusable(UnusableKey::Malformed));
    }
}
