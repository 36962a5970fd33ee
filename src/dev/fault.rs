//! Which of the next answers are spoilt, and how? Scripted, used up one by one, oldest first.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::endpoint::{Endpoint, Endpoints};

/// How many faults may be pending.
const MOST_PENDING: usize = 100;

/// How often one may spoil an answer.
const MOST_TIMES: u32 = 10_000;

/// The longest wait before an answer, in milliseconds.
const LONGEST_DELAY: u64 = 60_000;

/// How long an answer may drip, in milliseconds.
const LONGEST_DRIP: u64 = 120_000;

/// The longest text that is sent in place of an answer, in bytes.
const LONGEST_BODY: usize = 256 * 1024;

/// How an answer is spoilt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Another answer in place of the real one.
    #[default]
    Status,
    /// The real answer, late.
    Delay,
    /// No answer: the connection is closed.
    Drop,
    /// The head of the answer and half of its body.
    Truncate,
    /// The answer, piece by piece.
    Slow,
    /// A JWK Set without a key.
    EmptyJwks,
}

/// A fault as it is scripted. What is absent has its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Whose answers.
    pub endpoint: Endpoints,
    /// In which way.
    #[serde(default)]
    pub kind: FaultKind,
    /// How many of them.
    #[serde(default = "once")]
    pub times: u32,
    /// The status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Seconds for `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// The body: a string as it is, anything else as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Milliseconds before the answer.
    #[serde(default)]
    pub delay_ms: u64,
    /// Into how many pieces a slow answer is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<u32>,
    /// Milliseconds between the pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_ms: Option<u64>,
}

const fn once() -> u32 {
    1
}

impl Fault {
    /// The next answer of `endpoints`, spoilt as `kind` says.
    pub const fn new(endpoints: Endpoints, kind: FaultKind) -> Self {
        Self {
            endpoint: endpoints,
            kind,
            times: 1,
            status: None,
            retry_after: None,
            body: None,
            delay_ms: 0,
            pieces: None,
            pause_ms: None,
        }
    }

    /// The wait before the answer.
    pub const fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// Into how many pieces a slow answer is cut.
    pub fn pieces(&self) -> usize {
        usize::try_from(self.pieces.unwrap_or(10)).unwrap_or(usize::MAX)
    }

    /// The pause between them.
    pub fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms.unwrap_or(100))
    }

    /// The body that was given, as it is sent, and whether it is JSON.
    pub(super) fn given_body(&self) -> Option<(String, bool)> {
        self.body.as_ref().map(|body| match body {
            Value::String(text) => (text.clone(), false),
            other => (other.to_string(), true),
        })
    }

    /// Has an answer of its status no content? (RFC 9110 §15.3.5, §15.3.6, §15.4.5)
    pub(super) const fn is_bodiless(&self) -> bool {
        matches!(self.status, Some(204 | 205 | 304))
    }

    /// The members that go with another kind only, those that are out of bounds, told one at a time.
    fn validate(&self) -> Result<(), FaultRefused> {
        let refuse = |text: &str| Err(FaultRefused::Invalid(text.to_owned()));
        let kind = self.kind;
        if !(1..=MOST_TIMES).contains(&self.times) {
            return Err(FaultRefused::Invalid(format!("times is 1 to {MOST_TIMES}")));
        }
        if self.delay_ms > LONGEST_DELAY {
            return Err(FaultRefused::Invalid(format!("delay_ms is at most {LONGEST_DELAY}")));
        }
        if kind != FaultKind::Status && (self.status.is_some() || self.retry_after.is_some()) {
            return refuse("status and retry_after go with the kind status only: leave them out, or the kind");
        }
        if self.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return refuse("status is 200 to 599");
        }
        if self.body.is_some() && !matches!(kind, FaultKind::Status | FaultKind::Truncate | FaultKind::Slow) {
            return refuse("body goes with the kinds status, truncate and slow only");
        }
        if self.body.is_some() && self.is_bodiless() {
            return refuse("an answer with the status 204, 205 or 304 has no body: leave body out");
        }
        if self.given_body().is_some_and(|(text, _)| text.len() > LONGEST_BODY) {
            return Err(FaultRefused::Invalid(format!("body is at most {LONGEST_BODY} bytes")));
        }
        if kind != FaultKind::Slow && (self.pieces.is_some() || self.pause_ms.is_some()) {
            return refuse("pieces and pause_ms go with the kind slow only");
        }
        if self.pieces.is_some_and(|pieces| !(2..=1000).contains(&pieces)) {
            return refuse("pieces is 2 to 1000");
        }
        let pause = self.pause_ms.unwrap_or(100);
        let pauses = u64::from(self.pieces.unwrap_or(10)) - 1;
        if pause > 10_000 || pause.saturating_mul(pauses) > LONGEST_DRIP {
            return refuse("pause_ms is at most 10000, and all pauses together are at most two minutes");
        }
        if kind == FaultKind::EmptyJwks && self.endpoint != Endpoints::One(Endpoint::Jwks) {
            return refuse("the kind empty_jwks goes with the endpoint jwks");
        }
        if kind == FaultKind::Delay && self.delay_ms == 0 {
            return refuse("the kind delay needs delay_ms, the milliseconds to wait");
        }
        Ok(())
    }
}

