//! `resource-servers`: the APIs, by id or by identifier.

use serde_json::{Value, json};

use super::{Management, check_bodies, check_methods, check_paging, segment, token};
use crate::support::dev::token_part;
use crate::support::{Dev, Serve};

const API: &str = "https://orders.example.com/v1/";

#[tokio::test]
async fn an_api_is_created_used_changed_and_deleted_and_each_is_served_at_once() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let body = json!({
        "identifier": API, "name": "Orders", "token_lifetime": 60, "token_dialect": "access_token_authz",
        "scopes": [{ "value": "read:orders", "description": "Read" }, { "value": "write:orders" }],
        "enforce_policies": true, "allow_offline_access": false,
    });
    let created = management.post("/resource-servers", &body).await.created();
    let id = created["id"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    for (member, value) in [
        ("identifier", json!(API)),
        ("name", json!("Orders")),
        ("scopes", body["scopes"].clone()),
        ("signing_alg", json!("RS256")),
        ("token_lifetime", json!(60)),
        ("token_dialect", json!("access_token_authz")),
        ("enforce_policies", json!(true)),
        ("allow_offline_access", json!(false)),
        ("is_system", json!(false)),
        ("default_scope", json!("all")),
        ("scope_policy", json!("exact")),
        ("token_reuse_seconds", json!(0)),
    ] {
        assert_eq!(created[member], value, "{member}");
    }
    let partner = management.partner("orders client", API).await;
    management.grant(&partner, &["read:orders", "write:orders"]).await;
    let claims = token_part(&token(&dev, &partner).await.access_token(), 1);
    assert_eq!(claims["permissions"], json!(["read:orders", "write:orders"]));

    for path in [format!("/resource-servers/{id}"), format!("/resource-servers/{}", segment(API))] {
        assert_eq!(management.get(&path).await.ok(), created);
    }
    let by_identifier = "/resource-servers/https%3A%2F%2Forders.example.com%2Fv1%2F";
    let body = json!({ "scopes": [{ "value": "read:orders" }], "token_dialect": null, "token_lifetime": 120 });
    let changed = management.patch(by_identifier, &body).await.ok();
    assert_eq!((&changed["token_lifetime"], changed.get("token_dialect")), (&json!(120), None));
    let answer = token(&dev, &partner).await;
    let claims = token_part(&answer.access_token(), 1);
    assert_eq!((&claims["scope"], claims.get("permissions")), (&json!("read:orders"), None), "{claims}");
    assert_eq!(answer.json()["expires_in"], 120);

    let changed = management.patch(by_identifier, &json!({ "token_reuse_seconds": 60 })).await.ok();
    assert_eq!(changed["token_reuse_seconds"], 60);
    assert_eq!(token(&dev, &partner).await.access_token(), token(&dev, &partner).await.access_token());
    let changed = management.patch(by_identifier, &json!({ "token_reuse_seconds": null })).await.ok();
    assert_eq!(changed["token_reuse_seconds"], 0);
    assert_ne!(token(&dev, &partner).await.access_token(), token(&dev, &partner).await.access_token());

    let missing = [by_identifier.to_owned(), format!("/resource-servers/{id}"), "/resource-servers/urn:no".to_owned()];
    for path in &missing {
        assert_eq!(management.delete(path).await.status, 204, "gone already is as good");
    }
    assert_eq!(token(&dev, &partner).await.error(), (400, "invalid_target".to_owned()));
    for path in &missing {
        management.get(path).await.refused(404, "inexistent_resource_server");
        management.patch(path, &json!({})).await.refused(404, "inexistent_resource_server");
    }
    assert_eq!(management.get("/client-grants?include_totals=true").await.ok()["total"], 3, "its grants are gone");
}

