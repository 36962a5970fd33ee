//! Do the documents say what is so? (RFC 9728 §2 and §3, OpenAPI 3.1.0)

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::running::{ISSUER, Running, answer, api, settings, token};
use crate::resource_api::Settings;
use crate::resource_api::endpoint::Endpoint;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

fn metadata(resource: &str) -> Value {
    json!({
        "resource": resource,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["list:users", "create:users", "update:users", "delete:users"],
        "bearer_methods_supported": ["header"],
    })
}

#[actix_web::test]
async fn the_metadata_names_the_issuer() {
    let running = Running::usual();
    let answer = answer(running.request("GET", WELL_KNOWN)).await;
    assert_eq!((answer.status, answer.body), (200, metadata("https://partners.example/")));
    assert_eq!(answer.headers["content-type"], "application/json");
}

#[actix_web::test]
async fn under_a_path_everything_is_served_with_and_without_it() {
    let running = Running::of(&api(Settings { public_url: "https://gateway.example/a/b".to_owned(), ..settings() }));
    let expected = metadata("https://gateway.example/a/b/");
    for path in [WELL_KNOWN, "/a/b/.well-known/oauth-protected-resource"] {
        assert_eq!(answer(running.request("GET", path)).await.body, expected, "{path}");
    }
    for inserted in [format!("{WELL_KNOWN}/a/b"), format!("{WELL_KNOWN}/a/b/")] {
        assert_eq!(answer(running.request("GET", &inserted)).await.body, expected, "{inserted}");
    }
    let challenged = answer(running.request("GET", "/a/b/users")).await;
    let named = r#"resource_metadata="https://gateway.example/.well-known/oauth-protected-resource/a/b/""#;
    assert!(challenged.header("www-authenticate").contains(named), "{challenged:?}");

    for prefix in ["", "/a/b"] {
        let body = json!({"email": format!("x{}@example.com", prefix.len()), "name": "X"});
        let created = running.send("POST", &format!("{prefix}/users"), body).await;
        let location = format!("https://gateway.example/a/b/users/{}", created.text("id"));
        assert_eq!((created.status, created.header("location")), (201, location.as_str()));
        let path = format!("{prefix}/users/{}", created.text("id"));
        assert_eq!(running.ask("GET", &path).await.status, 200);
    }
}

#[actix_web::test]
async fn health_needs_no_token() {
    let running = Running::usual();
    let answer = answer(running.request("GET", "/healthz")).await;
    assert_eq!((answer.status, answer.body), (200, json!({"status": "ok"})));
}

#[actix_web::test]
async fn the_openapi_document_names_exactly_what_is_served() {
    let running = Running::usual();
    let document = answer(running.request("GET", "/openapi.json")).await;
    assert_eq!((document.status, document.headers["content-type"].to_str().unwrap()), (200, "application/json"));
    assert_eq!(document.body["openapi"], "3.1.0");

    let operations = |path: &Value| -> BTreeSet<String> {
        let members = path.as_object().unwrap().keys();
        members.filter(|member| *member != "parameters").map(|method| method.to_uppercase()).collect()
    };
    let described: BTreeSet<(String, BTreeSet<String>)> = document.body["paths"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, item)| (path.clone(), operations(item)))
        .collect();
    let served = Endpoint::ALL.map(|endpoint| {
        // What answers GET answers HEAD: the document says so once for all.
        let methods = endpoint.allow().split(", ").filter(|method| *method != "HEAD");
        (endpoint.path().to_owned(), methods.map(str::to_owned).collect())
    });
    assert_eq!(described, BTreeSet::from(served));
}

#[actix_web::test]
async fn every_operation_wants_the_scope_that_the_document_names() {
    let running = Running::usual();
    let document = answer(running.request("GET", "/openapi.json")).await;
    for (path, item) in document.body["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(member, _)| *member != "parameters") {
            let request = || running.request(&method.to_uppercase(), &path.replace("{id}", "x"));
            let bare = answer(request()).await;
            let asked = answer(request().bearer_auth(token("partner-a", ""))).await;
            let statuses = operation["responses"].as_object().unwrap();
            for status in [bare.status, asked.status].map(|status| status.to_string()) {
                assert!(statuses.contains_key(&status), "{method} {path} {status}");
            }
            match operation["security"].as_array().unwrap().first() {
                None => assert_eq!(bare.status, 200, "{method} {path}"),
                Some(scheme) => {
                    assert_eq!(bare.status, 401, "{method} {path}");
                    assert_eq!(scheme["accessToken"].get(0), asked.body.get("scope").filter(|_| asked.status == 403));
                }
            }
        }
    }
}

#[actix_web::test]
async fn every_reference_in_the_openapi_document_leads_somewhere() {
    let document: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

fn collect_references<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| collect_references(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, references)),
        _ => {}
    }
}
