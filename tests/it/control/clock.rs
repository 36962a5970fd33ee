//! `/_control/clock`: everything that is decided by time follows.

use serde_json::{Value, json};

use crate::support::Dev;
use crate::support::answer::{Answer, client};
use crate::support::assertion::{JWT_BEARER, PartnerKey};
use crate::support::control::{Control, start};
use crate::support::dev::token_part;

const NOON: i64 = 1_900_000_000;

#[tokio::test]
async fn it_is_set_frozen_and_moved() {
    let (_dev, control) = start(&[]);
    let set = control.put("clock", &json!({ "now": NOON, "frozen": true })).await;
    assert_eq!(
        (&set["now"], &set["iso"], &set["frozen"]),
        (&json!(NOON), &json!("2030-03-17T17:46:40Z"), &json!(true))
    );
    assert_eq!(control.get("clock").await, set);
    assert_eq!(control.post("clock/advance", &json!({ "seconds": 90 })).await["now"], NOON + 90);
    assert_eq!(control.post("clock/advance", &json!({ "seconds": -100 })).await["now"], NOON - 10);
    assert_eq!(control.put("clock", &json!({ "now": "2030-01-01T00:00:00Z" })).await["now"], 1_893_456_000);
    let running = control.put("clock", &json!({ "frozen": false })).await;
    assert_eq!(running["frozen"], false);
    assert!(running["now"].as_i64().unwrap() >= 1_893_456_000);
    let system = control.put("clock", &json!({ "now": null })).await;
    assert_eq!(system["offset_seconds"], 0);
    for wrong in
        [json!({ "now": -1 }), json!({ "now": 99_999_999_999_i64 }), json!({ "now": "noon" }), json!({ "now": 1.5 })]
    {
        assert_eq!(
            control.call("PUT", "clock", Some(&wrong)).await.error(),
            (400, "invalid_request".to_owned()),
            "{wrong}"
        );
    }
    let before = control.get("clock").await["frozen"].clone();
    assert_eq!(control.call("PUT", "clock", Some(&json!({ "frozen": true, "now": -1 }))).await.status, 400);
    assert_eq!((&before, &control.get("clock").await["frozen"]), (&json!(false), &json!(false)), "all or nothing");
    let far = control.call("POST", "clock/advance", Some(&json!({ "seconds": i64::MAX }))).await;
    assert!(far.status == 400 && far.text.contains("between 1970 and 2500"), "{far:?}");
    assert_eq!(control.call("POST", "clock/advance", Some(&json!({}))).await.status, 400);
}

#[tokio::test]
async fn tokens_are_issued_and_expire_by_it() {
    let (_dev, control) = start(&[]);
    control.put("clock", &json!({ "now": NOON, "frozen": true })).await;
    let token = control.token().await.access_token();
    assert_eq!((&token_part(&token, 1)["iat"], &token_part(&token, 1)["exp"]), (&json!(NOON), &json!(NOON + 3600)));
    assert_eq!(control.whoami(&token).await.status, 200);
    control.post("clock/advance", &json!({ "seconds": 3600 + 31 })).await;
    assert_eq!(control.whoami(&token).await.error(), (401, "invalid_token".to_owned()));
    let days = 40 * 86_400;
    control.post("clock/advance", &json!({ "seconds": days })).await;
    let later = control.token().await.access_token();
    assert_eq!(control.whoami(&later).await.status, 200, "the resource API has fetched the keys again");
    assert_eq!(control.get("requests?endpoint=resource_api").await["requests"][0]["at"], "2030-03-17T17:46:40Z");
}

fn seeded(client: &Value) -> (Dev, Control) {
    let api = json!({ "identifier": "https://api/", "scopes": [{ "value": "s" }] });
    let dev = Dev::seeded(&json!({ "apis": [api], "clients": [client] }), &["--control"]);
    let control = Control::of(&dev.ready);
    (dev, control)
}

#[tokio::test]
async fn secrets_and_quotas_end_by_it() {
    let (_dev, control) = seeded(&json!({
        "client_id": "c", "secrets": [{ "value": "a-secret-of-a-test", "expires_at": "2100-01-01T00:00:00Z" }],
        "grants": [{ "audience": "https://api/", "scope": ["s"] }], "quota": { "per_hour": 1, "enforce": true },
    }));
    assert_eq!(control.token().await.status, 200);
    assert_eq!(control.token().await.error(), (429, "temporarily_unavailable".to_owned()));
    control.post("clock/advance", &json!({ "seconds": 3600 })).await;
    assert_eq!(control.token().await.status, 200);
    control.put("clock", &json!({ "now": "2100-01-01T00:00:01Z" })).await;
    assert_eq!(control.token().await.error(), (401, "invalid_client".to_owned()));
    control.put("clock", &json!({ "now": null })).await;
    control.post("clock/advance", &json!({ "seconds": 7200 })).await;
    assert_eq!(control.token().await.status, 200);
}

#[tokio::test]
async fn assertions_are_judged_by_it() {
    let key = PartnerKey::new("ES256");
    let (_dev, control) = seeded(&json!({
        "client_id": "c", "jwks": { "keys": [key.jwk()] }, "grants": [{ "audience": "https://api/", "scope": ["s"] }],
    }));
    let ask = async |assertion: String| {
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_assertion_type", JWT_BEARER.to_owned()),
            ("client_assertion", assertion),
        ];
        Answer::to(client().post(control.at("oauth/token")).form(&form)).await
    };
    control.put("clock", &json!({ "now": NOON, "frozen": true })).await;
    let fresh = || key.assertion("c", &control.at(""), &json!({ "iat": NOON, "exp": NOON + 60 }));
    assert_eq!(ask(fresh()).await.status, 200);
    let late = fresh();
    control.post("clock/advance", &json!({ "seconds": 1000 })).await;
    assert_eq!(ask(late).await.error(), (401, "invalid_client".to_owned()));
    let seen = control.get("requests?endpoint=token").await;
    assert_eq!(seen["requests"][0]["client_id"], "c", "{seen}");
    assert_eq!(seen["requests"][0]["body"]["client_assertion"], "[redacted]");
}

#[tokio::test]
async fn retired_keys_leave_the_jwk_set_by_it() {
    let (_dev, control) = start(&[]);
    let first = control.kids().await;
    control.post("keys/rotate", &json!({})).await;
    assert!(control.kids().await.contains(&first[0]));
    control.post("clock/advance", &json!({ "seconds": 31 * 86_400 })).await;
    assert!(!control.kids().await.contains(&first[0]));
}
