//! No secret and no token ever reaches a log, an error, a list, the metrics or the database: planted, used, and searched for.

use serde_json::json;

use crate::support::answer::{Answer, client};
use crate::support::assertion::{PartnerKey, document, key_client, token};
use crate::support::dev::basic;
use crate::support::{Dev, Serve};

const BROUGHT: &str = "canary-brought-5f2d9e71c04b";
const WRONG: &str = "canary-wrong-8a41b7e2d9c3";
const IN_QUERY: &str = "canary-query-1c9e0d8f7a6b";

/// Every way of sending a secret that can go wrong.
async fn misuse(url: &str, secret: &str) {
    let form = |pairs: &[(&str, &str)]| client().post(url).form(pairs);
    let grant = ("grant_type", "client_credentials");
    Answer::to(form(&[grant, ("client_id", "c"), ("client_secret", WRONG)])).await;
    Answer::to(form(&[grant, ("client_id", "nobody"), ("client_secret", secret)])).await;
    Answer::to(form(&[grant, ("client_id", secret), ("client_secret", secret)])).await;
    Answer::to(form(&[grant, ("client_id", "c"), ("client_secret", secret), ("client_secret", WRONG)])).await;
    Answer::to(form(&[grant, ("client_secret", secret)]).header("authorization", basic("c", WRONG))).await;
    Answer::to(form(&[("grant_type", WRONG)]).header("authorization", format!("Bearer {secret}"))).await;
    Answer::to(
        client().post(url).header("content-type", "application/json").body(format!("{{\"client_secret\":\"{secret}\"")),
    )
    .await;
    Answer::to(client().post(format!("{url}?client_secret={IN_QUERY}"))).await;
    Answer::to(client().get(format!("{url}/{IN_QUERY}?client_secret={IN_QUERY}"))).await;
}

#[tokio::test]
async fn dev_tells_no_secret() {
    let seed = json!({
        "apis": [{"identifier": "https://api/"}],
        "clients": [{"client_id": "c", "secrets": [{"value": BROUGHT}], "grants": [{"audience": "https://api/"}]}]
    });
    let mut dev = Dev::seeded(&seed, &[]);
    let token = dev.token(&[]).await.access_token();
    misuse(&dev.text("token_endpoint"), BROUGHT).await;
    dev.call("GET", &format!("/users?access_token={token}"), &token).await;
    dev.call("GET", "/whoami", &format!("{token}x")).await;
    assert_eq!(dev.terminate(), 0);
    let log = dev.log();
    for canary in [BROUGHT, WRONG, IN_QUERY, &token] {
        assert!(!log.contains(canary), "{canary} in {log}");
    }
}

