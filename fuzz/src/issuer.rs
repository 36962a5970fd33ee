//! How is what the fuzzer wrote made into a token? By signing it rightly, whatever it says.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokenhouse_verifier::JwkSet;

static KEYS: LazyLock<Keys> = LazyLock::new(Keys::new);

/// They protect nothing: anyone can read them here and in `tests/keys`.
struct Keys {
    ed: Ed25519KeyPair,
    es: EcdsaKeyPair,
    rsa: RsaKeyPair,
    jwks: Vec<Value>,
    set: JwkSet,
}

impl Keys {
    fn new() -> Self {
        let ed = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
        // RFC 5915: the scalar alone.
        let es =
            [&[0x30, 0x31, 2, 1, 1, 4, 32][..], &[7; 32], &[0xA0, 0x0A, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]];
        let es = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &es.concat()).expect("a key");
        let pem = include_str!("../../tests/keys/rs256-active.pem");
        let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let rsa = RsaKeyPair::from_pkcs8(&BASE64_STANDARD.decode(der).expect("base64")).expect("a key");
        let point = es.public_key().as_ref();
        // RFC 8017 §A.1.1: SEQUENCE (4 octets), INTEGER (4), a zero that keeps it positive, 256 octets of n, then e.
        let modulus = encode(&rsa.public_key().as_ref()[9..265]);
        let jwks = vec![
            json!({"kty":"OKP","crv":"Ed25519","kid":"ed","x":encode(ed.public_key())}),
            json!({"kty":"EC","crv":"P-256","kid":"es","x":encode(&point[1..33]),"y":encode(&point[33..])}),
            json!({"kty":"RSA","kid":"rs","alg":"RS256","n":modulus,"e":"AQAB"}),
            json!({"kty":"RSA","kid":"ps","alg":"PS256","n":modulus,"e":"AQAB"}),
        ];
        let set = json!({ "keys": jwks }).to_string().parse().expect("a JWK Set");
        Self { ed, es, rsa, jwks, set }
    }
}

/// The public keys as we read them.
pub(crate) fn key_set() -> &'static JwkSet {
    &KEYS.set
}

/// The public key of that name as a JWK, for the peer.
pub(crate) fn jwk(kid: &str) -> Option<String> {
    KEYS.jwks.iter().find(|jwk| jwk["kid"] == kid).map(Value::to_string)
}

/// The token that `text` describes or is.
pub(crate) fn token(text: &str) -> Option<String> {
    let mut lines = text.lines();
    let signer = lines.next()?;
    if !matches!(signer, "ed" | "es" | "rs" | "ps") {
        return Some(text.trim_end().to_owned());
    }
    let input = format!("{}.{}", encode(lines.next()?), encode(lines.next()?));
    let token = format!("{input}.{}", encode(sign(signer, input.as_bytes())));
    Some(lines.fold(token, |token, change| changed(&token, change).unwrap_or(token)))
}

/// `token` with one octet replaced.
fn changed(token: &str, change: &str) -> Option<String> {
    let (place, replacement) = change.split_once(' ')?;
    // Counted from the end where it is negative: there is the signature.
    let place: isize = place.parse().ok()?;
    let length = isize::try_from(token.len()).ok()?;
    let place = usize::try_from(place.checked_rem_euclid(length)?).ok()?;
    let (before, after) = (token.get(..place)?, token.get(place + 1..)?);
    Some(format!("{before}{replacement}{after}"))
}

fn sign(signer: &str, message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    let encoding: &'static dyn RsaEncoding = match signer {
        "ed" => return KEYS.ed.sign(message).as_ref().to_vec(),
        "es" => return KEYS.es.sign(&random, message).expect("a signature").as_ref().to_vec(),
        "rs" => &RSA_PKCS1_SHA256,
        _ => &RSA_PSS_SHA256,
    };
    let mut signature = vec![0; KEYS.rsa.public_modulus_len()];
    KEYS.rsa.sign(encoding, &random, message, &mut signature).expect("a signature");
    signature
}

fn encode(octets: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}
