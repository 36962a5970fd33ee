//! How are a client's secrets, keys and claim links seen to?

use serde_json::{Value, json};

use super::page::{field_error, hidden};
use crate::management::Management;
use crate::support::Dev;
use crate::support::assertion::PartnerKey;
use crate::support::console::{Browser, audit_events, copied};
use crate::support::control::Control;

/// The secrets of the first partner, as the Management API lists them.
async fn secrets(dev: &Dev) -> Vec<Value> {
    Management::of(dev).await.get("/clients/partner-a/secrets").await.ok().as_array().expect("secrets").clone()
}

async fn status_with(dev: &Dev, secret: &str) -> u16 {
    dev.token(&[("client_secret", Some(secret))]).await.status
}

#[tokio::test]
async fn a_secret_is_added_and_shown_once() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    assert_eq!(browser.get("/clients/partner-a/secrets/new").await.status, 200);
    let fields = [("origin", "generated"), ("label", "build server"), ("ends", "days"), ("days", "30")];
    let added = browser.post("/clients/partner-a/secrets/new", &fields).await;
    assert_eq!((added.status, added.header("cache-control")), (200, "no-store"), "{}", added.text);
    let secret = copied(&added.text, "secret");
    assert_eq!((status_with(&dev, &secret).await, dev.token(&[]).await.status), (200, 200), "both work");
    let listed = secrets(&dev).await;
    assert_eq!((listed.len(), &listed[1]["label"]), (2, &json!("build server")));
    assert!(listed[1]["expires_at"].is_string());
    let shown = browser.get("/clients/partner-a").await.text;
    assert!(shown.contains("build server") && shown.contains(&secret[..12]) && !shown.contains(&secret), "{shown}");
    assert!(shown.contains("Safe to retire?") && shown.contains("Not yet"), "{shown}");
}

#[tokio::test]
async fn a_secret_that_exists_is_brought_and_never_shown() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let bring = async |secret: &str| {
        let fields = [("origin", "brought"), ("client_secret", secret), ("label", "old"), ("ends", "never")];
        browser.post("/clients/partner-a/secrets/new", &fields).await
    };
    for weak in ["", "short", "with\na line break in it"] {
        let refused = bring(weak).await;
        assert_eq!(refused.status, 400, "{weak}");
        assert!(!field_error(&refused.text, "client_secret").is_empty());
        assert!(weak.is_empty() || !refused.text.contains(weak), "what was typed is no text of the page");
        assert!(refused.text.contains("value=\"old\""), "but the rest stays");
    }
    let brought = bring("a secret of another house, long enough").await;
    assert_eq!((brought.status, brought.header("location")), (303, "/console/clients/partner-a?done=secret-added"));
    assert!(!browser.follow(&brought).await.text.contains("another house"));
    assert_eq!(status_with(&dev, "a secret of another house, long enough").await, 200);
    assert!(!dev.log().contains("another house"));
}

#[tokio::test]
async fn rotation_lets_the_old_secret_run_out() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let form = browser.get("/clients/partner-a/secrets/rotate").await.text;
    assert!(form.contains("Partner A has 1 secret"), "{form}");
    let mut fields = vec![("overlap", "2"), ("unit", "hours"), ("ends", "never"), ("label", "")];
    let rotated = browser.post("/clients/partner-a/secrets/rotate", &fields).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    assert!(rotated.text.contains("Those before it work until"), "{}", rotated.text);
    let secret = copied(&rotated.text, "secret");
    assert_eq!((status_with(&dev, &secret).await, dev.token(&[]).await.status), (200, 200));
    fields[0] = ("overlap", "0");
    let again = browser.post("/clients/partner-a/secrets/rotate", &fields).await;
    assert!(again.text.contains("stopped working with this"), "{}", again.text);
    assert_eq!((status_with(&dev, &secret).await, dev.token(&[]).await.status), (401, 401));
    fields[0] = ("overlap", "99999");
    fields[1] = ("unit", "days");
    let refused = browser.post("/clients/partner-a/secrets/rotate", &fields).await;
    assert!(field_error(&refused.text, "overlap").contains("whole number"));
    assert!(refused.text.contains("value=\"99999\""));
}

#[tokio::test]
async fn a_secret_is_changed_and_retired() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let id = secrets(&dev).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/clients/partner-a/secrets/{id}");
    assert!(browser.get(&path).await.text.contains("Change the secret first"));
    let past = browser.post(&path, &[("label", "x"), ("ends", "date"), ("date", "2001-01-01")]).await;
    assert!(field_error(&past.text, "date").contains("not over yet"));
    let changed = browser.post(&path, &[("label", "renamed"), ("ends", "date"), ("date", "2099-12-31")]).await;
    assert_eq!(changed.status, 303, "{}", changed.text);
    let listed = secrets(&dev).await;
    assert_eq!((&listed[0]["label"], &listed[0]["expires_at"]), (&json!("renamed"), &json!("2100-01-01T00:00:00Z")));
    assert!(browser.get(&path).await.text.contains("As now: 2100-01-01 00:00 UTC"));
    let kept = browser.post(&path, &[("label", "again"), ("ends", "kept")]).await;
    assert_eq!(kept.status, 303);
    assert_eq!(secrets(&dev).await[0]["expires_at"], "2100-01-01T00:00:00Z");

    let asked = browser.get(&format!("{path}/retire")).await.text;
    assert!(asked.contains("Retire the secret again?") && asked.contains("the only secret that works"), "{asked}");
    assert_eq!(dev.token(&[]).await.status, 200, "asking does nothing");
    assert_eq!(browser.post(&format!("{path}/retire"), &[]).await.status, 303);
    assert_eq!(dev.token(&[]).await.error().1, "invalid_client");
    assert_eq!(browser.get(&path).await.status, 404);
    let events = audit_events(&dev).await;
    assert_eq!((&events[0]["object_kind"], &events[0]["action"]), (&json!("client_secret"), &json!("delete")));
}

