//! Does the remote key source spare the issuer, outlive its absence, distrust its answers? (RFC 7517 §5)

mod distrust;
mod freshness;
mod metadata;

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

use crate::issuer::{NOW, ed_jwk, jwks, rsa_jwk, token, verifier};

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
