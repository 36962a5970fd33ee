//! What time is it? The only place that reads the system clock, so that a test can drive time.

use std::fmt::Debug;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A point in time in whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Whole seconds, rounded down: what a JWT `NumericDate` carries (RFC 7519 §2).
    pub const fn floor_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant moved by `seconds` (negative: earlier); it stops at the ends of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }
}

/// A source of the current time.
pub trait Clock: Debug + Send + Sync {
    /// The current time.
    fn now(&self) -> UnixMillis;

    /// The time since some moment before: it goes on evenly also when somebody sets the clock.
    fn monotonic(&self) -> Duration;
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn now(&self) -> UnixMillis {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// A clock that stands where it is put, for tests.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    /// Milliseconds that it was moved on.
    passed: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub const fn new(start: UnixMillis) -> Self {
        Self { now: AtomicI64::new(start.0), passed: AtomicU64::new(0) }
    }

    /// Lets `seconds` pass; negative: sets the clock back, in no time.
    pub fn advance(&self, seconds: i64) {
        let millis = seconds.saturating_mul(1000);
        self.now.fetch_add(millis, Ordering::SeqCst);
        self.passed.fetch_add(u64::try_from(millis).unwrap_or_default(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.passed.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_floored_also_before_the_epoch() {
        assert_eq!(UnixMillis(1_999).floor_seconds(), 1);
        assert_eq!(UnixMillis(-1).floor_seconds(), -1);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(UnixMillis(5_000));
        assert_eq!(clock.now(), UnixMillis(5_000));
        clock.advance(2);
        assert_eq!((clock.now(), clock.monotonic()), (UnixMillis(7_000), Duration::from_secs(2)));
        clock.advance(-3);
        assert_eq!((clock.now(), clock.monotonic()), (UnixMillis(4_000), Duration::from_secs(2)));
    }
}
