//! The metrics listener: what it tells, when it answers, and what is made of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Serve;
use crate::support::answer::{Answer, client};
use crate::support::assertion::{PartnerKey, document, key_client, token};
use crate::support::certificates::Ca;
use crate::support::exposition::Exposition;
use crate::support::program::{run, run_with};

/// The labels of token requests that a right secret in the body answers.
const ISSUED: [(&str, &str); 3] = [("outcome", "issued"), ("mechanism", "client_secret_post"), ("cause", "none")];

/// The labels of refused token requests.
fn refused<'l>(mechanism: &'l str, cause: &'l str) -> [(&'l str, &'l str); 3] {
    [("outcome", "refused"), ("mechanism", mechanism), ("cause", cause)]
}

fn issued(answer: &Answer) -> bool {
    answer.status == 200
}

/// Scrapes until `is_there` finds what it looks for, for 15 seconds at most.
async fn scrape_until(serve: &Serve, is_there: impl Fn(&Exposition) -> bool) -> Exposition {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let scraped = serve.scrape().await;
        if is_there(&scraped) {
            return scraped;
        }
        assert!(Instant::now() < deadline, "{scraped:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn token_requests_are_counted_by_outcome_mechanism_and_cause() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    serve.token_within_a_second("c", &secret, issued).await;
    let before = serve.scrape().await;
    let endpoint = serve.url("/oauth/token");
    let grant = ("grant_type", "client_credentials");
    for _ in 0..2 {
        assert_eq!(serve.token("c", &secret).await.status, 200);
        assert_eq!(serve.token("c", "wrong").await.status, 401);
    }
    let basic = client().post(&endpoint).basic_auth("c", Some(&secret)).form(&[grant, ("audience", "https://no/")]);
    assert_eq!(Answer::to(basic).await.status, 400);
    assert_eq!(Answer::to(client().post(&endpoint).body("{").header("content-type", "text/x")).await.status, 400);
    assert_eq!(Answer::to(client().post(&endpoint).form(&[grant])).await.status, 401);
    let after = serve.scrape().await;
    let more = |name: &str, labels: &[(&str, &str)]| after.count(name, labels) - before.count(name, labels);
    let requests = "tokenhouse_token_requests_total";
    for (labels, expected) in [
        (ISSUED, 2),
        (refused("client_secret_post", "invalid_client"), 2),
        (refused("client_secret_basic", "unknown_api"), 1),
        (refused("none", "malformed_request"), 1),
        (refused("none", "no_credentials"), 1),
        (refused("private_key_jwt", "invalid_client"), 0),
    ] {
        assert_eq!(more(requests, &labels), expected, "{labels:?}");
    }
    let all = |scraped: &Exposition| scraped.samples(requests, &[]).map(|sample| sample.value).sum::<f64>();
    assert!((all(&after) - all(&before) - 7.0).abs() < 0.5, "and nothing else");
    assert_eq!(more("tokenhouse_token_request_duration_seconds_count", &[("outcome", "issued")]), 2);
    assert_eq!(more("tokenhouse_token_request_duration_seconds_count", &[("outcome", "refused")]), 5);
    assert_eq!(more("tokenhouse_signing_duration_seconds_count", &[("alg", "RS256")]), 2);
    let sum = "tokenhouse_signing_duration_seconds_sum";
    assert!(after.value(sum, &[("alg", "RS256")]) > before.value(sum, &[("alg", "RS256")]));
    assert_eq!(more("tokenhouse_signing_duration_seconds_count", &[("alg", "ES256")]), 0);
}

#[tokio::test]
async fn quotas_reuse_and_slow_checks_are_counted() {
    let serve = Serve::start(&[]).await;
    let document = json!({
        "apis": [{"identifier": "https://api/", "token_lifetime": 60, "token_reuse_seconds": 30}],
        "clients": [{
            "client_id": "b", "secrets": [{"value": "brought by a person, and long"}],
            "quota": {"per_hour": 3, "enforce": true}, "grants": [{"audience": "https://api/"}]
        }]
    });
    std::fs::write(serve.path().join("document.json"), document.to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    serve.token_within_a_second("b", "brought by a person, and long", issued).await;
    for status in [200, 200, 429, 429] {
        assert_eq!(serve.token("b", "brought by a person, and long").await.status, status);
    }
    let scraped = serve.scrape().await;
    assert_eq!(scraped.count("tokenhouse_tokens_reused_total", &[]), 2);
    assert_eq!(scraped.count("tokenhouse_throttled_requests_total", &[("limit", "token_quota")]), 2);
    assert!(scraped.value("tokenhouse_secret_hash_duration_seconds_count", &[]) >= 1.0);
    assert_eq!(scraped.count("tokenhouse_queue_length", &[("queue", "secret_hash")]), 0);
    assert_eq!(scraped.count("tokenhouse_queue_refusals_total", &[("queue", "signing")]), 0);
}

#[tokio::test]
async fn an_assertion_that_is_used_twice_is_counted() {
    let serve = Serve::start(&[]).await;
    let key = PartnerKey::new("ES256");
    std::fs::write(serve.path().join("document.json"), document(&[key_client("k", &[key.jwk()])]).to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    scrape_until(&serve, |scraped| scraped.count("tokenhouse_clients", &[]) == 1).await;
    let assertion = key.assertion("k", &serve.url("/"), &json!({}));
    for status in [200, 401] {
        assert_eq!(token(&serve.url("/oauth/token"), &assertion, &[]).await.status, status);
    }
    let scraped = serve.scrape().await;
    assert_eq!(scraped.count("tokenhouse_client_assertion_replays_total", &[]), 1);
    let requests = "tokenhouse_token_requests_total";
    assert_eq!(scraped.count(requests, &refused("private_key_jwt", "invalid_client")), 1);
}

#[tokio::test]
async fn management_calls_are_counted_by_status_and_throttled_ones_besides() {
    let limits = ["--set", "limits.management_burst=2", "--set", "limits.management_per_second=1"];
    let serve = Serve::start(&limits).await;
    let call = async || Answer::to(client().get(serve.url("/api/v2/clients"))).await.status;
    let mut statuses = Vec::new();
    while statuses.last() != Some(&429) {
        statuses.push(call().await);
        assert!(statuses.len() < 100, "{statuses:?}");
    }
    assert_eq!(statuses[..2], [401, 401]);
    let scraped = serve.scrape().await;
    let calls = |class| scraped.count("tokenhouse_management_calls_total", &[("status", class)]);
    assert_eq!([calls("2xx"), calls("5xx")], [0, 0]);
    assert_eq!(usize::try_from(calls("4xx")), Ok(statuses.len()));
    assert_eq!(scraped.count("tokenhouse_throttled_requests_total", &[("limit", "management_calls")]), 1);
}

#[tokio::test]
async fn the_state_of_store_keys_and_process_is_told() {
    let serve = Serve::start(&[]).await;
    serve.set_up();
    let scraped = scrape_until(&serve, |scraped| {
        scraped.count("tokenhouse_clients", &[]) == 1
            && scraped.samples("tokenhouse_signing_key_age_seconds", &[("state", "next")]).next().is_some()
    })
    .await;
    assert_eq!(scraped.count("tokenhouse_apis", &[]), 2, "and the Management API");
    assert_eq!(scraped.count("tokenhouse_ready", &[]), 1);
    for part in ["store", "signing_keys", "tls_certificate"] {
        assert_eq!(scraped.count("tokenhouse_degraded", &[("part", part)]), 0, "{part}");
    }
    let published = serve.jwk_set().await;
    let kids: BTreeSet<_> =
        published["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    let keys: Vec<_> = scraped.samples("tokenhouse_signing_key_age_seconds", &[("alg", "RS256")]).collect();
    assert_eq!(keys.iter().map(|key| key.labels["kid"].as_str()).collect::<BTreeSet<_>>(), kids);
    assert!(keys.iter().all(|key| (0.0..600.0).contains(&key.value)), "{keys:?}");
    assert!(scraped.value("tokenhouse_snapshot_revision", &[]) >= 3.0);
    assert!(scraped.value("tokenhouse_store_poll_duration_seconds_count", &[]) >= 1.0);
    assert_eq!(scraped.count("tokenhouse_store_poll_failures_total", &[]), 0);
    assert_eq!(scraped.count("tokenhouse_store_max_connections", &[("pool", "read")]), 8);
    assert_eq!(scraped.count("tokenhouse_store_max_connections", &[("pool", "write")]), 1);
    assert!(scraped.value("tokenhouse_store_connections", &[("pool", "read")]) >= 1.0);
    assert_eq!(scraped.count("tokenhouse_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1);
    assert!(scraped.value("process_start_time_seconds", &[]) > 1_700_000_000.0);
    assert!(scraped.value("process_open_fds", &[]) < scraped.value("process_max_fds", &[]));

    std::fs::rename(serve.path().join("tokenhouse.db"), serve.path().join("away.db")).unwrap();
    let degraded =
        scrape_until(&serve, |scraped| scraped.count("tokenhouse_degraded", &[("part", "store")]) == 1).await;
    assert!(degraded.value("tokenhouse_store_poll_failures_total", &[]) >= 1.0);
    assert!(degraded.value("tokenhouse_snapshot_age_seconds", &[]) >= 2.0);
    assert_eq!(degraded.count("tokenhouse_ready", &[]), 1, "it still issues");
}

#[tokio::test]
async fn the_listener_answers_three_paths_and_their_methods_only() {
    let serve = Serve::start(&[]).await;
    let answer = Answer::to(client().get(serve.metrics_url("/metrics"))).await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.header("x-request-id").is_empty());
    for path in ["/livez", "/readyz"] {
        let here = Answer::to(client().get(serve.metrics_url(path))).await;
        let there = Answer::to(client().get(serve.url(path))).await;
        assert_eq!((here.status, here.json()["status"].clone()), (200, there.json()["status"].clone()), "{path}");
    }
    for path in ["/", "/oauth/token", "/api/v2/clients", "/.well-known/jwks.json", "/metrics/"] {
        let answer = Answer::to(client().get(serve.metrics_url(path))).await;
        assert_eq!(answer.error(), (404, "not_found".to_owned()), "{path}");
    }
    for path in ["/metrics", "/livez", "/readyz"] {
        assert_eq!(Answer::to(client().head(serve.metrics_url(path))).await.status, 200, "{path}");
        let answer = Answer::to(client().post(serve.metrics_url(path))).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"), "{path}");
    }
    assert_eq!(Answer::to(client().get(serve.url("/metrics"))).await.status, 404, "not on the issuer's address");
}

/// What a scraper may have left in its URL or headers changes nothing, and no caller's value becomes a label.
#[tokio::test]
async fn nothing_that_callers_send_is_told() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let token = serve.token_within_a_second("c", &secret, issued).await.access_token();
    let endpoint = serve.url("/oauth/token");
    for chosen in ["marked-client", "\"} 1\nforged 1\n", &secret] {
        let form = [("grant_type", chosen), ("client_id", chosen), ("client_secret", chosen), ("audience", chosen)];
        Answer::to(client().post(&endpoint).form(&form)).await;
        let scope =
            [("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", &secret), ("scope", chosen)];
        Answer::to(client().post(&endpoint).form(&scope)).await;
    }
    let text = Answer::to(client().get(serve.metrics_url("/metrics?marked-query"))).await.text;
    for hidden in ["marked", "forged", &secret, &token, "https://api/", "localhost"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    let mine = Exposition::parse(&text);
    let clients: Vec<_> =
        mine.0.iter().flat_map(|family| &family.samples).flat_map(|sample| sample.labels.values()).collect();
    assert!(!clients.contains(&&"c".to_owned()), "a client's id is a label");
}

/// One connection is all that the issuer's listener takes here, and it is taken: whatever waits there, metrics do not.
#[tokio::test]
async fn metrics_are_answered_while_the_issuer_takes_no_connection() {
    let one =
        ["--set", "server.workers=1", "--set", "server.max_connections=1", "--set", "server.request_head_seconds=60"];
    let serve = Serve::start(&one).await;
    let held = TcpStream::connect(("127.0.0.1", serve.port)).unwrap();
    let waiting = tokio::spawn(client().get(serve.url("/livez")).send());
    for _ in 0..3 {
        assert_eq!(serve.scrape().await.count("tokenhouse_ready", &[]), 1);
        assert_eq!(Answer::to(client().get(serve.metrics_url("/livez"))).await.status, 200);
    }
    assert!(!waiting.is_finished(), "the issuer's listener is full");
    drop(held);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn they_can_be_turned_off_and_a_taken_port_says_how() {
    let mut serve = Serve::start(&["--set", "metrics.bind=off"]).await;
    assert!(client().get(serve.metrics_url("/metrics")).send().await.is_err());
    assert!(!serve.log().contains("answering metrics"));
    assert_eq!(serve.terminate(), 0);

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = format!("metrics.bind={}", taken.local_addr().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["serve", "--bind", "127.0.0.1:0", "--set", &bind]);
    assert_eq!(output.code, 1, "{output:?}");
    for told in ["something listens there already", "choose another port with metrics.bind", "metrics.bind = \"off\""] {
        assert!(output.stderr.contains(told), "{output:?}");
    }
    assert!(!directory.path().join("tokenhouse.db").exists(), "nothing is left behind");

    let output = run_with(directory.path(), &["config", "check"], &[("TOKENHOUSE__METRICS__BIND", "none")], "");
    assert!(output.code == 2 && output.stderr.contains("metrics.bind") && output.stderr.contains("off"), "{output:?}");
}

/// A scraper keeps its connection: that must not hold up the end.
#[tokio::test]
async fn a_scraper_that_stays_connected_does_not_keep_the_server_from_ending() {
    let mut serve = Serve::start(&[]).await;
    let staying = crate::support::answer::builder().pool_max_idle_per_host(1).build().unwrap();
    assert_eq!(Answer::to(staying.get(serve.metrics_url("/metrics"))).await.status, 200);
    assert_eq!(serve.terminate(), 0);
}

// --- docs -----------------------------------------------------------------------------------------------------------------------------

fn doc(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A server that has everything: all metrics that there are.
async fn everything() -> Exposition {
    Serve::start_tls(Ca::new("metrics"), &[]).await.scrape().await
}

#[tokio::test]
async fn every_metric_is_documented_as_it_is() {
    let mut table = "| name | type | labels | |\n|---|---|---|---|\n".to_owned();
    for family in everything().await.0 {
        let labels: Vec<_> = family.labels().into_iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, help) = (family.shown_name(), &family.kind, &family.help);
        writeln!(table, "| `{name}` | {kind} | {} | {help} |", labels.join(", ")).unwrap();
    }
    let documented = doc("metrics.md");
    assert!(documented.contains(&table), "docs/metrics.md must hold this table:\n\n{table}");
}

/// What PromQL itself means by a word, and what Prometheus or Grafana add to every series.
const PROMQL: &[&str] = &[
    "and",
    "by",
    "changes",
    "count",
    "histogram_quantile",
    "increase",
    "max",
    "max_over_time",
    "min",
    "on",
    "rate",
    "sum",
    "time",
    "unless",
    "up",
    "instance",
    "job",
    "le",
];

/// Every PromQL expression of a dashboard or of alert rules.
fn expressions(file: &serde_json::Value, found: &mut Vec<String>) {
    match file {
        serde_json::Value::Object(members) => members.iter().for_each(|(name, value)| match value {
            serde_json::Value::String(expression) if name == "expr" => found.push(expression.clone()),
            other => expressions(other, found),
        }),
        serde_json::Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn dashboard_and_alerts_use_metrics_and_labels_that_there_are() {
    let serve = Serve::start_tls(Ca::new("metrics"), &[]).await;
    let next = ("state", "next");
    let has_next =
        |scraped: &Exposition| scraped.samples("tokenhouse_signing_key_age_seconds", &[next]).next().is_some();
    let scraped = scrape_until(&serve, has_next).await;
    let labels: BTreeSet<_> =
        scraped.0.iter().flat_map(|family| &family.samples).flat_map(|sample| &sample.labels).collect();
    let alerts: serde_json::Value = serde_saphyr::from_str(&doc("monitoring/alerts.yaml")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&doc("monitoring/dashboard.json")).unwrap();
    for (file, least) in [(alerts, 15), (dashboard, 30)] {
        let mut found = Vec::new();
        expressions(&file, &mut found);
        assert!(found.len() >= least, "{found:?}");
        for expression in found {
            // Every second part is a text in quotes; before it stand its label and the operator.
            let parts: Vec<_> = expression.split('"').collect();
            for (before, value) in parts.iter().zip(&parts[1..]).step_by(2) {
                let label = before.rsplit(['{', ',', ' ']).next().unwrap().trim_end_matches(['=', '!', '~']);
                let has = |value: &str| labels.iter().any(|(name, own)| *name == label && own.as_str() == value);
                let is_there = value.split('|').all(has);
                assert!(
                    is_there || label == "job" || label == "instance",
                    "there is no {label}={value:?}: {expression}"
                );
            }
            let code: String = parts.iter().step_by(2).copied().collect::<Vec<_>>().join(" ");
            let code = code.replace("[$__rate_interval]", "");
            for word in code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
                let known = word.is_empty()
                    || word.starts_with(|c: char| c.is_ascii_digit())
                    || PROMQL.contains(&word)
                    || scraped.names().contains(word)
                    || labels.iter().any(|(name, _)| *name == word);
                assert!(known, "there is no {word}: {expression}");
            }
        }
    }
}
