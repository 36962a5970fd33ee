//! What may an issuer in a process of many be called? A name that stands in URLs as it is (RFC 3986 §2.3)

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Longest name in characters.
const MAX_LENGTH: usize = 64;

/// The name of an issuer: 1 to 64 of `A–Z a–z 0–9 . _ ~ -`, and neither `.` nor `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerName(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of an issuer is 1 to {MAX_LENGTH} characters from A-Z a-z 0-9 . _ ~ - and neither . nor ..")]
pub struct InvalidIssuerName;

impl IssuerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IssuerName {
    type Err = InvalidIssuerName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
        let fits = (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(unreserved);
        // Clients resolve these two before they send the path (RFC 3986 §5.2.4).
        if fits && !matches!(text, "." | "..") { Ok(Self(text.to_owned())) } else { Err(InvalidIssuerName) }
    }
}

impl Display for IssuerName {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_needs_no_encoding_in_a_path() {
        for good in ["a", "checkout-1", "A.b_c~d", "..."] {
            assert_eq!(good.parse::<IssuerName>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "a/b", "a b", "%41", "ü", &"x".repeat(65)] {
            assert_eq!(bad.parse::<IssuerName>(), Err(InvalidIssuerName), "{bad}");
        }
    }
}
