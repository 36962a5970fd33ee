//! Does this client ask too often? Counted once it has proved who it is, so that nobody uses up the rate of another.
//!
//! In the memory of this replica: some 50 bytes for each client that asked of late. A client whose rate is whole again is forgotten, and
//! who proves nothing takes no memory at all.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::{NoOpMiddleware, StateInformationMiddleware};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use uuid::Uuid;

use super::quota::QuotaLeft;
use crate::config::LimitMode;
use crate::oauth::client::Client;

/// How often a client that asks too often is named in the log, where it is not refused.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// How often each client may ask.
#[derive(Clone, Copy, Debug)]
pub struct RequestRateSettings {
    /// Requests per second in the long run; none: as often as it likes.
    pub per_second: Option<NonZeroU32>,
    /// Requests that it may make at once.
    pub burst: NonZeroU32,
    /// What happens to those beyond.
    pub mode: LimitMode,
}

/// The requests of late of each client.
#[derive(Debug)]
pub struct RequestRates<C: Clock = DefaultClock> {
    counting: Option<Counting<C>>,
    refused: AtomicU64,
}

#[derive(Debug)]
struct Counting<C: Clock> {
    requests: RateLimiter<Uuid, DashMapStateStore<Uuid>, C, StateInformationMiddleware>,
    /// Who has been named in the log of late.
    told: RateLimiter<Uuid, DashMapStateStore<Uuid>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    per_second: NonZeroU32,
    burst: NonZeroU32,
    mode: LimitMode,
}

/// What one more request comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateVerdict {
    /// What is left of the rate, where it is enforced.
    pub left: Option<QuotaLeft>,
    /// For how many seconds the client must wait, if this request is refused.
    pub wait: Option<u32>,
}

impl RequestRates {
    /// Counts as `settings` say.
    pub fn new(settings: &RequestRateSettings) -> Self {
        Self::with_clock(settings, DefaultClock::default())
    }
}

impl<C: Clock + Clone> RequestRates<C> {
    fn with_clock(settings: &RequestRateSettings, clock: C) -> Self {
        let RequestRateSettings { per_second, burst, mode } = *settings;
        let counting = per_second.and_then(|per_second| {
            let quota = Quota::per_second(per_second).allow_burst(burst);
            Some(Counting {
                requests: RateLimiter::dashmap_with_clock(quota, clock.clone()).with_middleware(),
                told: RateLimiter::dashmap_with_clock(Quota::with_period(TOLD_EVERY)?, clock.clone()),
                clock,
                per_second,
                burst,
                mode,
            })
        });
        Self { counting, refused: AtomicU64::new(0) }
    }

    /// Counts one more request of `client`, which has proved who it is.
    pub fn count(&self, client: &Client) -> RateVerdict {
        let Some(counting) = &self.counting else { return RateVerdict::default() };
        let verdict = counting.count(client);
        if verdict.wait.is_some() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        verdict
    }

    /// How many requests were refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Forgets the clients that may ask as much as if they never had.
    pub fn forget_idle(&self) {
        if let Some(counting) = &self.counting {
            counting.requests.retain_recent();
            counting.requests.shrink_to_fit();
            counting.told.retain_recent();
            counting.told.shrink_to_fit();
        }
    }
}

impl<C: Clock> Counting<C> {
    fn count(&self, client: &Client) -> RateVerdict {
        let counted = self.requests.check_key(&client.id);
        match (self.mode, counted) {
            (LimitMode::Log, Ok(_)) => RateVerdict::default(),
            (LimitMode::Log, Err(_)) => {
                if self.told.check_key(&client.id).is_ok() {
                    tracing::warn!(
                        client_id = client.client_id.as_str(),
                        "asks more often than limits.client_requests_per_second, which is not enforced"
                    );
                }
                RateVerdict::default()
            }
            (LimitMode::Enforce, Ok(state)) => {
                let remaining = state.remaining_burst_capacity();
                let until_whole = self.burst.get().saturating_sub(remaining).div_ceil(self.per_second.get());
                RateVerdict { left: Some(self.left(remaining, until_whole)), wait: None }
            }
            (LimitMode::Enforce, Err(not_until)) => {
                let wait = not_until.wait_time_from(self.clock.now()).max(Duration::from_millis(1));
                let wait = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
                RateVerdict { left: Some(self.left(0, wait)), wait: Some(wait) }
            }
        }
    }