#[tokio::test]
async fn an_identifier_is_found_whatever_it_holds_and_cannot_pass_for_an_id() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    for identifier in
        ["https://api/?a=b&c=%20d+e%2Ff", "urn:x:y", "a+b", "%2F", "x..y", "/", "0190a5d012347abc8def0123456789ab"]
    {
        management.api(identifier, &["a"]).await;
        let path = format!("/resource-servers/{}", segment(identifier));
        assert_eq!(management.get(&path).await.ok()["identifier"], identifier);
        let again = management.post("/resource-servers", &json!({ "identifier": identifier })).await;
        assert!(again.refused(409, "conflict").contains(identifier));
    }
    // An API that is called by the id of another does not take its place.
    let id = management.api("urn:victim", &[]).await["id"].as_str().unwrap().to_owned();
    let shadow = management.api(&id, &[]).await;
    let path = format!("/resource-servers/{id}");
    assert_eq!(management.patch(&path, &json!({ "name": "Meant" })).await.ok()["identifier"], "urn:victim");
    let shadow = format!("/resource-servers/{}", shadow["id"].as_str().unwrap());
    assert_eq!(management.get(&shadow).await.ok()["name"], id.as_str(), "still reachable by its own id");
    let dashed = uuid::Uuid::try_parse(&id).unwrap().to_string();
    for other in [dashed, id.to_uppercase()] {
        management.get(&format!("/resource-servers/{other}")).await.refused(404, "inexistent_resource_server");
    }
}

#[tokio::test]
async fn an_api_that_is_sent_back_as_it_was_read_is_not_changed() {
    let serve = Serve::start(&[]).await;
    let management = Management::of_server(&serve).await;
    let body = json!({
        "identifier": API, "token_dialect": "identityserver", "scope_format": "string", "default_scope": "none",
        "scope_policy": "whole_grant", "scopes": [{ "value": "a", "description": "A" }, { "value": "b", "description": "" }],
        "verification_location": "x", "signing_secret": "a-secret-of-auth0", "id": "mine", "is_system": true,
    });
    let created = management.post("/resource-servers", &body).await.created();
    assert_eq!((&created["is_system"], created.get("signing_secret")), (&json!(false), None), "{created}");
    let path = format!("/resource-servers/{}", created["id"].as_str().unwrap());
    let before = serve.cli(&["audit", "export"]).success().stdout;
    assert!(!before.contains("a-secret-of-auth0"));
    let mut sent = management.get(&path).await.ok();
    sent["created_at"] = json!("1999-01-01T00:00:00Z");
    sent["is_system"] = json!(true);
    sent["allow_offline_access"] = Value::Null;
    assert_eq!(management.patch(&path, &sent).await.ok(), created);
    assert_eq!(management.patch(&path, &json!({})).await.ok(), created);
    let system = format!("/resource-servers/{}", segment(&serve.url("/api/v2/")));
    let read = management.get(&system).await.ok();
    assert_eq!(management.patch(&system, &read).await.ok(), read);
    assert_eq!(serve.cli(&["audit", "export"]).success().stdout, before, "no change, no event");

    let other = json!({ "identifier": "urn:other" });
    management.patch(&path, &other).await.refused(400, "operation_not_supported");
}

#[tokio::test]
async fn the_management_api_keeps_its_scopes_and_stays() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let path = format!("/resource-servers/{}", segment(&dev.management().audience));
    let system = management.get(&path).await.ok();
    // The deploy CLI knows by this name what it must leave alone.
    assert_eq!((&system["name"], &system["is_system"]), (&json!("Auth0 Management API"), &json!(true)));
    management.delete(&path).await.refused(400, "operation_not_supported");
    for scopes in [json!([]), json!([{ "value": "read:everything" }]), Value::Null] {
        management.patch(&path, &json!({ "scopes": scopes })).await.refused(400, "operation_not_supported");
    }
    let again = json!({ "identifier": dev.management().audience });
    management.post("/resource-servers", &again).await.refused(409, "conflict");
    assert_eq!(management.patch(&path, &json!({ "token_lifetime": 600 })).await.ok()["token_lifetime"], 600);
    assert_eq!(management.get(&path).await.ok()["scopes"], system["scopes"]);
}

#[tokio::test]
async fn lists_have_three_shapes_and_are_filtered_by_identifier() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    for identifier in ["urn:a", "urn:b", "urn:c"] {
        management.api(identifier, &["x"]).await;
    }
    check_paging(&management, "/resource-servers", "resource_servers").await;
    let filtered =
        "/resource-servers?identifiers=urn%3Aa&identifiers=urn%3Ab&identifiers=urn%3Anone&identifiers=urn%3Ac";
    check_paging(&management, filtered, "resource_servers").await;
    let one = management.get("/resource-servers?identifiers=urn%3Ab&include_totals=true").await.ok();
    assert_eq!((&one["total"], &one["resource_servers"][0]["identifier"]), (&json!(1), &json!("urn:b")));
    let shown = management.get("/resource-servers/urn%3Ab?fields=identifier,name").await.ok();
    assert_eq!(shown, json!({ "identifier": "urn:b", "name": "urn:b" }));
}

