//! Has this client had its tokens for this hour and this day? Counted in the memory of this replica.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::TokenIssuer;
use crate::clock::UnixMillis;
use crate::oauth::client::Client;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// What was counted for each client that has a quota, in the current hour and day (UTC).
#[derive(Debug, Default)]
pub struct Quotas {
    counted: Mutex<HashMap<Uuid, Counted>>,
    /// The day before which nothing is left.
    forgotten_before: AtomicI64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    hour: Window,
    day: Window,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    number: i64,
    tokens: u32,
}

impl Window {
    /// How many tokens the window of `now` holds; a window that is over is forgotten.
    fn tokens_at(&mut self, number: i64) -> u32 {
        if self.number != number {
            *self = Self { number, tokens: 0 };
        }
        self.tokens
    }
}

/// What a quota says about one more token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaVerdict {
    /// It is within, or there is no quota.
    Within,
    /// It is the first one beyond in its hour or day, but the quota only watches.
    BeyondUnenforced,
    /// It is beyond and refused; the window ends in so many seconds.
    Beyond {
        /// When to try again, in seconds.
        retry_after: u32,
    },
}

/// What is left of an enforced quota in one of its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaLeft {
    /// `hour` or `day`.
    pub window: &'static str,
    /// The length of the window, in seconds.
    pub seconds: i64,
    /// Tokens in all.
    pub quota: u32,
    /// Tokens that are left.
    pub remaining: u32,
    /// When the window ends, in seconds from now.
    pub resets_in: i64,
}

impl TokenIssuer {
    /// What is left to `client` now, by the hour and by the day, as this server counts; nothing where no quota is enforced.
    pub fn quota_left(&self, client: &Client) -> Vec<QuotaLeft> {
        self.quotas.left(client, self.clock.now())
    }
}

impl Quotas {
    /// What is left to `client` at `now`, by the hour and by the day; nothing where no quota is enforced.
    pub fn left(&self, client: &Client, now: UnixMillis) -> Vec<QuotaLeft> {
        let Some(quota) = client.quota.filter(|quota| quota.enforce) else { return Vec::new() };
        let seconds = now.floor_seconds();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counted = counted.get_mut(&client.id).map_or_else(Counted::default, |counted| *counted);
        let windows =
            [("hour", HOUR, quota.per_hour, &mut counted.hour), ("day", DAY, quota.per_day, &mut counted.day)];
        let left = windows.into_iter().filter_map(|(window, length, quota, tokens)| {
            let quota = quota?;
            let remaining = quota.saturating_sub(tokens.tokens_at(seconds.div_euclid(length)));
            Some(QuotaLeft {
                window,
                seconds: length,
                quota,
                remaining,
                resets_in: length - seconds.rem_euclid(length),
            })
        });
        left.collect()
    }

    /// Counts one more token for `client` at `now`, unless that is refused.
    pub fn count(&self, client: &Client, now: UnixMillis) -> QuotaVerdict {
        let Some(quota) = client.quota else { return QuotaVerdict::Within };
        let seconds = now.floor_seconds();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counted.entry(client.id).or_default();
        let in_hour = counted.hour.tokens_at(seconds.div_euclid(HOUR));
        let in_day = counted.day.tokens_at(seconds.div_euclid(DAY));
        let beyond = |limit: Option<u32>, tokens: u32| limit.is_some_and(|limit| tokens >= limit);
        let window = match (beyond(quota.per_day, in_day), beyond(quota.per_hour, in_hour)) {
            (true, _) => Some(DAY),
            (false, true) => Some(HOUR),
            (false, false) => None,
        };
        if let Some(window) = window.filter(|_| quota.enforce) {
            let retry_after = u32::try_from(window - seconds.rem_euclid(window)).unwrap_or(1);
            return QuotaVerdict::Beyond { retry_after };
        }
        counted.hour.tokens = in_hour.saturating_add(1);
        counted.day.tokens = in_day.saturating_add(1);
        let is_first = quota.per_hour == Some(in_hour) || quota.per_day == Some(in_day);
        if is_first { QuotaVerdict::BeyondUnenforced } else { QuotaVerdict::Within }
    }

