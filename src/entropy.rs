//! Where do random bytes come from? One trait, so that a test can make ids and secrets predictable.

use std::cell::RefCell;
use std::fmt::Debug;

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
    fn fill(&self, bytes: &mut [u8]) {
        if !STOCK.with_borrow_mut(|stock| stock.give(bytes)) {
            fill_now(bytes);
        }
    }
}

#[expect(clippy::expect_used, reason = "without randomness no secret, key or id may be made")]
fn fill_now(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system's random generator failed");
}

thread_local! {
    static STOCK: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; STOCK_BYTES], left: 0 }) };
}

/// How many random bytes a thread fetches at once.
const STOCK_BYTES: usize = 512;

/// So many are taken from the stock: enough for an id. Secrets and keys are larger, and fetched when they are made.
const SMALL: usize = 16;

/// Random bytes for ids, each given once: to fetch them one id at a time costs more than all else about an id.
struct Stock {
    bytes: [u8; STOCK_BYTES],
    left: usize,
}

impl Stock {
    fn give(&mut self, out: &mut [u8]) -> bool {
        if out.len() > SMALL {
            return false;
        }
        if self.left < out.len() {
            fill_now(&mut self.bytes);
            self.left = STOCK_BYTES;
        }
        let rest = self.left - out.len();
        let Some(given) = self.bytes.get_mut(rest..self.left) else { return false };
        out.copy_from_slice(given);
        given.fill(0);
        self.left = rest;
        true
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

    #[test]
    fn no_bytes_are_given_twice_and_none_are_left_out() {
        let mut seen = std::collections::HashSet::new();
        for length in (8..=40).cycle().take(2_000) {
            let mut bytes = vec![0_u8; length];
            SystemEntropy.fill(&mut bytes);
            assert!(bytes.windows(8).all(|window| window != [0; 8]), "{bytes:?}");
            assert!(seen.insert(bytes[..8].to_vec()) && seen.insert(bytes[length - 8..].to_vec()) || length == 8);
        }
    }
}
