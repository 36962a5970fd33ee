//! `GET /_control/` and `POST /_control/reset`.

use serde_json::json;

use crate::support::answer::{Answer, client};
use crate::support::control::start;

#[tokio::test]
async fn the_state_tells_what_is() {
    let (dev, control) = start(&[]);
    let state = control.get("").await;
    assert_eq!((&state["issuer"], &state["name"]), (&dev.ready["issuer"], &json!(null)));
    assert_eq!(state["ready"], dev.ready);
    assert_eq!(state["counts"], json!({ "clients": 3, "apis": 2, "signing_keys": 2 }));
    assert_eq!(state["requests"], json!({ "last": 0, "kept": 0, "lost": 0 }));
    assert_eq!((&state["faults"]["pending"], &state["clock"]["frozen"]), (&json!(0), &json!(false)));
}

#[tokio::test]
async fn a_reset_puts_everything_back_and_credentials_stay() {
    let (_dev, control) = start(&[]);
    let (first, keys) = (control.get("").await, control.kids().await);
    let old = control.token().await.access_token();
    assert_eq!(control.whoami(&old).await.status, 200);
    let user = json!({ "email": "grace@example.com", "name": "Grace" });
    let made = Answer::to(client().post(control.api("users")).bearer_auth(&old).json(&user)).await;
    assert_eq!(made.status, 201, "{made:?}");

    control.post("keys/rotate", &json!({})).await;
    control.post("keys/drop", &json!({ "kid": keys[0] })).await;
    control.put("clock", &json!({ "now": 2_000_000_000, "frozen": true })).await;
    control.post("faults", &json!({ "endpoint": "any", "times": 5 })).await;
    control.put("document", &json!({ "clients": [{ "client_id": "late" }] })).await;
    control.put("document?prune=true", &json!({ "clients": [{ "client_id": "partner-b", "grants": [] }] })).await;
    assert_ne!(control.kids().await, keys);

    let state = control.post("reset", &json!({})).await;
    for member in ["issuer", "ready", "faults", "requests", "counts"] {
        assert_eq!(state[member], first[member], "{member}");
    }
    assert_eq!((&state["clock"]["frozen"], &state["clock"]["offset_seconds"]), (&json!(false), &json!(0)));
    assert_eq!(control.kids().await, keys);
    let token = control.token().await.access_token();
    assert_eq!(control.whoami(&token).await.status, 200);
    assert_eq!(control.whoami(&old).await.status, 200, "the first keys are back");
    let users = Answer::to(client().get(control.api("users")).bearer_auth(&token)).await.json();
    assert_eq!(users["total"], 2, "those that were seeded: {users}");
    assert_eq!(control.get("requests?endpoint=token").await["requests"][0]["number"], 2, "after the JWK Set");
}
