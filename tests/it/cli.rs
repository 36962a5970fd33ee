//! The commands on the store, as people and scripts use them.

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::json;
use tempfile::TempDir;

use crate::support::Dev;
use crate::support::program::{run, run_with};

pub(super) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

pub(super) fn set_up(directory: &Path) {
    run(directory, &["api", "create", "https://api/", "--name", "Demo", "--scope", "a=Do a", "--scope", "b"]).success();
    run(directory, &["client", "create", "--id", "c", "--name", "Client"]).success();
    run(directory, &["grant", "create", "c", "https://api/", "--scope", "a"]).success();
}

#[test]
fn objects_are_created_listed_shown_updated_and_deleted() {
    let folder = folder();
    let directory = folder.path();
    set_up(directory);
    let json = |arguments: &[&str]| run(directory, &[arguments, &["--output", "json"]].concat()).success().json();
    let api = json(&["api", "show", "https://api/"]);
    assert_eq!(api["scopes"], json!([{"value": "a", "description": "Do a"}, {"value": "b"}]));
    let updated = json(&["api", "update", "https://api/", "--token-lifetime", "60", "--add-scope", "c"]);
    assert_eq!((&updated["token_lifetime"], updated["scopes"].as_array().unwrap().len()), (&json!(60), 3));
    assert_eq!(json(&["api", "list"]).as_array().unwrap().len(), 2, "with the Management API");

    let client = json(&["client", "show", "c"]);
    assert_eq!(client["grants"], json!([{"audience": "https://api/", "scope": ["a"]}]));
    assert!(client.to_string().contains("ths_") && !client.to_string().contains("$argon2"), "a hint, no hash");
    assert_eq!(json(&["client", "update", "c", "--name", "New"])["name"], "New");
    assert_eq!(json(&["grant", "update", "c", "https://api/", "--scope", "b"])["scope"], json!(["b"]));
    assert_eq!(json(&["grant", "show", "c", "https://api/"])["scope"], json!(["b"]));
    assert_eq!(json(&["grant", "list"]).as_array().unwrap().len(), 1);

    run(directory, &["grant", "delete", "c", "https://api/"]).success();
    run(directory, &["client", "delete", "c"]).success();
    run(directory, &["api", "delete", "https://api/"]).success();
    assert_eq!(json(&["client", "list"]), json!([]));
}

#[test]
fn what_is_missing_or_taken_exits_with_3_and_what_is_wrong_with_2() {
    let folder = folder();
    let directory = folder.path();
    set_up(directory);
    let cases: [(&[&str], i32, &str); 18] = [
        (&["api", "create", "https://api/"], 3, "exists already"),
        (&["client", "create", "--id", "c"], 3, "exists already"),
        (&["grant", "create", "c", "https://api/", "--scope", "a"], 3, "update it"),
        (&["api", "show", "https://none/"], 3, "there is no API"),
        (&["client", "delete", "none"], 3, "there is no client none"),
        (&["client", "secret", "retire", "c", "ths_nothere1"], 3, "list them first"),
        (&["grant", "create", "c", "https://api/", "--scope", "undefined"], 3, "update it"),
        (&["grant", "update", "c", "https://api/", "--scope", "undefined"], 2, "does not define undefined"),
        (&["api", "create", "has space"], 2, "API identifier"),
        (&["api", "create", "https://x/", "--scope", "sp ace"], 2, "sp ace"),
        (&["api", "create", "https://x/", "--token-lifetime", "99999999"], 2, "token.max_lifetime_seconds"),
        (&["client", "create", "--id", "a:b"], 2, "choose a client id"),
        (&["api", "create", "https://x/", "--signing-alg", "HS256"], 2, "RS256"),
        (&["client", "create", "--default-audience", "https://typo/"], 3, "there is no API https://typo/"),
        (&["client", "secret", "add", "c", "--expires-at", "2020-01-01T00:00:00Z"], 2, "is past"),
        (&["api", "update", "https://api/", "--remove-scope", "nope"], 3, "defines no scope nope"),
        (&["token", "--issuer", "nonsense", "--client-id", "c", "--client-secret-file", "/dev/null"], 2, "http"),
        (&["client", "creat"], 2, "create"),
    ];
    for (arguments, code, told) in cases {
        let output = run(directory, arguments);
        assert_eq!(output.code, code, "{arguments:?}: {output:?}");
        assert!(output.stderr.contains(told), "{arguments:?}: {output:?}");
    }
    let output = run(directory, &["api", "list", "--output", "json"]).success().json();
    let management = output.as_array().unwrap().iter().find(|api| api["name"] == "Auth0 Management API").unwrap();
    let identifier = management["identifier"].as_str().unwrap();
    assert_eq!(run(directory, &["api", "delete", identifier]).code, 3, "the Management API stays");
}

