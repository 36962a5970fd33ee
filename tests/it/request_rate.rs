//! A client that asks too often: it is told how to go on, at each endpoint and in each dialect, and nobody else is.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use crate::support::Serve;
use crate::support::answer::{Answer, client};
use crate::support::assertion::{PartnerKey, document, key_client, token};

/// One request in 30 seconds would be less than one per second: so a burst, and then the slowest rate that there is.
const SLOW: [&str; 4] = ["--set", "limits.client_requests_per_second=1", "--set", "limits.client_requests_burst=3"];

/// Asks until it is refused, and returns that answer; a busy machine may give back a request or two on the way.
async fn until_refused(ask: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..100 {
        let answer = ask().await;
        if answer.status == 429 {
            return answer;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    panic!("it is never refused");
}

#[rstest]
#[case("standard", "temporarily_unavailable")]
#[case("identityserver", "temporarily_unavailable")]
#[case("auth0", "too_many_requests")]
#[tokio::test]
async fn beyond_its_rate_a_client_is_told_to_wait_and_others_are_served(#[case] compat: &str, #[case] code: &str) {
    let compat = format!("compat={compat}");
    let serve = Serve::start(&[&SLOW[..], &["--set", &compat]].concat()).await;
    let secret = serve.set_up();
    let other = serve.cli(&["client", "create", "--id", "d", "--output", "json"]).success().json();
    serve.cli(&["grant", "create", "d", "https://api/", "--scope", "a"]).success();
    let other = other["client_secret"].as_str().unwrap();
    let first = serve.token_within_a_second("d", other, |answer| answer.status == 200).await;
    assert_eq!(first.header("ratelimit-policy"), "\"requests\";q=3;w=3");
    assert!(first.header("ratelimit").starts_with("\"requests\";r="), "{first:?}");

    let refused = until_refused(async || serve.token("c", &secret).await).await;
    assert_eq!(refused.error(), (429, code.to_owned()));
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=3).contains(&wait), "{refused:?}");
    assert_eq!(refused.header("ratelimit"), format!("\"requests\";r=0;t={wait}"));
    assert_eq!(refused.header("cache-control"), "no-store");
    assert!(refused.json()["error_description"].as_str().unwrap().contains("keep a token until it expires"));
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(serve.token("c", &secret).await.status, 200, "Retry-After told the truth");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(serve.token("d", other).await.status, 200, "others have a rate of their own");
    assert!(serve.scrape().await.count("tokenhouse_throttled_requests_total", &[("limit", "client_requests")]) >= 1);
    assert!(serve.log().contains("\"request_rate\""));
}

#[tokio::test]
async fn nobody_uses_up_the_rate_of_another_client() {
    let serve = Serve::start(&[&SLOW[..], &["--set", "limits.failed_attempts=0"]].concat()).await;
    let secret = serve.set_up();
    serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    for _ in 0..50 {
        assert_eq!(serve.token("c", "wrong").await.status, 401, "a stranger is no more than that");
    }
    assert_eq!(serve.token("c", &secret).await.status, 200);
}

#[tokio::test]
async fn what_a_client_is_refused_for_counts_too_at_either_endpoint_and_with_a_key() {
    let serve = Serve::start(&[&SLOW[..], &["--set", "limits.failed_attempts=0"]].concat()).await;
    let secret = serve.set_up();
    serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let form = |scope| {
        [("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", &secret), ("scope", scope)]
    };
    let ask = async |path: &str, scope| Answer::to(client().post(serve.url(path)).form(&form(scope))).await;
    let mut answers = Vec::new();
    while !answers.contains(&429) {
        answers.push(ask("/oauth/token", "b").await.status);
        assert!(answers.len() < 100, "{answers:?}");
    }
    assert!(answers.contains(&400), "refused for its scope, and counted: {answers:?}");
    let replaced = until_refused_at_once(async || ask("/oauth/secret", "").await).await;
    assert!(!replaced.header("retry-after").is_empty() && !replaced.header("ratelimit").is_empty(), "{replaced:?}");

    let key = PartnerKey::new("ES256");
    std::fs::write(serve.path().join("document.json"), document(&[key_client("k", &[key.jwk()])]).to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    let assertion = || key.assertion("k", &serve.url("/"), &json!({}));
    let mut statuses = Vec::new();
    // Until it is served, nobody knows it.
    while statuses.last() != Some(&429) {
        statuses.push(token(&serve.url("/oauth/token"), &assertion(), &[]).await.status);
        assert!(statuses.len() < 1_000, "{statuses:?}");
    }
    assert!(statuses.contains(&200), "{statuses:?}");
}

/// A second may have passed on a busy machine, so it is asked a few times.
async fn until_refused_at_once(ask: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..20 {
        let answer = ask().await;
        if answer.status == 429 {
            return answer;
        }
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    panic!("it is never refused");
}

#[tokio::test]
async fn a_rate_that_is_only_watched_refuses_nothing_and_names_the_client_once() {
    let serve = Serve::start(&[&SLOW[..], &["--set", "limits.client_requests_mode=log"]].concat()).await;
    let secret = serve.set_up();
    serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await;
    for _ in 0..20 {
        let answer = serve.token("c", &secret).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, ""));
    }
    serve.wait_for_log("asks more often than limits.client_requests_per_second").await;
    assert_eq!(serve.log().matches("asks more often than").count(), 1);
    let throttled = serve.scrape().await.count("tokenhouse_throttled_requests_total", &[("limit", "client_requests")]);
    assert_eq!(throttled, 0);
}

#[tokio::test]
async fn without_a_rate_a_client_may_ask_as_often_as_it_likes() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await;
    for _ in 0..150 {
        let answer = serve.token("c", &secret).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, ""));
    }
}