/// Why a fault is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultRefused {
    /// It is wrong in the way the text says.
    #[error("{0}")]
    Invalid(String),
    /// There are enough.
    #[error("{MOST_PENDING} faults are pending, which is the most: use them up, or clear them with DELETE")]
    TooMany,
}

/// A fault that is pending.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PendingFault {
    /// Its number.
    pub id: u64,
    /// What it does.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many answers it will still spoil.
    pub left: u32,
}

/// The faults of one issuer.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Script>);

#[derive(Debug, Default)]
struct Script {
    pending: Vec<PendingFault>,
    last_id: u64,
}

impl Faults {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Scripts one more.
    ///
    /// # Errors
    /// If it is wrong, or too many are pending.
    pub fn add(&self, fault: Fault) -> Result<PendingFault, FaultRefused> {
        fault.validate()?;
        let mut script = self.script();
        if script.pending.len() >= MOST_PENDING {
            return Err(FaultRefused::TooMany);
        }
        script.last_id += 1;
        let pending = PendingFault { id: script.last_id, left: fault.times, fault };
        script.pending.push(pending.clone());
        Ok(pending)
    }

    /// The pending ones, oldest first.
    pub fn pending(&self) -> Vec<PendingFault> {
        self.script().pending.clone()
    }

    /// Forgets them.
    pub fn clear(&self) {
        self.script().pending.clear();
    }

    /// Uses up one answer of the oldest one for `endpoint`.
    pub(super) fn take(&self, endpoint: Endpoint) -> Option<PendingFault> {
        let mut script = self.script();
        let place = script.pending.iter().position(|pending| pending.fault.endpoint.include(endpoint))?;
        let pending = script.pending.get_mut(place)?;
        pending.left -= 1;
        let taken = pending.clone();
        if taken.left == 0 {
            script.pending.remove(place);
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn fault(value: &Value) -> Fault {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn they_are_used_up_oldest_first_each_for_its_endpoint() {
        let faults = Faults::default();
        faults.add(fault(&json!({"endpoint": "jwks", "kind": "drop"}))).unwrap();
        faults.add(fault(&json!({"endpoint": "any", "times": 2}))).unwrap();
        faults.add(fault(&json!({"endpoint": "token", "kind": "drop"}))).unwrap();
        assert_eq!(faults.take(Endpoint::Other), None);
        let ids: Vec<_> = [Endpoint::Token, Endpoint::Jwks, Endpoint::Jwks, Endpoint::Token]
            .into_iter()
            .map(|endpoint| faults.take(endpoint).map(|taken| taken.id))
            .collect();
        assert_eq!(ids, [Some(2), Some(1), Some(2), Some(3)]);
        assert_eq!(faults.take(Endpoint::Token), None);
    }

    #[test]
    fn there_is_a_bound() {
        let faults = Faults::default();
        for _ in 0..MOST_PENDING {
            faults.add(Fault::new(Endpoints::Any, FaultKind::Drop)).unwrap();
        }
        assert_eq!(faults.add(Fault::new(Endpoints::Any, FaultKind::Drop)), Err(FaultRefused::TooMany));
        faults.clear();
        assert_eq!(faults.pending(), []);
    }

    #[rstest]
    #[case(json!({"endpoint": "token", "times": 0}), "times")]
    #[case(json!({"endpoint": "token", "status": 100}), "200 to 599")]
    #[case(json!({"endpoint": "token", "kind": "drop", "status": 500}), "kind status only")]
    #[case(json!({"endpoint": "token", "kind": "drop", "body": "x"}), "body goes with")]
    #[case(json!({"endpoint": "token", "status": 204, "body": {}}), "has no body")]
    #[case(json!({"endpoint": "token", "delay_ms": 60_001}), "delay_ms")]
    #[case(json!({"endpoint": "token", "kind": "delay"}), "needs delay_ms")]
    #[case(json!({"endpoint": "token", "pieces": 3}), "kind slow only")]
    #[case(json!({"endpoint": "token", "kind": "slow", "pieces": 1}), "2 to 1000")]
    #[case(json!({"endpoint": "token", "kind": "slow", "pieces": 1000, "pause_ms": 1000}), "two minutes")]
    #[case(json!({"endpoint": "token", "kind": "empty_jwks"}), "endpoint jwks")]
    fn what_makes_no_sense_is_told(#[case] wrong: Value, #[case] told: &str) {
        let refused = Faults::default().add(fault(&wrong)).unwrap_err();
        assert!(refused.to_string().contains(told), "{refused}");
    }
}
