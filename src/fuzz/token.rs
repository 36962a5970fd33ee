//! Access tokens (RFC 9068 §4) and client assertions (RFC 7523 §3).

use std::collections::HashSet;
use std::sync::LazyLock;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use tokenhouse_verifier::{AccessToken, AccessTokenDialect, DEFAULT_MAX_TOKEN_BYTES, JwkSet, Verifier, is_scope_token};
use zeroize::Zeroizing;

use super::on_one_line;
use crate::clock::UnixMillis;
use crate::keys::public_test_keys::PublicTestKey;
use crate::keys::{PrivateKey, PublicJwk, Signer, SigningAlg, render_jwk_set};
use crate::oauth::client::ClientId;
use crate::oauth::client_assertion::{AssertionRules, UnverifiedAssertion};
use crate::oauth::metadata::Issuer;

const ISSUER: &str = "https://issuer.example/";
const AUDIENCE: &str = "https://api.example/";
/// When the tokens are judged, in Unix seconds; they were issued then.
const NOW: u64 = 1_800_000_000;
const LEEWAY: u64 = 30;

/// What is signed of each dialect, and an assertion: `typ` and claims.
const CLAIMS: [(&str, &str); 4] = [
    (
        "at+jwt",
        r#"{"iss":"https://issuer.example/","aud":"https://api.example/","exp":1800000600,"iat":1800000000,"sub":"partner","client_id":"partner","jti":"1","scope":"read write"}"#,
    ),
    (
        "JWT",
        r#"{"iss":"https://issuer.example/","aud":["https://api.example/"],"exp":1800000600,"iat":1800000000,"sub":"partner@clients","azp":"partner","gty":"client-credentials"}"#,
    ),
    (
        "at+jwt",
        r#"{"iss":"https://issuer.example/","aud":"https://api.example/","exp":1800000600,"nbf":1800000000,"client_id":"partner","jti":"2","scope":["read"]}"#,
    ),
    (
        "client-authentication+jwt",
        r#"{"iss":"partner","sub":"partner","aud":"https://issuer.example/","exp":1800000060,"iat":1800000000,"jti":"3"}"#,
    ),
];

static KEYS: LazyLock<Keys> = LazyLock::new(Keys::new);

/// The issuer's keys. They protect nothing: anyone can read them here and in `tests/keys`.
struct Keys {
    signers: Vec<Signer>,
    set: JwkSet,
    ed25519: Ed25519KeyPair,
    ed25519_kid: String,
}

impl Keys {
    fn new() -> Self {
        // RFC 5915: the scalar alone; and RFC 8410: the seed alone.
        let p256 =
            [&[0x30, 0x31, 2, 1, 1, 4, 32][..], &[7; 32], &[0xA0, 0x0A, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]];
        let p256 = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &p256.concat()).expect("a key");
        let p256 = p256.to_pkcs8v1().expect("a key").as_ref().to_vec();
        let ed25519 = [&[0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 32][..], &[7; 32]].concat();
        let key = |alg, pkcs8: &[u8]| PrivateKey::from_pkcs8(alg, Zeroizing::new(pkcs8.to_vec())).expect("a key");
        let keys = [
            key(SigningAlg::EdDsa, &ed25519),
            key(SigningAlg::Es256, &p256),
            PublicTestKey::Rs256Active.load(),
            PublicTestKey::Ps256Active.load(),
        ];
        let jwks: Vec<_> =
            keys.iter().map(|key| PublicJwk::from_private_key(key, UnixMillis(0)).expect("a public half")).collect();
        let signers: Vec<_> = keys.iter().map(|key| Signer::from_private_key(key).expect("a signer")).collect();
        Self {
            ed25519_kid: signers.first().expect("the first").kid().to_owned(),
            signers,
            set: JwkSet::parse(&render_jwk_set(&jwks)).expect("a JWK Set"),
            ed25519: Ed25519KeyPair::from_pkcs8_maybe_unchecked(&ed25519).expect("a key"),
        }
    }

    /// A token of these texts, rightly signed, whatever they say.
    fn sign(&self, header: &str, payload: &str) -> String {
        let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
        let input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        let signature = self.ed25519.sign(input.as_bytes());
        format!("{input}.{}", encode(signature.as_ref()))
    }
}

/// Everything that was ever signed with the keys here: token by token.
fn issued() -> Vec<String> {
    let claims = |signer: &Signer| {
        let tokens = CLAIMS.iter().map(|(typ, claims)| signer.sign_compact(typ, claims.as_bytes()).expect("a token"));
        tokens.collect::<Vec<_>>()
    };
    KEYS.signers.iter().flat_map(claims).collect()
}

/// What signatures are over: of ES256 and PS256 there are many for one.
static SIGNED: LazyLock<HashSet<String>> =
    LazyLock::new(|| issued().iter().map(|token| signing_input(token).to_owned()).collect());

fn signing_input(token: &str) -> &str {
    token.rsplit_once('.').map_or(token, |(input, _)| input)
}

