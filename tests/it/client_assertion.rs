//! Clients that authenticate with a key: moved over, replayed, refused; all without an oracle.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::management::Management;
use crate::support::answer::{Answer, client};
use crate::support::assertion::{JWT_BEARER, PartnerKey, claims, document, key_client, token, unix_seconds};
use crate::support::dev::basic;
use crate::support::program::command;
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

/// By the Management API, which has two members for one thing: what is shown must be what is.
#[tokio::test]
async fn a_key_that_was_put_out_of_use_is_refused() {
    let key = PartnerKey::new("ES256");
    let mut both = key_client("both", &[key.jwk()]);
    both["authentication_methods"] = json!([]);
    both["secrets"] = json!([{"value": "a secret that is long enough"}]);
    let dev = Dev::seeded(&document(&[both, key_client("by-key", &[key.jwk()])]), &[]);
    let management = Management::of(&dev).await;
    let status = async |client_id: &str| {
        let assertion = key.assertion(client_id, &dev.text("issuer"), &no_changes());
        token(&dev.text("token_endpoint"), &assertion, &[]).await.status
    };

    let shown = management.get("/clients/both").await.ok();
    for member in ["token_endpoint_auth_method", "client_authentication_methods"] {
        assert_eq!(shown.get(member), None, "it may use either");
    }
    assert_eq!(management.patch("/clients/both", &shown).await.ok(), shown);
    assert_eq!(status("both").await, 200);
    for (client_id, change) in [
        ("both", json!({"token_endpoint_auth_method": "client_secret_post"})),
        ("by-key", json!({"client_authentication_methods": null})),
    ] {
        assert_eq!(status(client_id).await, 200, "{client_id}");
        let changed = management.patch(&format!("/clients/{client_id}"), &change).await.ok();
        assert_eq!(changed["token_endpoint_auth_method"], "client_secret_post", "{client_id}");
        assert_eq!(status(client_id).await, 401, "{client_id}");
    }
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
