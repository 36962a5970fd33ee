//! How did token requests end, and how long did they take? Each worker counts for itself, so that none waits for another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thread_local::ThreadLocal;

use super::duration_histogram::{Distribution, DurationHistogram, SIGNATURE, TOKEN_ANSWER};
use super::issue_token::TokenDecision;
use crate::keys::SigningAlg;
use crate::oauth::client_assertion::AssertionRefusal;
use crate::oauth::client_auth::Mechanism;
use crate::oauth::error::TokenError;
use crate::oauth::token_error_cause::TokenErrorCause;

/// With or without a mechanism.
const WAYS: usize = Mechanism::ALL.len() + 1;

/// With a token, or without for one of the causes.
const ENDS: usize = TokenErrorCause::ALL.len() + 1;

/// What all workers counted since the start.
#[derive(Debug, Default)]
pub struct TokenCounts(ThreadLocal<Tally>);

/// What one worker counted.
#[derive(Debug)]
struct Tally {
    requests: [[AtomicU64; ENDS]; WAYS],
    issued: DurationHistogram,
    refused: DurationHistogram,
    signatures: [DurationHistogram; SigningAlg::ALL.len()],
    reused: AtomicU64,
    replays: AtomicU64,
}

/// How many requests ended in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How the client authenticated or tried to; none where the request was refused before that was known.
    pub mechanism: Option<Mechanism>,
    /// Why no token was issued; none where one was.
    pub cause: Option<TokenErrorCause>,
    /// How many.
    pub count: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            requests: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::default())),
            issued: DurationHistogram::new(&TOKEN_ANSWER),
            refused: DurationHistogram::new(&TOKEN_ANSWER),
            signatures: std::array::from_fn(|_| DurationHistogram::new(&SIGNATURE)),
            reused: AtomicU64::default(),
            replays: AtomicU64::default(),
        }
    }
}

impl TokenCounts {
    /// Counts one request, which took `took` to decide, with the time that its body took to arrive.
    pub fn request(&self, decision: &TokenDecision, refused: Option<&TokenError>, took: Duration) {
        let tally = self.0.get_or_default();
        let way = decision.mechanism.map_or(0, |mechanism| mechanism as usize + 1);
        let end = refused.map_or(0, |error| error.cause() as usize + 1);
        if let Some(count) = tally.requests.get(way).and_then(|ends| ends.get(end)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if refused.is_none() { &tally.issued } else { &tally.refused }.observe(took);
        if decision.reused {
            tally.reused.fetch_add(1, Ordering::Relaxed);
        }
        if decision.assertion_refusal == Some(AssertionRefusal::Replayed) {
            tally.replays.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts one signature, which took `took`.
    pub(super) fn signature(&self, alg: SigningAlg, took: Duration) {
        if let Some(times) = self.0.get_or_default().signatures.get(alg as usize) {
            times.observe(took);
        }
    }

    /// How many requests ended in which way: every way that there is, also those that none went.
    pub fn ended(&self) -> impl Iterator<Item = Ended> {
        let ways = std::iter::once(None).chain(Mechanism::ALL.map(Some));
        ways.enumerate().flat_map(move |(way, mechanism)| {
            let ends = std::iter::once(None).chain(TokenErrorCause::ALL.iter().copied().map(Some));
            ends.enumerate().filter_map(move |(end, cause)| {
                let of = |tally: &Tally| Some(tally.requests.get(way)?.get(end)?.load(Ordering::Relaxed));
                // Nobody gets a token without a mechanism.
                (mechanism.is_some() || cause.is_some()).then(|| Ended {
                    mechanism,
                    cause,
                    count: self.0.iter().filter_map(of).sum(),
                })
            })
        })
    }

    /// How long requests took that ended with a token.
    pub fn issued(&self) -> Distribution {
        self.sum(&TOKEN_ANSWER, |tally| Some(&tally.issued))
    }

    /// How long requests took that were refused.
    pub fn refused(&self) -> Distribution {
        self.sum(&TOKEN_ANSWER, |tally| Some(&tally.refused))
    }

    /// How long signatures of `alg` took.
    pub fn signatures(&self, alg: SigningAlg) -> Distribution {
        self.sum(&SIGNATURE, |tally| tally.signatures.get(alg as usize))
    }

    /// How many answers were tokens that had been issued before.
    pub fn reused(&self) -> u64 {
        self.0.iter().map(|tally| tally.reused.load(Ordering::Relaxed)).sum()
    }

    /// How many client assertions were refused because they had been used before.
    pub fn replays(&self) -> u64 {
        self.0.iter().map(|tally| tally.replays.load(Ordering::Relaxed)).sum()
    }

    fn sum(&self, bounds: &[Duration], of: impl Fn(&Tally) -> Option<&DurationHistogram>) -> Distribution {
        let mut sum = Distribution::empty(bounds);
        self.0.iter().filter_map(of).for_each(|histogram| histogram.add_to(&mut sum));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROSECOND: Duration = Duration::from_micros(1);

    fn counted(counts: &TokenCounts) -> Vec<Ended> {
        counts.ended().filter(|ended| ended.count > 0).collect()
    }

    #[test]
    fn what_several_workers_count_is_added_up() {
        let counts = TokenCounts::default();
        let decision = TokenDecision { mechanism: Some(Mechanism::PrivateKeyJwt), ..TokenDecision::default() };
        std::thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| {
                    counts.request(&decision, None, MICROSECOND);
                    counts.signature(SigningAlg::EdDsa, MICROSECOND);
                });
            }
        });
        counts.request(&TokenDecision::default(), Some(&TokenError::ServerError), MICROSECOND);
        let (mechanism, cause) = (decision.mechanism, Some(TokenErrorCause::ServerError));
        let refused = Ended { mechanism: None, cause, count: 1 };
        assert_eq!(counted(&counts), [refused, Ended { mechanism, cause: None, count: 3 }]);
        assert_eq!((counts.issued().count(), counts.refused().count()), (3, 1));
        assert_eq!((counts.issued().total, counts.refused().total), (3 * MICROSECOND, MICROSECOND));
        let signed = SigningAlg::ALL.map(|alg| counts.signatures(alg).count());
        assert_eq!(signed, [0, 0, 0, 3]);
    }

    #[test]
    fn each_end_has_a_place_of_its_own() {
        for (index, mechanism) in Mechanism::ALL.into_iter().enumerate() {
            assert_eq!(mechanism as usize, index, "{mechanism:?}");
        }
        for (index, cause) in TokenErrorCause::ALL.iter().enumerate() {
            assert_eq!(*cause as usize, index, "{cause:?}");
        }
        for (index, alg) in SigningAlg::ALL.into_iter().enumerate() {
            assert_eq!(alg as usize, index, "{alg:?}");
        }
        assert_eq!(TokenCounts::default().ended().count(), WAYS * ENDS - 1);
    }

    #[test]
    fn reuse_and_replays_are_counted() {
        let counts = TokenCounts::default();
        counts.request(&TokenDecision { reused: true, ..TokenDecision::default() }, None, MICROSECOND);
        let replayed =
            TokenDecision { assertion_refusal: Some(AssertionRefusal::Replayed), ..TokenDecision::default() };
        counts.request(&replayed, Some(&TokenError::InvalidClient), MICROSECOND);
        assert_eq!((counts.reused(), counts.replays()), (1, 1));
    }
}
