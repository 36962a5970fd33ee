//! Attempts that fail: who fails too often from one network must wait, and nobody else does.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::answer::client;
use crate::support::assertion::{PartnerKey, key_client, token};
use crate::support::dev::basic;
use crate::support::{Answer, Dev, Serve};

/// As many as may fail before anybody waits.
const FREE: usize = 20;

const BROUGHT: &str = "a secret that was brought";

/// A server with two clients that brought their secrets, and one with a key.
fn dev(key: &PartnerKey) -> Dev {
    let brought =
        |id: &str| json!({"client_id": id, "secrets": [{"value": BROUGHT}], "grants": [{"audience": "https://api/"}]});
    let clients = [brought("brought"), brought("other"), key_client("key", &[key.jwk()])];
    Dev::seeded(&json!({"apis": [{"identifier": "https://api/", "scopes": [{"value": "a"}]}], "clients": clients}), &[])
}

async fn ask(dev: &Dev, id: &str, secret: &str) -> Answer {
    dev.token(&[("client_id", Some(id)), ("client_secret", Some(secret)), ("audience", None)]).await
}

/// Fails as `id` until it must wait, and returns the answer that says so.
async fn fail_often(dev: &Dev, id: &str) -> Answer {
    for attempt in 0..FREE * 2 {
        let answer = ask(dev, id, "wrong").await;
        if answer.status != 401 {
            assert!(attempt > FREE, "{id} waits after {attempt} attempts");
            return answer;
        }
        assert_eq!(answer.error(), (401, "invalid_client".to_owned()));
    }
    panic!("{id} never waits");
}

fn retry_after(answer: &Answer) -> u64 {
    assert_eq!(answer.error(), (429, "temporarily_unavailable".to_owned()), "{answer:?}");
    answer.header("retry-after").parse().expect("seconds")
}

#[tokio::test]
async fn who_fails_too_often_waits_and_is_told_so_whether_or_not_there_is_such_a_client() {
    let dev = dev(&PartnerKey::new("ES256"));
    let mut told = Vec::new();
    for id in ["brought", "nobody"] {
        let waiting = fail_often(&dev, id).await;
        assert!((1..=60).contains(&retry_after(&waiting)), "{waiting:?}");
        told.push(waiting.text);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(ask(&dev, "other", BROUGHT).await.status, 200, "others do not wait");
}

#[tokio::test]
async fn the_wait_grows_holds_no_connection_and_is_that_of_one_network() {
    let trust = ["--set", "server.trusted_proxies=127.0.0.0/8"];
    let serve = Serve::start(&trust).await;
    serve.set_up();
    let ask = async |from: &str| {
        let form = [("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", "wrong")];
        let request = client().post(serve.url("/oauth/token")).form(&form).header("x-forwarded-for", from);
        Answer::to(request).await
    };
    let mut told = Vec::new();
    let began = Instant::now();
    while told.len() < 4 {
        let answer = ask("192.0.2.1").await;
        if answer.status != 401 {
            told.push(retry_after(&answer));
            tokio::time::sleep(Duration::from_secs(told[told.len() - 1])).await;
        }
        assert!(began.elapsed() < Duration::from_mins(5), "{told:?}");
    }
    // Of a wait of eight seconds a busy machine may have used up some before it asks.
    assert!(told[3] > told[0] && told[3] >= 5, "{told:?}");
    let wait = Duration::from_secs(retry_after_of_now(&ask).await);
    let (asked, mut answers) = (Instant::now(), 0);
    while answers < 100 && asked.elapsed() < wait / 2 {
        assert_eq!(ask("192.0.2.254").await.status, 429, "one of the same 256 addresses");
        answers += 1;
    }
    assert!(answers > 1, "no answer is held back for the wait that it tells");
    for elsewhere in ["192.0.3.1", "2001:db8::1"] {
        assert_eq!(ask(elsewhere).await.status, 401, "{elsewhere} is another network");
    }
}

/// Fails until it must wait, and returns for how long.
async fn retry_after_of_now(ask: &impl AsyncFn(&str) -> Answer) -> u64 {
    for _ in 0..FREE * 2 {
        let answer = ask("192.0.2.1").await;
        if answer.status == 429 {
            return retry_after(&answer);
        }
    }
    panic!("it never waits");
}

#[tokio::test]
async fn a_right_secret_that_was_generated_never_waits() {
    let dev = Dev::start(&[]);
    let (partner, other) = (dev.partner(0), dev.partner(1).client_secret);
    for round in 0..3 {
        let mut told = 401;
        for _ in 0..FREE + 5 {
            told = ask(&dev, &partner.client_id, &other).await.status;
        }
        assert_eq!(told, 429, "round {round}");
        assert_eq!(dev.token(&[]).await.status, 200, "round {round}");
    }
}

#[tokio::test]
async fn a_right_secret_that_was_brought_waits_its_turn_unless_it_was_right_before() {
    let dev = dev(&PartnerKey::new("ES256"));
    assert_eq!(ask(&dev, "other", BROUGHT).await.status, 200);
    fail_often(&dev, "other").await;
    // A form of the request that has not been seen, so that the secret itself is what is remembered.
    let remembered = dev
        .token_with(
            &[("client_id", None), ("client_secret", None), ("audience", None)],
            &[("authorization", &basic("other", BROUGHT))],
        )
        .await;
    assert_eq!(remembered.status, 200, "{remembered:?}");

    let waiting = fail_often(&dev, "brought").await;
    tokio::time::sleep(Duration::from_secs(retry_after(&waiting))).await;
    assert_eq!(ask(&dev, "brought", BROUGHT).await.status, 200, "Retry-After told the truth");
}

#[tokio::test]
async fn a_right_assertion_never_waits() {
    let key = PartnerKey::new("ES256");
    let (dev, stranger) = (dev(&key), PartnerKey::new("ES256"));
    let (endpoint, issuer) = (dev.text("token_endpoint"), dev.text("issuer"));
    let assert_by = async |key: &PartnerKey| {
        let assertion = key.assertion("key", &issuer, &json!({}));
        token(&endpoint, &assertion, &[]).await
    };
    let mut told = 401;
    for _ in 0..FREE + 5 {
        told = assert_by(&stranger).await.status;
    }
    assert_eq!(told, 429);
    assert_eq!(assert_by(&key).await.status, 200);
    let used = key.assertion("key", &issuer, &json!({}));
    assert_eq!(token(&endpoint, &used, &[]).await.status, 200);
    for _ in 0..FREE + 5 {
        assert_eq!(token(&endpoint, &used, &[]).await.status, 401, "whoever sends one again has the key");
    }
    assert_eq!(assert_by(&stranger).await.status, 401, "whoever has proved it begins anew");
}

#[tokio::test]
async fn a_client_that_tries_both_places_for_its_secret_does_not_wait() {
    // Go's x/oauth2 tries Basic, and the form if that fails: here with a proxy in between that takes the header away.
    let dev = dev(&PartnerKey::new("ES256"));
    for _ in 0..FREE * 3 {
        assert_eq!(
            dev.token(&[("client_id", Some("brought")), ("client_secret", None), ("audience", None)]).await.status,
            401
        );
        assert_eq!(ask(&dev, "brought", BROUGHT).await.status, 200);
    }
}
