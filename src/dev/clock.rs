//! What time is it for an issuer that a test drives? The system's, moved or stopped.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::clock::{Clock, SystemClock, UnixMillis};

/// From 1970 to the end of 2499: within this every date can be written, and no sum overflows.
const RANGE: std::ops::RangeInclusive<i64> = 0..=16_725_225_599_999;

/// Why the clock is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock stays between 1970 and 2500: choose a time in between")]
pub struct OutOfRange;

/// A clock that goes with the system's until it is told otherwise.
#[derive(Debug, Default)]
pub struct DrivenClock(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// How far it is from the system's, in milliseconds, while it runs.
    offset: i64,
    /// Where it stands, while it stands.
    frozen_at: Option<UnixMillis>,
    /// How much it was moved forward in all: this much has passed in no time.
    skipped: Duration,
}

/// What a clock is to be; what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockChange {
    /// The time.
    pub time: Option<ClockTime>,
    /// Does it stand still?
    pub frozen: Option<bool>,
}

/// A time: the system's, or another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockTime {
    /// The system's.
    System,
    /// This one.
    At(UnixMillis),
}

/// What a clock shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClockReading {
    /// Unix seconds.
    pub now: i64,
    /// The same for people.
    pub iso: String,
    /// Does it stand still?
    pub frozen: bool,
    /// How far it is from the system's.
    pub offset_seconds: i64,
}

impl State {
    fn now(&self) -> UnixMillis {
        self.frozen_at.unwrap_or_else(|| UnixMillis(SystemClock.now().0.saturating_add(self.offset)))
    }

    fn freeze(&mut self) {
        self.frozen_at = Some(self.now());
    }

    fn unfreeze(&mut self) {
        if let Some(at) = self.frozen_at.take() {
            self.offset = at.0.saturating_sub(SystemClock.now().0);
        }
    }

    fn set(&mut self, wanted: i64) -> Result<(), OutOfRange> {
        if !RANGE.contains(&wanted) {
            return Err(OutOfRange);
        }
        let ahead = wanted.saturating_sub(self.now().0);
        self.skipped = self.skipped.saturating_add(Duration::from_millis(u64::try_from(ahead).unwrap_or_default()));
        match &mut self.frozen_at {
            Some(at) => *at = UnixMillis(wanted),
            None => self.offset = self.offset.saturating_add(ahead),
        }
        Ok(())
    }
}

impl DrivenClock {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes with the system's again.
    pub fn reset(&self) {
        let mut state = self.state();
        // What has passed has passed: whoever measures how long something took must not see time run back.
        *state = State { skipped: state.skipped, ..State::default() };
    }

    /// Puts it to `now`; it stands or runs as before.
    ///
    /// # Errors
    /// If that is out of range.
    pub fn set(&self, now: UnixMillis) -> Result<(), OutOfRange> {
        self.state().set(now.0)
    }

    /// Makes it what `change` says, all of it or nothing.
    ///
    /// # Errors
    /// If the time is out of range.
    pub fn change(&self, change: ClockChange) -> Result<(), OutOfRange> {
        let mut state = self.state();
        // First, so that a clock that is stopped and set shows exactly what it was set to; on a copy, which may be thrown away.
        let mut next = *state;
        if change.frozen == Some(true) {
            next.freeze();
        }
        match change.time {
            Some(ClockTime::System) => next.set(SystemClock.now().0)?,
            Some(ClockTime::At(at)) => next.set(at.0)?,
            None => {}
        }
        if change.frozen == Some(false) {
            next.unfreeze();
        }
        *state = next;
        Ok(())
    }

    /// Moves it by `millis`; negative is back.
    ///
    /// # Errors
    /// If it would come out of range.
    pub fn advance(&self, millis: i64) -> Result<(), OutOfRange> {
        let mut state = self.state();
        let wanted = state.now().0.saturating_add(millis);
        state.set(wanted)
    }

    /// Stops it where it is.
    pub fn freeze(&self) {
        self.state().freeze();
    }

    /// Lets it run on from where it is.
    pub fn unfreeze(&self) {
        self.state().unfreeze();
    }

    /// What it shows.
    pub fn read(&self) -> ClockReading {
        let state = self.state();
        let now = state.now();
        let seconds = now.floor_seconds();
        ClockReading {
            now: seconds,
            iso: Timestamp::from_second(seconds).unwrap_or_default().to_string(),
            frozen: state.frozen_at.is_some(),
            offset_seconds: now.0.saturating_sub(SystemClock.now().0).saturating_add(500).div_euclid(1000),
        }
    }
}

impl Clock for DrivenClock {
    fn now(&self) -> UnixMillis {
        self.state().now()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic().saturating_add(self.state().skipped)
    }
}

/// For the bundled resource API: what it keeps of the issuer's keys grows old by the same clock.
impl tokenhouse_verifier::Clock for DrivenClock {
    fn unix_seconds(&self) -> u64 {
        u64::try_from(self.now().floor_seconds()).unwrap_or_default()
    }

    fn elapsed(&self) -> Duration {
        self.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn a_clock_that_stands_moves_only_when_told() {
        let clock = DrivenClock::default();
        clock.freeze();
        clock.set(NOON).unwrap();
        assert_eq!(clock.now(), NOON);
        let before = clock.monotonic();
        clock.advance(90_000).unwrap();
        assert_eq!(clock.now(), UnixMillis(NOON.0 + 90_000));
        assert!(clock.monotonic() >= before + Duration::from_secs(90));
        clock.advance(-90_000).unwrap();
        assert_eq!(clock.now(), NOON);
        assert!(clock.monotonic() >= before + Duration::from_secs(90), "what has passed has passed");
        let reading = clock.read();
        assert_eq!((reading.now, reading.iso.as_str(), reading.frozen), (1_800_000_000, "2027-01-15T08:00:00Z", true));
    }

    #[test]
    fn a_clock_that_runs_again_goes_on_from_where_it_stood() {
        let clock = DrivenClock::default();
        clock.freeze();
        clock.set(NOON).unwrap();
        clock.unfreeze();
        assert!(clock.now() >= NOON && !clock.read().frozen);
        clock.reset();
        assert!(clock.now() <= SystemClock.now() && clock.read().offset_seconds == 0);
    }

    #[test]
    fn a_change_is_all_or_nothing() {
        let clock = DrivenClock::default();
        let wrong = Some(ClockTime::At(UnixMillis(-1)));
        assert_eq!(clock.change(ClockChange { time: wrong, frozen: Some(true) }), Err(OutOfRange));
        assert!(!clock.read().frozen);
        let noon = Some(ClockTime::At(NOON));
        clock.change(ClockChange { time: noon, frozen: Some(true) }).unwrap();
        assert_eq!((clock.now(), clock.read().frozen), (NOON, true));
        assert_eq!(clock.change(ClockChange { time: wrong, frozen: Some(false) }), Err(OutOfRange));
        assert_eq!((clock.now(), clock.read().frozen), (NOON, true));
        clock.change(ClockChange { time: Some(ClockTime::System), frozen: Some(false) }).unwrap();
        assert_eq!((clock.read().offset_seconds, clock.read().frozen), (0, false));
    }

    #[test]
    fn it_stays_in_range() {
        let clock = DrivenClock::default();
        assert_eq!(clock.set(UnixMillis(-1)), Err(OutOfRange));
        assert_eq!(clock.advance(i64::MAX), Err(OutOfRange));
        assert_eq!(clock.advance(i64::MIN), Err(OutOfRange));
        clock.set(UnixMillis(*RANGE.end())).unwrap();
        assert_eq!(clock.read().iso, "2499-12-31T23:59:59Z");
    }
}
