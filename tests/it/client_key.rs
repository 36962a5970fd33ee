//! The public keys of clients: registered, listed, deleted, and written down in documents.

use serde_json::{Value, json};

use crate::support::assertion::{PartnerKey, document, key_client, unix_seconds};
use crate::support::program::{Output, run, run_with};

#[test]
fn keys_are_registered_in_every_form_and_mistakes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| -> Output { run(folder.path(), arguments) };
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let key = PartnerKey::new("ES256");
    write("certificate.pem", &key.certificate(unix_seconds()));
    write("old.pem", &PartnerKey::new("EdDSA").certificate(0));
    write("jwk.json", &PartnerKey::new("ES256").jwk().to_string());
    write("set.json", &json!({"keys": [key.jwk()]}).to_string());
    write("private.pem", &key.private_pem());
    run(&["client", "create", "--id", "c", "--no-secret"]).success();
    let add = |file: &str, further: &[&str]| {
        run(&[&["client", "key", "add", "c", "--file", file, "--output", "json"], further].concat())
    };
    let added = add("certificate.pem", &["--expires-with-certificate", "--name", "first"]).success().json();
    assert_eq!((&added["alg"], &added["name"]), (&json!("ES256"), &json!("first")));
    assert_eq!((&added["kid"], &added["thumbprint"]), (&key.jwk()["kid"], &key.jwk()["kid"]));
    assert!(added["expires_at"].as_str().unwrap() > "2030", "{added}");
    // One thumbprint in 64 begins like an option.
    let named = add("jwk.json", &["--kid", "-build-server", "--expires-at", "2040-01-01T00:00:00Z"]).success().json();
    assert_eq!((&named["kid"], &named["expires_at"]), (&json!("-build-server"), &json!("2040-01-01T00:00:00Z")));

    for (file, further, code, says) in [
        ("certificate.pem", &[][..], 3, "has a key with the kid"),
        ("certificate.pem", &["--alg", "RS256"], 2, "RS256 does not go with this key"),
        ("certificate.pem", &["--alg", "HS256"], 2, "use one of: RS256, RS384, PS256, ES256, EdDSA"),
        ("certificate.pem", &["--kid", "a b"], 2, "a kid is 1 to 128 printable"),
        ("certificate.pem", &["--kid", "x", "--expires-at", "2020-01-01T00:00:00Z"], 2, "is past"),
        ("old.pem", &["--expires-with-certificate"], 2, "is past: the key would never work"),
        ("private.pem", &[], 2, "this is a private key"),
        ("set.json", &[], 2, "this is a JWK Set"),
        ("missing.pem", &[], 1, "cannot read missing.pem"),
    ] {
        let output = add(file, further);
        assert!(output.code == code && output.stderr.contains(says), "{file} {further:?}: {output:?}");
        assert!(!output.stderr.contains("PRIVATE KEY-----"), "{output:?}");
    }
    let listed = run(&["client", "key", "list", "c", "--output", "json"]).success().json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let shown = run(&["client", "show", "c", "--output", "json"]).success().json();
    assert_eq!(shown["keys"][1]["kid"], "-build-server");
    let id = listed[0]["id"].as_str().unwrap();
    run(&["client", "key", "delete", "c", id]).success();
    run(&["client", "key", "delete", "c", "-build-server"]).success();
    let gone = run(&["client", "key", "delete", "c", "-build-server"]);
    assert!(gone.code == 3 && gone.stderr.contains("there is no key -build-server of the client c"), "{gone:?}");
    let trail = run(&["audit", "export"]).success().stdout;
    let recorded = |action: &str| {
        let lines = trail.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|event| event["object_kind"] == "client_key" && event["action"] == action).count()
    };
    assert_eq!((recorded("create"), recorded("delete")), (2, 2), "{trail}");
}

#[test]
fn a_document_says_which_keys_a_client_has() {
    let folder = tempfile::tempdir().unwrap();
    let apply = |document: &Value, arguments: &[&str]| {
        let arguments = [&["apply", "-f", "-", "--output", "json"], arguments].concat();
        run_with(folder.path(), &arguments, &[], &document.to_string())
    };
    let steps = |output: Output| {
        let plan = output.success().json();
        let step = |step: &Value| format!("{} {}", step["action"].as_str().unwrap(), step["kind"].as_str().unwrap());
        plan["steps"].as_array().unwrap().iter().map(step).collect::<Vec<_>>()
    };
    let (first, second) = (PartnerKey::new("ES256"), PartnerKey::new("EdDSA"));
    let mut named = second.jwk();
    named["name"] = json!("second");
    named["expires_at"] = json!("2040-01-01T00:00:00Z");
    let both = document(&[key_client("c", &[first.jwk(), named.clone()])]);
    assert_eq!(
        steps(apply(&both, &[])),
        ["create api", "create client", "create client_key", "create client_key", "create grant"]
    );
    assert!(steps(apply(&both, &["--prune"])).is_empty(), "twice changes nothing");
    let exported = run(folder.path(), &["export"]);
    let again =
        run_with(folder.path(), &["apply", "-f", "-", "--output", "json", "--prune"], &[], &exported.success().stdout);
    assert!(steps(again).is_empty(), "an export changes nothing");

    named["name"] = json!("renamed");
    assert_eq!(steps(apply(&document(&[key_client("c", &[first.jwk(), named.clone()])]), &[])), ["update client_key"]);
    let mut other_key = PartnerKey::new("ES256").jwk();
    other_key["kid"] = first.jwk()["kid"].clone();
    let replaced = document(&[key_client("c", &[other_key.clone(), named])]);
    assert_eq!(steps(apply(&replaced, &[])), ["delete client_key", "create client_key"], "under the same kid");
    let one = document(&[key_client("c", &[other_key.clone()])]);
    assert!(steps(apply(&one, &[])).is_empty(), "a key that it lacks stays");
    assert_eq!(steps(apply(&one, &["--prune"])), ["delete client_key"], "without --prune");

    let mut published = key_client("c", &[other_key.clone()]);
    published["jwks_uri"] = json!("https://partner.example/jwks");
    assert_eq!(steps(apply(&document(&[published.clone()]), &[])), ["update client"]);
    assert!(steps(apply(&document(&[published.clone()]), &[])).is_empty());

    let wrong = |member: &str, value: Value| {
        let mut key = other_key.clone();
        key[member] = value;
        apply(&document(&[key_client("c", &[key])]), &[])
    };
    for (output, says) in [
        (wrong("expire_at", json!("2030-01-01T00:00:00Z")), "a key has no member expire_at"),
        (wrong("d", json!("AAAA")), "this is a private key"),
        (wrong("alg", json!("none")), "the alg of a key is"),
    ] {
        assert!(output.code == 2 && output.stderr.contains(says), "{says}: {output:?}");
    }
    published["jwks_uri"] = json!("http://partner.example/jwks");
    let plain = apply(&document(&[published.clone()]), &[]);
    assert!(plain.code == 2 && plain.stderr.contains("jwks_uri is an absolute https URL"), "{plain:?}");
    published["jwks_uri"] = json!("https://partner.example/jwks");
    published["authentication_methods"] = json!(["private_key_jwt", "client_secret_basic"]);
    let mixed = apply(&document(&[published]), &[]);
    assert!(mixed.code == 2 && mixed.stderr.contains("private_key_jwt stands alone"), "{mixed:?}");
}