    /// A bucket of so many requests, told as a window in which it fills.
    fn left(&self, remaining: u32, resets_in: u32) -> QuotaLeft {
        let seconds = self.burst.get().div_ceil(self.per_second.get());
        QuotaLeft {
            window: "requests",
            seconds: seconds.into(),
            quota: self.burst.get(),
            remaining,
            resets_in: resets_in.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::clock::UnixMillis;

    const SECOND: Duration = Duration::from_secs(1);

    fn rates(per_second: u32, burst: u32, mode: LimitMode) -> (RequestRates<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let settings = RequestRateSettings {
            per_second: NonZeroU32::new(per_second),
            burst: NonZeroU32::new(burst).unwrap(),
            mode,
        };
        (RequestRates::with_clock(&settings, clock.clone()), clock)
    }

    fn client(number: u128) -> Client {
        Client::new(Uuid::from_u128(number), "c".parse().unwrap(), UnixMillis(0))
    }

    #[test]
    fn a_burst_passes_then_the_rate_and_the_wait_told_is_long_enough() {
        let (rates, clock) = rates(2, 5, LimitMode::Enforce);
        let client = client(1);
        let remaining: Vec<_> = (0..5).map(|_| rates.count(&client).left.unwrap().remaining).collect();
        assert_eq!(remaining, [4, 3, 2, 1, 0]);
        let refused = rates.count(&client);
        assert_eq!((refused.wait, refused.left.unwrap().remaining), (Some(1), 0));
        clock.advance(SECOND);
        let passed = (0..10).filter(|_| rates.count(&client).wait.is_none()).count();
        assert_eq!(passed, 2, "two per second");
        assert_eq!(rates.refused(), 1 + 8);
        clock.advance(100 * SECOND);
        let whole = rates.count(&client).left.unwrap();
        assert_eq!((whole.quota, whole.remaining, whole.seconds, whole.resets_in), (5, 4, 3, 1));
    }

    #[test]
    fn each_client_has_its_own() {
        let (rates, _clock) = rates(1, 1, LimitMode::Enforce);
        assert_eq!(rates.count(&client(1)).wait, None);
        assert_eq!(rates.count(&client(1)).wait, Some(1));
        assert_eq!(rates.count(&client(2)).wait, None);
    }

    #[test]
    fn what_is_only_watched_is_neither_refused_nor_told_to_the_client() {
        let (rates, _clock) = rates(1, 1, LimitMode::Log);
        for _ in 0..10 {
            assert_eq!(rates.count(&client(1)), RateVerdict::default());
        }
        assert_eq!(rates.refused(), 0);
    }

    #[test]
    fn without_a_rate_nothing_is_counted() {
        let (rates, _clock) = rates(0, 1, LimitMode::Enforce);
        for number in 0..10 {
            assert_eq!(rates.count(&client(number / 5)), RateVerdict::default());
        }
        assert!(rates.counting.is_none());
    }

    #[test]
    fn clients_that_stopped_asking_take_no_memory() {
        let (rates, clock) = rates(10, 100, LimitMode::Log);
        for number in 0..1_000 {
            for _ in 0..101 {
                rates.count(&client(number));
            }
        }
        let counting = rates.counting.as_ref().unwrap();
        assert_eq!((counting.requests.len(), counting.told.len()), (1_000, 1_000));
        rates.forget_idle();
        assert_eq!(counting.requests.len(), 1_000, "they asked just now");
        clock.advance(11 * SECOND);
        rates.forget_idle();
        assert_eq!((counting.requests.len(), counting.told.len()), (0, 1_000));
        clock.advance(2 * TOLD_EVERY);
        rates.forget_idle();
        assert_eq!(counting.told.len(), 0);
    }
}
