//! The ways into the console that the command line opens: links, and assertions to paste.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use serde_json::{Value, json};

use crate::cli::folder;
use crate::support::assertion::{PartnerKey, document, key_client, token};
use crate::support::program::{Output, run, run_with};
use crate::support::{Dev, Serve};

diesel::table! {
    servers (id) { id -> Text, name -> Text, version -> Text, revision -> BigInt, state -> Text, }
}

fn json_of(directory: &Path, arguments: &[&str]) -> Value {
    run(directory, &[arguments, &["--output", "json"]].concat()).success().json()
}

fn assert_refused(output: &Output, code: i32, told: &str) {
    assert!(output.code == code && output.stderr.contains(told), "{code} {told}: {output:?}");
}

/// The token in a link, which must begin with `start`.
fn token_in<'l>(link: &'l str, start: &str) -> &'l str {
    let token = link.strip_prefix(start).unwrap_or_else(|| panic!("{link}"));
    assert!(token.len() == 43 && !token.contains(['=', '&', '/']), "{link}");
    token
}

#[test]
fn a_link_to_sign_in_with_is_for_the_one_client_that_manages_unless_another_is_named() {
    let folder = folder();
    let directory = folder.path();
    let login = |arguments: &[&str]| run(directory, &[&["console", "login"], arguments].concat());
    run(directory, &["client", "create", "--id", "partner"]).success();
    assert_refused(&login(&[]), 3, "client create --management");
    run(directory, &["client", "create", "--id", "manager-b", "--management"]).success();

    let shown = login(&[]).success();
    token_in(shown.stdout.trim_end(), "http://localhost:8080/console/enter?link=");
    assert!(shown.stderr.contains("good once, for manager-b, until 20"), "{shown:?}");
    let named = json_of(directory, &["console", "login", "partner", "--minutes", "60"]);
    assert_eq!(named["client_id"], "partner");
    token_in(named["url"].as_str().unwrap(), "http://localhost:8080/console/enter?link=");
    assert!(named["expires_at"].as_str().unwrap().ends_with('Z'), "{named}");
    let issuer = ["--set", "issuer=https://auth.example.com/a/b"];
    let elsewhere = login(&issuer).success();
    token_in(elsewhere.stdout.trim_end(), "https://auth.example.com/a/b/console/enter?link=");

    run(directory, &["client", "create", "--id", "manager-a", "--management"]).success();
    assert_refused(&login(&[]), 3, "name one of manager-a, manager-b");
    run(directory, &["client", "update", "manager-b", "--enabled", "false"]).success();
    assert_eq!(json_of(directory, &["console", "login"])["client_id"], "manager-a", "the only one that is enabled");
    assert_refused(&login(&["manager-b"]), 3, "is disabled");
    assert_refused(&login(&["nobody"]), 3, "there is no client nobody");
    assert_refused(&login(&["partner", "--minutes", "61"]), 2, "1 to 60");
}

#[test]
fn a_link_to_pick_up_a_secret_is_made_for_a_client_that_has_use_for_one() {
    let folder = folder();
    let directory = folder.path();
    let claim = |arguments: &[&str]| run(directory, &[&["client", "claim-link"], arguments].concat());
    run(directory, &["client", "create", "--id", "partner", "--no-secret"]).success();
    let link = json_of(directory, &["client", "claim-link", "partner", "--minutes", "1440", "--label", "CI"]);
    let token = token_in(link["url"].as_str().unwrap(), "http://localhost:8080/console/claim?link=").to_owned();
    token_in(claim(&["partner"]).success().stdout.trim_end(), "http://localhost:8080/console/claim?link=");
    assert_refused(&claim(&["partner", "--minutes", "1441"]), 2, "1 to 1440");
    assert_refused(&claim(&["nobody"]), 3, "there is no client nobody");

    let trail = run(directory, &["audit", "export"]).success().stdout;
    let event = trail.lines().find(|line| line.contains("one_time_link")).expect("an audit event");
    let event: Value = serde_json::from_str(event).unwrap();
    assert_eq!((&event["action"], &event["actor"]), (&json!("create"), &json!("tester")));
    assert_eq!(event["object_id"], "claim_secret of partner");
    assert_eq!((&event["after"]["label"], &event["after"]["purpose"]), (&json!("CI"), &json!("claim_secret")));
    for file in fs::read_dir(directory).unwrap().flatten().filter(|file| file.path().is_file()) {
        let bytes = fs::read(file.path()).unwrap();
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()), "{}", file.path().display());
    }
    assert!(!trail.contains(&token));
}

