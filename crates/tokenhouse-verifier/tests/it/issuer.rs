//! What would an issuer sign? Keys, a JWK Set, and tokens that are right until a test spoils them.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokenhouse_verifier::{JwkSet, Verifier};

pub(crate) const ISSUER: &str = "https://issuer.example/";
pub(crate) const AUDIENCE: &str = "https://api.example/";
/// The time of issue.
pub(crate) const NOW: u64 = 1_800_000_000;

/// Generated once: a debug build takes its time for RSA.
static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
static EC: LazyLock<EcdsaKeyPair> = LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
static ED: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::generate().unwrap());

pub(crate) fn b64(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// The RSA public key in DER (RFC 8017 §A.1.1).
pub(crate) fn rsa_der() -> Vec<u8> {
    RSA.public_key().as_ref().to_vec()
}

/// The RSA key as a JWK with this `kid` and `alg`.
pub(crate) fn rsa_jwk(kid: &str, alg: &str) -> Value {
    // SEQUENCE (4 octets), INTEGER (4), a zero that keeps it positive, 256 octets of n, then e.
    json!({"kty": "RSA", "kid": kid, "alg": alg, "use": "sig", "n": b64(&rsa_der()[9..265]), "e": "AQAB"})
}

pub(crate) fn ed_jwk(kid: &str) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(ED.public_key())})
}

/// `rs`, `ps` (the same RSA key), `es` and `ed`.
pub(crate) fn jwks() -> Value {
    let point = EC.public_key().as_ref();
    let ec = json!({"kty": "EC", "crv": "P-256", "kid": "es", "x": b64(&point[1..33]), "y": b64(&point[33..])});
    json!({"keys": [rsa_jwk("rs", "RS256"), rsa_jwk("ps", "PS256"), ec, ed_jwk("ed")]})
}

pub(crate) fn key_set() -> JwkSet {
    jwks().to_string().parse().unwrap()
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new(ISSUER, AUDIENCE)
}

/// Signs with the test's private key for `alg`; an unknown `alg` gets an RS256 signature.
pub(crate) fn sign(alg: &str, message: &str) -> Vec<u8> {
    let random = SystemRandom::new();
    match alg {
        "ES256" => EC.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
        "EdDSA" => ED.sign(message.as_bytes()).as_ref().to_vec(),
        _ => {
            let padding: &'static dyn aws_lc_rs::signature::RsaEncoding =
                if alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
            let mut signature = vec![0; RSA.public_modulus_len()];
            RSA.sign(padding, &random, message.as_bytes(), &mut signature).unwrap();
            signature
        }
    }
}

/// A token of these exact texts, rightly signed with the key for `alg`.
pub(crate) fn sign_texts(alg: &str, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", b64(header), b64(payload));
    let signature = b64(sign(alg, &input));
    format!("{input}.{signature}")
}

pub(crate) fn header() -> Value {
    json!({"alg": "RS256", "typ": "at+jwt", "kid": "rs"})
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "partner", "client_id": "partner",
        "iat": NOW, "exp": NOW + 600, "jti": "j-1", "scope": "list:users create:users",
    })
}

/// `base` with the members of `changes` put in, and those that are null taken out.
pub(crate) fn changed(mut base: Value, changes: Value) -> Value {
    let (Value::Object(members), Value::Object(changes)) = (&mut base, changes) else { panic!("not objects") };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    base
}

/// A rightly signed token with these changes to header and claims.
pub(crate) fn token(header_changes: Value, claim_changes: Value) -> String {
    let header = changed(header(), header_changes);
    let alg = header["alg"].as_str().unwrap_or_default().to_owned();
    sign_texts(&alg, header.to_string(), changed(claims(), claim_changes).to_string())
}
