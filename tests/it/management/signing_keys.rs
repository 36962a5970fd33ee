//! `keys/signing`: listed, shown, rotated and revoked.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{Management, check_methods};
use crate::support::dev::token_part;
use crate::support::program::run;
use crate::support::{Dev, Serve};

/// The key of the list that stands at `place`: `current`, `next` or `previous`.
fn at<'k>(keys: &'k Value, place: &str) -> &'k Value {
    keys.as_array().unwrap().iter().find(|key| key[place] == true && key["alg"] == "RS256").expect("a key stands there")
}

/// The ids of the keys that everybody can see.
async fn published(dev: &Dev) -> Vec<Value> {
    let set = dev.get(&dev.issuer("/.well-known/jwks.json")).await.json();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
}

/// The SHA-1 of the certificate in `pem`, in hexadecimal.
fn sha1(pem: &str) -> String {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let certificate = BASE64_STANDARD.decode(body).expect("base64");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate);
    digest.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

#[tokio::test]
async fn a_key_is_shown_as_auth0_shows_it() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let keys = management.get("/keys/signing").await.ok();
    assert_eq!(keys.as_array().unwrap().len(), 2, "a bare array");
    let current = at(&keys, "current");
    let pem = current["cert"].as_str().unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\r\n"), "{pem}");
    assert_eq!(current["thumbprint"], sha1(pem));
    let fingerprint = current["fingerprint"].as_str().unwrap();
    assert_eq!((fingerprint.len(), fingerprint.replace(':', "")), (59, sha1(pem)), "colons between the bytes");
    let kid = current["kid"].as_str().unwrap();
    for (member, value) in [
        ("next", json!(false)),
        ("previous", json!(false)),
        ("revoked", json!(false)),
        ("revoked_at", Value::Null),
        ("current_until", Value::Null),
        ("alg", json!("RS256")),
        ("state", json!("active")),
    ] {
        assert_eq!(current[member], value, "{member}");
    }
    assert!(current["current_since"].as_str().unwrap().starts_with("20"));
    assert_eq!(at(&keys, "next")["rotatable_from"], at(&keys, "next")["announced_at"], "dev announces for no time");
    assert_eq!(management.get(&format!("/keys/signing/{kid}")).await.ok(), *current);
    management.get("/keys/signing/unknown").await.refused(404, "inexistent_signing_key");

    check_methods(&management, "/keys/signing", &["GET"]).await;
    check_methods(&management, "/keys/signing/x", &["GET"]).await;
    check_methods(&management, "/keys/signing/rotate", &["POST"]).await;
    check_methods(&management, "/keys/signing/x/revoke", &["PUT"]).await;
}

#[tokio::test]
async fn keys_rotate_and_only_the_previous_one_is_revoked() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let before = management.get("/keys/signing").await.ok();
    let (first, second) = (at(&before, "current").clone(), at(&before, "next").clone());
    let token = dev.token(&[]).await.access_token();
    let rotated = management.send(management.request("POST", "/keys/signing/rotate")).await.created();
    let after = management.get("/keys/signing").await.ok();
    let third = at(&after, "next");
    assert_eq!(rotated, json!({ "kid": third["kid"], "cert": third["cert"] }), "the answer is the next key");
    assert_eq!(at(&after, "current")["kid"], second["kid"]);
    let previous = at(&after, "previous");
    assert_eq!(previous["kid"], first["kid"]);
    assert!(!previous["current_until"].is_null());
    assert_eq!(published(&dev).await.len(), 3);
    assert_eq!(token_part(&dev.token(&[]).await.access_token(), 0)["kid"], second["kid"], "served at once");
    assert_eq!(dev.call("GET", "/users", &token).await.status, 200, "the previous key's tokens live on");

    // With a token of the key that signs now: those of the key that is revoked end with it.
    let management = Management::of(&dev).await;
    let revoke = async |kid: &Value, body: Option<Value>| {
        let request = management.request("PUT", &format!("/keys/signing/{}/revoke", kid.as_str().unwrap()));
        management
            .send(match body {
                Some(body) => request.json(&body),
                None => request,
            })
            .await
    };
    for key in [&second, third] {
        let message = revoke(&key["kid"], None).await.refused(409, "key_in_use");
        assert!(message.contains("rotate") && message.contains("{\"force\":true}"), "{message}");
    }
    revoke(&json!("unknown"), None).await.refused(404, "inexistent_signing_key");
    for _ in 0..2 {
        let revoked = revoke(&first["kid"], Some(json!({}))).await.ok();
        assert_eq!(revoked, json!({ "kid": first["kid"], "cert": first["cert"] }));
    }
    assert_eq!(published(&dev).await, [second["kid"].clone(), third["kid"].clone()], "gone at once");
    let path = format!("/keys/signing/{}", first["kid"].as_str().unwrap());
    let shown = management.get(&path).await.ok();
    assert_eq!(
        (&shown["revoked"], &shown["previous"], &shown["state"]),
        (&json!(true), &json!(false), &json!("removed"))
    );
    assert!(!shown["revoked_at"].is_null());
    assert!(management.get("/keys/signing").await.ok().as_array().unwrap().contains(&shown), "still listed");
}

#[tokio::test]
async fn a_token_of_a_revoked_key_opens_the_management_api_no_more() {
    let dev = Dev::start(&[]);
    let old = Management::of(&dev).await;
    let kid = token_part(&old.token, 0)["kid"].as_str().unwrap().to_owned();
    old.post("/keys/signing/rotate", &json!({})).await.created();
    let revoke = old.request("PUT", &format!("/keys/signing/{kid}/revoke"));
    assert_eq!(old.send(revoke).await.status, 200);
    old.get("/clients").await.refused(401, "invalid_token");
    assert_eq!(Management::of(&dev).await.get("/clients").await.status, 200);
}