#[tokio::test]
async fn an_algorithm_gets_its_keys_and_those_that_are_not_offered_are_named() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    for alg in ["ES256", "EdDSA", "PS256", "RS256"] {
        let identifier = format!("urn:{alg}");
        let body = json!({ "identifier": identifier, "signing_alg": alg, "scopes": [{ "value": "a" }] });
        management.post("/resource-servers", &body).await.created();
        let partner = management.partner(alg, &identifier).await;
        management.grant(&partner, &["a"]).await;
        assert_eq!(token_part(&token(&dev, &partner).await.access_token(), 0)["alg"], alg);
    }
    let changed = management.patch("/resource-servers/urn%3AES256", &json!({ "signing_alg": null })).await.ok();
    assert_eq!(changed["signing_alg"], "RS256");
    let keys = management.get("/keys/signing").await.ok();
    let mut stands: Vec<_> =
        keys.as_array().unwrap().iter().map(|key| (key["alg"].clone(), key["state"].clone())).collect();
    stands.dedup();
    assert_eq!(stands.len(), 8, "one active and one next key of each, and no more: {stands:?}");
    for (alg, part) in [("HS256", "shared secret"), ("RS512", "not offered"), ("none", "unknown"), ("rs256", "unknown")]
    {
        for answer in [
            management.post("/resource-servers", &json!({ "identifier": "urn:x", "signing_alg": alg })).await,
            management.patch("/resource-servers/urn%3ARS256", &json!({ "signing_alg": alg })).await,
        ] {
            let message = answer.refused(400, "invalid_body");
            assert!(message.contains(part) && message.contains("use RS256, PS256, ES256 or EdDSA"), "{message}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_by_its_name() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    check_bodies(&management, "/resource-servers").await;
    check_methods(&management, "/resource-servers", &["GET", "POST"]).await;
    check_methods(&management, "/resource-servers/urn%3Ax", &["GET", "PATCH", "DELETE"]).await;
    for (body, part) in [
        (json!({ "name": "x" }), "identifier is missing"),
        (json!({ "identifier": null }), "identifier is missing"),
        (json!({ "identifier": "with space" }), "identifier"),
        (json!({ "identifier": "https://x/#part" }), "identifier"),
        (json!({ "identifier": "urn:x", "name": "" }), "name"),
        (json!({ "identifier": "urn:x", "name": "a\u{7}" }), "name"),
        (json!({ "identifier": "urn:x", "scopes": [{ "value": "a b" }] }), "scope"),
        (json!({ "identifier": "urn:x", "scopes": [{ "value": "a" }, { "value": "a" }] }), "twice"),
        (json!({ "identifier": "urn:x", "scopes": ["a"] }), "scopes[0]"),
        (json!({ "identifier": "urn:x", "token_lifetime": 0 }), "lifetime"),
        (json!({ "identifier": "urn:x", "token_lifetime": 2_592_001 }), "token.max_lifetime_seconds"),
        (json!({ "identifier": "urn:x", "token_lifetime": "60" }), "token_lifetime"),
        (json!({ "identifier": "urn:x", "token_dialect": "opaque" }), "token_dialect"),
        (json!({ "identifier": "urn:x", "scope_policy": "lax" }), "scope_policy"),
        (json!({ "identifier": "urn:x", "token_lifetime": 60, "token_reuse_seconds": 60 }), "use 0 to 59"),
        (json!({ "identifier": "urn:x", "token_reuse_seconds": 3_600 }), "use 0 to 3599"),
        (json!({ "identifier": "urn:x", "token_reuse_seconds": -1 }), "token_reuse_seconds"),
        (json!({ "identifier": "urn:x", "other": "y".repeat(17_000) }), "16384"),
    ] {
        let message = management.post("/resource-servers", &body).await.refused(400, "invalid_body");
        assert!(message.contains(part), "{body}: {message}");
    }
    management.get("/resource-servers/urn%3Ax").await.refused(404, "inexistent_resource_server");
}
