//! How did token requests end on this server in each of the last minutes? Kept in memory, for an hour.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::duration_histogram::Distribution;
use super::token_counts::TokenCounts;
use crate::clock::UnixMillis;
use crate::oauth::token_error_cause::TokenErrorCause;

/// How often what was counted is noted, in seconds.
pub const NOTED_EVERY: u32 = 60;

/// How many minutes are kept.
const KEPT: usize = 60;

/// How long a minute is, in milliseconds.
const MINUTE: i64 = 60_000;

/// What was noted less long ago is not noted again, in milliseconds: clocks and timers are not as exact as that.
const TOO_SOON: i64 = MINUTE * 9 / 10;

/// What had been counted at each of the last minutes.
#[derive(Debug, Default)]
pub struct RateHistory(Mutex<VecDeque<Noted>>);

#[derive(Clone, Debug)]
struct Noted {
    at: UnixMillis,
    totals: Totals,
}

/// How many requests ended in which way, and how long those took that ended with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Tokens.
    pub issued: u64,
    /// How long the answers took that were tokens.
    pub times: Distribution,
    causes: [u64; TokenErrorCause::ALL.len()],
}

/// What was counted between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minute {
    /// The later one.
    pub ends_at: UnixMillis,
    /// Tokens.
    pub issued: u64,
    /// Refusals.
    pub refused: u64,
}

/// How requests ended of late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentRates {
    /// Minute by minute, oldest first; the last one has only begun.
    pub minutes: Vec<Minute>,
    /// Tokens in the last minute.
    pub per_minute: u64,
    /// All that is kept together: an hour, or since the server was started.
    pub last_hour: Totals,
    /// Since the server was started.
    pub since_start: Totals,
}

impl Totals {
    fn of(counts: &TokenCounts) -> Self {
        let mut totals = Self { issued: 0, times: counts.issued(), causes: [0; TokenErrorCause::ALL.len()] };
        for ended in counts.ended() {
            let place = match ended.cause {
                None => Some(&mut totals.issued),
                Some(cause) => totals.causes.get_mut(cause as usize),
            };
            if let Some(place) = place {
                *place = place.saturating_add(ended.count);
            }
        }
        totals
    }

    /// What has been added since `earlier`.
    fn since(&self, earlier: &Self) -> Self {
        let mut causes = self.causes;
        for (now, before) in causes.iter_mut().zip(earlier.causes) {
            *now = now.saturating_sub(before);
        }
        let issued = self.issued.saturating_sub(earlier.issued);
        Self { issued, times: self.times.since(&earlier.times), causes }
    }

    /// How many were refused for `cause`.
    pub fn refused_for(&self, cause: TokenErrorCause) -> u64 {
        self.causes.get(cause as usize).copied().unwrap_or_default()
    }

