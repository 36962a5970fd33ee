//! `client-grants`: which client may ask which API for what.

use serde_json::{Value, json};

use super::{Management, check_bodies, check_methods, check_paging, token};
use crate::support::{Dev, Serve};

const API: &str = "https://api.example.com/";

#[tokio::test]
async fn a_grant_is_created_changed_and_deleted_and_each_is_served_at_once() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let partner = management.partner("new", API).await;
    let scope = async || token(&dev, &partner).await.json()["scope"].clone();
    assert_eq!(token(&dev, &partner).await.error(), (400, "invalid_target".to_owned()));
    let body = json!({
        "client_id": partner.client_id, "audience": API, "scope": ["list:users", "create:users"],
        "subject_type": "client", "organization_usage": "deny",
    });
    let created = management.post("/client-grants", &body).await.created();
    assert_eq!(scope().await, "list:users create:users");
    let id = created["id"].as_str().unwrap();
    assert!(id.starts_with("cgr_") && id.len() == 36, "{id}");
    for member in ["client_id", "audience", "scope", "subject_type", "organization_usage"] {
        assert_eq!(created[member], body[member], "{member}");
    }
    management.post("/client-grants", &body).await.refused(409, "conflict");

    let path = format!("/client-grants/{id}");
    assert_eq!(management.get(&path).await.ok(), created);
    let changed = management.patch(&path, &json!({ "scope": ["delete:users"], "organization_usage": null })).await.ok();
    assert_eq!((&changed["scope"], changed.get("organization_usage")), (&json!(["delete:users"]), None));
    assert_eq!(scope().await, "delete:users");
    assert_eq!(management.patch(&path, &json!({ "scope": null })).await.ok()["scope"], json!([]));
    assert_eq!(scope().await, Value::Null, "a grant without scopes gives a token without scope");

    for _ in 0..2 {
        assert_eq!(management.delete(&path).await.status, 204, "gone already is as good");
    }
    assert_eq!(token(&dev, &partner).await.error(), (400, "invalid_target".to_owned()));
    for path in [path.as_str(), "/client-grants/cgr_x", "/client-grants/x", "/client-grants/%00"] {
        management.get(path).await.refused(404, "inexistent_client_grant");
        management.patch(path, &json!({})).await.refused(404, "inexistent_client_grant");
        assert_eq!(management.delete(path).await.status, 204);
    }
}

#[tokio::test]
async fn all_scopes_are_those_that_the_api_defines_now() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    management.api("urn:growing", &["a", "b"]).await;
    let partner = management.partner("all", "urn:growing").await;
    let body = json!({ "client_id": partner.client_id, "audience": "urn:growing", "allow_all_scopes": true });
    let created = management.post("/client-grants", &body).await.created();
    assert_eq!((&created["scope"], created.get("allow_all_scopes")), (&json!(["a", "b"]), None), "not kept");
    let scopes = json!({ "scopes": [{ "value": "b" }, { "value": "c" }] });
    management.patch("/resource-servers/urn%3Agrowing", &scopes).await.ok();
    let path = format!("/client-grants/{}", created["id"].as_str().unwrap());
    assert_eq!(management.get(&path).await.ok()["scope"], json!(["b"]), "gone from the API, gone from the grant");
    for scope in [Value::Null, json!([])] {
        let body = json!({ "allow_all_scopes": true, "scope": scope });
        assert_eq!(management.patch(&path, &body).await.ok()["scope"], json!(["b", "c"]));
        management.patch(&path, &json!({ "scope": ["c"], "allow_all_scopes": false })).await.ok();
    }
    let both = json!({ "allow_all_scopes": true, "scope": ["b"] });
    assert!(management.patch(&path, &both).await.refused(400, "invalid_body").contains("one of the two"));
}

#[tokio::test]
async fn a_grant_that_is_sent_back_as_it_was_read_is_not_changed() {
    let serve = Serve::start(&[]).await;
    serve.set_up();
    let management = Management::of_server(&serve).await;
    let listed = management.get("/client-grants?client_id=c").await.ok();
    let path = format!("/client-grants/{}", listed[0]["id"].as_str().unwrap());
    let before = serve.cli(&["audit", "export"]).success().stdout;
    for body in [&listed[0], &json!({}), &json!({ "scope": ["a", "a"], "id": "mine", "created_at": "1999" })] {
        assert_eq!(management.patch(&path, body).await.ok(), listed[0]);
    }
    assert_eq!(serve.cli(&["audit", "export"]).success().stdout, before, "no change, no event");
}

