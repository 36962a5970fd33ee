//! `/_control/faults`: the next answers, spoilt, as a client sees them on its socket.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::answer::Answer;
use crate::support::control::{Control, start};
use crate::support::raw::{exchange, status};

/// The JWK Set, as bytes.
async fn raw_jwks(control: &Control) -> String {
    let url = control.at("");
    let request = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    tokio::task::spawn_blocking(move || exchange(&url, request.as_bytes())).await.unwrap()
}

fn content_length(answer: &str) -> usize {
    let line =
        answer.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    line.unwrap().parse().unwrap()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[tokio::test]
async fn a_status_is_told_as_often_as_was_said() {
    let (_dev, control) = start(&[]);
    let added =
        control.post("faults", &json!({ "endpoint": "token", "times": 2, "status": 429, "retry_after": 7 })).await;
    assert_eq!((&added["id"], &added["left"], &added["kind"]), (&json!(1), &json!(2), &json!("status")));
    control.post("faults", &json!({ "endpoint": "token", "status": 500, "body": "<html>" })).await;
    control.post("faults", &json!({ "endpoint": "token", "status": 200, "body": { "token_type": "mac" } })).await;
    assert_eq!(control.get("").await["faults"]["pending"], 4);
    for left in [1, 0] {
        let answer = control.token().await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "7"));
        assert_eq!(answer.error().1, "invalid_request");
        let first = &control.get("faults").await["faults"][0];
        assert_eq!(
            (first["id"] == 1, if first["id"] == 1 { first["left"].clone() } else { json!(0) }),
            (left > 0, json!(left))
        );
    }
    let answer = control.token().await;
    assert_eq!(
        (answer.status, answer.text.as_str(), answer.header("content-type")),
        (500, "<html>", "text/plain; charset=utf-8")
    );
    let answer = control.token().await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "token_type": "mac" })));
    assert_eq!(control.token().await.status, 200);
    let seen = control.get("requests?endpoint=token").await;
    let faults: Vec<_> = seen["requests"].as_array().unwrap().iter().map(|one| one["fault"].clone()).collect();
    assert_eq!(faults, [json!(1), json!(1), json!(2), json!(3), json!(null)]);
}

#[tokio::test]
async fn each_endpoint_has_its_own() {
    let (dev, control) = start(&[]);
    let token = control.token().await.access_token();
    let urls = [
        ("jwks", control.at(".well-known/jwks.json")),
        ("discovery", control.at(".well-known/openid-configuration")),
        ("discovery", control.at(".well-known/oauth-authorization-server")),
        ("management", control.at("api/v2/clients")),
        ("resource_api", control.api("users")),
        ("other", control.at("authorize")),
    ];
    for (endpoint, url) in &urls {
        control.post("faults", &json!({ "endpoint": endpoint, "status": 599 })).await;
        for (other, elsewhere) in &urls {
            if other != endpoint {
                assert_ne!(dev.get(elsewhere).await.status, 599, "{endpoint} {elsewhere}");
            }
        }
        assert_eq!(dev.get(url).await.status, 599, "{endpoint} {url}");
        assert_ne!(dev.get(url).await.status, 599);
    }
    control.post("faults", &json!({ "endpoint": "any", "times": 100 })).await;
    assert_eq!(dev.get(&control.at("livez")).await.status, 200, "health is never spoilt");
    assert_eq!(control.whoami(&token).await.status, 503);
    control.delete("faults").await;
    assert_eq!(control.whoami(&token).await.status, 200);
    assert_eq!(control.get("faults").await["faults"], json!([]));
}

#[tokio::test]
async fn a_connection_is_closed_without_an_answer() {
    let (_dev, control) = start(&[]);
    control.post("faults", &json!({ "endpoint": "jwks", "kind": "drop" })).await;
    assert_eq!(raw_jwks(&control).await, "");
    assert_eq!(status(&raw_jwks(&control).await), 200);
    let seen = control.get("requests?endpoint=jwks").await;
    assert_eq!((&seen["requests"][0]["status"], &seen["requests"][1]["status"]), (&json!(null), &json!(200)));
}

