//! Clients that authenticate with a key: registered, moved over, replayed, refused; all without an oracle.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::answer::{Answer, client};
use crate::support::assertion::{JWT_BEARER, PartnerKey, claims, document, key_client, token, unix_seconds};
use crate::support::dev::basic;
use crate::support::program::{Output, command};
use crate::support::serve::free_port;
use crate::support::{Dev, Serve};

const NONE: Value = Value::Null;

fn no_changes() -> Value {
    json!({})
}

/// What a refusal tells, without what differs in every answer.
fn told(answer: &Answer) -> (u16, String, Vec<String>) {
    let passing = ["x-request-id", "date", "content-length"];
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !passing.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    (answer.status, answer.text.clone(), headers)
}

#[tokio::test]
async fn every_algorithm_gets_a_token_by_form_and_by_json() {
    let algorithms = ["RS256", "RS384", "PS256", "ES256", "EdDSA"];
    let keys = algorithms.map(PartnerKey::new);
    let clients: Vec<_> =
        algorithms.iter().zip(&keys).map(|(alg, key)| key_client(&format!("partner-{alg}"), &[key.jwk()])).collect();
    let dev = Dev::seeded(&document(&clients), &[]);
    let endpoint = dev.text("token_endpoint");
    for (alg, key) in algorithms.iter().zip(&keys) {
        let client_id = format!("partner-{alg}");
        let audience = dev.text("issuer");
        // As Authlib sends it: no kid, no client_id.
        let answer = token(&endpoint, &key.assertion(&client_id, &audience, &no_changes()), &[]).await;
        assert_eq!((answer.status, answer.json()["scope"].as_str()), (200, Some("a")), "{alg}: {answer:?}");
        let kid = key.jwk()["kid"].as_str().unwrap().to_owned();
        let assertion = key.sign(Some(&kid), &claims(&client_id, &endpoint, &no_changes()));
        let body = json!({
            "grant_type": "client_credentials", "client_id": client_id, "client_assertion_type": JWT_BEARER,
            "client_assertion": assertion
        });
        let answer = Answer::to(client().post(&endpoint).json(&body)).await;
        assert_eq!(answer.status, 200, "{alg}: {answer:?}");
        let who = dev.call("GET", "/whoami", &answer.access_token()).await;
        assert_eq!((who.status, who.json()["client_id"].as_str()), (200, Some(client_id.as_str())));
    }
}

