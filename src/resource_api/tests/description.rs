//! Is what the API says about itself true? (OpenAPI 3.1, RFC 9728 §2)

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::routes::{OPENAPI, PATHS};
use super::{Rig, answer};

const METHODS: [&str; 7] = ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE"];

#[actix_web::test]
async fn every_described_operation_is_served_and_no_other() {
    let rig = Rig::start();
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(PATHS));
    for (path, item) in paths {
        for method in METHODS {
            let response = rig.request(method, &path.replace("{id}", "1")).send().await.unwrap();
            let described = item.get(method.to_lowercase()).is_some();
            assert_eq!(response.status() != 405, described, "{method} {path}");
            if described {
                assert!([200, 401].contains(&response.status().as_u16()), "{method} {path}");
            } else {
                let allow = response.headers()["allow"].to_str().unwrap();
                let allowed: BTreeSet<&str> = allow.split(", ").collect();
                let all: BTreeSet<&str> =
                    METHODS.into_iter().filter(|m| item.get(m.to_lowercase()).is_some()).chain(["HEAD"]).collect();
                assert_eq!(allowed, all, "{path}");
            }
        }
    }
}

#[actix_web::test]
async fn references_in_the_description_lead_somewhere() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
                }
                open.extend(members.values());
            }
            Value::Array(elements) => open.extend(elements),
            _ => {}
        }
    }
}

#[actix_web::test]
async fn the_description_names_the_scope_each_operation_asks_for() {
    let rig = Rig::start();
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let request = rig.request(&method.to_uppercase(), &path.replace("{id}", "1"));
            let (status, body) = answer(request.bearer_auth(super::token("a", ""))).await;
            match operation["security"].pointer("/0/oauth2/0") {
                Some(scope) => assert_eq!((status, &body["scope"]), (403, scope), "{method} {path}"),
                None => assert_eq!(status, 200, "{method} {path}"),
            }
        }
    }
}

#[actix_web::test]
async fn the_metadata_name_the_issuer_and_the_scopes() {
    let rig = Rig::start();
    let (status, metadata) = answer(rig.request("GET", "/.well-known/oauth-protected-resource")).await;
    assert_eq!(status, 200);
    assert_eq!(metadata["resource"], "https://api.example/");
    assert_eq!(metadata["authorization_servers"], json!(["https://issuer.example/"]));
    assert_eq!(metadata["scopes_supported"], json!(["list:users", "create:users", "update:users", "delete:users"]));
    assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
}

#[actix_web::test]
async fn what_is_not_there_is_told_in_json() {
    let rig = Rig::start();
    for path in ["/", "/nothing", "/users/1/2", "/users/", "/oauth/token"] {
        let (status, error) = answer(rig.request("GET", path)).await;
        assert_eq!((status, &error["error"]), (404, &json!("not_found")), "{path}");
    }
    assert_eq!(answer(rig.request("GET", "/healthz")).await, (200, json!({"status": "ok"})));
    let head = rig.request("HEAD", "/healthz").send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.text().await.unwrap().as_str()), (200, ""));
}