#[tokio::test]
async fn a_key_in_use_is_replaced_where_its_revocation_is_forced() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let before = management.get("/keys/signing").await.ok();
    let (first, second) = (at(&before, "current")["kid"].clone(), at(&before, "next")["kid"].clone());
    let force = async |kid: &Value| {
        let request = management.request("PUT", &format!("/keys/signing/{}/revoke", kid.as_str().unwrap()));
        management.send(request.json(&json!({ "force": true }))).await.ok()
    };
    force(&second).await;
    let keys = management.get("/keys/signing").await.ok();
    let third = at(&keys, "next")["kid"].clone();
    assert_eq!((at(&keys, "current")["kid"].clone(), third == second), (first.clone(), false));
    force(&first).await;
    let fresh = Management::of(&dev).await;
    let keys = fresh.get("/keys/signing").await.ok();
    assert_eq!(at(&keys, "current")["kid"], third);
    assert_eq!(published(&dev).await, [third, at(&keys, "next")["kid"].clone()]);
    assert_eq!(keys.as_array().unwrap().iter().filter(|key| key["revoked"] == true).count(), 2);
}

#[tokio::test]
async fn the_body_of_a_rotation_may_be_left_out_or_name_an_algorithm() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let rotate = || management.request("POST", "/keys/signing/rotate");
    assert_eq!(management.send(rotate().header("content-type", "application/json")).await.status, 201);
    assert_eq!(management.send(rotate().json(&json!({ "alg": null, "force": false }))).await.status, 201);
    for (body, status, code) in [
        (json!({ "alg": "HS256" }), 400, "invalid_body"),
        (json!({ "force": "yes" }), 400, "invalid_body"),
        (json!(["RS256", true]), 400, "invalid_body"),
        (json!({ "alg": "ES256" }), 404, "inexistent_object"),
    ] {
        management.send(rotate().json(&body)).await.refused(status, code);
    }
    management.send(rotate().form(&[("force", "true")])).await.refused(415, "unsupported_media_type");
    let api = json!({ "identifier": "urn:ec", "signing_alg": "ES256" });
    management.post("/resource-servers", &api).await.created();
    let next = management.post("/keys/signing/rotate", &json!({ "alg": "ES256" })).await.created();
    let shown = management.get(&format!("/keys/signing/{}", next["kid"].as_str().unwrap())).await.ok();
    assert_eq!((&shown["alg"], &shown["next"]), (&json!("ES256"), &json!(true)));
}

#[tokio::test]
async fn a_rotation_that_is_too_early_names_the_time_and_can_be_forced() {
    let serve = Serve::start(&[]).await;
    let management = Management::of_server(&serve).await;
    let early = management.send(management.request("POST", "/keys/signing/rotate")).await;
    let message = early.refused(409, "too_early");
    let keys = management.get("/keys/signing").await.ok();
    let earliest = at(&keys, "next")["rotatable_from"].as_str().unwrap();
    let minute = earliest.get(..16).unwrap();
    assert!(message.contains(minute) && message.contains("{\"force\":true}"), "{message} {earliest}");
    let next = at(&keys, "next")["kid"].clone();
    management.post("/keys/signing/rotate", &json!({ "force": true })).await.created();
    assert_eq!(at(&management.get("/keys/signing").await.ok(), "current")["kid"], next);
}

#[tokio::test]
async fn an_operator_revokes_a_compromised_key_with_one_command() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let issued = |answer: &crate::support::Answer| answer.status == 200;
    let stolen = serve.token_within_a_second("c", &secret, issued).await.access_token();
    let kid = token_part(&stolen, 0)["kid"].as_str().unwrap().to_owned();
    let refused = serve.cli(&["key", "revoke", &kid]);
    assert!(refused.code == 3 && refused.stderr.contains("--force"), "{refused:?}");
    let revoked = serve.cli(&["key", "revoke", &kid, "--force", "--output", "json"]).success().json();
    assert_eq!((&revoked["kid"], &revoked["state"]), (&json!(kid), &json!("removed")));
    assert!(!revoked["revoked_at"].is_null());
    let is_published = async || serve.jwk_set().await["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid);
    for _ in 0..100 {
        if !is_published().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(!is_published().await);
    let issuer = serve.url("/");
    let verify = |token: &str| run(serve.path(), &["verify", token, "--issuer", &issuer, "--audience", "https://api/"]);
    assert_ne!(verify(&stolen).code, 0);
    assert_eq!(verify(&serve.token("c", &secret).await.access_token()).code, 0);
    let audit = serve.cli(&["audit", "export"]).success().stdout;
    let event: Value = serde_json::from_str(audit.lines().last().unwrap()).unwrap();
    assert_eq!((&event["action"], &event["object_id"]), (&json!("revoke"), &json!(kid)));
    let keys = serve.cli(&["key", "list", "--output", "json"]).success().json();
    let states: Vec<_> = keys.as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap()).collect();
    assert_eq!(states.iter().filter(|state| **state == "active").count(), 1, "{states:?}");
    assert_eq!(states.iter().filter(|state| **state == "next").count(), 1, "{states:?}");
    assert_eq!(serve.cli(&["key", "revoke", "-unknown"]).code, 3, "a kid may begin with a dash");
}
