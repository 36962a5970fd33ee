//! Does this client sign in too often? Each time takes a row and an event of the audit log, and a program that signs in for each thing it
//! does fills both. Counted once the client has proved who it is, in the memory of this replica.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use uuid::Uuid;

use crate::oauth::client::Client;

/// How often a client may sign in, per minute in the long run.
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// How often at once.
const AT_ONCE: NonZeroU32 = NonZeroU32::new(30).unwrap();

#[derive(Debug)]
pub(super) struct SignInRates(DefaultKeyedRateLimiter<Uuid>);

impl Default for SignInRates {
    fn default() -> Self {
        Self(RateLimiter::keyed(Quota::per_minute(PER_MINUTE).allow_burst(AT_ONCE)))
    }
}

impl SignInRates {
    /// Counts one more sign-in of `client`, unless it must wait for so many seconds.
    pub(super) fn count(&self, client: &Client) -> Option<u32> {
        let refused = self.0.check_key(&client.id).err()?;
        let wait = refused.wait_time_from(DefaultClock::default().now()).max(Duration::from_millis(1));
        Some(u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX))
    }

    pub(super) fn forget_idle(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;

    #[test]
    fn a_client_that_signs_in_again_and_again_waits_and_no_other_does() {
        let client = |number| Client::new(Uuid::from_u128(number), "c".parse().unwrap(), UnixMillis(0));
        let rates = SignInRates::default();
        assert!((0..30).all(|_| rates.count(&client(1)).is_none()));
        assert!(matches!(rates.count(&client(1)), Some(1..=6)), "one in six seconds");
        assert_eq!(rates.count(&client(2)), None);
    }
}