/// A token as it arrives; or, in two lines, header and payload to be signed, so that the fuzzer gets behind the signature.
///
/// What is accepted was signed by the issuer, says what the verifier reports, and is for us and alive; what was remembered of a token
/// changes no verdict; an assertion that is accepted names its client twice.
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = text.strip_suffix('\n').unwrap_or(text);
    let Some((header, payload)) = text.split_once('\n') else {
        let accepted = verify(text);
        if accepted.is_some() | accepts_assertion(text) {
            assert!(SIGNED.contains(signing_input(text)), "nobody signed {text}");
        }
        return;
    };
    let token = KEYS.sign(&header.replace("KID", &KEYS.ed25519_kid), payload);
    if let Some(accepted) = verify(&token) {
        judge(&accepted, payload);
    }
    if accepts_assertion(&token) {
        let claims: Map<String, Value> = serde_json::from_str(payload).expect("an object");
        assert!(claims["iss"] == claims["sub"] && claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()));
    }
}

fn verify(token: &str) -> Option<AccessToken> {
    let dialects = [AccessTokenDialect::Rfc9068, AccessTokenDialect::Auth0, AccessTokenDialect::IdentityServer];
    let verifier = Verifier::new(ISSUER, AUDIENCE).accept_dialects(dialects);
    let verdict = verifier.verify(token, &KEYS.set, NOW);
    // A second time, with what was remembered of the first.
    let again = verifier.verify(token, &KEYS.set, NOW);
    assert_eq!(verdict.as_ref().err(), again.as_ref().err());
    match verdict {
        Ok(accepted) => {
            assert!(token.len() <= DEFAULT_MAX_TOKEN_BYTES);
            let end = accepted.expires_at() + LEEWAY;
            assert!(verifier.verify(token, &KEYS.set, end).is_err(), "it never ends");
            assert!(verifier.verify(token, &KEYS.set, end - 1).is_ok(), "it ends too early");
            assert!(verifier.verify(token, &JwkSet::parse(br#"{"keys":[]}"#).expect("a set"), NOW).is_err());
            Some(accepted)
        }
        Err(refusal) => {
            on_one_line(&refusal.to_string());
            on_one_line(refusal.public_text());
            None
        }
    }
}

/// What was accepted, against what another reader sees in the payload.
fn judge(accepted: &AccessToken, payload: &str) {
    let claims: Map<String, Value> = serde_json::from_str(payload).expect("an object");
    assert_eq!(*accepted.claims(), claims);
    assert_eq!(claims["iss"], ISSUER);
    let audience = claims["aud"].as_array().cloned().unwrap_or_else(|| vec![claims["aud"].clone()]);
    assert!(audience.iter().any(|one| one == AUDIENCE) && audience.iter().all(Value::is_string));
    assert_eq!(claims["exp"].as_u64(), Some(accepted.expires_at()));
    assert!(accepted.expires_at() + LEEWAY > NOW);
    for name in ["iat", "nbf"] {
        assert!(claims.get(name).is_none_or(|at| at.as_u64().is_some_and(|at| at <= NOW + LEEWAY)), "{name}");
    }
    assert!(!claims.contains_key("cnf"), "a bound token is no Bearer token");
    assert!(accepted.scope().iter().all(is_scope_token));
    let client = accepted.client();
    let agrees =
        |name: &str| claims.get(name).is_none_or(|value| value == client || *value == format!("{client}@clients"));
    assert!(!client.is_empty() && ["client_id", "azp", "sub"].iter().all(|name| agrees(name)), "{payload}");
}

fn accepts_assertion(text: &str) -> bool {
    let assertion = match UnverifiedAssertion::parse(text) {
        Ok(assertion) => assertion,
        Err(refusal) => {
            on_one_line(&refusal.to_string());
            return false;
        }
    };
    let Ok(verified) = assertion.verify(KEYS.set.keys()) else { return false };
    let Ok(client) = assertion.claimed_client_id().parse::<ClientId>() else { return false };
    let now = UnixMillis(0).plus_seconds(i64::try_from(NOW).expect("near"));
    let verdicts = [true, false].map(|strict| {
        let rules = AssertionRules::new(&Issuer::new(ISSUER), strict, 3600, 30);
        verified.validate(&rules, &client, now)
    });
    let [strict, usual] = verdicts;
    assert!(strict.is_err() || strict == usual, "the strict rules allow what the others do not");
    if let Err(refusal) = &usual {
        on_one_line(&refusal.to_string());
    }
    if let Ok(accepted) = &usual {
        assert!(accepted.remember_until > now && accepted.remember_until <= now.plus_seconds(3600 + 3 * 30 + 60));
    }
    usual.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The corpus begins with everything that is accepted: without that, what comes after the signature is never seen.
    #[test]
    fn the_corpus_holds_every_kind_of_token() {
        let kept = super::super::replay::inputs("token");
        let accepted: Vec<&str> = kept
            .iter()
            .filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok().map(str::trim_end))
            .filter(|text| SIGNED.contains(signing_input(text)))
            .filter(|text| verify(text).is_some() || accepts_assertion(text))
            .collect();
        let kinds: HashSet<&str> = accepted.into_iter().map(signing_input).collect();
        let lacking: Vec<_> = issued().into_iter().filter(|token| !kinds.contains(signing_input(token))).collect();
        assert!(lacking.is_empty(), "write these to fuzz/corpus/token:\n{}", lacking.join("\n"));
    }
}
