//! Does each partner manage its own users, and no others?

use serde_json::json;

use super::{ALL_SCOPES, Rig, answer, token};

#[actix_web::test]
async fn a_user_lives_from_creation_to_deletion() {
    let rig = Rig::start();
    let request = rig.request("POST", "/users").bearer_auth(token("a", ALL_SCOPES));
    let response = request.json(&json!({"email": "ada@example.com", "name": "Ada"})).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let user: serde_json::Value = response.json().await.unwrap();
    let id = user["id"].as_str().unwrap();
    assert_eq!(location, format!("https://api.example/users/{id}"));
    assert_eq!(
        user,
        json!({"id": id, "email": "ada@example.com", "name": "Ada", "created_at": "2027-01-15T08:00:00Z"})
    );
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);

    let path = format!("/users/{id}");
    assert_eq!(rig.call("a", "GET", &path, None).await, (200, user.clone()));
    let (status, changed) = rig.call("a", "PATCH", &path, Some(json!({"name": "Countess"}))).await;
    assert_eq!((status, &changed["name"], &changed["email"]), (200, &json!("Countess"), &user["email"]));
    let merge_patch = rig.request("PATCH", &path).bearer_auth(token("a", ALL_SCOPES));
    let merge_patch = merge_patch.header("content-type", "application/merge-patch+json; charset=utf-8");
    let (status, changed) = answer(merge_patch.body(r#"{"email":"ADA@example.com"}"#)).await;
    assert_eq!((status, &changed["email"]), (200, &json!("ADA@example.com")), "its own address is no other's");
    assert_eq!(rig.call("a", "DELETE", &path, None).await.0, 204);
    for method in ["GET", "DELETE"] {
        assert_eq!(rig.call("a", method, &path, None).await.0, 404);
    }
}

#[actix_web::test]
async fn a_partner_sees_its_own_users_only() {
    let rig = Rig::start();
    let of_a = rig.create("a", "ada@example.com").await;
    rig.create("b", "ada@example.com").await;
    rig.create("b", "bob@example.com").await;
    for (client, total) in [("a", 1), ("b", 2), ("c", 0)] {
        let (status, list) = rig.call(client, "GET", "/users", None).await;
        assert_eq!((status, &list["total"]), (200, &json!(total)));
        assert_eq!(list["users"].as_array().unwrap().len(), total);
    }
    let path = format!("/users/{}", of_a["id"].as_str().unwrap());
    for (method, body) in [("GET", None), ("PATCH", Some(json!({"name": "X"}))), ("DELETE", None)] {
        let (status, error) = rig.call("b", method, &path, body).await;
        assert_eq!((status, &error["error"]), (404, &json!("not_found")), "{method}");
    }
    assert_eq!(rig.call("a", "GET", &path, None).await, (200, of_a));
}

#[actix_web::test]
async fn an_address_belongs_to_one_user_of_a_partner() {
    let rig = Rig::start();
    rig.create("a", "ada@example.com").await;
    let bob = rig.create("a", "bob@example.com").await;
    for email in ["ada@example.com", "Ada@Example.COM"] {
        let (status, error) = rig.call("a", "POST", "/users", Some(json!({"email": email, "name": "N"}))).await;
        assert_eq!((status, &error["error"]), (409, &json!("conflict")));
    }
    let path = format!("/users/{}", bob["id"].as_str().unwrap());
    assert_eq!(rig.call("a", "PATCH", &path, Some(json!({"email": "ada@example.com"}))).await.0, 409);
    assert_eq!(rig.call("a", "GET", &path, None).await, (200, bob));
}

#[actix_web::test]
async fn a_list_comes_in_pages() {
    let rig = Rig::start();
    for number in 0..5 {
        rig.create("a", &format!("user-{number}@example.com")).await;
    }
    let mut seen = Vec::new();
    for page in 0..3 {
        let (status, list) = rig.call("a", "GET", &format!("/users?per_page=2&page={page}"), None).await;
        assert_eq!(
            (status, &list["page"], &list["per_page"], &list["total"]),
            (200, &json!(page), &json!(2), &json!(5))
        );
        seen.extend(list["users"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap().to_owned()));
    }
    seen.sort();
    assert_eq!(seen, (0..5).map(|number| format!("user-{number}@example.com")).collect::<Vec<_>>());
    assert_eq!(rig.call("a", "GET", "/users?page=9", None).await.1["users"], json!([]));
    assert_eq!(rig.call("a", "GET", "/users", None).await.1["per_page"], json!(50));
    for query in ["per_page=0", "per_page=101", "page=-1", "page=x", "page=1&page=2"] {
        let (status, error) = rig.call("a", "GET", &format!("/users?{query}"), None).await;
        assert_eq!((status, &error["error"]), (400, &json!("invalid_request")), "{query}");
    }
}

#[actix_web::test]
async fn a_body_that_cannot_be_taken_is_told_why() {
    let rig = Rig::start();
    let large = format!(r#"{{"email":"a@b.c","name":"{}"}}"#, "x".repeat(64 * 1024));
    for (content_type, body, status, error) in [
        ("application/json", "{", 400, "invalid_request"),
        ("application/json", "[]", 400, "invalid_request"),
        ("application/json", "", 400, "invalid_request"),
        ("application/json", r#"{"email":"a@b.c","name":"A","name":"B"}"#, 400, "invalid_request"),
        ("application/json", r#"{"email":"a@b.c","name":"A","owner":"b"}"#, 400, "invalid_request"),
        ("application/json", r#"{"email":"nope","name":"A"}"#, 400, "invalid_request"),
        ("application/json", &large, 413, "payload_too_large"),
        ("text/plain", "{}", 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded", "email=a@b.c&name=A", 415, "unsupported_media_type"),
        ("", "{}", 415, "unsupported_media_type"),
    ] {
        let request = rig.request("POST", "/users").bearer_auth(token("a", ALL_SCOPES));
        let request = request.header("content-type", content_type).body(body.to_owned());
        let (found, answer) = answer(request).await;
        assert_eq!((found, &answer["error"]), (status, &json!(error)), "{content_type} {answer}");
        assert!(!answer["error_description"].as_str().unwrap().is_empty());
    }
    let (_, unknown) = rig.call("a", "POST", "/users", Some(json!({"owner": "b"}))).await;
    assert!(unknown["error_description"].as_str().unwrap().starts_with("owner is not"), "{unknown}");
}

#[actix_web::test]
async fn strange_ids_are_just_not_there() {
    let rig = Rig::start();
    for id in ["x", "%27%20OR%201=1--", "%00", "..%2f..%2fetc", "%ff", &"x".repeat(2000)] {
        assert_eq!(rig.call("a", "GET", &format!("/users/{id}"), None).await.0, 404, "{id}");
    }
}
