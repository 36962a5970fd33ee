//! What time is it? A trait, so that a test can drive time.

use std::fmt::Debug;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

/// Where this process started counting.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A source of time.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock, in Unix seconds: what the instants in a token are compared with (RFC 7519 §2).
    fn unix_seconds(&self) -> u64;

    /// Time since some fixed moment, never going back: what the age of keys is measured with, so that a step of the
    /// wall clock neither freezes nor floods the issuer.
    fn elapsed(&self) -> Duration {
        START.elapsed()
    }
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the system clock")]
    fn unix_seconds(&self) -> u64 {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_time_goes_on() {
        let before = SystemClock.elapsed();
        std::thread::sleep(Duration::from_millis(2));
        assert!(SystemClock.elapsed() > before);
        assert!(SystemClock.unix_seconds() > 1_700_000_000);
    }
}
