//! How is an answer spoilt?

use std::time::Duration;

use serde_json::Value;
use tokenhouse::dev::endpoint::{Endpoint, Endpoints};
use tokenhouse::dev::fault::{Fault, FaultKind};

/// How the next answers of an endpoint are spoilt.
#[derive(Clone, Debug)]
#[must_use]
pub struct Failure(Fault);

impl Failure {
    fn of(kind: FaultKind) -> Self {
        Self(Fault::new(Endpoints::Any, kind))
    }

    /// This status in place of the real answer.
    pub fn status(status: u16) -> Self {
        let mut failure = Self::of(FaultKind::Status);
        failure.0.status = Some(status);
        failure
    }

    /// The connection is closed without an answer.
    pub fn connection_closed() -> Self {
        Self::of(FaultKind::Drop)
    }

    /// The connection is closed after half of the answer.
    pub fn truncated() -> Self {
        Self::of(FaultKind::Truncate)
    }

    /// The real answer, after this time.
    pub fn delayed(delay: Duration) -> Self {
        Self::of(FaultKind::Delay).after(delay)
    }

    /// The real answer, in so many pieces with this pause between them.
    pub fn slow(pieces: u32, pause: Duration) -> Self {
        let mut failure = Self::of(FaultKind::Slow);
        failure.0.pieces = Some(pieces);
        failure.0.pause_ms = Some(millis(pause));
        failure
    }

    /// A JWK Set without a key.
    pub fn empty_jwks() -> Self {
        Self::of(FaultKind::EmptyJwks)
    }

    /// So many times; once by default.
    pub const fn times(mut self, times: u32) -> Self {
        self.0.times = times;
        self
    }

    /// With `Retry-After`, in seconds.
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// With this body in place of the usual one.
    pub fn body(mut self, text: impl Into<String>) -> Self {
        self.0.body = Some(Value::String(text.into()));
        self
    }

    /// After this time.
    pub fn after(mut self, delay: Duration) -> Self {
        self.0.delay_ms = millis(delay);
        self
    }

    pub(crate) fn at(mut self, endpoint: Endpoint) -> Fault {
        self.0.endpoint = Endpoints::One(endpoint);
        self.0
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
