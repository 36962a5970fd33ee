//! Moving here from other products: what is exported there gets tokens here, with the same id and secret.

mod auth0;
mod errors;
mod hydra;
mod identityserver;
mod keycloak;
mod machine_made;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::program::Output;
use crate::support::{Answer, Serve};

/// An export that we wrote after the product's documentation.
fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/imports/exports").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes `text` into the server's folder.
fn put(serve: &Serve, name: &str, text: &str) {
    let path = serve.path().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

/// A secret of the form that Auth0 gives out: made here, so that no file of the project looks as if it held one.
fn machine_made() -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    loop {
        let random: Vec<_> = (0..4).flat_map(|_| uuid::Uuid::from_u128(random()).into_bytes()).collect();
        let secret: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect();
        if tokenhouse::secret::is_machine_made(&secret) {
            return secret;
        }
    }
}

fn random() -> u128 {
    use tokenhouse::entropy::{Entropy as _, SystemEntropy};
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    u128::from_be_bytes(bytes)
}

/// Imports, and then once more: the second time nothing may change.
fn import_twice(serve: &Serve, arguments: &[&str]) -> Value {
    let import = || -> Output { serve.cli(&[&["import"], arguments, &["--output", "json"]].concat()) };
    let first = import().success().json();
    let revision = || serve.cli(&["audit", "verify", "--output", "json"]).success().stdout;
    let before = revision();
    let second = import().success().json();
    assert_eq!(second["plan"]["steps"], json!([]), "{second}");
    assert_eq!(revision(), before, "not even in the audit trail");
    first
}

/// A token for `audience`, asked for until the server has seen the import.
async fn token(serve: &Serve, client: &str, secret: &str, audience: &str) -> Answer {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    loop {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret),
            ("audience", audience),
        ];
        let answer = Answer::to(crate::support::answer::client().post(serve.url("/oauth/token")).form(&form)).await;
        if answer.status == 200 || std::time::Instant::now() > deadline {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The claims of the token in an answer.
fn claims(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    crate::support::dev::token_part(answer.json()["access_token"].as_str().expect("a token"), 1)
}

/// The ids of what a report notes of one kind.
fn noted(output: &Value, kind: &str) -> Vec<String> {
    let notes = output["report"]["notes"].as_array().expect("notes");
    let group = notes.iter().find(|note| note["kind"] == kind);
    let objects = group.and_then(|note| note["objects"].as_array()).cloned().unwrap_or_default();
    objects.iter().map(|noted| noted["id"].as_str().expect("an id").to_owned()).collect()
}
