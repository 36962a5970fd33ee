//! How is a moment written for people? In UTC; the script rewrites it to the reader's zone.

use jiff::Timestamp;

use crate::clock::UnixMillis;

/// A moment as a page shows it: `parts::time` and `parts::when` write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instant {
    /// For machines: `2026-11-30T21:48:00Z`.
    pub rfc3339: String,
    /// For people: `2026-11-30 21:48 UTC`.
    pub utc: String,
    /// How far away: "in 3 days"; empty: that is not said.
    pub words: String,
}

impl Instant {
    /// The moment `at`.
    pub(super) fn at(at: UnixMillis) -> Self {
        let time = Timestamp::from_second(at.floor_seconds()).unwrap_or(if at.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        Self { rfc3339: time.to_string(), utc: time.strftime("%Y-%m-%d %H:%M UTC").to_string(), words: String::new() }
    }

    /// The moment `at` and how far it is from `now`.
    pub(super) fn near(at: UnixMillis, now: UnixMillis) -> Self {
        Self { words: distance(at, now), ..Self::at(at) }
    }

    /// The day alone, in UTC: `2026-11-30`.
    pub(super) fn day(&self) -> &str {
        self.utc.split(' ').next().unwrap_or_default()
    }
}

/// The day of `at` in UTC, as `30 Nov`.
pub(super) fn short_day(at: UnixMillis) -> String {
    Timestamp::from_second(at.floor_seconds()).map(|time| time.strftime("%-d %b").to_string()).unwrap_or_default()
}

/// How far `at` is from `now`, "in 3 days", "2 hours ago": to the nearest unit, so that what was set for two hours is in two hours.
pub(super) fn distance(at: UnixMillis, now: UnixMillis) -> String {
    let seconds = at.floor_seconds().saturating_sub(now.floor_seconds());
    if seconds.unsigned_abs() < 60 {
        return if seconds <= 0 { "just now" } else { "in less than a minute" }.to_owned();
    }
    let length = told(seconds.unsigned_abs(), |length, unit| length.saturating_add(unit / 2) / unit);
    if seconds < 0 { format!("{length} ago") } else { format!("in {length}") }
}

/// A length of time in whole units, rounded down: "36 hours", "3 days". Of the long ones it takes two to be told by.
pub(super) fn duration(seconds: u64) -> String {
    told(seconds, |length, unit| length / unit)
}

/// `seconds` in the longest unit by which it is told, of which there are as many as `count` says.
fn told(seconds: u64, count: fn(u64, u64) -> u64) -> String {
    const UNITS: [(&str, u64, u64); 5] =
        [("year", 31_557_600, 2), ("month", 2_629_800, 2), ("day", 86_400, 2), ("hour", 3_600, 1), ("minute", 60, 1)];
    let unit = UNITS.into_iter().find(|(_, length, least)| seconds >= length * least);
    let (unit, length, _) = unit.unwrap_or(("second", 1, 1));
    match count(seconds, length) {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_796_075_280_000);

    #[test]
    fn writes_a_moment_for_machines_and_for_people() {
        let instant = Instant::at(NOW);
        assert_eq!(instant.rfc3339, "2026-11-30T21:48:00Z");
        assert_eq!(instant.utc, "2026-11-30 21:48 UTC");
        assert_eq!(instant.words, "");
        assert_eq!((instant.day(), short_day(NOW).as_str()), ("2026-11-30", "30 Nov"));
    }

    #[test]
    fn says_how_far_away_it_is() {
        let words = |seconds| Instant::near(NOW.plus_seconds(seconds), NOW).words;
        assert_eq!(words(3 * 86_400 + 5), "in 3 days");
        assert_eq!(words(-7_300), "2 hours ago");
        assert_eq!(words(-60), "1 minute ago");
        assert_eq!((words(-5).as_str(), words(0).as_str()), ("just now", "just now"));
        assert_eq!(words(30), "in less than a minute");
        assert_eq!(words(800 * 86_400), "in 2 years");
        assert_eq!(words(59 * 86_400), "in 59 days");
        assert_eq!(words(-47 * 3_600), "47 hours ago");
        assert_eq!((words(7_199).as_str(), words(90 * 86_400 - 1).as_str()), ("in 2 hours", "in 3 months"));
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        for end in [i64::MIN, i64::MAX] {
            assert!(!Instant::near(UnixMillis(end), NOW).utc.is_empty());
        }
    }
}
