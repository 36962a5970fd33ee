//! Does the remote key source spare the issuer, outlive its absence, distrust its answers? (RFC 7517 §5)

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokenhouse_verifier::remote::RemoteJwksBuilder;
use tokenhouse_verifier::{
    AuthenticationError, Clock, KeySource as _, KeysUnavailable, RemoteJwks, ResourceServer, VerifyError,
};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::issuer::{NOW, ed_jwk, jwks, token, verifier};

/// A clock that a test moves; it starts at the time of issue.
#[derive(Debug, Default)]
struct TestClock(AtomicU64);

impl TestClock {
    fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn unix_seconds(&self) -> u64 {
        NOW + self.0.load(Ordering::SeqCst)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(1000 + self.0.load(Ordering::SeqCst))
    }
}

struct Rig {
    server: MockServer,
    clock: Arc<TestClock>,
}

impl Rig {
    async fn start() -> Self {
        Self { server: MockServer::start().await, clock: Arc::default() }
    }

    async fn answer(&self, answer: ResponseTemplate) {
        self.server.reset().await;
        Mock::given(method("GET")).and(path("/jwks")).respond_with(answer).mount(&self.server).await;
    }

    fn builder(&self) -> RemoteJwksBuilder {
        let clock: Arc<TestClock> = Arc::clone(&self.clock);
        RemoteJwks::at(format!("{}/jwks", self.server.uri())).clock(clock)
    }

    fn source(&self) -> RemoteJwks {
        self.builder().build().unwrap()
    }

    async fn fetches(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }
}

fn good() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(jwks())
}

fn cause(error: &KeysUnavailable) -> String {
    error.cause.to_string()
}

/// Waits until `condition` holds; background work has no other sign.
async fn eventually<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    for _ in 0..200 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to pass");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_cause_one_fetch() {
    let rig = Rig::start().await;
    rig.answer(good().set_delay(Duration::from_millis(100))).await;
    let source = rig.source();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let source = source.clone();
        requests.spawn(async move { source.keys_for("rs").await.map(|keys| keys.contains("rs")) });
    }
    while let Some(found) = requests.join_next().await {
        assert!(found.unwrap().unwrap());
    }
    assert_eq!(rig.fetches().await, 1);
}

#[tokio::test]
async fn an_unknown_kid_causes_one_fetch_per_cool_down() {
    let rig = Rig::start().await;
    rig.answer(good().insert_header("cache-control", "max-age=3600")).await;
    let source = rig.source();
    source.keys_for("rs").await.unwrap();
    for attempt in 0..100 {
        let keys = source.keys_for(&format!("forged-{attempt}")).await.unwrap();
        assert!(keys.contains("rs"), "a miss evicts nothing");
    }
    assert_eq!(rig.fetches().await, 2);
    rig.clock.advance(29);
    source.keys_for("forged").await.unwrap();
    assert_eq!(rig.fetches().await, 2);
    rig.clock.advance(1);
    source.keys_for("forged").await.unwrap();
    source.keys_for("forged").await.unwrap();
    assert_eq!(rig.fetches().await, 3);
}

#[tokio::test]
async fn a_new_key_is_found_at_once() {
    let rig = Rig::start().await;
    rig.answer(ResponseTemplate::new(200).set_body_json(json!({"keys": [ed_jwk("old")]}))).await;
    let source = rig.source();
    assert!(source.keys_for("old").await.unwrap().contains("old"));
    rig.answer(
        ResponseTemplate::new(200)
            .set_body_json(json!({"keys": [ed_jwk("old"), ed_jwk("new")]}))
            .set_delay(Duration::from_millis(50)),
    )
    .await;
    // All that come while the fetch is under way wait for it: none is refused for the cool-down.
    let (first, second) = tokio::join!(source.keys_for("new"), source.keys_for("new"));
    assert!(first.unwrap().contains("new") && second.unwrap().contains("new"));
    assert_eq!(rig.fetches().await, 1);
}

