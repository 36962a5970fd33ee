//! Can an operator see what happens to the signing keys, rotate and revoke them, and know what that breaks?

use serde_json::{Value, json};

use super::operator_of;
use crate::management::Management;
use crate::support::console::{Browser, audit_events};
use crate::support::control::{self, Control};
use crate::support::{Dev, Serve};

/// The `kid` of the RS256 key that stands at `place`: `current`, `next` or `previous`.
async fn kid(dev: &Dev, place: &str) -> String {
    let keys = Management::of(dev).await.get("/keys/signing").await.ok();
    let keys = keys.as_array().unwrap().iter();
    let found = keys.clone().find(|key| key[place] == true && key["alg"] == "RS256");
    found.expect("a key stands there")["kid"].as_str().unwrap().to_owned()
}

async fn published(dev: &Dev) -> Vec<Value> {
    let set = dev.get(&dev.issuer("/.well-known/jwks.json")).await.json();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
}

#[tokio::test]
async fn the_keys_are_shown_with_what_happens_next() {
    let serve = Serve::start(&[]).await;
    let (browser, _) = operator_of(&serve).await;
    let page = browser.get("/keys").await;
    assert_eq!(page.status, 200);
    for told in ["what happens next", "Signs now", "not before", "by itself, ", "<svg", "Signs next", "JWK Set"] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    let set = serve.jwk_set().await;
    for key in set["keys"].as_array().unwrap() {
        let kid = key["kid"].as_str().unwrap();
        assert!(page.text.contains(kid), "{kid}");
        let own = browser.get(&format!("/keys/{kid}")).await;
        assert!(own.text.contains("BEGIN CERTIFICATE") && own.text.contains(kid), "{}", own.text);
        assert!(!own.text.contains("PRIVATE"), "{}", own.text);
    }
    assert_eq!(browser.get("/keys/unknown").await.status, 404);
    assert_eq!(browser.get("/keys/rotate/HS256").await.status, 404);
}

