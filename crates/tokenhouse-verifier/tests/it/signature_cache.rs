//! Is only the signature remembered, so that everything else is still judged at each request?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tokenhouse_verifier::{AuthenticationError, Clock, JwkSet, ResourceServer, StaticJwks, VerifyError};

use crate::issuer::{NOW, ed_jwk, jwks, key_set, token, verifier};

#[test]
fn a_remembered_token_still_expires() {
    let (verifier, keys, token) = (verifier(), key_set(), token(json!({}), json!({})));
    assert!(verifier.verify(&token, &keys, NOW).is_ok());
    assert!(verifier.verify(&token, &keys, NOW).is_ok());
    assert!(matches!(verifier.verify(&token, &keys, NOW + 10_000), Err(VerifyError::Expired { .. })));
}

#[test]
fn a_remembered_token_goes_with_its_key() {
    let (verifier, token) = (verifier(), token(json!({}), json!({})));
    assert!(verifier.verify(&token, &key_set(), NOW).is_ok());
    let without: JwkSet = json!({"keys": [ed_jwk("ed")]}).to_string().parse().unwrap();
    assert!(matches!(verifier.verify(&token, &without, NOW), Err(VerifyError::UnknownKey { .. })));
    // Another key under the same name.
    let mut replaced = jwks();
    replaced["keys"][0]["n"] = json!(crate::issuer::b64([0xFF; 256]));
    let replaced: JwkSet = replaced.to_string().parse().unwrap();
    assert_eq!(verifier.verify(&token, &replaced, NOW).unwrap_err(), VerifyError::SignatureInvalid);
}

#[test]
fn an_invalid_signature_stays_invalid() {
    let (verifier, keys) = (verifier(), key_set());
    let good = token(json!({}), json!({}));
    let bad = format!("{}.{}", good.rsplit_once('.').unwrap().0, crate::issuer::b64([7; 256]));
    for _ in 0..3 {
        assert_eq!(verifier.verify(&bad, &keys, NOW).unwrap_err(), VerifyError::SignatureInvalid);
        assert!(verifier.verify(&good, &keys, NOW).is_ok());
    }
}

#[derive(Debug)]
struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn unix_seconds(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_resource_server_judges_a_remembered_token_anew_each_time() {
    let clock = Arc::new(SetClock(AtomicU64::new(NOW)));
    let resource_server = ResourceServer::new(verifier(), StaticJwks::new(key_set())).clock(clock.clone());
    let token = token(json!({}), json!({}));
    let first = resource_server.authenticate(&token).await.unwrap();
    let again = resource_server.authenticate(&token).await.unwrap();
    assert_eq!((first.client(), first.claims()), (again.client(), again.claims()));
    assert!(again.has_scope("list:users"));
    for (now, expired) in [(NOW + 10_000, true), (NOW - 10_000, false)] {
        clock.0.store(now, Ordering::SeqCst);
        match resource_server.authenticate(&token).await.unwrap_err() {
            AuthenticationError::Refused(VerifyError::Expired { .. }) if expired => {}
            AuthenticationError::Refused(VerifyError::IssuedInFuture { .. }) if !expired => {}
            other => panic!("{other:?}"),
        }
    }
    clock.0.store(NOW, Ordering::SeqCst);
    assert!(resource_server.authenticate(&token).await.is_ok());
}
