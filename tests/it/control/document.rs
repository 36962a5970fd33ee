//! `/_control/document`: all objects at once, beside the Management API.

use serde_json::json;

use crate::support::answer::{Answer, client};
use crate::support::control::start;
use crate::support::dev::token_part;

#[tokio::test]
async fn what_it_says_is_so_at_once() {
    let (_dev, control) = start(&[]);
    let document = json!({
        "apis": [{ "identifier": "https://orders/", "scopes": [{ "value": "read" }], "token_lifetime": 60 }],
        "clients": [{
            "client_id": "shop", "secrets": [{ "value": "weak" }], "grants": [{ "audience": "https://orders/", "scope": ["read"] }],
        }],
    });
    let plan = control.put("document", &document).await;
    let kinds: Vec<_> = plan["steps"].as_array().unwrap().iter().map(|step| step["kind"].clone()).collect();
    assert_eq!(kinds, ["api", "client", "client_secret", "grant"]);
    let form = [("grant_type", "client_credentials"), ("client_id", "shop"), ("client_secret", "weak")];
    let token = Answer::to(client().post(control.at("oauth/token")).form(&form)).await.access_token();
    assert_eq!(token_part(&token, 1)["aud"], "https://orders/");
    let exported = control.get("document").await;
    let ids: Vec<_> = exported["clients"].as_array().unwrap().iter().map(|one| one["client_id"].clone()).collect();
    assert_eq!(ids, ["management", "partner-a", "partner-b", "shop"]);
    assert!(!exported.to_string().contains("\"weak\""), "{exported}");
    let again = control.put("document", &exported).await;
    assert_eq!(again["steps"], json!([]), "{again}");
    control.put("document?prune=true", &json!({ "apis": document["apis"], "clients": document["clients"] })).await;
    assert_eq!(control.token().await.error(), (401, "invalid_client".to_owned()), "partner-a is gone");
}

#[tokio::test]
async fn mistakes_are_told_and_nothing_is_read_from_the_server() {
    let (_dev, control) = start(&[]);
    for (wrong, status, told) in [
        (json!({ "clientz": [] }), 400, "clientz"),
        (json!({ "clients": [{ "client_id": "c", "secrets": [{ "value_file": "/etc/hostname" }] }] }), 400, "value"),
        (
            json!({ "clients": [{ "client_id": "c", "secrets": [{ "value_env": "PATH" }] }] }),
            400,
            "can name no variable",
        ),
        (
            json!({ "clients": [{ "client_id": "c", "grants": [{ "audience": "https://none/" }] }] }),
            400,
            "https://none/",
        ),
    ] {
        let answer = control.call("PUT", "document", Some(&wrong)).await;
        assert_eq!(answer.status, status, "{wrong}: {answer:?}");
        assert!(answer.text.contains(told), "{wrong}: {answer:?}");
    }
    let seed = json!({ "clients": [{ "client_id": "c", "grants": [{ "audience": "https://none/" }] }] });
    let answer = control.call("POST", "issuers", Some(&json!({ "seed": seed }))).await;
    assert!(answer.status == 400 && answer.text.contains("https://none/"), "{answer:?}");
    assert_eq!(control.get("").await["counts"]["clients"], 3);
}