    /// How many were refused.
    pub fn refused(&self) -> u64 {
        self.causes.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl RateHistory {
    /// Notes what has been counted by `now`: at the start, and then every minute, however often it is called.
    pub fn note(&self, counts: &TokenCounts, now: UnixMillis) {
        let mut noted = self.noted();
        // A clock that was put back: what was noted then lies in the future.
        if noted.back().is_some_and(|last| last.at > now) {
            noted.clear();
        }
        if noted.back().is_some_and(|last| now.0.saturating_sub(last.at.0) < TOO_SOON) {
            return;
        }
        noted.push_back(Noted { at: now, totals: Totals::of(counts) });
        while noted.len() > KEPT + 1 {
            noted.pop_front();
        }
    }

    /// How requests have ended by `now`, of which all are in `counts`.
    pub fn read(&self, counts: &TokenCounts, now: UnixMillis) -> RecentRates {
        let since_start = Totals::of(counts);
        let noted = self.noted();
        let moments = noted.iter().map(|noted| (noted.at, &noted.totals)).chain([(now, &since_start)]);
        let moments: Vec<_> = moments.collect();
        let minute = |pair: &[(UnixMillis, &Totals)]| {
            let [(_, before), (ends_at, after)] = pair else { return None };
            let added = after.since(before);
            Some(Minute { ends_at: *ends_at, issued: added.issued, refused: added.refused() })
        };
        let a_minute_ago = noted.iter().rev().find(|noted| now.0.saturating_sub(noted.at.0) >= MINUTE);
        let per_minute = match a_minute_ago.map(|noted| (noted, now.0.saturating_sub(noted.at.0))) {
            Some((noted, elapsed)) => {
                let issued = since_start.issued.saturating_sub(noted.totals.issued);
                issued.saturating_mul(MINUTE.unsigned_abs()) / elapsed.unsigned_abs().max(1)
            }
            None => noted.front().map_or(since_start.issued, |first| since_start.since(&first.totals).issued),
        };
        let last_hour = noted.front().map_or_else(|| since_start.clone(), |first| since_start.since(&first.totals));
        RecentRates {
            minutes: moments.windows(2).filter_map(minute).collect(),
            per_minute,
            last_hour,
            since_start: since_start.clone(),
        }
    }

    fn noted(&self) -> MutexGuard<'_, VecDeque<Noted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::issuer::issue_token::TokenDecision;
    use crate::oauth::client_auth::Mechanism;
    use crate::oauth::error::TokenError;

    fn issue(counts: &TokenCounts, times: u64) {
        let decision = TokenDecision { mechanism: Some(Mechanism::ClientSecretBasic), ..TokenDecision::default() };
        (0..times).for_each(|_| counts.request(&decision, None, Duration::from_millis(1)));
    }

    fn refuse(counts: &TokenCounts, error: &TokenError) {
        counts.request(&TokenDecision::default(), Some(error), Duration::from_millis(1));
    }

    fn at(minute: i64) -> UnixMillis {
        UnixMillis(1_000_000 + minute * MINUTE)
    }

    #[test]
    fn each_minute_holds_what_was_added_in_it() {
        let (history, counts) = (RateHistory::default(), TokenCounts::default());
        history.note(&counts, at(0));
        issue(&counts, 3);
        history.note(&counts, UnixMillis(at(0).0 + 10_000));
        refuse(&counts, &TokenError::InvalidClient);
        history.note(&counts, at(1));
        issue(&counts, 2);
        let read = history.read(&counts, UnixMillis(at(1).0 + 30_000));
        let shown: Vec<_> = read.minutes.iter().map(|minute| (minute.issued, minute.refused)).collect();
        assert_eq!(shown, [(3, 1), (2, 0)]);
        assert_eq!(read.minutes[0].ends_at, at(1));
        assert_eq!(read.per_minute, 5 * 2 / 3, "of the last 90 seconds");
        assert_eq!((read.last_hour.issued, read.last_hour.refused()), (5, 1));
        assert_eq!(read.last_hour.refused_for(TokenErrorCause::InvalidClient), 1);
        assert_eq!(read.last_hour.times.count(), 5);
    }

    #[test]
    fn in_its_first_minute_a_server_tells_what_it_has_done() {
        let (history, counts) = (RateHistory::default(), TokenCounts::default());
        issue(&counts, 4);
        assert_eq!(history.read(&counts, at(0)).per_minute, 4, "before anything was noted");
        history.note(&TokenCounts::default(), at(0));
        let read = history.read(&counts, UnixMillis(at(0).0 + 2_000));
        assert_eq!((read.per_minute, read.minutes.len()), (4, 1));
    }

    #[test]
    fn an_hour_is_kept_and_what_was_before_it_only_in_the_sum() {
        let (history, counts) = (RateHistory::default(), TokenCounts::default());
        for minute in 0..200 {
            history.note(&counts, at(minute));
            issue(&counts, 1);
        }
        let read = history.read(&counts, at(199));
        assert_eq!((read.minutes.len(), read.last_hour.issued, read.since_start.issued), (KEPT + 1, 61, 200));
    }

    #[test]
    fn a_clock_that_is_put_back_begins_anew() {
        let (history, counts) = (RateHistory::default(), TokenCounts::default());
        history.note(&counts, at(500));
        issue(&counts, 1);
        history.note(&counts, at(3));
        assert_eq!(history.read(&counts, at(4)).minutes.len(), 1);
    }
}
