//! Does any input at all make the verifier panic?

use proptest::prelude::*;
use serde_json::json;
use tokenhouse_verifier::{JwkSet, Verifier};

use crate::issuer::{NOW, b64, jwks, key_set, sign_texts, token, verifier};

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_text_is_refused(text in ".{0,300}") {
        prop_assert!(verifier().verify(&text, &key_set(), NOW).is_err());
    }

    #[test]
    fn random_parts_are_refused(header: Vec<u8>, payload: Vec<u8>, signature: Vec<u8>) {
        let token = format!("{}.{}.{}", b64(header), b64(payload), b64(signature));
        prop_assert!(verifier().verify(&token, &key_set(), NOW).is_err());
    }

    #[test]
    fn random_signed_payloads_are_judged(payload: Vec<u8>) {
        let token = sign_texts("EdDSA", r#"{"alg":"EdDSA","kid":"ed","typ":"at+jwt"}"#, payload);
        prop_assert!(verifier().verify(&token, &key_set(), NOW).is_err());
    }

    #[test]
    fn random_claims_are_judged(
        name in "iss|aud|exp|iat|nbf|sub|scope|client_id|azp|gty|cnf|jti",
        value: Option<i64>,
        text in ".{0,20}",
        now: u64,
    ) {
        let value = value.map_or_else(|| json!([text]), |number| json!(number));
        let token = token(json!({"alg": "EdDSA", "kid": "ed"}), json!({name: value}));
        drop(Verifier::new("i", "a").verify(&token, &key_set(), now));
        drop(verifier().verify(&token, &key_set(), now));
    }

    #[test]
    fn one_changed_character_spoils_a_token(position: prop::sample::Index, replacement in "[A-Za-z0-9_.-]") {
        let good = token(json!({"alg": "EdDSA", "kid": "ed"}), json!({}));
        let position = position.index(good.len());
        let mut spoiled = good.clone();
        spoiled.replace_range(position..=position, &replacement);
        prop_assume!(spoiled != good);
        prop_assert!(verifier().verify(&spoiled, &key_set(), NOW).is_err());
    }

    #[test]
    fn random_key_sets_are_judged(document: Vec<u8>, kty in "RSA|EC|OKP|oct", crv in "P-256|Ed25519|X", octets: Vec<u8>) {
        drop(JwkSet::parse(&document));
        let value = b64(octets);
        let jwk = json!({"kty": kty, "crv": crv, "kid": "k", "n": value, "e": "AQAB", "x": value, "y": value});
        let set = json!({"keys": [jwk]}).to_string();
        prop_assert!(JwkSet::parse(set.as_bytes()).is_ok());
    }
}

#[test]
fn each_prefix_of_a_key_set_is_judged() {
    let text = jwks().to_string();
    for end in 0..text.len() {
        assert!(JwkSet::parse(&text.as_bytes()[..end]).is_err());
    }
}
