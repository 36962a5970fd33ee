//! How many spans were made, and what became of them?

use std::sync::atomic::{AtomicU64, Ordering};

/// Those of this process.
pub(super) static COUNTS: Counts =
    Counts { made: AtomicU64::new(0), taken: AtomicU64::new(0), refused: AtomicU64::new(0) };

#[derive(Debug)]
pub(super) struct Counts {
    made: AtomicU64,
    taken: AtomicU64,
    refused: AtomicU64,
}

/// Spans since the start. What is neither taken nor refused waits, or found no room in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanCounts {
    /// Of sampled requests and their steps.
    pub made: u64,
    /// Sent, and taken by the collector.
    pub taken: u64,
    /// Dropped, since the collector did not take them.
    pub refused: u64,
}

impl Counts {
    pub(super) fn add_made(&self, spans: usize) {
        add(&self.made, spans);
    }

    pub(super) fn add_taken(&self, spans: usize) {
        add(&self.taken, spans);
    }

    pub(super) fn add_refused(&self, spans: usize) {
        add(&self.refused, spans);
    }

    pub(super) fn read(&self) -> SpanCounts {
        let [made, taken, refused] =
            [&self.made, &self.taken, &self.refused].map(|count| count.load(Ordering::Relaxed));
        SpanCounts { made, taken, refused }
    }
}

fn add(to: &AtomicU64, spans: usize) {
    to.fetch_add(u64::try_from(spans).unwrap_or(u64::MAX), Ordering::Relaxed);
}
