//! `clients`: as Auth0 has them, as far as client credentials go.

use serde_json::json;

use super::{Management, check_bodies, check_methods, check_paging, token};
use crate::support::Dev;
use crate::support::answer::Answer;

#[tokio::test]
async fn a_client_is_created_used_changed_and_deleted_and_each_is_served_at_once() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let created = management.post("/clients", &json!({ "name": "New", "description": "for tests" })).await.created();
    let id = created["client_id"].as_str().unwrap();
    let secret = created["client_secret"].as_str().unwrap();
    assert!(id.len() == 32 && secret.starts_with("ths_"), "{created}");
    for (member, value) in [
        ("name", json!("New")),
        ("description", json!("for tests")),
        ("global", json!(false)),
        ("app_type", json!("non_interactive")),
        ("is_first_party", json!(true)),
        ("grant_types", json!(["client_credentials"])),
        ("token_endpoint_auth_method", json!("client_secret_post")),
    ] {
        assert_eq!(created[member], value, "{member}");
    }

    let partner = crate::support::dev::Partner {
        client_id: id.to_owned(),
        client_secret: secret.to_owned(),
        audience: "https://api.example.com/".to_owned(),
    };
    assert_eq!(token(&dev, &partner).await.error(), (400, "invalid_target".to_owned()), "known, and without a grant");
    management.grant(&partner, &["list:users"]).await;
    assert_eq!(token(&dev, &partner).await.status, 200);

    let path = format!("/clients/{id}");
    let shown = management.get(&path).await;
    assert!(shown.ok().get("client_secret").is_none() && !shown.text.contains("hash"), "{shown:?}");
    let changed =
        management.patch(&path, &json!({ "name": "Renamed", "description": null, "enabled": false })).await.ok();
    assert_eq!((&changed["name"], changed.get("description")), (&json!("Renamed"), None));
    assert!(changed.get("client_secret").is_none());
    assert_eq!(token(&dev, &partner).await.error(), (401, "invalid_client".to_owned()), "disabled");
    management.patch(&path, &json!({ "enabled": null })).await.ok();
    assert_eq!(token(&dev, &partner).await.status, 200, "null is the default");

    for _ in 0..2 {
        assert_eq!(management.delete(&path).await.status, 204, "gone already is as good");
    }
    assert_eq!(token(&dev, &partner).await.error(), (401, "invalid_client".to_owned()));
    management.get(&path).await.refused(404, "inexistent_client");
    management.patch(&path, &json!({ "name": "x" })).await.refused(404, "inexistent_client");
    let message = management.get("/clients/not%20an%0Aid").await.refused(404, "inexistent_client");
    assert!(!message.contains('\n'), "{message}");
}

#[tokio::test]
async fn a_client_that_is_sent_back_as_it_was_read_is_not_changed() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let quota = json!({ "client_credentials": { "enforce": true, "per_hour": 5, "per_day": 50 } });
    let body = json!({
        "name": "Back and forth", "callbacks": [], "cross_origin_authentication": false, "token_quota": quota,
        "client_metadata": { "team": "a" }, "grant_types": ["client_credentials", "implicit"], "app_type": "spa",
        "jwt_configuration": { "alg": "RS256", "lifetime_in_seconds": 1, "secret_encoded": true },
        "token_endpoint_auth_method": "client_secret_basic", "claims": { "tier": "gold" },
        "default_audience": "https://api.example.com/",
    });
    let created = management.post("/clients", &body).await.created();
    assert_eq!(created["token_quota"], quota);
    assert_eq!(created["jwt_configuration"], json!({ "alg": "RS256", "lifetime_in_seconds": 1 }), "no second secret");
    let path = format!("/clients/{}", created["client_id"].as_str().unwrap());
    let before = management.get(&path).await;
    // With the secret, as the answer to POST has it; and without, as GET has it.
    for body in [&created, &before.json()] {
        let after = management.patch(&path, body).await.ok();
        assert_eq!(after, before.json());
    }
    let after = management.get(&path).await;
    assert_eq!((after.header("etag"), after.json()), (before.header("etag"), before.json()));
}

