//! Which bodies and methods are refused, and how?

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::running::{ALL, Answer, Running, answer, token};

fn assert_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.text("error")), (status, error), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(!answer.text("error_description").is_empty());
}

async fn post(api: &Running, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = api.request("POST", "/users").bearer_auth(token("partner-a", ALL));
    answer(request.header(CONTENT_TYPE, content_type).body(body)).await
}

#[actix_web::test]
async fn a_wrong_value_is_refused_by_name() {
    let api = Running::usual();
    let long_name = "x".repeat(201);
    for (body, named) in [
        (json!({"email": "x", "name": "X"}), "email must be an address"),
        (json!({"email": "x@example.com", "name": ""}), "name must have 1 to 200 characters"),
        (json!({"email": "x@example.com", "name": long_name}), "name must have 1 to 200 characters"),
        (json!({"email": "x@example.com", "name": "a\nb"}), "name must have 1 to 200 characters"),
        (json!({"email": 1, "name": "X"}), "email must be a string"),
        (json!({"email": "x@example.com"}), "name is missing"),
        (json!({"email": "x@example.com", "name": "X", "admin": true}), "\"admin\""),
        (json!([]), "one JSON object"),
    ] {
        let refused = api.send("POST", "/users", body).await;
        assert_refused(&refused, 400, "invalid_request");
        assert!(refused.text("error_description").contains(named), "{refused:?}");
    }
    let user = api.ask("GET", "/users").await.body["users"][0]["id"].as_str().unwrap().to_owned();
    for body in [json!({}), json!({"id": "x"}), json!({"email": "x"}), json!({"name": null})] {
        assert_refused(&api.send("PATCH", &format!("/users/{user}"), body).await, 400, "invalid_request");
    }
    assert_eq!(api.ask("GET", "/users").await.body["total"], 2);
}

#[actix_web::test]
async fn a_body_that_is_no_json_is_refused() {
    let api = Running::usual();
    for body in ["", "{", "{\"email\":\"a@b\",\"email\":\"c@d\",\"name\":\"x\"}", "nonsense"] {
        assert_refused(&post(&api, "application/json", body).await, 400, "invalid_request");
    }
    let right = json!({"email": "x@example.com", "name": "X"}).to_string();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""] {
        assert_refused(&post(&api, content_type, right.clone()).await, 415, "unsupported_media_type");
    }
    assert_eq!(post(&api, "application/json; charset=utf-8", right).await.status, 201);
}

#[actix_web::test]
async fn a_large_body_is_refused_with_and_without_a_length() {
    let api = Running::usual();
    let body = |length: usize| {
        let frame = json!({"email": "x@example.com", "name": "X", "y": ""}).to_string().len();
        json!({"email": "x@example.com", "name": "X", "y": "z".repeat(length - frame)}).to_string()
    };
    assert_refused(&post(&api, "application/json", body(64 * 1024)).await, 400, "invalid_request");
    assert_refused(&post(&api, "application/json", body(64 * 1024 + 1)).await, 413, "content_too_large");
    let form = format!("a={}", "z".repeat(64 * 1024));
    let refused = post(&api, "application/x-www-form-urlencoded", form).await;
    assert!(matches!(refused.status, 400 | 413), "{refused:?}");
    assert_eq!((refused.header("content-type"), refused.header("cache-control")), ("application/json", "no-store"));
}

#[actix_web::test]
async fn other_methods_are_not_allowed() {
    let api = Running::usual();
    for (path, allow) in [
        ("/users", "GET, HEAD, POST"),
        ("/users/x", "GET, HEAD, PATCH, DELETE"),
        ("/whoami", "GET, HEAD"),
        ("/healthz", "GET, HEAD"),
        ("/openapi.json", "GET, HEAD"),
        ("/.well-known/oauth-protected-resource", "GET, HEAD"),
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let answer = api.send(method, path, json!({})).await;
            assert_eq!(answer.status == 405, !allow.split(", ").any(|allowed| allowed == method), "{method} {path}");
            if answer.status == 405 {
                assert_refused(&answer, 405, "method_not_allowed");
                assert_eq!(answer.header("allow"), allow);
            }
        }
    }
}

#[actix_web::test]
async fn head_is_get_without_the_content() {
    let api = Running::usual();
    for path in ["/users", "/whoami", "/healthz", "/openapi.json", "/.well-known/oauth-protected-resource"] {
        let (get, head) = (api.ask("GET", path).await, api.ask("HEAD", path).await);
        assert_eq!((head.status, &head.body), (200, &Value::Null), "{path}");
        for name in ["content-length", "content-type", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
}

#[actix_web::test]
async fn an_unknown_path_is_not_found() {
    let api = Running::usual();
    for path in ["/", "/user", "/users/", "/users/x/y", "/admin"] {
        assert_refused(&api.ask("GET", path).await, 404, "not_found");
    }
}
