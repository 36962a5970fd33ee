//! How quickly does the store answer a running server, and how often does it fail to?

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::duration_histogram::{Distribution, DurationHistogram, STORE_ANSWER};

/// What was seen of the store while it was followed.
#[derive(Debug)]
pub struct Polls {
    times: DurationHistogram,
    failures: AtomicU64,
}

impl Default for Polls {
    fn default() -> Self {
        Self { times: DurationHistogram::new(&STORE_ANSWER), failures: AtomicU64::new(0) }
    }
}

impl Polls {
    /// Notes how long the store takes to answer `ask`, whatever it answers.
    pub(super) fn time<T>(&self, ask: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let answer = ask();
        self.times.observe(began.elapsed());
        answer
    }

    /// Notes that the store could not be followed.
    pub(super) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// How long the store took to say at which revision it is.
    pub fn times(&self) -> Distribution {
        self.times.read()
    }

    /// How often it could not be followed since the start.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}