#[tokio::test]
async fn an_answer_is_cut_off_in_the_middle() {
    let (_dev, control) = start(&[]);
    let whole = raw_jwks(&control).await;
    control.post("faults", &json!({ "endpoint": "jwks", "kind": "truncate" })).await;
    let cut = raw_jwks(&control).await;
    assert_eq!((status(&cut), content_length(&cut)), (200, content_length(&whole)));
    assert_eq!(body(&cut), &body(&whole)[..content_length(&whole) / 2]);
    control.post("faults", &json!({ "endpoint": "jwks", "kind": "truncate", "body": { "keys": [1, 2, 3] } })).await;
    let cut = raw_jwks(&control).await;
    assert_eq!((content_length(&cut), body(&cut)), (16, "{\"keys\":"));
}

#[tokio::test]
async fn an_answer_drips_or_comes_late() {
    let (_dev, control) = start(&[]);
    let whole = raw_jwks(&control).await;
    control.post("faults", &json!({ "endpoint": "jwks", "kind": "slow", "pieces": 4, "pause_ms": 50 })).await;
    let began = Instant::now();
    let slow = raw_jwks(&control).await;
    assert_eq!(body(&slow), body(&whole));
    assert!(began.elapsed() >= Duration::from_millis(150), "three pauses: {:?}", began.elapsed());
    control.post("faults", &json!({ "endpoint": "token", "kind": "delay", "delay_ms": 200 })).await;
    let began = Instant::now();
    assert_eq!(control.token().await.status, 200);
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_jwk_set_is_empty_for_once() {
    let (_dev, control) = start(&[]);
    let token = control.token().await.access_token();
    control.post("faults", &json!({ "endpoint": "jwks", "kind": "empty_jwks" })).await;
    assert_eq!(control.jwks().await, json!({ "keys": [] }));
    assert_eq!(control.kids().await.len(), 2);
    control.post("faults", &json!({ "endpoint": "jwks", "kind": "empty_jwks" })).await;
    let answer = control.whoami(&token).await;
    assert_eq!(answer.status, 503, "the resource API has no keys: {answer:?}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let (_dev, control) = start(&[]);
    for wrong in [
        json!({}),
        json!({ "endpoint": "tokens" }),
        json!({ "endpoint": "token", "kind": "explode" }),
        json!({ "endpoint": "token", "times": 0 }),
        json!({ "endpoint": "token", "status": 700 }),
        json!({ "endpoint": "token", "delay": 5 }),
    ] {
        let answer: Answer = control.call("POST", "faults", Some(&wrong)).await;
        assert_eq!(answer.error(), (400, "invalid_request".to_owned()), "{wrong}");
    }
    for _ in 0..100 {
        control.post("faults", &json!({ "endpoint": "token" })).await;
    }
    let answer = control.call("POST", "faults", Some(&json!({ "endpoint": "token" }))).await;
    assert_eq!(answer.error(), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn an_answer_without_content_leaves_no_stray_bytes() {
    let (_dev, control) = start(&[]);
    for wanted in [204, 205, 304] {
        control.post("faults", &json!({ "endpoint": "jwks", "status": wanted })).await;
        let url = control.at("");
        let one = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n";
        let two = format!("{one}\r\n{one}Connection: close\r\n\r\n");
        let both = tokio::task::spawn_blocking(move || exchange(&url, two.as_bytes())).await.unwrap();
        let (first, second) = both.split_once("\r\n\r\n").unwrap();
        assert_eq!((status(first), status(second)), (wanted, 200), "{both}");
        assert!(!first.to_ascii_lowercase().contains("content-type"), "{both}");
        let refused = json!({ "endpoint": "jwks", "status": wanted, "body": {} });
        assert_eq!(control.call("POST", "faults", Some(&refused)).await.status, 400);
    }
}