#[tokio::test]
async fn an_assertion_to_paste_proves_who_its_maker_is() {
    let folder = folder();
    let directory = folder.path();
    let algorithms = ["RS256", "PS256", "ES256", "EdDSA"];
    let keys = algorithms.map(PartnerKey::new);
    let clients: Vec<_> =
        algorithms.iter().zip(&keys).map(|(alg, key)| key_client(&format!("partner-{alg}"), &[key.jwk()])).collect();
    let dev = Dev::seeded(&document(&clients), &[]);
    let (endpoint, issuer) = (dev.text("token_endpoint"), dev.text("issuer"));
    for (alg, key) in algorithms.iter().zip(&keys) {
        let client_id = format!("partner-{alg}");
        fs::write(directory.join("private.pem"), key.private_pem()).unwrap();
        let make = |arguments: &[&str]| {
            let fixed = ["console", "assertion", "--issuer", &issuer, "--client-id", &client_id];
            let made = run(directory, &[&fixed, arguments].concat()).success();
            assert_eq!(made.stderr, "");
            made.stdout.trim_end().to_owned()
        };
        let kid = key.jwk()["kid"].as_str().unwrap().to_owned();
        let file = ["--private-key-file", "private.pem"];
        // Nothing in the key says that it is for PS256.
        let given = if *alg == "PS256" { &["--alg", "PS256"][..] } else { &[] };
        for named in [&[][..], &["--kid", &kid]] {
            let assertion = make(&[&file, given, named].concat());
            assert_eq!(token(&endpoint, &assertion, &[]).await.status, 200, "{alg} {named:?}");
            assert_eq!(token(&endpoint, &assertion, &[]).await.status, 401, "it is good once");
        }
        let assertion = make(&[&file, given, &["--kid", "another"]].concat());
        assert_eq!(token(&endpoint, &assertion, &[]).await.status, 401, "{alg}");
        let told: Value = serde_json::from_str(&make(&[&file, given, &["--output", "json"]].concat())).expect("JSON");
        assert_eq!(token(&endpoint, told["client_assertion"].as_str().unwrap(), &[]).await.status, 200);
    }
}

#[tokio::test]
async fn an_assertion_is_made_for_the_strictest_rules_and_the_configured_issuer() {
    let serve = Serve::start(&["--set", "client_assertions.strict=true"]).await;
    let key = PartnerKey::new("ES256");
    fs::write(serve.path().join("d.json"), document(&[key_client("partner", &[key.jwk()])]).to_string()).unwrap();
    serve.cli(&["apply", "-f", "d.json"]).success();
    let issuer = format!("issuer={}", serve.url("/"));
    let arguments = ["console", "assertion", "--client-id", "partner", "--private-key-file", "-", "--set", &issuer];
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let made = run_with(serve.path(), &arguments, &[], &key.private_pem()).success();
        let answer = token(&serve.url("/oauth/token"), made.stdout.trim_end(), &[]).await;
        if answer.status == 200 {
            break;
        }
        assert!(Instant::now() < deadline, "{answer:?}");
    }
}

#[test]
fn what_is_no_private_key_is_refused_without_being_shown() {
    let folder = folder();
    let directory = folder.path();
    let key = PartnerKey::new("ES256");
    fs::write(directory.join("private.pem"), key.private_pem()).unwrap();
    fs::write(directory.join("letter"), "Dear key").unwrap();
    let make = |file: &str, further: &[&str]| {
        let fixed = ["console", "assertion", "--client-id", "partner", "--private-key-file", file];
        run(directory, &[&fixed, further].concat())
    };
    assert_refused(&make("missing", &[]), 2, "missing");
    assert_refused(&make("letter", &[]), 2, "BEGIN PRIVATE KEY");
    assert_refused(&make("private.pem", &["--alg", "RS256"]), 2, "not a valid private key for RS256");
    assert_refused(&make("private.pem", &["--alg", "HS256"]), 2, "expected RS256");
    let refused = make("private.pem", &["--issuer", "nonsense"]);
    assert!(refused.code == 2 && !refused.stderr.contains("PRIVATE"), "{refused:?}");
}

#[tokio::test]
async fn a_server_tells_of_itself_while_it_runs() {
    let mut serve = Serve::start(&[]).await;
    serve.cli(&["client", "create", "--id", "c"]).success();
    let database = serve.path().join("tokenhouse.db");
    let told = || {
        let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
        let columns = (servers::name, servers::version, servers::state, servers::revision);
        let rows: Vec<(String, String, String, i64)> = servers::table.select(columns).load(&mut connection).unwrap();
        rows
    };
    let deadline = Instant::now() + Duration::from_secs(25);
    let [(name, version, state, _)] = loop {
        if let Ok([row]) = <[_; 1]>::try_from(told())
            && row.2 != "loading"
        {
            break [row];
        }
        assert!(Instant::now() < deadline, "{:?}", told());
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!((version.as_str(), state.as_str()), (env!("CARGO_PKG_VERSION"), "issuing"));
    assert!(name.ends_with(&format!(" {}", serve.pid())), "{name}");
    assert_eq!(serve.terminate(), 0);
    assert_eq!(told(), []);
}
