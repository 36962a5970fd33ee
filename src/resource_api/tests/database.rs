//! Are the users there after a restart, and is a file that will not do told as such?

use std::sync::Arc;

use serde_json::json;
use tokenhouse_verifier::StaticJwks;

use super::super::{OpenError, ResourceApi};
use super::{Database, Rig, clock, jwks, open, settings};
use crate::entropy::SystemEntropy;

fn refusal(path: &std::path::Path) -> OpenError {
    let keys = StaticJwks::new(jwks().to_string().parse().unwrap());
    let settings = settings(Database::File(path.to_owned()));
    ResourceApi::open_with_keys(settings, keys, clock(), Arc::new(SystemEntropy)).unwrap_err()
}

#[actix_web::test]
async fn users_in_a_file_outlive_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("users.db");
    let first = Rig::serve(&open(settings(Database::File(path.clone()))));
    let user = first.create("a", "ada@example.com").await;
    let second = Rig::serve(&open(settings(Database::File(path.clone()))));
    assert_eq!(second.call("a", "GET", "/users", None).await.1["users"], json!([user]));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[actix_web::test]
async fn databases_in_memory_are_apart() {
    let (first, second) = (Rig::start(), Rig::start());
    first.create("a", "ada@example.com").await;
    assert_eq!(second.call("a", "GET", "/users", None).await.1["total"], 0);
}

#[actix_web::test]
async fn writers_wait_for_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let rig = Arc::new(Rig::serve(&open(settings(Database::File(directory.path().join("users.db"))))));
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let rig = Arc::clone(&rig);
        writers.spawn_local(async move { rig.create("a", &format!("user-{number}@example.com")).await });
    }
    assert_eq!(writers.join_all().await.len(), 20);
    assert_eq!(rig.call("a", "GET", "/users", None).await.1["total"], 20);
}

#[actix_web::test]
async fn seeding_gives_two_users_once() {
    let api = open(settings(Database::InMemory));
    for client in ["a", "b", "a"] {
        api.seed_users(client).unwrap();
    }
    let rig = Rig::serve(&api);
    for client in ["a", "b"] {
        assert_eq!(rig.call(client, "GET", "/users", None).await.1["total"], 2);
    }
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("users.db");
    std::fs::write(&path, "this is no database, and long enough to be none ".repeat(100)).unwrap();
    assert!(matches!(refusal(&path), OpenError::Damaged { .. }));
    assert!(matches!(refusal(directory.path()), OpenError::File { .. }));
    assert!(matches!(refusal(&directory.path().join("missing/users.db")), OpenError::File { .. }));
}

#[test]
fn a_damaged_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("users.db");
    drop(open(settings(Database::File(path.clone()))));
    let mut octets = std::fs::read(&path).unwrap();
    assert!(octets.len() > 8192, "it has pages to damage");
    octets[4096..].fill(0x5A);
    std::fs::write(&path, octets).unwrap();
    let refusal = refusal(&path);
    assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal}");
}

#[test]
fn the_database_of_a_newer_version_or_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let newer = directory.path().join("newer.db");
    drop(open(settings(Database::File(newer.clone()))));
    super::super::users_store::tests::execute(
        &newer,
        "INSERT INTO __diesel_schema_migrations (version, run_on) VALUES ('29990101000000', '2999-01-01')",
    );
    let refused = refusal(&newer);
    assert!(matches!(&refused, OpenError::Newer { migration, .. } if migration == "29990101000000"), "{refused}");
    let foreign = directory.path().join("foreign.db");
    super::super::users_store::tests::execute(&foreign, "CREATE TABLE things (id INTEGER)");
    assert!(matches!(refusal(&foreign), OpenError::Foreign { .. }));
}