#[tokio::test]
async fn a_rotation_before_its_time_says_when_and_what_force_breaks() {
    let serve = Serve::start(&[]).await;
    let (browser, _) = operator_of(&serve).await;
    let asked = browser.get("/keys/rotate/RS256").await;
    for told in ["Too early.", "refuse every new token", "name=\"force\"", "signs all new RS256 tokens"] {
        assert!(asked.text.contains(told), "{told}: {}", asked.text);
    }
    let before = serve.jwk_set().await;
    let early = browser.post("/keys/rotate/RS256", &[]).await;
    assert_eq!(early.status, 400);
    assert!(early.text.contains("announced too recently"), "{}", early.text);
    assert_eq!(serve.jwk_set().await, before, "nothing was done");
    let forced = browser.post("/keys/rotate/RS256", &[("force", "1")]).await;
    let page = browser.follow(&forced).await;
    assert!(
        page.text.contains("The next key signs now") && page.text.contains("What leaves the JWK Set"),
        "{}",
        page.text
    );
    assert_eq!(serve.jwk_set().await["keys"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn keys_are_rotated_and_revoked_after_asking() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let (first, second) = (kid(&dev, "current").await, kid(&dev, "next").await);
    let asked = browser.get("/keys/rotate/RS256").await;
    assert!(!asked.text.contains("name=\"force\""), "dev announces for no time: {}", asked.text);
    assert!(asked.text.contains(&first) && asked.text.contains(&second), "{}", asked.text);
    let rotated = browser.post("/keys/rotate/RS256", &[]).await;
    assert_eq!(rotated.status, 303, "{}", rotated.text);
    assert_eq!((kid(&dev, "current").await, kid(&dev, "previous").await), (second.clone(), first.clone()));

    let asked = browser.get(&format!("/keys/{first}/revoke")).await;
    for told in ["stops verifying as soon as", "max-age", "cannot be taken back", "can be alive"] {
        assert!(asked.text.contains(told), "{told}: {}", asked.text);
    }
    assert!(!asked.text.contains("name=\"force\""), "it is not in use: {}", asked.text);
    let revoked = browser.post(&format!("/keys/{first}/revoke"), &[]).await;
    assert!(browser.follow(&revoked).await.text.contains("The key is revoked"));
    assert!(!published(&dev).await.contains(&json!(first)));
    let gone = browser.get(&format!("/keys/{first}/revoke")).await;
    assert!(gone.text.contains("is gone already"), "{}", gone.text);

    for place in ["current", "next"] {
        let in_use = kid(&dev, place).await;
        let path = format!("/keys/{in_use}/revoke");
        assert!(browser.get(&path).await.text.contains("name=\"force\""));
        let refused = browser.post(&path, &[]).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains("only a retired key can be revoked"), "{}", refused.text);
        assert!(published(&dev).await.contains(&json!(in_use)), "nothing was done");
        assert_eq!(browser.post(&path, &[("force", "1")]).await.status, 303);
        assert!(!published(&dev).await.contains(&json!(in_use)));
    }
    let events = audit_events(&dev).await;
    let revocations = events.iter().filter(|event| event["action"] == "revoke" && event["actor"] == "management");
    assert_eq!(revocations.count(), 3);
}

#[tokio::test]
async fn whoever_signed_in_a_while_ago_proves_itself_once_more() {
    let (dev, control) = control::start(&[]);
    let browser = Browser::operator(&dev).await;
    let first = kid(&dev, "current").await;
    later(&control).await;
    let asked = browser.post("/keys/rotate/RS256", &[("force", "1")]).await;
    assert_eq!(asked.status, 403);
    assert!(asked.text.contains("Prove who you are once more"), "{}", asked.text);
    assert!(asked.text.contains("name=\"force\" value=\"1\""), "what was sent is kept: {}", asked.text);
    let asked = browser.post(&format!("/keys/{first}/revoke"), &[("force", "1")]).await;
    assert_eq!(asked.status, 403);
    assert_eq!(kid(&dev, "current").await, first, "nothing was done");
    let secret = dev.management().client_secret;
    let wrong = browser.post("/keys/rotate/RS256", &[("again_secret", "wrong")]).await;
    assert_eq!(wrong.status, 403);
    let proved = browser.post("/keys/rotate/RS256", &[("force", "1"), ("again_secret", &secret)]).await;
    assert_eq!(proved.status, 303, "{}", proved.text);
    assert_ne!(kid(&dev, "current").await, first);
}

/// Lets six minutes pass, after which a session is no longer fresh.
async fn later(control: &Control) {
    control.post("clock/advance", &json!({ "seconds": 360 })).await;
}

#[tokio::test]
async fn each_right_that_is_lacking_is_refused_and_nothing_is_done() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let issuer = dev.text("issuer");
    let sign_in = async |name: &str, scope: &[&str]| {
        let client = management.manager(&dev, name, scope).await;
        Browser::signed_in(&issuer, &client.client_id, &client.client_secret).await
    };
    let reader = sign_in("reader", &["read:signing_keys"]).await;
    let updater = sign_in("updater", &["read:signing_keys", "update:signing_keys"]).await;
    let other = sign_in("other", &["read:clients"]).await;
    let first = kid(&dev, "current").await;
    let page = reader.get("/keys").await;
    assert_eq!(page.status, 200);
    assert!(
        !page.text.contains("/keys/rotate/") && !reader.get(&format!("/keys/{first}")).await.text.contains("/revoke\""),
        "{}",
        page.text
    );
    let revoke = format!("/keys/{first}/revoke");
    for (browser, path) in [
        (&reader, "/keys/rotate/RS256"),
        (&reader, revoke.as_str()),
        (&updater, "/keys/rotate/RS256"),
        (&other, "/keys/rotate/RS256"),
        (&other, revoke.as_str()),
    ] {
        assert_eq!(browser.get(path).await.status, 403, "{path}");
        assert_eq!(browser.post(path, &[("force", "1")]).await.status, 403, "{path}");
    }
    for path in ["/keys".to_owned(), format!("/keys/{first}")] {
        assert_eq!(other.get(&path).await.status, 403, "{path}");
    }
    assert_eq!(kid(&dev, "current").await, first, "nothing was done");
}
