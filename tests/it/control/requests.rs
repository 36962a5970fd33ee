//! `/_control/requests`: what was asked, without secrets.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::answer::{Answer, client};
use crate::support::control::start;

#[tokio::test]
async fn each_request_is_listed_without_its_secrets() {
    let (dev, control) = start(&[]);
    let partner = dev.partner(0);
    let token = control.token().await.access_token();
    let basic = client()
        .post(control.at("oauth/token?client_secret=query-secret&x=1"))
        .basic_auth("partner-b", Some("wrong-secret"))
        .json(&json!({ "grant_type": "client_credentials", "nested": { "client_secret": "json-secret" } }));
    assert_eq!(Answer::to(basic).await.status, 401);
    assert_eq!(control.whoami(&token).await.status, 200);
    dev.get(&control.at("api/v2/clients")).await;
    Answer::to(
        client().post(control.at("oauth/token")).header("content-type", "text/plain").body("client_secret=plain"),
    )
    .await;

    let list = control.get("requests").await;
    let text = list.to_string();
    for secret in [partner.client_secret.as_str(), "query-secret", "wrong-secret", "json-secret", "=plain", &token] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let requests = list["requests"].as_array().unwrap();
    let shown = |one: &Value| {
        json!([one["method"], one["path"], one["endpoint"], one["client_id"], one["status"], one["error"]])
    };
    // The resource API asks for keys with its first token.
    let shown: Vec<_> = requests.iter().filter(|one| one["headers"]["user-agent"] == Value::Null).map(shown).collect();
    assert_eq!(
        shown,
        [
            json!(["POST", "/oauth/token", "token", "partner-a", 200, null]),
            json!(["POST", "/oauth/token", "token", "partner-b", 401, "invalid_client"]),
            json!(["GET", "/whoami", "resource_api", "partner-a", 200, null]),
            json!(["GET", "/api/v2/clients", "management", null, 401, "unauthorized"]),
            json!(["POST", "/oauth/token", "token", null, 400, "invalid_request"]),
        ]
    );
    assert_eq!(requests[0]["body"]["client_secret"], "[redacted]");
    assert_eq!(requests[0]["body"]["grant_type"], "client_credentials");
    assert_eq!(requests[1]["headers"]["authorization"], "Basic partner-b:[redacted]");
    assert_eq!(requests[1]["query"], json!({ "client_secret": "[redacted]", "x": "1" }));
    assert_eq!(requests[1]["body"]["nested"], json!({ "client_secret": "[redacted]" }));
    let last = requests.last().unwrap();
    assert_eq!((&last["body"], &last["body_bytes"]), (&json!(null), &json!(19)));
    assert!(requests.iter().any(|one| one["endpoint"] == "jwks"), "the resource API fetched the keys");
}

#[tokio::test]
async fn they_are_chosen_numbered_and_emptied() {
    let (dev, control) = start(&[]);
    control.token().await;
    dev.get(&control.at(".well-known/jwks.json")).await;
    control.token().await;
    let numbers = async |query: &str| {
        let list = control.get(&format!("requests?{query}")).await;
        list["requests"].as_array().unwrap().iter().map(|one| one["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(numbers("").await, [1, 2, 3]);
    assert_eq!(numbers("since=1").await, [2, 3]);
    assert_eq!(numbers("endpoint=token").await, [1, 3]);
    assert_eq!(numbers("endpoint=any&client_id=partner-a&since=1").await, [3]);
    assert_eq!(numbers("client_id=nobody").await, [0; 0]);
    control.delete("requests").await;
    let list = control.get("requests").await;
    assert_eq!((&list["requests"], &list["last"], &list["lost"]), (&json!([]), &json!(3), &json!(3)));
    control.token().await;
    assert_eq!(numbers("since=3").await, [4]);
    for wrong in ["endpoint=tokens", "since=-1", "timeout_seconds=61", "sinse=1", "wait_for=x"] {
        let answer = control.call("GET", &format!("requests?{wrong}"), None).await;
        assert_eq!(answer.error(), (400, "invalid_request".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn who_waits_is_told_when_they_are_there() {
    let (_dev, control) = start(&[]);
    control.token().await;
    let waiting = control.clone();
    let waiting =
        tokio::spawn(async move { waiting.get("requests?endpoint=token&wait_for=3&timeout_seconds=60").await });
    control.token().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    control.token().await;
    let list = waiting.await.unwrap();
    assert_eq!((list["requests"].as_array().unwrap().len(), &list["complete"]), (3, &json!(true)));
    let list = control.get("requests?wait_for=9&timeout_seconds=0").await;
    assert_eq!((list["requests"].as_array().unwrap().len(), &list["complete"]), (3, &json!(false)));
}

#[tokio::test]
async fn who_waits_does_not_hold_up_the_end() {
    let (mut dev, control) = start(&[]);
    let waiting = control.clone();
    let waiting =
        tokio::spawn(async move { waiting.call("GET", "requests?wait_for=1&timeout_seconds=60", None).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(tokio::task::spawn_blocking(move || dev.terminate()).await.unwrap(), 0);
    // It is answered, long before its time, and not cut off.
    assert_eq!(waiting.await.unwrap().json()["complete"], false);
}
