//! Does the store still answer, and may tokens be issued from what is known of it?

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// What is known, by when the store last answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Freshness {
    /// The store answers.
    #[default]
    Followed,
    /// The store is silent: tokens are issued from what is known, and nobody is told to be unknown.
    Silent,
    /// It has been silent for so long that a revocation may have been missed: no tokens are issued.
    Stale,
}

/// For how long the store may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreshnessBounds {
    /// Until that is said.
    pub silent_after: Duration,
    /// Until no tokens are issued any more, but not before that is said.
    pub stale_after: Duration,
}

/// For a store that cannot go away.
impl Default for FreshnessBounds {
    fn default() -> Self {
        Self { silent_after: Duration::MAX, stale_after: Duration::MAX }
    }
}

/// Watches for how long the store has been silent. Times are those of [`Clock::monotonic`](crate::clock::Clock::monotonic).
#[derive(Debug, Default)]
pub(super) struct FreshnessWatch {
    bounds: FreshnessBounds,
    /// Could the store not be followed when that was last tried?
    has_failed: AtomicBool,
    /// When the store last answered anything, in milliseconds.
    heard_at: AtomicU64,
    /// When its newest revision was last served, in milliseconds.
    followed_at: AtomicU64,
    /// The last judgement: all that a token request looks at.
    judged: AtomicU8,
    told: watch::Sender<Freshness>,
}

impl FreshnessWatch {
    pub(super) fn new(bounds: FreshnessBounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    pub(super) const fn bounds(&self) -> FreshnessBounds {
        self.bounds
    }

    /// The store has answered: what is read from it may take longer than its silence may last. After a failure only the end counts.
    pub(super) fn hear(&self, now: Duration) {
        if !self.has_failed.load(Ordering::Relaxed) {
            self.heard_at.store(millis(now), Ordering::Relaxed);
        }
    }

    /// What the store has, if anything, cannot be served.
    pub(super) fn fail(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    /// What is served is the newest.
    pub(super) fn follow(&self, now: Duration) {
        self.has_failed.store(false, Ordering::Relaxed);
        self.hear(now);
        self.followed_at.store(millis(now), Ordering::Relaxed);
        self.judge(now);
    }

    /// Judges anew at `now`.
    pub(super) fn judge(&self, now: Duration) -> Freshness {
        let since = |at: &AtomicU64| now.saturating_sub(Duration::from_millis(at.load(Ordering::Relaxed)));
        // A change may have been missed for as long as not everything was read, whatever the store answers meanwhile.
        let judgement = if since(&self.followed_at) > self.bounds.stale_after.max(self.bounds.silent_after) {
            Freshness::Stale
        } else if since(&self.heard_at) > self.bounds.silent_after {
            Freshness::Silent
        } else {
            Freshness::Followed
        };
        self.judged.store(judgement as u8, Ordering::Relaxed);
        self.told.send_if_modified(|told| std::mem::replace(told, judgement) != judgement);
        judgement
    }

    /// The last judgement.
    pub(super) fn judged(&self) -> Freshness {
        match self.judged.load(Ordering::Relaxed) {
            0 => Freshness::Followed,
            1 => Freshness::Silent,
            _ => Freshness::Stale,
        }
    }

    /// Waits until the store is silent.
    pub(super) async fn silence(&self) {
        let mut told = self.told.subscribe();
        if told.wait_for(|freshness| *freshness != Freshness::Followed).await.is_err() {
            // Nobody judges any more.
            std::future::pending::<()>().await;
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use rstest::rstest;

    use super::*;

    fn watch(stale_after: u64) -> FreshnessWatch {
        let bounds =
            FreshnessBounds { silent_after: Duration::from_secs(2), stale_after: Duration::from_secs(stale_after) };
        FreshnessWatch::new(bounds)
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[rstest]
    #[case::answered_just_now(60, 2, Freshness::Followed)]
    #[case::silent(60, 3, Freshness::Silent)]
    #[case::silent_for_as_long_as_it_may_be(60, 60, Freshness::Silent)]
    #[case::for_longer(60, 61, Freshness::Stale)]
    #[case::without_any_allowance_not_before_it_is_silent(0, 2, Freshness::Followed)]
    #[case::without_any_allowance(0, 3, Freshness::Stale)]
    fn it_is(#[case] stale_after: u64, #[case] seconds: u64, #[case] expected: Freshness) {
        let watch = watch(stale_after);
        watch.follow(at(100));
        assert_eq!(watch.judge(at(100 + seconds)), expected);
        assert_eq!(watch.judged(), expected);
    }

    #[test]
    fn a_long_read_is_no_silence_but_what_was_missed_is_missed_until_its_end() {
        let watch = watch(60);
        watch.follow(at(0));
        watch.hear(at(59));
        assert_eq!(watch.judge(at(60)), Freshness::Followed);
        assert_eq!(watch.judge(at(61)), Freshness::Stale);
        watch.follow(at(62));
        assert_eq!(watch.judged(), Freshness::Followed, "at once");
    }

    #[test]
    fn a_store_that_answers_what_cannot_be_served_counts_as_silent() {
        let watch = watch(60);
        watch.follow(at(0));
        watch.fail();
        watch.hear(at(3));
        assert_eq!(watch.judge(at(3)), Freshness::Silent);
        watch.follow(at(4));
        watch.hear(at(6));
        assert_eq!(watch.judge(at(7)), Freshness::Followed);
    }

    #[test]
    fn silence_is_told_to_who_waits_for_it() {
        let watch = watch(60);
        watch.follow(at(0));
        assert!(watch.silence().now_or_never().is_none());
        watch.judge(at(3));
        assert!(watch.silence().now_or_never().is_some());
        watch.follow(at(4));
        assert!(watch.silence().now_or_never().is_none());
    }
}