#[tokio::test]
async fn stale_keys_are_refreshed_behind_the_request() {
    let rig = Rig::start().await;
    rig.answer(good().insert_header("cache-control", "public, max-age=600")).await;
    let source = rig.source();
    source.keys_for("rs").await.unwrap();
    rig.clock.advance(599);
    source.keys_for("rs").await.unwrap();
    assert_eq!(rig.fetches().await, 1);
    rig.clock.advance(1);
    assert!(source.keys_for("rs").await.unwrap().contains("rs"));
    eventually(|| async { rig.fetches().await == 2 }).await;
}

#[tokio::test]
async fn keys_are_fresh_until_their_time_and_no_longer() {
    let rig = Rig::start().await;
    rig.answer(good().insert_header("cache-control", "max-age=600")).await;
    let source = rig.source();
    assert!(source.fresh_keys().is_none(), "none have been fetched");
    source.keys().await.unwrap();
    assert!(source.fresh_keys().unwrap().contains("rs"));
    rig.clock.advance(599);
    assert!(source.fresh_keys().is_some());
    for later in [1, 1000] {
        rig.clock.advance(later);
        assert!(source.fresh_keys().is_none(), "whoever has a remembered token must ask, so that they are fetched");
    }
}

#[tokio::test]
async fn freshness_is_bounded() {
    for (cache_control, fresh_for) in
        [("max-age=2", 2), ("max-age=0", 30), ("no-store", 30), ("max-age=99999999", 86_400), ("public", 300)]
    {
        let rig = Rig::start().await;
        rig.answer(good().insert_header("cache-control", cache_control)).await;
        let source = rig.source();
        source.keys_for("rs").await.unwrap();
        rig.clock.advance(fresh_for - 1);
        source.keys_for("rs").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(rig.fetches().await, 1, "{cache_control}");
        rig.clock.advance(1);
        source.keys_for("rs").await.unwrap();
        eventually(|| async { rig.fetches().await == 2 }).await;
    }
}

#[tokio::test]
async fn the_last_good_keys_outlive_an_outage_up_to_a_limit() {
    let rig = Rig::start().await;
    rig.answer(good()).await;
    let source = rig.builder().max_stale(Duration::from_hours(1)).build().unwrap();
    source.keys_for("rs").await.unwrap();
    let faults = [
        ResponseTemplate::new(500),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!({"keys": []})),
        ResponseTemplate::new(200).set_body_json(json!({"keys": vec![ed_jwk("k"); 65]})),
    ];
    for fault in faults {
        rig.answer(fault).await;
        rig.clock.advance(400);
        assert!(source.keys_for("rs").await.unwrap().contains("rs"));
        eventually(|| async { rig.fetches().await == 1 }).await;
        // Failures have a cool-down too.
        source.keys_for("rs").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(rig.fetches().await, 1);
    }
    rig.clock.advance(3600);
    assert!(source.keys_for("rs").await.is_err(), "too old to be trusted");
    rig.answer(good()).await;
    rig.clock.advance(1);
    assert!(source.keys_for("rs").await.is_ok());
}

#[tokio::test]
async fn without_keys_nothing_is_said_about_a_token() {
    let rig = Rig::start().await;
    rig.answer(ResponseTemplate::new(503)).await;
    let server = ResourceServer::new(verifier(), rig.source()).clock(Arc::<TestClock>::clone(&rig.clock));
    let good_token = token(json!({}), json!({}));
    for _ in 0..20 {
        assert!(matches!(server.authenticate(&good_token).await, Err(AuthenticationError::KeysUnavailable(_))));
    }
    assert_eq!(rig.fetches().await, 1, "failures are not repeated at each request");
    let malformed = server.authenticate("x.y").await;
    assert!(matches!(malformed, Err(AuthenticationError::Refused(VerifyError::NotThreeParts))), "that needs no key");
    rig.answer(good()).await;
    rig.clock.advance(1);
    assert_eq!(server.authenticate(&good_token).await.unwrap().client(), "partner");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let rig = Rig::start().await;
    rig.answer(ResponseTemplate::new(302).insert_header("location", "/elsewhere")).await;
    Mock::given(path("/elsewhere")).respond_with(good()).expect(0).mount(&rig.server).await;
    let error = rig.source().keys_for("rs").await.unwrap_err();
    assert!(cause(&error).ends_with("answered with status 302"), "{}", cause(&error));
}