    /// Forgets what was counted on days that are over, also of clients that are gone. Requests wait meanwhile, so it is done once a day.
    pub fn forget_past(&self, now: UnixMillis) {
        let day = now.floor_seconds().div_euclid(DAY);
        if self.forgotten_before.swap(day, Ordering::Relaxed) == day {
            return;
        }
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.retain(|_, counted| counted.day.number == day);
        counted.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::client::Quota;

    fn client(quota: Option<Quota>) -> Client {
        Client { quota, ..Client::new(Uuid::nil(), "c".parse().unwrap(), UnixMillis(0)) }
    }

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(seconds * 1000)
    }

    #[test]
    fn an_enforced_quota_refuses_until_its_window_ends() {
        let quotas = Quotas::default();
        let client = client(Some(Quota { per_hour: Some(2), per_day: Some(3), enforce: true }));
        assert_eq!(quotas.count(&client, at(10)), QuotaVerdict::Within);
        assert_eq!(quotas.count(&client, at(11)), QuotaVerdict::Within);
        assert_eq!(quotas.count(&client, at(12)), QuotaVerdict::Beyond { retry_after: 3_588 });
        assert_eq!(quotas.count(&client, at(3_600)), QuotaVerdict::Within, "a new hour");
        assert_eq!(quotas.count(&client, at(7_200)), QuotaVerdict::Beyond { retry_after: 79_200 }, "the day is full");
        assert_eq!(quotas.count(&client, at(86_400)), QuotaVerdict::Within, "a new day");
    }

    #[test]
    fn what_is_left_is_told_where_it_matters() {
        let quotas = Quotas::default();
        let limited = client(Some(Quota { per_hour: Some(2), per_day: Some(3), enforce: true }));
        let left = |now| {
            let left = quotas.left(&limited, at(now)).into_iter();
            left.map(|left| (left.window, left.quota, left.remaining, left.resets_in)).collect::<Vec<_>>()
        };
        assert_eq!(left(0), [("hour", 2, 2, 3_600), ("day", 3, 3, 86_400)]);
        for _ in 0..3 {
            quotas.count(&limited, at(10));
        }
        assert_eq!(left(11), [("hour", 2, 0, 3_589), ("day", 3, 1, 86_389)]);
        assert_eq!(left(3_600), [("hour", 2, 2, 3_600), ("day", 3, 1, 82_800)]);
        let watched = client(Some(Quota { per_hour: Some(2), per_day: None, enforce: false }));
        assert_eq!(quotas.left(&watched, at(0)), []);
        assert_eq!(quotas.left(&client(None), at(0)), []);
    }

    #[test]
    fn a_quota_that_only_watches_refuses_nothing() {
        let quotas = Quotas::default();
        let client = client(Some(Quota { per_hour: Some(1), per_day: None, enforce: false }));
        assert_eq!(quotas.count(&client, at(0)), QuotaVerdict::Within);
        assert_eq!(quotas.count(&client, at(1)), QuotaVerdict::BeyondUnenforced, "told once");
        assert_eq!(quotas.count(&client, at(2)), QuotaVerdict::Within);
    }

    #[test]
    fn days_that_are_over_are_forgotten() {
        let quotas = Quotas::default();
        let quota = Some(Quota { per_hour: None, per_day: Some(1), enforce: true });
        let clients = [1, 2].map(|number| Client { id: Uuid::from_u128(number), ..client(quota) });
        quotas.count(&clients[0], at(0));
        quotas.count(&clients[1], at(86_400));
        quotas.forget_past(at(86_401));
        assert_eq!(quotas.counted.lock().unwrap().len(), 1);
        assert_eq!(quotas.count(&clients[1], at(86_402)), QuotaVerdict::Beyond { retry_after: 86_398 });
    }

    #[test]
    fn a_client_without_a_quota_takes_no_memory() {
        let quotas = Quotas::default();
        assert_eq!(quotas.count(&client(None), at(0)), QuotaVerdict::Within);
        assert!(quotas.counted.lock().unwrap().is_empty());
    }
}
