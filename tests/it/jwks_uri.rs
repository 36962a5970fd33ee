//! Keys that clients publish themselves: fetched with care, kept for a while, and never at the expense of others.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::Serve;
use crate::support::answer::Answer;
use crate::support::assertion::{PartnerKey, claims, document, token};
use crate::support::jwks_host::JwksHost;

/// A client without registered keys.
fn publishing(client_id: &str, jwks_uri: &str) -> Value {
    json!({
        "client_id": client_id,
        "authentication_methods": ["private_key_jwt"],
        "jwks_uri": jwks_uri,
        "grants": [{"audience": "https://api/", "scope": ["a"]}]
    })
}

/// A server that knows `clients`; with `trusting` it may go to the host's private address.
async fn serve(host: &JwksHost, clients: &[Value], trusting: &[&str]) -> Serve {
    let ca = format!("client_assertions.jwks_uri_ca_file={}", host.ca_file().display());
    let settings = trusting.iter().map(|hosts| format!("client_assertions.jwks_uri_hosts={hosts}"));
    let settings: Vec<String> = settings.chain([ca]).collect();
    let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting.as_str()]).collect();
    let mut serve = Serve::start(&arguments).await;
    std::fs::write(serve.path().join("document.json"), document(clients).to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    // Started again it knows them at once.
    assert_eq!(serve.terminate(), 0);
    serve.start_again(&arguments).await;
    serve
}

async fn ask(serve: &Serve, key: &PartnerKey, client_id: &str, kid: Option<&str>) -> Answer {
    let assertion = key.sign(kid, &claims(client_id, &serve.url("/"), &json!({})));
    token(&serve.url("/oauth/token"), &assertion, &[]).await
}

fn kid(key: &PartnerKey) -> String {
    key.jwk()["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn published_keys_are_fetched_once_followed_and_kept_in_an_outage() {
    let (first, second) = (PartnerKey::new("ES256"), PartnerKey::new("RS384"));
    let host = JwksHost::start(&[first.jwk()]);
    let serve = serve(&host, &[publishing("c", &host.url("/jwks"))], &["localhost"]).await;
    assert_eq!(ask(&serve, &first, "c", Some(&kid(&first))).await.status, 200);
    assert_eq!(ask(&serve, &first, "c", None).await.status, 200);
    assert_eq!(host.requests(), 1, "what was fetched is kept");

    // A new key is found at its first use, and so is that of an assertion without kid, once in the cool-down.
    host.publish(&[first.jwk(), second.jwk()]);
    assert_eq!(ask(&serve, &second, "c", Some(&kid(&second))).await.status, 200);
    assert_eq!(ask(&serve, &second, "c", None).await.status, 200);
    assert_eq!(host.requests(), 2);
    for _ in 0..10 {
        assert_eq!(ask(&serve, &PartnerKey::new("ES256"), "c", Some("unknown")).await.status, 401);
        assert_eq!(ask(&serve, &PartnerKey::new("ES256"), "c", None).await.status, 401);
    }
    assert_eq!(host.requests(), 2, "unknown keys cause one fetch in 30 seconds, whoever asks");

    host.fail(true);
    assert_eq!(ask(&serve, &second, "c", Some(&kid(&second))).await.status, 200, "an outage takes nothing away");
}

#[tokio::test]
async fn registered_keys_stand_beside_published_ones() {
    let (registered, published) = (PartnerKey::new("ES256"), PartnerKey::new("EdDSA"));
    let host = JwksHost::start(&[published.jwk()]);
    let mut client = publishing("c", &host.url("/jwks"));
    client["jwks"] = json!({"keys": [registered.jwk()]});
    let serve = serve(&host, &[client], &["127.0.0.0/8, ::1"]).await;
    assert_eq!(ask(&serve, &registered, "c", None).await.status, 200);
    assert_eq!(ask(&serve, &registered, "c", Some(&kid(&registered))).await.status, 200);
    assert_eq!(host.requests(), 0);
    assert_eq!(ask(&serve, &published, "c", None).await.status, 200);
    assert_eq!(host.requests(), 1);
}

#[tokio::test]
async fn private_addresses_are_refused_unless_the_operator_knows_them() {
    let key = PartnerKey::new("ES256");
    let host = JwksHost::start(&[key.jwk()]);
    let by_address = format!("https://127.0.0.1:{}/jwks", host.port);
    let by_number = format!("https://2130706433:{}/jwks", host.port);
    let clients = [
        publishing("by-name", &host.url("/jwks")),
        publishing("by-address", &by_address),
        publishing("by-number", &by_number),
        publishing("metadata", "https://169.254.169.254/latest/meta-data/"),
    ];
    let serve = serve(&host, &clients, &["other.internal"]).await;
    for client_id in ["by-name", "by-address", "by-number", "metadata"] {
        let answer = ask(&serve, &key, client_id, None).await;
        assert_eq!(answer.error(), (401, "invalid_client".to_owned()), "{client_id}");
    }
    assert_eq!(host.requests(), 0);
    let log = serve.log();
    assert!(log.contains("which is not allowed") && log.contains("leads to an address that is not allowed"), "{log}");
}

#[tokio::test]
async fn redirects_huge_slow_and_missing_sets_are_refused_within_bounds() {
    let key = PartnerKey::new("ES256");
    let host = JwksHost::start(&[key.jwk()]);
    let paths = ["redirect", "huge", "slow", "drip", "missing"];
    let clients: Vec<_> = paths.iter().map(|path| publishing(path, &host.url(&format!("/{path}")))).collect();
    let serve = serve(&host, &clients, &["localhost"]).await;
    for path in paths {
        let start = Instant::now();
        assert_eq!(ask(&serve, &key, path, None).await.error(), (401, "invalid_client".to_owned()), "{path}");
        assert!(start.elapsed() < Duration::from_secs(4), "{path}: {:?}", start.elapsed());
    }
    for reason in ["status 302", "more than 65536 bytes", "did not answer in time", "status 404"] {
        assert!(serve.log().contains(reason), "{reason} in {}", serve.log());
    }
}

#[tokio::test]
async fn a_slow_host_holds_up_nobody_else() {
    let key = PartnerKey::new("ES256");
    let host = JwksHost::start(&[key.jwk()]);
    let mut clients: Vec<_> = (0..20).map(|number| publishing(&format!("slow-{number}"), &host.url("/slow"))).collect();
    clients.push(publishing("quick", &host.url("/jwks")));
    let serve = serve(&host, &clients, &["localhost"]).await;
    let secret = serve.set_up_beside();
    assert_eq!(serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await.status, 200);
    let ids: Vec<_> = (0..20).map(|number| format!("slow-{number}")).collect();
    let waiting = futures_util::future::join_all(ids.iter().map(|id| ask(&serve, &key, id, None)));
    let others = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let start = Instant::now();
        assert_eq!(serve.token("c", &secret).await.status, 200);
        assert_eq!(ask(&serve, &key, "quick", None).await.status, 200);
        start.elapsed()
    };
    let (slow, elapsed) = tokio::join!(waiting, others);
    assert!(slow.iter().all(|answer| answer.status == 401));
    assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
}