#[tokio::test]
async fn a_slow_issuer_is_given_up() {
    let rig = Rig::start().await;
    rig.answer(good().set_delay(Duration::from_secs(30))).await;
    let source = rig.builder().timeout(Duration::from_millis(100)).build().unwrap();
    let error = source.keys_for("rs").await.unwrap_err();
    assert!(cause(&error).ends_with("did not answer in time"), "{}", cause(&error));
}

#[tokio::test]
async fn a_large_answer_is_cut_off() {
    let rig = Rig::start().await;
    rig.answer(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 256 * 1024 + 1])).await;
    let error = rig.source().keys_for("rs").await.unwrap_err();
    assert!(cause(&error).ends_with("answered with more than 262144 bytes"), "{}", cause(&error));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_too() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
        // Until the client hangs up: without an announced length only counting stops it.
        while stream.write_all(chunk.as_bytes()).is_ok() {}
    });
    let source = RemoteJwks::at(format!("http://{address}/jwks")).timeout(Duration::from_secs(20)).build().unwrap();
    let error = source.keys_for("rs").await.unwrap_err();
    assert!(cause(&error).ends_with("answered with more than 262144 bytes"), "{}", cause(&error));
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    let source = RemoteJwks::at("http://127.0.0.1:1/jwks").build().unwrap();
    let error = source.refresh().await.unwrap_err();
    assert_eq!(cause(&error), "http://127.0.0.1:1/jwks could not be fetched");
    assert_eq!(error.to_string(), "the issuer's keys are not available");
}

#[tokio::test]
async fn a_caller_that_hangs_up_ends_nothing() {
    let rig = Rig::start().await;
    rig.answer(good().set_delay(Duration::from_millis(100))).await;
    let source = rig.source();
    let impatient = tokio::time::timeout(Duration::from_millis(20), source.keys_for("rs")).await;
    assert!(impatient.is_err());
    assert!(source.keys_for("rs").await.is_ok());
    assert_eq!(rig.fetches().await, 1);
}

