//! What does a test issuer do, as its users see it?

use std::time::Duration;

use serde_json::Value;
use tokenhouse_testkit::{Defect, Endpoint, Failure, TestApi, TestClient, TestIssuer};
use tokenhouse_verifier::{JwkSet, Verifier};

fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap()
}

/// Asks the token endpoint as the client `client_id` would.
async fn ask(issuer: &TestIssuer, client_id: &str) -> reqwest::Response {
    let credentials = issuer.credentials(client_id);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &credentials.client_id),
        ("client_secret", &credentials.client_secret),
    ];
    client().post(issuer.endpoint("oauth/token")).form(&form).send().await.unwrap()
}

async fn keys(issuer: &TestIssuer) -> JwkSet {
    let answer = client().get(issuer.endpoint(".well-known/jwks.json")).send().await.unwrap();
    JwkSet::parse(&answer.bytes().await.unwrap()).unwrap()
}

fn verifies(issuer: &TestIssuer, keys: &JwkSet, token: &str) -> bool {
    Verifier::new(issuer.url(), issuer.audience()).verify(token, keys, issuer.clock().unix_seconds()).is_ok()
}

#[tokio::test]
async fn it_is_the_real_issuer() {
    let issuer = TestIssuer::start().await;
    let answer: Value = ask(&issuer, "partner-a").await.json().await.unwrap();
    assert_eq!(answer["scope"], "list:users create:users");
    let keys = keys(&issuer).await;
    assert!(verifies(&issuer, &keys, answer["access_token"].as_str().unwrap()));
    assert!(verifies(&issuer, &keys, &issuer.token().await));
    assert!(!verifies(&issuer, &keys, &issuer.mint().defect(Defect::ForgedKey).token().await));
    assert!(!verifies(&issuer, &keys, &issuer.mint().by_another_key().token().await));
    let claims = issuer.mint().client_id("x").claim("role", "admin").claim("jti", Value::Null).header("typ", "JWT");
    assert!(!verifies(&issuer, &keys, &claims.token().await));
    let wrong = [("grant_type", "client_credentials"), ("client_id", "partner-a"), ("client_secret", "wrong")];
    assert_eq!(client().post(issuer.endpoint("oauth/token")).form(&wrong).send().await.unwrap().status(), 401);
    let asked = issuer.wait_for_requests(Endpoint::Token, 2).await;
    assert_eq!((asked[1].client_id.as_deref(), asked[1].error.as_deref()), (Some("partner-a"), Some("invalid_client")));
    assert_eq!(issuer.requests().len(), 3);
}

#[tokio::test]
async fn time_keys_and_failures_are_the_tests() {
    let issuer = TestIssuer::builder()
        .api(TestApi::new("https://api/").scope("s").token_lifetime(Duration::from_mins(1)))
        .client(TestClient::new("c").grant("https://api/", ["s"]))
        .document("clients: [{client_id: d, secrets: [{value: a-known-secret}]}]")
        .start()
        .await;
    assert_eq!(issuer.credentials("d").client_secret, "a-known-secret");
    issuer.freeze_at(1_900_000_000).await;
    let (old, before) = (issuer.token().await, keys(&issuer).await);
    assert!(verifies(&issuer, &before, &old));
    issuer.advance(Duration::from_secs(91)).await;
    assert!(!verifies(&issuer, &before, &old));

    let old = issuer.token().await;
    issuer.rotate_keys().await;
    let after = keys(&issuer).await;
    assert!(verifies(&issuer, &after, &old) && verifies(&issuer, &after, &issuer.token().await));
    let current = issuer.token().await;
    issuer.drop_key().await;
    let after = keys(&issuer).await;
    assert!(!verifies(&issuer, &after, &current) && verifies(&issuer, &after, &issuer.token().await));

    issuer.fail_next(Endpoint::Token, Failure::status(429).retry_after(3).times(2));
    issuer.fail_next(Endpoint::Token, Failure::connection_closed());
    for _ in 0..2 {
        let answer = ask(&issuer, "c").await;
        assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "3"));
    }
    let closed = client().post(issuer.endpoint("oauth/token")).send().await;
    assert!(closed.is_err());
    assert_eq!(ask(&issuer, "c").await.status(), 200);
    issuer.reset().await;
    assert_eq!(issuer.requests(), []);
    assert_eq!(ask(&issuer, "c").await.status(), 200, "the credentials stay");
}

#[tokio::test]
async fn twenty_run_at_once_and_know_nothing_of_each_other() {
    let starting: Vec<_> = (0..20).map(|_| tokio::spawn(TestIssuer::start())).collect();
    let mut issuers = Vec::new();
    for start in starting {
        issuers.push(start.await.unwrap());
    }
    let first = issuers[0].token().await;
    for issuer in &issuers {
        assert_eq!(ask(issuer, "partner-b").await.status(), 200);
        assert_eq!(issuer.requests().len(), 1);
        let known = keys(issuer).await;
        let audience = issuer.audience();
        let alone = Verifier::new(issuers[0].url(), audience).verify(&first, &known, issuer.clock().unix_seconds());
        assert_eq!(alone.is_ok(), issuer.url() == issuers[0].url(), "no key is shared");
    }
}

#[tokio::test]
async fn it_ends_when_it_is_dropped() {
    let issuer = TestIssuer::start().await;
    let jwks = issuer.endpoint(".well-known/jwks.json");
    assert_eq!(client().get(&jwks).send().await.unwrap().status(), 200);
    drop(issuer);
    assert!(client().get(&jwks).send().await.unwrap_err().is_connect());
}

#[tokio::test]
#[should_panic(expected = "unknown key clientz")]
async fn a_test_that_is_written_wrongly_is_told() {
    TestIssuer::builder().document("clientz: []").start().await;
}