#[test]
fn a_secret_is_shown_once_and_bounded_in_number() {
    let folder = folder();
    let directory = folder.path();
    let created = run(directory, &["client", "create", "--id", "c", "--output", "json"]).success();
    let secret = created.json()["client_secret"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 61);
    for arguments in
        [&["client", "show", "c"][..], &["client", "secret", "list", "c"], &["export"], &["client", "list"]]
    {
        let output = run(directory, arguments).success();
        assert!(!output.stdout.contains(&secret), "{arguments:?}");
    }
    for _ in 1..10 {
        run(directory, &["client", "secret", "add", "c"]).success();
    }
    let output = run(directory, &["client", "secret", "add", "c"]);
    assert!(output.code == 3 && output.stderr.contains("10 is the limit"), "{output:?}");
}

#[tokio::test]
async fn token_and_verify_act_as_client_and_resource_server() {
    let dev = Dev::start(&[]);
    let partner = dev.partner(0);
    let issuer = dev.text("issuer");
    let token = |arguments: &[&str], secret: &str| {
        let fixed = ["token", "--issuer", &issuer, "--client-id", &partner.client_id];
        run_with(dev.path(), &[&fixed, arguments].concat(), &[("TOKENHOUSE_CLIENT_SECRET", secret)], "")
    };
    let got = token(&["--audience", &partner.audience, "--scope", "list:users"], &partner.client_secret).success();
    let access_token = got.stdout.trim().to_owned();
    let whole = token(&["--output", "json"], &partner.client_secret).success().json();
    assert_eq!(whole["token_type"], "Bearer");
    let refused = token(&["--scope", "delete:users"], &partner.client_secret);
    assert!(refused.code == 3 && refused.stderr.contains("invalid_scope"), "{refused:?}");
    assert_eq!(token(&[], "wrong").code, 3);
    std::fs::write(dev.path().join("secret"), format!("{}\n", partner.client_secret)).unwrap();
    token(&["--client-secret-file", "secret"], "not this one").success();
    let no_server = run_with(
        dev.path(),
        &["token", "--issuer", "http://localhost:9/", "--client-id", "x"],
        &[("TOKENHOUSE_CLIENT_SECRET", "x")],
        "",
    );
    assert!(no_server.code == 1 && no_server.stderr.contains("cannot reach"), "{no_server:?}");

    let verify = |token: &str, arguments: &[&str]| {
        run_with(dev.path(), &[&["verify", "-", "--issuer", &issuer], arguments].concat(), &[], token)
    };
    let accepted = verify(&access_token, &["--audience", &partner.audience, "--output", "json"]).success().json();
    assert_eq!(accepted["client_id"], partner.client_id);
    for (token, arguments, told) in [
        (access_token.clone(), vec!["--audience", "https://other/"], "audience"),
        (access_token.clone(), vec!["--audience", &partner.audience, "--scope", "delete:users"], "delete:users"),
        (
            format!("{}AAAA", &access_token[..access_token.len() - 4]),
            vec!["--audience", &partner.audience],
            "signature",
        ),
        ("nonsense".to_owned(), vec!["--audience", &partner.audience], "not accepted"),
    ] {
        let output = verify(&token, &arguments);
        assert!(output.code == 3 && output.stderr.contains(told), "{told}: {output:?}");
    }
}

#[tokio::test]
async fn healthcheck_tells_a_ready_server_from_none() {
    let dev = Dev::start(&[]);
    run(dev.path(), &["healthcheck", "--url", &dev.issuer("/readyz")]).success();
    assert_eq!(run(dev.path(), &["healthcheck", "--url", "http://localhost:9/readyz"]).code, 1);
    assert_eq!(run(dev.path(), &["healthcheck", "--url", &dev.issuer("/nothing")]).code, 1);
}

