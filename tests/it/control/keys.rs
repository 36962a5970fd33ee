//! `/_control/keys`: rotated or withdrawn at once.

use serde_json::{Value, json};

use crate::support::control::start;
use crate::support::dev::token_part;

#[tokio::test]
async fn a_rotation_is_immediate_and_old_tokens_stay_valid() {
    let (_dev, control) = start(&[]);
    let (old, before) = (control.token().await.access_token(), control.kids().await);
    assert_eq!(control.whoami(&old).await.status, 200);
    for _ in 0..3 {
        let next = control.get("keys").await["keys"][1].clone();
        assert_eq!(next["state"], "next");
        let rotated = control.post("keys/rotate", &json!({})).await;
        assert_eq!((&rotated["active"]["kid"], &rotated["active"]["state"]), (&next["kid"], &json!("active")));
        assert!(control.kids().await.contains(&rotated["next"]["kid"].as_str().unwrap().to_owned()));
        let new = control.token().await.access_token();
        assert_eq!(token_part(&new, 0)["kid"], next["kid"]);
        assert_eq!(control.whoami(&new).await.status, 200, "the resource API has fetched the set at once");
        assert_eq!(control.whoami(&old).await.status, 200);
    }
    assert_eq!(control.kids().await.len(), before.len() + 3);
    let refused = control.call("POST", "keys/rotate", Some(&json!({ "alg": "ES256" }))).await;
    assert_eq!(refused.error(), (404, "not_found".to_owned()));
    let refused = control.call("POST", "keys/rotate", Some(&json!({ "alg": "none" }))).await;
    assert_eq!(refused.error(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn a_dropped_key_is_gone_and_so_are_its_tokens() {
    let (_dev, control) = start(&[]);
    let (old, before) = (control.token().await.access_token(), control.kids().await);
    assert_eq!(control.whoami(&old).await.status, 200);
    let dropped = control.post("keys/drop", &json!({})).await;
    assert_eq!((&dropped["dropped"]["kid"], &dropped["dropped"]["state"]), (&json!(before[0]), &json!("removed")));
    assert_eq!((&dropped["active"]["kid"], &dropped["active"]["state"]), (&json!(before[1]), &json!("active")));
    assert!(!control.kids().await.contains(&before[0]));
    assert_eq!(control.whoami(&old).await.error(), (401, "invalid_token".to_owned()));
    let new = control.token().await.access_token();
    assert_eq!(control.whoami(&new).await.status, 200);

    let next = control.kids().await[1].clone();
    let dropped = control.post("keys/drop", &json!({ "kid": next })).await;
    assert_eq!(dropped["active"]["kid"], json!(before[1]), "another one signs");
    let states: Vec<Value> =
        control.get("keys").await["keys"].as_array().unwrap().iter().map(|key| key["state"].clone()).collect();
    assert_eq!(states, ["active", "next", "removed", "removed"]);
    let missing = control.call("POST", "keys/drop", Some(&json!({ "kid": "nobody" }))).await;
    assert_eq!(missing.error(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_key_without_a_successor_leaves_none() {
    let (_dev, control) = start(&[]);
    control.mint(json!({ "alg": "ES256" })).await;
    let mut last = Value::Null;
    for kid in es256(&control.get("keys").await) {
        last = control.post("keys/drop", &json!({ "kid": kid })).await;
        assert_eq!(last["dropped"]["kid"], json!(kid));
    }
    let left = es256(&control.get("keys").await);
    assert_eq!(last["active"]["kid"].as_str(), left.last().map(String::as_str), "{last} {left:?}");
}

/// The kids of the ES256 keys that are published, the next before the active one.
fn es256(keys: &Value) -> Vec<String> {
    let keys = keys["keys"].as_array().unwrap().iter();
    let published = keys.filter(|key| key["alg"] == "ES256" && key["state"] != "removed");
    published.rev().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}