#[tokio::test]
async fn lists_have_three_shapes_and_filters_count() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    for index in 0..3 {
        let body = json!({ "name": format!("client {index}"), "app_type": "spa", "is_first_party": index == 0 });
        management.post("/clients", &body).await.created();
    }
    management.post("/clients", &json!({ "name": "x", "external_client_id": "urn:x" })).await.created();
    check_paging(&management, "/clients", "clients").await;
    check_paging(&management, "/clients?app_type=spa", "clients").await;
    for (query, count) in [
        ("is_global=true", 0),
        ("is_global=false", 7),
        ("is_first_party=false", 2),
        ("app_type=spa,native", 3),
        ("app_type=spa&is_first_party=true", 1),
        ("external_client_id=urn%3Ax", 1),
    ] {
        let listed = management.get(&format!("/clients?{query}&include_totals=true")).await.ok();
        assert_eq!((&listed["total"], listed["clients"].as_array().unwrap().len()), (&json!(count), count), "{query}");
    }
    assert!(!management.get("/clients").await.text.contains("secret\":"));
    management.get("/clients?q=name").await.refused(400, "invalid_query_string");
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_by_its_name() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    check_bodies(&management, "/clients").await;
    for (body, part) in [
        (json!({}), "name"),
        (json!({ "name": " " }), "name"),
        (json!({ "name": null }), "name"),
        (json!({ "name": "x\ny" }), "name"),
        (json!({ "name": "x", "grant_types": "all" }), "grant_types"),
        (json!({ "name": "x", "token_endpoint_auth_method": "magic" }), "token_endpoint_auth_method"),
        (json!({ "name": "x", "token_endpoint_auth_method": "none" }), "token_endpoint_auth_method"),
        (json!({ "name": "x", "client_secret": "short" }), "secret"),
        (json!({ "name": "x", "token_quota": { "client_credentials": { "per_day": -1 } } }), "token_quota"),
        (json!({ "name": "x", "description": "y".repeat(17_000) }), "16384"),
    ] {
        let message = management.post("/clients", &body).await.refused(400, "invalid_body");
        assert!(message.contains(part), "{body}: {message}");
    }
    let message = management.post("/clients", &json!({ "name": "x", "default_audience": "urn:no" })).await;
    assert!(message.refused(404, "inexistent_resource_server").contains("urn:no"));
    check_methods(&management, "/clients", &["GET", "POST"]).await;
    check_methods(&management, "/clients/partner-a", &["GET", "PATCH", "DELETE"]).await;
    check_methods(&management, "/clients/partner-a/rotate-secret", &["POST"]).await;
    management.get("/nothing-here").await.refused(404, "not_found");
}

#[tokio::test]
async fn a_change_can_depend_on_what_was_seen() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let tag = management.get("/clients/partner-a").await.header("etag").to_owned();
    let patch = |tag: &str, name: &str| {
        management.request("PATCH", "/clients/partner-a").header("if-match", tag).json(&json!({ "name": name }))
    };
    assert_eq!(management.send(patch(&tag, "one")).await.status, 200);
    management.send(patch(&tag, "two")).await.refused(412, "precondition_failed");
    management.send(patch("\"nonsense\"", "two")).await.refused(412, "precondition_failed");
    assert_eq!(management.send(patch("*", "three")).await.status, 200);
    let delete = management.request("DELETE", "/clients/partner-a").header("if-match", &tag);
    management.send(delete).await.refused(412, "precondition_failed");
    assert_eq!(management.get("/clients/partner-a").await.ok()["name"], "three");

    let rotate = |tag: &str| management.request("POST", "/clients/partner-a/rotate-secret").header("if-match", tag);
    management.send(rotate(&tag)).await.refused(412, "precondition_failed");
    let shown = management.get("/clients/partner-a").await.header("etag").to_owned();
    let rotated = management.send(rotate(&shown)).await;
    rotated.ok();
    // The answer to a change has the tag for the next one.
    let patched = management.send(patch(rotated.header("etag"), "four")).await;
    assert_eq!(patched.ok()["name"], "four");
    let delete = || management.request("DELETE", "/clients/partner-a").header("if-match", patched.header("etag"));
    for _ in 0..2 {
        assert_eq!(management.send(delete()).await.status, 204, "gone already is as good");
    }
}

#[tokio::test]
async fn what_is_kept_can_be_read_again_wherever_it_is_written() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
    for member in ["client_metadata", "claims", "addons"] {
        // The member stands in an object itself, which is the first level; so are the claims.
        let levels = if member == "claims" { 32 } else { 31 };
        management.post("/clients", &json!({ "name": "deep", member: nested(levels) })).await.created();
        let deeper = management.post("/clients", &json!({ "name": "deep", member: nested(levels + 1) })).await;
        assert!(deeper.refused(400, "invalid_body").contains("levels deep"), "{member}");
    }
    let long = json!({ "name": "long", "claims": { "x": "y".repeat(4096) } });
    assert!(management.post("/clients", &long).await.refused(400, "invalid_body").contains("the limit"));
    let events = management.get("/audit-events?take=100").await.ok();
    let of_deep = |event: &&serde_json::Value| event["after"]["name"] == "deep";
    assert_eq!(events["audit_events"].as_array().unwrap().iter().filter(of_deep).count(), 3);
}