#[tokio::test]
async fn whatever_is_wrong_is_answered_alike() {
    let (key, other) = (PartnerKey::new("ES256"), PartnerKey::new("ES256"));
    let mut disabled = key_client("disabled", &[key.jwk()]);
    disabled["enabled"] = json!(false);
    let mut unused = key.jwk();
    unused["enabled"] = json!(false);
    let mut expired = key.jwk();
    expired["expires_at"] = json!("2020-01-01T00:00:00Z");
    let mut by_secret = key_client("by-secret", &[key.jwk()]);
    by_secret["authentication_methods"] = json!(["client_secret_basic"]);
    let clients = [
        key_client("partner", &[key.jwk()]),
        disabled,
        by_secret,
        key_client("no-key", &[]),
        key_client("key-not-in-use", &[unused]),
        key_client("key-expired", &[expired]),
    ];
    for compat in ["standard", "auth0"] {
        let dev = Dev::seeded(&document(&clients), &["--compat", compat]);
        let (endpoint, audience) = (dev.text("token_endpoint"), dev.text("issuer"));
        let now = unix_seconds();
        let good = |client_id: &str| key.assertion(client_id, &audience, &no_changes());
        let changed = |changes: Value| key.assertion("partner", &audience, &changes);
        let replayed = good("partner");
        assert_eq!(token(&endpoint, &replayed, &[]).await.status, 200);
        let wrong = [
            ("replay", replayed),
            ("unknown client", good("nobody")),
            ("disabled client", good("disabled")),
            ("client with a secret", good("by-secret")),
            ("client without a key", good("no-key")),
            ("key not in use", good("key-not-in-use")),
            ("expired key", good("key-expired")),
            ("another key", other.assertion("partner", &audience, &no_changes())),
            ("unknown kid", key.sign(Some("unknown"), &claims("partner", &audience, &no_changes()))),
            ("another algorithm", PartnerKey::new("RS256").assertion("partner", &audience, &no_changes())),
            ("expired", changed(json!({"iat": now - 100, "exp": now - 40}))),
            ("too long a life", changed(json!({"exp": now + 4000}))),
            ("another audience", changed(json!({"aud": "https://evil.example/"}))),
            ("two audiences", changed(json!({"aud": [audience, "https://evil.example/"]}))),
            ("no jti", changed(json!({"jti": NONE}))),
            ("another issuer", changed(json!({"iss": "nobody"}))),
            ("no JWT", "nonsense".to_owned()),
        ];
        let mut answers = Vec::new();
        for (what, assertion) in &wrong {
            let answer = token(&endpoint, assertion, &[]).await;
            answers.push((*what, told(&answer)));
        }
        let beside = token(&endpoint, &good("partner"), &[("client_id", "nobody")]).await;
        answers.push(("another client_id beside it", told(&beside)));
        let error = if compat == "auth0" { "access_denied" } else { "invalid_client" };
        assert_eq!(beside.error(), (401, error.to_owned()));
        assert_eq!(beside.header("www-authenticate"), "", "it would hide the error from openid-client");
        for (what, told) in &answers {
            assert_eq!(told, &answers[0].1, "{what}");
        }
        // The log, though, says why; and holds none of the assertions.
        let log = dev.log();
        for reason in ["used before", "sub is no client", "is disabled", "has its kid and alg", "signature is wrong"] {
            assert!(log.contains(reason), "{reason} in {log}");
        }
        for (what, assertion) in wrong.iter().filter(|(what, _)| *what != "no JWT") {
            assert!(!log.contains(assertion.rsplit('.').next().unwrap()), "{what}");
        }
    }
}

#[tokio::test]
async fn a_client_moves_from_its_secret_to_a_key_without_standing_still() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let key = PartnerKey::new("RS256");
    std::fs::write(serve.path().join("partner.pem"), key.certificate(unix_seconds())).unwrap();
    let (endpoint, audience) = (serve.url("/oauth/token"), serve.url("/"));
    let with_key = async || token(&endpoint, &key.assertion("c", &audience, &no_changes()), &[]).await;
    let within_a_second = async |status: u16| {
        let deadline = Instant::now() + Duration::from_secs(1);
        loop {
            let answer = with_key().await;
            if answer.status == status || Instant::now() > deadline {
                return answer.status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let early = serve.cli(&["client", "update", "c", "--authentication-method", "private_key_jwt"]);
    assert!(early.code == 2 && early.stderr.contains("has no key in use"), "{early:?}");
    serve.cli(&["client", "key", "add", "c", "--file", "partner.pem"]).success();
    assert_eq!(within_a_second(200).await, 200);
    assert_eq!(serve.token("c", &secret).await.status, 200, "both work until one is chosen");

    serve.cli(&["client", "update", "c", "--authentication-method", "private_key_jwt"]).success();
    let refused = serve.token_within_a_second("c", &secret, |answer| answer.status == 401).await;
    assert_eq!(refused.error(), (401, "invalid_client".to_owned()), "a secret that leaked is worth nothing now");
    let by_basic = client().post(&endpoint).header("authorization", basic("c", &secret));
    assert_eq!(Answer::to(by_basic.form(&[("grant_type", "client_credentials")])).await.status, 401);
    assert_eq!(with_key().await.status, 200);

    serve.cli(&["client", "update", "c", "--authentication-method", "client_secret_basic"]).success();
    assert_eq!(within_a_second(401).await, 401);
    assert_eq!(serve.token("c", &secret).await.status, 200);
    serve.cli(&["client", "update", "c", "--authentication-method", "any"]).success();
    assert_eq!(within_a_second(200).await, 200);
    let kid = key.jwk()["kid"].as_str().unwrap().to_owned();
    serve.cli(&["client", "key", "delete", "c", &kid]).success();
    assert_eq!(within_a_second(401).await, 401);
}

#[tokio::test]
async fn keys_are_registered_in_every_form_and_mistakes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| -> Output { crate::support::program::run(folder.path(), arguments) };
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
    let named = add("jwk.json", &["--kid", "build-server", "--expires-at", "2040-01-01T00:00:00Z"]).success().json();
    assert_eq!((&named["kid"], &named["expires_at"]), (&json!("build-server"), &json!("2040-01-01T00:00:00Z")));

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
    assert_eq!(shown["keys"][1]["kid"], "build-server");
    let id = listed[0]["id"].as_str().unwrap();
    run(&["client", "key", "delete", "c", id]).success();
    run(&["client", "key", "delete", "c", "build-server"]).success();
    let gone = run(&["client", "key", "delete", "c", "build-server"]);
    assert!(gone.code == 3 && gone.stderr.contains("there is no key build-server of the client c"), "{gone:?}");
    let trail = run(&["audit", "export"]).success().stdout;
    let recorded = |action: &str| {
        let lines = trail.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|event| event["object_kind"] == "client_key" && event["action"] == action).count()
    };
    assert_eq!((recorded("create"), recorded("delete")), (2, 2), "{trail}");
}

