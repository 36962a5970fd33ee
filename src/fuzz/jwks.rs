//! A JWK Set from elsewhere: an issuer's, or the one that a client publishes (RFC 7517).

use serde_json::Value;
use tokenhouse_verifier::{Algorithm, JwkSet, MAX_KEYS};

use super::on_one_line;
use crate::keys::PublicKey;

/// Each key is taken or told to be passed over, never more than the limit; a key that is taken has a name that a token can have, no
/// private half, accepts no random signature, and is the same key when it is written and read again.
pub fn jwks(data: &[u8]) {
    let set = match JwkSet::parse(data) {
        Ok(set) => set,
        Err(error) => return on_one_line(&error.to_string()),
    };
    let document: Value = serde_json::from_slice(data).expect("what is accepted is JSON");
    let members = document["keys"].as_array().expect("what is accepted has keys");
    assert!(members.len() <= MAX_KEYS);
    assert_eq!(set.keys().len() + set.unusable().len(), members.len());
    set.unusable().iter().for_each(|(_, reason)| on_one_line(&reason.to_string()));
    on_one_line(&format!("{set:?}"));

    for key in set.keys() {
        assert!((1..=128).contains(&key.kid().len()) && set.contains(key.kid()));
        assert!(Algorithm::ALL.contains(&key.algorithm()));
        assert!(!key.verify_signature(b"a message", data.get(..64).unwrap_or(data)));
    }
    for member in members {
        let Some(jwk) = member.as_object() else { continue };
        match PublicKey::from_jwk(jwk, None) {
            Ok(read) => {
                assert!(["d", "p", "q", "k"].iter().all(|private| !jwk.contains_key(*private)), "{member}");
                let written = read.key.to_jwk("name");
                let again = PublicKey::from_jwk(&written, None).expect("what we wrote");
                assert_eq!((again.key, again.kid.as_deref()), (read.key, Some("name")));
            }
            Err(error) => on_one_line(&error.to_string()),
        }
    }
}