#[tokio::test]
async fn keys_are_found_through_the_metadata() {
    for well_known in ["/t/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/t"] {
        let rig = Rig::start().await;
        rig.answer(good()).await;
        let issuer = format!("{}/t/", rig.server.uri());
        let metadata = json!({"issuer": issuer, "jwks_uri": format!("{}/jwks", rig.server.uri())});
        Mock::given(path(well_known))
            .respond_with(ResponseTemplate::new(200).set_body_json(metadata))
            .mount(&rig.server)
            .await;
        let source = RemoteJwks::of_issuer(&issuer).build().unwrap();
        assert!(source.keys_for("rs").await.unwrap().contains("rs"), "{well_known}");
        source.refresh().await.unwrap();
        let requests = rig.server.received_requests().await.unwrap();
        let metadata_requests = requests.iter().filter(|request| request.url.path() == well_known).count();
        assert_eq!(metadata_requests, 1, "the jwks_uri is remembered");
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_or_with_a_bad_jwks_uri_are_refused() {
    let rig = Rig::start().await;
    let issuer = format!("{}/", rig.server.uri());
    for (metadata, reason) in [
        (json!({"issuer": rig.server.uri(), "jwks_uri": format!("{issuer}jwks")}), "must be configured exactly"),
        (json!({"issuer": issuer, "jwks_uri": "http://example.com/jwks"}), "a jwks_uri that cannot be used"),
        (json!({"issuer": issuer, "jwks_uri": "file:///etc/passwd"}), "a jwks_uri that cannot be used"),
        (json!({"issuer": issuer}), "is not the metadata of an issuer"),
    ] {
        rig.answer(good()).await;
        let answer = ResponseTemplate::new(200).set_body_json(metadata);
        Mock::given(path("/.well-known/openid-configuration")).respond_with(answer).mount(&rig.server).await;
        let error = RemoteJwks::of_issuer(&issuer).build().unwrap().keys_for("rs").await.unwrap_err();
        assert!(cause(&error).contains(reason), "{}", cause(&error));
    }
}

#[tokio::test]
async fn keys_that_moved_are_found_again() {
    let rig = Rig::start().await;
    let issuer = format!("{}/", rig.server.uri());
    let source = RemoteJwks::of_issuer(&issuer).build().unwrap();
    for place in ["old", "new"] {
        rig.server.reset().await;
        Mock::given(path(place)).respond_with(good()).mount(&rig.server).await;
        let metadata = json!({"issuer": issuer, "jwks_uri": format!("{issuer}{place}")});
        let answer = ResponseTemplate::new(200).set_body_json(metadata);
        Mock::given(path("/.well-known/openid-configuration")).respond_with(answer).mount(&rig.server).await;
        assert!(source.refresh().await.unwrap().contains("rs"), "{place}");
    }
}

#[tokio::test]
async fn addresses_that_are_not_allowed_are_never_connected_to() {
    let rig = Rig::start().await;
    rig.answer(good()).await;
    let port = rig.server.address().port();
    let refused = rig.builder().jwks_uri(format!("http://localhost:{port}/jwks"));
    let refused = refused.allow_addresses(|_, address| !address.is_loopback()).build().unwrap();
    let error = refused.keys().await.unwrap_err();
    let mut told = cause(&error);
    let mut source = error.cause.source();
    while let Some(deeper) = source {
        told.push_str(&deeper.to_string());
        source = deeper.source();
    }
    assert!(told.contains("which is not allowed"), "{told}");
    assert_eq!(rig.fetches().await, 0);

    let allowed = rig.builder().jwks_uri(format!("http://localhost:{port}/jwks"));
    let allowed = allowed.allow_addresses(|host, _| host == "localhost").build().unwrap();
    assert!(allowed.keys().await.is_ok());
}

#[tokio::test]
async fn a_set_without_a_key_may_be_taken_for_what_it_says() {
    let rig = Rig::start().await;
    rig.answer(good()).await;
    let source = rig.builder().accept_empty_sets().build().unwrap();
    assert!(!source.keys().await.unwrap().keys().is_empty());
    rig.answer(ResponseTemplate::new(200).set_body_json(json!({"keys": []}))).await;
    assert!(source.keys_anew().await.unwrap().keys().is_empty());
    assert!(source.keys_anew().await.unwrap().keys().is_empty());
    assert_eq!(rig.fetches().await, 1, "the second time is within the cool-down");
}

#[tokio::test]
async fn limits_on_size_and_age_can_be_set() {
    let rig = Rig::start().await;
    rig.answer(good().insert_header("cache-control", "max-age=86400")).await;
    let source = rig.builder().max_age_at_most(Duration::from_mins(10)).build().unwrap();
    source.keys().await.unwrap();
    rig.clock.advance(601);
    source.keys().await.unwrap();
    eventually(|| async { rig.fetches().await == 2 }).await;

    let length = serde_json::to_vec(&jwks()).unwrap().len();
    assert!(rig.builder().max_document_bytes(length).build().unwrap().keys().await.is_ok());
    for too_few in [length - 1, 100] {
        let small = rig.builder().max_document_bytes(too_few).build().unwrap();
        assert!(cause(&small.keys().await.unwrap_err()).contains(&format!("more than {too_few} bytes")));
    }
}
