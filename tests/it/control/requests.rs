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

#[tokio::test]
async fn a_secret_is_hidden_however_it_is_sent() {
    const LEAK: &str = "leak7f3a";
    let (_dev, control) = start(&[]);
    let audience = &control.ready["management"]["audience"];
    let minted = control.mint(json!({ "client_id": "management", "audience": audience })).await;
    let (manager, unknown) = (format!("Bearer {minted}"), format!("{LEAK} x"));
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    let jwt = format!("eyJhbGciOiJub25lIn0.e30.{LEAK}");
    let generated = format!("ths_{LEAK}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    for (path, kind, body) in [
        ("oauth/token", form, format!(r#"{{"client_secret":"{LEAK}"}}"#)),
        ("oauth/token", form, format!(r#"{{"client_secret":"{LEAK}","x":"a&b=c"}}"#)),
        ("oauth/token", form, format!("client_secret[]={LEAK}")),
        (
            "oauth/token",
            form,
            format!("clientSecret={LEAK}&client-secret={LEAK}&client_secret%20={LEAK}&api_key={LEAK}"),
        ),
        ("oauth/token", form, format!("client_id=a;client_secret={LEAK}")),
        ("oauth/token", form, format!("client_id=a%26client_secret={LEAK}")),
        ("oauth/token", form, format!("scope={jwt}&audience={generated}&{generated}=1")),
        ("oauth/token", json, format!("\"{LEAK}\"")),
        ("oauth/token", json, json!({ "client_id": jwt, "client_secret": [LEAK] }).to_string()),
        ("oauth/token", json, json!({ "client_secret": { "value": LEAK }, "secrets": [LEAK] }).to_string()),
        ("api/v2/clients/a/secrets", json, json!({ "label": "x", "value": LEAK }).to_string()),
        ("api/v2/clients", json, json!({ "secrets": [{ "label": "x", "value": LEAK }] }).to_string()),
        ("api/v2/clients", json, json!({ "jwks": { "keys": [{ "kty": "EC", "d": LEAK }] } }).to_string()),
        ("api/v2/clients", json, json!({ "pem": format!("-----BEGIN PRIVATE KEY-----{LEAK}") }).to_string()),
        (&format!("api/v2/{generated}"), json, String::new()),
        (&format!("api/v2/x?q={jwt}&client_secret[]={LEAK}&a=b;client_secret={LEAK}"), json, String::new()),
    ] {
        let request = client()
            .post(control.at(path))
            .header("content-type", kind)
            .header("authorization", if path.starts_with("api/v2/c") { &manager } else { &unknown })
            .header("referer", format!("https://shop.example/?x={LEAK}"))
            .header("x-api-key", LEAK)
            .header("x-note", &jwt)
            .body(body.clone());
        Answer::to(request).await;
        let list = control.get("requests").await;
        let last = list["requests"].as_array().unwrap().last().unwrap().clone();
        assert!(!last.to_string().contains(LEAK), "{path} {body}: {last}");
        // Nothing is read of what comes to no path.
        if !path.contains("v2/x") && !path.contains("ths_") {
            assert_eq!(last["body_bytes"], body.len(), "{last}");
        }
    }
    let list = control.get("requests").await;
    assert_eq!((&list["requests"][0]["body"], &list["requests"][7]["body"]), (&json!(null), &json!(null)));
    assert_eq!(list["requests"][10]["body"], json!({ "label": "x", "value": "[redacted]" }));
    assert_eq!(list["requests"][0]["headers"]["referer"], "https://shop.example/?[redacted]");
}

#[tokio::test]
async fn many_small_values_and_long_queries_are_bounded() {
    let (_dev, control) = start(&[]);
    let body = format!("[{}]", vec![r#"{"":0}"#; 2300].join(","));
    let url = control.at(&format!("oauth/token?x={}", "y".repeat(5000)));
    for _ in 0..300 {
        let request = client().post(&url).header("content-type", "application/json").body(body.clone());
        Answer::to(request).await;
    }
    let list = control.get("requests").await;
    let kept = list["requests"].as_array().unwrap().len();
    // Each is 16 KiB of text.
    assert!((200..260).contains(&kept), "{kept}");
    assert_eq!(list["lost"], 300 - kept);
    assert_eq!((&list["requests"][0]["query"], &list["requests"][0]["query_bytes"]), (&json!(null), &json!(5002)));
}

#[tokio::test]
async fn an_endpoint_is_the_same_however_its_path_is_spelt() {
    let (_dev, control) = start(&[]);
    control.post("faults", &json!({ "endpoint": "token", "status": 599 })).await;
    assert_eq!(Answer::to(client().post(control.at("oauth/%74oken"))).await.status, 599);
    let named = control.issuer("a").await;
    for one in [&control, &named] {
        let before = one.get("requests").await["last"].clone();
        let document = client().put(one.at("%5fcontrol/document")).bearer_auth(&one.key).json(&json!({}));
        assert_eq!(Answer::to(document).await.status, 200);
        assert_eq!(one.get("requests").await["last"], before, "the control API is not logged");
    }
}

#[tokio::test]
async fn what_cannot_be_waited_for_is_told() {
    let (_dev, control) = start(&[]);
    for (query, told) in
        [("wait_for=1001", "wait_for is at most 1000"), ("since=1&wait_for=x", "wait_for: "), ("since=-1", "since: ")]
    {
        let answer = control.call("GET", &format!("requests?{query}"), None).await;
        assert_eq!(answer.error(), (400, "invalid_request".to_owned()), "{query}");
        assert!(answer.text.contains(told), "{query}: {answer:?}");
    }
    let answer = control.call("PUT", "document?prune=maybe", Some(&json!({}))).await;
    assert!(answer.status == 400 && answer.text.contains("prune: "), "{answer:?}");
}