#[tokio::test]
async fn lists_have_three_shapes_and_filters_count() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    management.api("urn:other", &["x"]).await;
    for index in 0..3 {
        let partner = management.partner(&format!("client {index}"), "urn:other").await;
        let body = json!({
            "client_id": partner.client_id, "audience": "urn:other", "scope": ["x"], "allow_any_organization": index == 0,
        });
        management.post("/client-grants", &body).await.created();
    }
    check_paging(&management, "/client-grants", "client_grants").await;
    check_paging(&management, "/client-grants?audience=urn%3Aother", "client_grants").await;
    check_paging(&management, "/client-grants?allow_any_organization=false", "client_grants").await;
    for (query, count) in [
        ("audience=https%3A%2F%2Fapi.example.com%2F", 2),
        ("client_id=partner-a", 1),
        ("client_id=partner-a&audience=https%3A%2F%2Fapi.example.com%2F", 1),
        ("client_id=partner-a&audience=urn%3Aother", 0),
        ("client_id=nobody", 0),
        ("client_id=%20", 0),
        ("audience=urn%3Anone", 0),
        ("audience=%20", 0),
        ("subject_type=client", 6),
        ("subject_type=user", 0),
        ("default_for=third_party_clients", 0),
        ("allow_any_organization=true", 1),
        ("allow_any_organization=false&audience=urn%3Aother", 2),
    ] {
        let listed = management.get(&format!("/client-grants?{query}&include_totals=true")).await.ok();
        let shown = listed["client_grants"].as_array().unwrap().len();
        assert_eq!((&listed["total"], shown), (&json!(count), count), "{query}");
        let taken = management.get(&format!("/client-grants?{query}&take=50")).await.ok();
        assert_eq!((taken["client_grants"].as_array().unwrap().len(), taken.get("next")), (count, None), "{query}");
    }
    management.get("/client-grants?allow_any_organization=maybe").await.refused(400, "invalid_query_string");
}

#[tokio::test]
async fn what_cannot_be_granted_is_refused_by_its_name() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    check_bodies(&management, "/client-grants").await;
    check_methods(&management, "/client-grants", &["GET", "POST"]).await;
    check_methods(&management, "/client-grants/cgr_x", &["GET", "PATCH", "DELETE"]).await;
    let partner = management.partner("new", API).await;
    let with = |change: Value| {
        let mut body = json!({ "client_id": partner.client_id, "audience": API, "scope": ["list:users"] });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    for (change, part) in [
        (json!({ "client_id": null }), "client_id is missing"),
        (json!({ "audience": null }), "audience is missing"),
        (json!({ "scope": ["fly"] }), "fly"),
        (json!({ "scope": ["a b"] }), "scope"),
        (json!({ "scope": "list:users" }), "scope"),
        (json!({ "subject_type": "user" }), "subject_type"),
        (json!({ "other": "y".repeat(17_000) }), "16384"),
    ] {
        let message = management.post("/client-grants", &with(change.clone())).await.refused(400, "invalid_body");
        assert!(message.contains(part), "{change}: {message}");
    }
    let missing = management.post("/client-grants", &with(json!({ "client_id": "nobody" }))).await;
    missing.refused(404, "inexistent_client");
    for change in
        [json!({ "audience": "urn:none" }), json!({ "audience": "urn:none", "allow_all_scopes": true, "scope": [] })]
    {
        let missing = management.post("/client-grants", &with(change)).await;
        missing.refused(404, "inexistent_resource_server");
    }
    let id = management.grant(&partner, &["list:users"]).await;
    for change in [json!({ "client_id": "partner-a" }), json!({ "audience": "urn:none" })] {
        let refused = management.patch(&format!("/client-grants/{id}"), &change).await;
        refused.refused(400, "operation_not_supported");
    }
    assert_eq!(management.get(&format!("/client-grants/{id}")).await.ok()["scope"], json!(["list:users"]));
}