#[tokio::test]
async fn a_document_says_which_keys_a_client_has() {
    let folder = tempfile::tempdir().unwrap();
    let apply = |document: &Value, arguments: &[&str]| {
        let arguments = [&["apply", "-f", "-", "--output", "json"], arguments].concat();
        crate::support::program::run_with(folder.path(), &arguments, &[], &document.to_string())
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
    let exported = crate::support::program::run(folder.path(), &["export"]);
    let again = crate::support::program::run_with(
        folder.path(),
        &["apply", "-f", "-", "--output", "json", "--prune"],
        &[],
        &exported.success().stdout,
    );
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

#[tokio::test]
async fn explain_knows_keys() {
    let folder = tempfile::tempdir().unwrap();
    let mut no_key = key_client("no-key", &[]);
    no_key["secrets"] = json!([{"value": "a secret that is long enough"}]);
    let mut by_secret = key_client("by-secret", &[PartnerKey::new("ES256").jwk()]);
    by_secret["authentication_methods"] = json!(["client_secret_post"]);
    let clients = [key_client("partner", &[PartnerKey::new("ES256").jwk()]), no_key, by_secret];
    let applied =
        crate::support::program::run_with(folder.path(), &["apply", "-f", "-"], &[], &document(&clients).to_string());
    applied.success();
    let explain = |client_id: &str| {
        crate::support::program::run(folder.path(), &["explain", client_id, "--output", "json"]).json()
    };
    assert_eq!(explain("partner")["issued"], true);
    let cause = |client_id: &str| explain(client_id)["cause"].as_str().unwrap_or_default().to_owned();
    assert!(cause("no-key").contains("set to private_key_jwt and has no key that is live"), "{}", cause("no-key"));
    assert!(cause("by-secret").contains("its keys do not count"), "{}", cause("by-secret"));
}

/// A second server on the database of `first`, as another replica of the same issuer.
struct Replica {
    child: Child,
    port: u16,
}

impl Replica {
    async fn start(directory: &Path, issuer: &str) -> Self {
        let port = free_port();
        let bind = format!("127.0.0.1:{port}");
        let log = std::fs::File::create(directory.join("log2")).expect("a log");
        let child = command(directory, &["serve", "--bind", &bind, "--issuer", issuer])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let replica = Self { child, port };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !client().get(replica.url("/readyz")).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(Instant::now() < deadline, "the second server is not ready");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        replica
    }

    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_on_all_replicas_together() {
    let key = PartnerKey::new("ES256");
    let serve = Serve::start(&[]).await;
    std::fs::write(serve.path().join("document.json"), document(&[key_client("c", &[key.jwk()])]).to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    let replica = Replica::start(serve.path(), &serve.url("/")).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let endpoints = [serve.url("/oauth/token"), replica.url("/oauth/token")];

    let assertion = key.assertion("c", &serve.url("/"), &no_changes());
    assert_eq!(token(&endpoints[0], &assertion, &[]).await.status, 200);
    assert_eq!(token(&endpoints[1], &assertion, &[]).await.error(), (401, "invalid_client".to_owned()));

    for _ in 0..5 {
        let assertion = key.assertion("c", &serve.url("/"), &no_changes());
        let requests = (0..8).map(|number| token(&endpoints[number % 2], &assertion, &[]));
        let answers = futures_util::future::join_all(requests).await;
        let issued = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(issued, 1, "of eight at a time");
        assert!(answers.iter().all(|answer| [200, 401].contains(&answer.status)));
    }
    let by_another = PartnerKey::new("ES256").assertion("c", &serve.url("/"), &json!({"jti": "taken"}));
    assert_eq!(token(&endpoints[0], &by_another, &[]).await.status, 401);
    let taken = key.assertion("c", &serve.url("/"), &json!({"jti": "taken"}));
    assert_eq!(token(&endpoints[0], &taken, &[]).await.status, 200, "who has not the key uses up no jti");
}

#[tokio::test]
async fn without_the_database_assertions_fail_closed_and_secrets_go_on() {
    let key = PartnerKey::new("ES256");
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let documents = document(&[key_client("k", &[key.jwk()])]);
    std::fs::write(serve.path().join("document.json"), documents.to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    let endpoint = serve.url("/oauth/token");
    let with_key = async || token(&endpoint, &key.assertion("k", &serve.url("/"), &no_changes()), &[]).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(with_key().await.status, 200);
    for file in ["tokenhouse.db", "tokenhouse.db-wal", "tokenhouse.db-shm"] {
        let _ = std::fs::remove_file(serve.path().join(file));
    }
    let answer = with_key().await;
    assert_eq!(answer.error(), (503, "temporarily_unavailable".to_owned()), "{answer:?}");
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(serve.token("c", &secret).await.status, 200);
    let wrong = PartnerKey::new("ES256").assertion("k", &serve.url("/"), &no_changes());
    assert_eq!(token(&endpoint, &wrong, &[]).await.status, 401, "only who has the key learns of it");
}

#[tokio::test]
async fn the_strict_rules_take_only_what_rfc7523bis_does() {
    let key = PartnerKey::new("ES256");
    let serve = Serve::start(&["--set", "client_assertions.strict=true"]).await;
    std::fs::write(serve.path().join("document.json"), document(&[key_client("c", &[key.jwk()])]).to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let (endpoint, issuer) = (serve.url("/oauth/token"), serve.url("/"));
    let explicit = |audience: &Value| {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        header.typ = Some("client-authentication+jwt".to_owned());
        let mut claims = claims("c", &issuer, &no_changes());
        claims["aud"] = audience.clone();
        key.sign_under(&header, &claims)
    };
    assert_eq!(token(&endpoint, &explicit(&json!(issuer)), &[]).await.status, 200);
    for audience in [json!(endpoint), json!([issuer]), json!(issuer.trim_end_matches('/'))] {
        assert_eq!(token(&endpoint, &explicit(&audience), &[]).await.status, 401, "{audience}");
    }
    assert_eq!(token(&endpoint, &key.assertion("c", &issuer, &no_changes()), &[]).await.status, 401, "its typ is JWT");
}
