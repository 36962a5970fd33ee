//! How is an instant written? In UTC (RFC 3339 §5.6)

use jiff::Timestamp;

use crate::clock::UnixMillis;

/// `instant` for an answer. What lies beyond the year 9999 is written as its last second.
pub(super) fn from_millis(instant: UnixMillis) -> Timestamp {
    Timestamp::from_millisecond(instant.0).unwrap_or(Timestamp::MAX)
}

/// The same for the `NumericDate` of a token (RFC 7519 §2).
pub(super) fn from_seconds(seconds: u64) -> Timestamp {
    i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc() {
        assert_eq!(from_millis(UnixMillis(1_800_000_000_123)).to_string(), "2027-01-15T08:00:00.123Z");
        assert_eq!(from_seconds(1_800_000_000).to_string(), "2027-01-15T08:00:00Z");
        assert!(from_seconds(u64::MAX).to_string().starts_with("9999-12-3"));
    }
}
