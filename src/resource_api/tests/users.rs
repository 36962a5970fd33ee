//! What can a partner do with its users, and what not with those of others?

use serde_json::{Value, json};
use uuid::Uuid;

use super::running::{ALL, Answer, PUBLIC_URL, Running, answer, settings, token};
use crate::resource_api::users_store::tests::batch;
use crate::resource_api::{Database, Settings};

/// The path of a user of `partner-b`.
async fn foreign_user(api: &Running) -> String {
    let list = answer(api.request("GET", "/users").bearer_auth(token("partner-b", ALL))).await;
    format!("/users/{}", list.body["users"][0]["id"].as_str().unwrap())
}

fn assert_not_found(answer: &Answer) {
    assert_eq!((answer.status, answer.text("error")), (404, "not_found"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[actix_web::test]
async fn a_user_is_created_shown_changed_and_deleted() {
    let api = Running::usual();
    let created = api.send("POST", "/users", json!({"email": "Grace@example.com", "name": "Grace"})).await;
    assert_eq!((created.status, created.header("cache-control")), (201, "no-store"), "{created:?}");
    let id = created.text("id").to_owned();
    assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 7);
    let mut user =
        json!({"id": id, "email": "Grace@example.com", "name": "Grace", "created_at": "2027-01-15T08:00:00.123Z"});
    assert_eq!(created.body, user);
    assert_eq!(created.header("location"), format!("{PUBLIC_URL}users/{id}"));

    let path = format!("/users/{id}");
    let shown = api.ask("GET", &path).await;
    assert_eq!((shown.status, &shown.body, shown.header("cache-control")), (200, &user, "no-store"));

    let changed = api.send("PATCH", &path, json!({"name": "Grace Hopper"})).await;
    user["name"] = json!("Grace Hopper");
    assert_eq!((changed.status, &changed.body, changed.header("cache-control")), (200, &user, "no-store"));
    assert_eq!(api.ask("GET", &path).await.body, user);

    let deleted = api.ask("DELETE", &path).await;
    assert_eq!((deleted.status, &deleted.body, deleted.header("cache-control")), (204, &Value::Null, "no-store"));
    for method in ["GET", "DELETE"] {
        assert_not_found(&api.ask(method, &path).await);
    }
    assert_not_found(&api.send("PATCH", &path, json!({"name": "x"})).await);
}

#[actix_web::test]
async fn the_list_comes_in_pages() {
    let api = Running::usual();
    for number in 0..5 {
        let body = json!({"email": format!("u{number}@example.com"), "name": "U"});
        assert_eq!(api.send("POST", "/users", body).await.status, 201);
    }
    let all = api.ask("GET", "/users").await;
    assert_eq!((all.status, all.header("cache-control")), (200, "no-store"));
    assert_eq!((&all.body["page"], &all.body["per_page"], &all.body["total"]), (&json!(0), &json!(50), &json!(7)));
    let all = all.body["users"].as_array().unwrap().clone();
    let emails: Vec<&str> = all.iter().map(|user| user["email"].as_str().unwrap()).collect();
    assert_eq!(emails[..3], ["ada@example.com", "alan@example.com", "u0@example.com"]);
    assert_eq!(emails[6], "u4@example.com");

    let mut paged = Vec::new();
    for page in 0..4 {
        let part = api.ask("GET", &format!("/users?page={page}&per_page=3")).await;
        assert_eq!((&part.body["page"], &part.body["total"]), (&json!(page), &json!(7)));
        paged.extend(part.body["users"].as_array().unwrap().clone());
    }
    assert_eq!(paged, all);

    for query in ["page=-1", "page=x", "per_page=0", "per_page=101", "page=1&page=2"] {
        let refused = api.ask("GET", &format!("/users?{query}")).await;
        assert_eq!((refused.status, refused.text("error")), (400, "invalid_request"), "{query}");
        assert!(refused.text("error_description").contains("page"), "{refused:?}");
    }
}

#[actix_web::test]
async fn another_partners_user_is_not_there() {
    let api = Running::usual();
    let path = foreign_user(&api).await;
    let before = answer(api.request("GET", &path).bearer_auth(token("partner-b", ALL))).await;
    assert_eq!(before.status, 200);
    for method in ["GET", "DELETE"] {
        assert_not_found(&api.ask(method, &path).await);
    }
    assert_not_found(&api.send("PATCH", &path, json!({"name": "Mallory"})).await);
    let after = answer(api.request("GET", &path).bearer_auth(token("partner-b", ALL))).await;
    assert_eq!(after.body, before.body);
}

#[actix_web::test]
async fn what_is_no_id_is_no_users_id() {
    let api = Running::usual();
    for id in ["x", "1", "00000000-0000-0000-0000-000000000000", "..", "%00", "%F0%9F%A6%80", "a%2Fb"] {
        assert_eq!(api.ask("GET", &format!("/users/{id}")).await.status, 404, "{id}");
    }
}

#[actix_web::test]
async fn an_address_is_taken_for_one_partner_only() {
    let api = Running::usual();
    let body = json!({"email": "grace@example.com", "name": "Grace"});
    assert_eq!(api.send("POST", "/users", body.clone()).await.status, 201);
    let same = json!({"email": "GRACE@Example.com", "name": "Other"});
    let taken = api.send("POST", "/users", same.clone()).await;
    assert_eq!((taken.status, taken.text("error")), (409, "conflict"), "{taken:?}");

    let other = api.request("POST", "/users").bearer_auth(token("partner-b", ALL)).json(&body);
    assert_eq!(answer(other).await.status, 201);

    let list = api.ask("GET", "/users").await;
    let first = list.body["users"][0]["id"].as_str().unwrap().to_owned();
    let taken = api.send("PATCH", &format!("/users/{first}"), same).await;
    assert_eq!((taken.status, taken.text("error")), (409, "conflict"), "{taken:?}");
}

#[actix_web::test]
async fn seeding_twice_adds_nobody() {
    let api = super::running::api(settings());
    api.seed_users("partner-a").unwrap();
    let running = Running::of(&api);
    let list = running.ask("GET", "/users").await;
    assert_eq!(list.body["total"], 2);
}

#[actix_web::test]
async fn a_database_that_fails_is_told_without_its_words() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.db");
    let running = Running::of(&super::running::api(Settings { database: Database::File(file.clone()), ..settings() }));
    let body = json!({"email": "grace@example.com", "name": "Grace"});

    batch(
        &file,
        "CREATE TRIGGER full BEFORE INSERT ON users BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END",
    );
    let away = running.send("POST", "/users", body).await;
    assert_eq!((away.status, away.text("error"), away.header("retry-after")), (503, "temporarily_unavailable", "5"));
    assert_eq!(running.ask("GET", "/users").await.status, 200);

    batch(&file, "DROP TABLE users");
    let failed = running.ask("GET", "/users").await;
    assert_eq!((failed.status, failed.text("error")), (500, "server_error"));
    assert_eq!(answer(running.request("GET", "/healthz")).await.status, 500);
    for answer in [away, failed] {
        assert_eq!(answer.header("cache-control"), "no-store");
        let description = answer.text("error_description");
        assert!(!description.contains("full") && !description.contains("table"), "{description}");
    }
}