#[tokio::test]
async fn serve_tells_no_secret_in_log_lists_errors_files_or_environment() {
    let mut serve = Serve::start(&["--set", "log.level=trace"]).await;
    let generated = serve.set_up();
    let document = json!({"clients": [{"client_id": "b", "secrets": [{"value": BROUGHT}], "grants": [{"audience": "https://api/"}]}]});
    std::fs::write(serve.path().join("document.json"), document.to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    std::fs::remove_file(serve.path().join("document.json")).unwrap();
    let issued = |answer: &Answer| answer.status == 200;
    let first = serve.token_within_a_second("c", &generated, issued).await.access_token();
    let second = serve.token_within_a_second("b", BROUGHT, issued).await.access_token();
    misuse(&serve.url("/oauth/token"), &generated).await;
    misuse(&serve.url("/oauth/token"), BROUGHT).await;
    let mut told = Answer::to(client().get(serve.metrics_url("/metrics"))).await.text;
    assert!(told.contains("tokenhouse_token_requests_total"), "{told}");
    for arguments in [
        &["client", "list"][..],
        &["client", "show", "c"],
        &["client", "secret", "list", "b"],
        &["export"],
        &["config", "print"],
        &["key", "list", "--output", "json"],
    ] {
        let output = serve.cli(arguments).success();
        told.push_str(&output.stdout);
        told.push_str(&output.stderr);
    }
    assert_eq!(serve.terminate(), 0);
    told.push_str(&serve.log());
    let master_key = std::fs::read_to_string(serve.path().join("keys/master.key")).unwrap();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(serve.path()).unwrap().flatten() {
        if entry.path().is_file() {
            files.extend(std::fs::read(entry.path()).unwrap());
        }
    }
    let files = String::from_utf8_lossy(&files);
    for canary in [BROUGHT, WRONG, IN_QUERY, &generated, &first, &second, master_key.trim()] {
        assert!(!told.contains(canary), "{canary} is told");
        assert!(!files.contains(canary), "{canary} is in a file");
    }
    assert!(!files.contains("PRIVATE KEY"), "no key lies in clear");
    let decisions = told.lines().filter(|line| line.contains("\"token request\"")).count();
    assert!(decisions >= 2 + 2 * 7, "one line for each decision: {decisions}");
}

/// What partners sign with, what they sign, and what administrators hold and send.
#[tokio::test]
async fn keys_assertions_and_management_tokens_are_told_nowhere() {
    let mut serve = Serve::start(&["--set", "log.level=trace"]).await;
    let key = PartnerKey::new("ES256");
    std::fs::write(serve.path().join("document.json"), document(&[key_client("k", &[key.jwk()])]).to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    let manager = serve.cli(&["client", "create", "--id", "m", "--management", "--output", "json"]).success().json();
    let manager = manager["client_secret"].as_str().unwrap().to_owned();
    let access = serve.token_within_a_second("m", &manager, |answer| answer.status == 200).await.access_token();
    let endpoint = serve.url("/oauth/token");

    let right = key.assertion("k", &serve.url("/"), &json!({}));
    let late = key.assertion("k", &serve.url("/"), &json!({"exp": 1}));
    let foreign = PartnerKey::new("ES256").assertion("k", &serve.url("/"), &json!({}));
    let mut issued = String::new();
    for (assertion, status) in
        [(&right, 200), (&right, 401), (&late, 401), (&foreign, 401), (&format!("{right}x"), 401)]
    {
        let answer = token(&endpoint, assertion, &[]).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 200 {
            issued = answer.access_token();
        }
    }
    let call = |method: &str, path: &str, token: &str| {
        client().request(method.parse().unwrap(), serve.url(path)).bearer_auth(token)
    };
    let name = json!({"name": "canary", "client_secret": BROUGHT});
    let made = Answer::to(call("POST", "/api/v2/clients", &access).json(&name)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/api/v2/clients/{}", made.json()["client_id"].as_str().unwrap());
    let rotated = Answer::to(call("POST", &format!("{path}/rotate-secret"), &access)).await.json();
    let rotated = rotated["client_secret"].as_str().unwrap().to_owned();
    let mut told = String::new();
    for (method, path, token, body) in [
        ("PATCH", path.as_str(), access.as_str(), json!({"client_secret": WRONG, "name": 1})),
        ("PATCH", &path, &format!("{access}x"), json!({"client_secret": WRONG})),
        ("PATCH", &path, &issued, json!({"client_secret": WRONG})),
        ("PUT", &path, &access, json!({"client_secret": WRONG})),
        ("POST", "/api/v2/clients", &access, json!({"name": "x", "client_secret": [WRONG]})),
        ("POST", &format!("{path}/credentials"), &access, json!({"pem": key.private_pem()})),
        ("GET", &format!("{path}?access_token={access}"), &access, json!(null)),
        ("GET", "/api/v2/audit-events", &access, json!(null)),
    ] {
        told.push_str(&Answer::to(call(method, path, token).json(&body)).await.text);
    }
    told.push_str(&Answer::to(client().get(serve.metrics_url("/metrics"))).await.text);
    for arguments in [&["audit", "list"][..], &["client", "key", "list", "k"], &["export"]] {
        let output = serve.cli(arguments);
        told.push_str(&output.stdout);
        told.push_str(&output.stderr);
    }
    assert_eq!(serve.terminate(), 0);
    told.push_str(&serve.log());
    let files =
        ["tokenhouse.db", "tokenhouse.db-wal"].map(|name| std::fs::read(serve.path().join(name)).unwrap_or_default());
    let files = files.concat();
    let files = String::from_utf8_lossy(&files);
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let private = key.private_pem().lines().nth(1).unwrap().to_owned();
    for canary in [
        &signature(&right),
        &signature(&late),
        &signature(&foreign),
        &signature(&access),
        &signature(&issued),
        &private,
        &manager,
        &rotated,
        &BROUGHT.to_owned(),
        &WRONG.to_owned(),
    ] {
        assert!(!told.contains(canary.as_str()), "{canary} is told");
        assert!(!files.contains(canary.as_str()), "{canary} is in the database");
    }
}