#[tokio::test]
async fn a_claim_link_is_made_for_minutes() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let refused = browser.post("/clients/partner-a/claim-link", &[("minutes", "0"), ("label", "vault")]).await;
    assert!(field_error(&refused.text, "minutes").contains("from 1 to 1,440"));
    assert!(refused.text.contains("value=\"vault\""));
    let made = browser.post("/clients/partner-a/claim-link", &[("minutes", "5"), ("label", "vault")]).await;
    assert_eq!((made.status, made.header("cache-control")), (200, "no-store"), "{}", made.text);
    let link = copied(&made.text, "link");
    let (_, token) = link.split_once("link=").unwrap();
    let owner = Browser::at(&dev.text("issuer"));
    let secret = copied(&owner.post("/claim", &[("link", token)]).await.text, "secret");
    assert_eq!(status_with(&dev, &secret).await, 200);
    assert_eq!(secrets(&dev).await[1]["label"], "vault");
    assert!(!dev.log().contains(token));
}

#[tokio::test]
async fn a_public_key_is_added_and_removed() {
    let key = PartnerKey::new("ES256");
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let add = async |pasted: &str| {
        let fields = [("public_key", pasted), ("name", "laptop"), ("kid", ""), ("alg", ""), ("ends", "never")];
        browser.post("/clients/partner-a/keys/new", &fields).await
    };
    for (pasted, said) in [("", "Paste the public key"), ("nonsense", "PEM"), ("{}", "cannot be used")] {
        let refused = add(pasted).await;
        assert_eq!(refused.status, 400, "{pasted}");
        assert!(field_error(&refused.text, "public_key").contains(said), "{pasted}: {}", refused.text);
        assert!(refused.text.contains("value=\"laptop\""));
    }
    let private = key.private_pem();
    let body = private.lines().nth(1).unwrap();
    for pasted in [private.clone(), format!("{private}and more"), json!({ "kty": "EC", "d": body }).to_string()] {
        let refused = add(&pasted).await;
        assert_eq!(refused.status, 400);
        assert!(!refused.text.contains(body), "a private key is not written back: {}", refused.text);
    }
    let added = add(&key.jwk().to_string()).await;
    assert_eq!((added.status, added.header("location")), (303, "/console/clients/partner-a?done=key-added"));
    let twice = add(&key.jwk().to_string()).await;
    assert_eq!(twice.status, 409);
    assert!(field_error(&twice.text, "kid").contains("already"));
    let assertion = key.assertion("partner-a", &dev.text("issuer"), &json!({}));
    let by_key = [
        ("client_id", None),
        ("client_secret", None),
        ("client_assertion_type", Some(crate::support::assertion::JWT_BEARER)),
        ("client_assertion", Some(assertion.as_str())),
    ];
    assert_eq!(dev.token(&by_key).await.status, 200);
    let shown = browser.get("/clients/partner-a").await.text;
    let remove = shown.split("href=\"/console").find(|part| part.contains("/remove\"")).expect("a key");
    let remove = remove.split('"').next().unwrap().to_owned();
    assert!(browser.get(&remove).await.text.contains("The client has no other key."));
    assert_eq!(browser.post(&remove, &[]).await.status, 303);
    assert!(browser.get("/clients/partner-a").await.text.contains("None is registered"));
}

#[tokio::test]
async fn secrets_are_touched_only_shortly_after_a_proof() {
    let dev = Dev::start(&["--control"]);
    let browser = Browser::operator(&dev).await;
    let id = secrets(&dev).await[0]["id"].as_str().unwrap().to_owned();
    Control::of(&dev.ready).post("clock/advance", &json!({ "seconds": 360 })).await;
    let before = audit_events(&dev).await.len();
    let new = [("name", "Acme"), ("first", "now"), ("minutes", "60")];
    let new_key = [("public_key", "nonsense"), ("ends", "never")];
    let added = [("origin", "generated"), ("label", "kept text"), ("ends", "never")];
    let rotated = [("overlap", "1"), ("unit", "days"), ("ends", "never")];
    let retire = format!("/clients/partner-a/secrets/{id}/retire");
    let change = format!("/clients/partner-a/secrets/{id}");
    for (path, fields) in [
        ("/clients/new", &new[..]),
        ("/clients/partner-a/delete", &[]),
        ("/clients/partner-a/claim-link", &[("minutes", "5")]),
        ("/clients/partner-a/secrets/new", &added),
        ("/clients/partner-a/secrets/rotate", &rotated),
        ("/clients/partner-a/keys/new", &new_key),
        (change.as_str(), &[("label", "x"), ("ends", "never")]),
        (retire.as_str(), &[]),
    ] {
        let asked = browser.post(path, fields).await;
        assert_eq!(asked.status, 403, "{path}");
        assert!(asked.text.contains("Prove who you are once more"), "{path}: {}", asked.text);
        for (name, value) in fields {
            assert_eq!(hidden(&asked.text, name), *value, "{path}");
        }
    }
    assert_eq!(audit_events(&dev).await.len(), before, "nothing was done");
    let secret = dev.management().client_secret;
    let proof = [&added[..], &[("again_secret", secret.as_str())]].concat();
    assert_eq!(browser.post("/clients/partner-a/secrets/new", &proof).await.status, 200);
    assert_eq!(secrets(&dev).await[1]["label"], "kept text");
}
