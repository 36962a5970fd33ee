//! Where do random bytes come from? One trait, so that a test can make ids and secrets predictable.

use std::fmt::Debug;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use uuid::Uuid;

use crate::clock::UnixMillis;

/// A source of cryptographically secure random bytes.
pub trait Entropy: Debug + Send + Sync {
    /// Fills `bytes` with random data.
    ///
    /// # Panics
    /// If the operating system has no randomness to give: nothing safe can be done then.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::expect_used, reason = "without randomness no secret, key or id may be made")]
    fn fill(&self, bytes: &mut [u8]) {
        SystemRandom::new().fill(bytes).expect("the operating system's random generator failed");
    }
}

/// A fresh UUIDv7 (RFC 9562 §5.7): ids sort by the time they were made.
pub fn new_uuid(now: UnixMillis, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0_u8; 10];
    entropy.fill(&mut random);
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.0).unwrap_or_default(), &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_version_7_differ_and_sort_by_time() {
        let early = new_uuid(UnixMillis(1_000), &SystemEntropy);
        let late = new_uuid(UnixMillis(2_000), &SystemEntropy);
        assert_eq!(early.get_version_num(), 7);
        assert!(early < late);
        assert_ne!(late, new_uuid(UnixMillis(2_000), &SystemEntropy));
    }
}