#[tokio::test]
async fn a_secret_that_comes_back_counts_like_a_new_one() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let path = "/clients/partner-a/secrets";
    let past = json!({ "expires_at": "2020-01-01T00:00:00Z" });
    let first = management.get(path).await.ok()[0]["id"].as_str().unwrap().to_owned();
    management.patch(&format!("{path}/{first}"), &past).await.ok();
    while management.post(path, &json!({})).await.status == 201 {}
    management.post(path, &json!({})).await.refused(409, "conflict");
    let back = json!({ "expires_at": null });
    let message = management.patch(&format!("{path}/{first}"), &back).await.refused(409, "conflict");
    assert!(message.contains("is the limit"), "{message}");
    let second = management.get(path).await.ok()[1]["id"].as_str().unwrap().to_owned();
    assert_eq!(management.delete(&format!("{path}/{second}")).await.status, 204);
    management.patch(&format!("{path}/{first}"), &back).await.ok();
}

#[tokio::test]
async fn a_rotated_secret_ends_at_once_and_one_may_be_brought() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let mut partner = dev.partner(0);
    let rotated = management.send(management.request("POST", "/clients/partner-a/rotate-secret")).await.ok();
    assert_eq!(token(&dev, &partner).await.error(), (401, "invalid_client".to_owned()));
    partner.client_secret = rotated["client_secret"].as_str().unwrap().to_owned();
    assert_eq!(token(&dev, &partner).await.status, 200);
    let nobody = management.send(management.request("POST", "/clients/nobody/rotate-secret")).await;
    nobody.refused(404, "inexistent_client");

    let brought = "a-secret-that-somebody-brought-along-0123456789";
    let answer = management.patch("/clients/partner-a", &json!({ "client_secret": brought })).await;
    assert!(answer.ok().get("client_secret").is_none() && !answer.text.contains(brought));
    assert_eq!(token(&dev, &partner).await.error(), (401, "invalid_client".to_owned()));
    partner.client_secret = brought.to_owned();
    assert_eq!(token(&dev, &partner).await.status, 200);
}

#[tokio::test]
async fn members_that_are_not_acted_upon_are_kept_and_metadata_is_merged() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let patch = async |body| management.patch("/clients/partner-a", &body).await.ok();
    let odd = json!({ "native_social_login": { "apple": { "enabled": false } }, "callbacks": ["https://x/"] });
    let changed = patch(odd.clone()).await;
    assert_eq!(changed["native_social_login"], odd["native_social_login"]);
    assert_eq!(changed["callbacks"], odd["callbacks"]);
    assert!(patch(json!({ "callbacks": null })).await.get("callbacks").is_none());
    patch(json!({ "client_metadata": { "a": "1", "b": "2" } })).await;
    let merged = patch(json!({ "client_metadata": { "a": null, "c": "3" } })).await;
    assert_eq!(merged["client_metadata"], json!({ "b": "2", "c": "3" }));
    let read_only = patch(json!({ "client_id": "mine", "tenant": "t", "global": true, "created_at": "1999" })).await;
    assert_eq!((&read_only["client_id"], &read_only["global"]), (&json!("partner-a"), &json!(false)));
    assert!(read_only["created_at"].as_str().unwrap().starts_with("20") && read_only.get("tenant").is_none());
}

#[tokio::test]
async fn a_client_without_the_grant_type_is_kept_and_gets_no_token() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let body = json!({ "grant_types": ["authorization_code"], "token_endpoint_auth_method": "none" });
    let changed = management.patch("/clients/partner-a", &body).await.ok();
    assert_eq!(changed["grant_types"], body["grant_types"]);
    assert_eq!(changed["token_endpoint_auth_method"], "none");
    assert_eq!(token(&dev, &dev.partner(0)).await.error(), (400, "unauthorized_client".to_owned()));
    let body = json!({ "grant_types": null, "token_endpoint_auth_method": null });
    management.patch("/clients/partner-a", &body).await.ok();
    assert_eq!(token(&dev, &dev.partner(0)).await.status, 200);
}

#[tokio::test]
async fn no_answer_holds_a_hash_or_a_key() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let answers: [Answer; 3] = [
        management.get("/clients").await,
        management.get("/clients/management").await,
        management.get("/keys/signing").await,
    ];
    for answer in answers {
        for part in ["$argon2", "\"d\":", "PRIVATE", "sealed"] {
            assert!(!answer.text.contains(part), "{part} in {answer:?}");
        }
    }
}