#[test]
fn config_migrate_and_completions_answer() {
    let folder = folder();
    let directory = folder.path();
    run(directory, &["config", "check"]).success();
    let printed = run(directory, &["config", "print", "--set", "limits.parameters=10"]).success().stdout;
    assert!(printed.contains("--set"), "the source of each value: {printed}");
    let docs = run(directory, &["config", "docs"]).success().stdout;
    let committed =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")).unwrap();
    assert_eq!(docs.trim(), committed.trim(), "docs/configuration.md is what `tokenhouse config docs` prints");
    run(directory, &["migrate"]).success();
    run(directory, &["migrate"]).success();
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(directory, &["completions", shell]).success().stdout.contains("tokenhouse"));
    }
}

#[test]
fn tables_are_for_people() {
    let folder = folder();
    set_up(folder.path());
    let table = run(folder.path(), &["client", "list"]).success().stdout;
    let lines: Vec<_> = table.lines().map(str::trim).collect();
    assert!(lines[0].starts_with("CLIENT ID") && lines[1].starts_with("c "), "{table}");
    let shown = run(folder.path(), &["client", "show", "c"]).success().stdout;
    assert!(shown.contains("audience https://api/, scope a") && !shown.contains('{'), "{shown}");
    let empty = run(folder.path(), &["client", "secret", "list", "none"]);
    assert_eq!(empty.code, 3);
}

#[test]
fn explain_says_what_would_be_issued_and_why_not() {
    let folder = folder();
    let directory = folder.path();
    set_up(directory);
    let explain = |arguments: &[&str]| run(directory, &[&["explain"], arguments, &["--output", "json"]].concat());
    let given = explain(&["c", "--scope", "a"]).success().json();
    assert_eq!(
        (&given["audience"], &given["scope"], &given["expires_in"]),
        (&json!("https://api/"), &json!("a"), &json!(3600))
    );
    let refused = explain(&["c", "--scope", "b"]);
    assert_eq!((refused.code, &refused.json()["error"]), (3, &json!("invalid_scope")));
    run(directory, &["client", "update", "c", "--enabled", "false"]).success();
    let disabled = explain(&["c"]);
    assert_eq!(disabled.json()["cause"], "the client is disabled: enable it");
    assert_eq!(explain(&["nobody"]).code, 3);
}

#[test]
fn the_audit_trail_tells_who_changed_what_and_a_tampered_row_is_found() {
    let folder = folder();
    let directory = folder.path();
    set_up(directory);
    let intact = run(directory, &["audit", "verify", "--output", "json"]).success().json();
    let exported = run(directory, &["audit", "export"]).success().stdout;
    let events: Vec<serde_json::Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json!(events.len()), intact["events"]);
    assert_eq!(events.last().unwrap()["hash"], intact["last_hash"]);
    let granted = events.iter().find(|event| event["object_kind"] == "grant").unwrap();
    assert_eq!(
        (&granted["actor_kind"], &granted["actor"], &granted["action"]),
        (&json!("cli"), &json!("tester"), &json!("create"))
    );
    assert_eq!(granted["after"], json!({"audience": "https://api/", "scope": ["a"]}));
    assert!(!exported.contains("$argon2"), "no hash in the trail");
    let path = directory.join("tokenhouse.db");
    let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    database.batch_execute("UPDATE audit_events SET actor = 'someone else' WHERE object_kind = 'grant'").unwrap();
    let output = run(directory, &["audit", "verify"]);
    assert!(output.code == 3 && output.stderr.contains("was altered at event"), "{output:?}");
}

#[test]
fn a_management_client_is_made_on_the_host() {
    let folder = folder();
    let directory = folder.path();
    run(directory, &["client", "create", "--id", "admin", "--management"]).success();
    let shown = run(directory, &["client", "show", "admin", "--output", "json"]).success().json();
    assert_eq!(shown["grants"][0]["audience"], "http://localhost:8080/api/v2/");
    assert!(shown["grants"][0]["scope"].as_array().unwrap().contains(&json!("update:signing_keys")));
}
