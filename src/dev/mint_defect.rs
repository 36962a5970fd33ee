//! How is a token made wrong in one particular way?

use serde_json::{Value, json};

use super::defect::Defect;
use crate::keys::SigningAlg;
use crate::specimen::{Draft, NotSent};

/// An hour, in seconds.
const HOUR: i64 = 3600;

/// With so many bytes more, any token is longer than 8 KiB, and still fits into the 16 KiB of a request head.
const PADDING: usize = 7000;

const ELSEWHERE: &str = "https://elsewhere.example/";

/// The token of `draft` at `now`, in Unix seconds, with `defect`.
///
/// # Errors
/// If the library does not sign.
pub(super) fn spoil(defect: Defect, draft: &Draft<'_>, now: i64) -> Result<String, NotSent> {
    let keys = draft.keys;
    let unchanged = || json!({});
    let claims = |changes: Value| draft.token(unchanged(), changes);
    let forged = |header: Value| draft.forged(header, unchanged());
    match defect {
        Defect::Expired => {
            let began = now - 2 * HOUR;
            let mut changes = json!({ "iat": began, "exp": now - HOUR });
            if let (Some(_), Some(members)) = (draft.claims().get("nbf"), changes.as_object_mut()) {
                members.insert("nbf".to_owned(), began.into());
            }
            claims(changes)
        }
        Defect::NotYetValid => claims(json!({ "nbf": now + HOUR, "exp": now + 2 * HOUR })),
        Defect::WrongIssuer => claims(json!({ "iss": ELSEWHERE })),
        Defect::WrongAudience => claims(json!({ "aud": ELSEWHERE })),
        Defect::WrongType => draft.token(json!({ "typ": "logout+jwt" }), unchanged()),
        Defect::MissingExpiry => draft.lacking("exp"),
        Defect::UnknownCrit => {
            let extension = "https://elsewhere.example/extension";
            draft.token(json!({ "crit": [extension], extension: true }), unchanged())
        }
        Defect::Huge => claims(json!({ "padding": "x".repeat(PADDING) })),
        Defect::UnknownKid => forged(json!({ "kid": keys.attacker.kid() })),
        Defect::MissingKid => forged(json!({ "kid": null })),
        Defect::ForgedKey => forged(json!({ "kid": keys.genuine.kid() })),
        Defect::EmbeddedKey => forged(json!({ "kid": keys.attacker.kid(), "jwk": keys.attacker.jwk() })),
        Defect::WrongAlgorithm => wrong_algorithm(draft),
        Defect::AlgNone => Ok(draft.unsigned(json!({ "alg": "none" }))),
        // What a verifier takes for right that uses the public key for whatever the header names.
        Defect::Hs256WithPublicKey => {
            Ok(draft.maced("HS256", json!({ "kid": keys.genuine.kid() }), keys.genuine.spki_pem()))
        }
        Defect::TamperedPayload => draft.tampered(json!({ "scope": "everything", "tampered": true })),
        Defect::TamperedSignature => draft.resigned(|octets| {
            let middle = octets.len() / 2;
            octets.iter_mut().skip(middle).take(1).for_each(|octet| *octet ^= 1);
        }),
        Defect::MissingSignature => {
            let [header, payload, _] = draft.parts()?;
            Ok(format!("{header}.{payload}"))
        }
        Defect::DuplicateClaims => {
            let right = draft.claims().get("aud").cloned().unwrap_or_default();
            draft.claim_twice("aud", &json!(ELSEWHERE).to_string(), &right.to_string())
        }
    }
}

/// RS256 becomes PS256 by the same key, and the other way round; a key on a curve has no other algorithm, so only the name changes.
fn wrong_algorithm(draft: &Draft<'_>) -> Result<String, NotSent> {
    let name = |alg: SigningAlg| draft.token(json!({ "alg": alg }), json!({}));
    match draft.keys.genuine.alg() {
        SigningAlg::Rs256 => draft.of_algorithm("PS256"),
        SigningAlg::Ps256 => draft.of_algorithm("RS256"),
        SigningAlg::Es256 => name(SigningAlg::EdDsa),
        SigningAlg::EdDsa => name(SigningAlg::Es256),
    }
}
