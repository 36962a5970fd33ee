//! How were calls of the Management API answered?

use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::StatusCode;

/// The classes of HTTP status that an answer can have (RFC 9110 §15).
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// Answers since the start, by their class of status.
#[derive(Debug, Default)]
pub struct AnswerCounts {
    classes: [AtomicU64; CLASSES.len()],
    throttled: AtomicU64,
}

impl AnswerCounts {
    pub(super) fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).checked_sub(2);
        if let Some(count) = class.and_then(|class| self.classes.get(class)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    /// Each class, and how many answers it had.
    pub fn by_class(&self) -> impl Iterator<Item = (&'static str, u64)> {
        CLASSES.into_iter().zip(&self.classes).map(|(class, count)| (class, count.load(Ordering::Relaxed)))
    }

    /// How many calls were refused because their client made too many.
    pub fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_their_class() {
        let counts = AnswerCounts::default();
        for status in [200, 204, 304, 429, 404, 500, 100] {
            counts.count(StatusCode::from_u16(status).unwrap());
        }
        let counted: Vec<_> = counts.by_class().collect();
        assert_eq!(counted, [("2xx", 2), ("3xx", 1), ("4xx", 2), ("5xx", 1)]);
    }
}
