//! Which request is it? An id that the caller may choose and finds in the answer, in the log and in the audit trail.

use std::fmt::{self, Display, Formatter};

use crate::clock::{Clock as _, SystemClock};
use crate::entropy::{SystemEntropy, new_uuid};

/// Longest id that is taken from a caller, in characters.
const MAX_LENGTH: usize = 64;

/// The id of a request: 1 to 64 characters of `[A-Za-z0-9._-]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The caller's id, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_LENGTH).contains(&text.len());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        (fits && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// A fresh id.
    pub fn generate() -> Self {
        Self(new_uuid(SystemClock.now(), &SystemEntropy).to_string())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for RequestId {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_ids_are_taken_from_callers() {
        assert!(RequestId::parse("abc-1.2_3").is_some());
        for bad in ["", "a b", "a\nb", "ä", "a\"b", &"x".repeat(65)] {
            assert!(RequestId::parse(bad).is_none(), "{bad:?}");
        }
        assert!(RequestId::parse(RequestId::generate().as_str()).is_some());
    }
}
