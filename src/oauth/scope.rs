//! What is a scope, and which characters may it hold? (RFC 6749 §3.3)

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::sync::Arc;

/// Longest scope value in characters; Auth0's limit, so that its exports fit.
pub const MAX_SCOPE_VALUE_LENGTH: usize = 280;

/// Is `byte` one that RFC 6749 Appendix A calls NQCHAR (`%x21 / %x23-5B / %x5D-7E`)?
pub(crate) const fn is_nqchar(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

/// One scope value: 1 to 280 characters of NQCHAR (RFC 6749 §3.3 `scope-token`), case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeValue(Arc<str>);

/// Why a text is not a scope value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a scope value is 1 to {MAX_SCOPE_VALUE_LENGTH} printable ASCII characters without space, quote or backslash (RFC 6749 section 3.3)"
)]
pub struct InvalidScopeValue;

impl ScopeValue {
    /// The value as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ScopeValue {
    type Err = InvalidScopeValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=MAX_SCOPE_VALUE_LENGTH).contains(&text.len());
        if fits && text.bytes().all(is_nqchar) { Ok(Self(text.into())) } else { Err(InvalidScopeValue) }
    }
}

impl Display for ScopeValue {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Scope values without repetition, in the order they were given. Clones share them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(Arc<[ScopeValue]>);

impl ScopeSet {
    /// Parses the `scope` parameter: values separated by single spaces (RFC 6749 §3.3).
    ///
    /// Runs of spaces and spaces at the ends are forgiven: real clients join lists carelessly.
    pub fn parse(parameter: &str) -> Result<Self, InvalidScopeValue> {
        parameter.split(' ').filter(|value| !value.is_empty()).map(str::parse).collect()
    }

    /// Is `value` one of these?
    pub fn contains(&self, value: &ScopeValue) -> bool {
        self.0.contains(value)
    }

    /// Is there no value at all?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values in order.
    pub fn iter(&self) -> std::slice::Iter<'_, ScopeValue> {
        self.0.iter()
    }

    /// Those of these values that are among `known`, and those that are not, both in the same order.
    pub fn divided_by<'a>(&self, known: impl Iterator<Item = &'a ScopeValue>) -> (Self, Self) {
        let known = Known::of(known);
        let (among, others): (Vec<_>, Vec<_>) = self.0.iter().cloned().partition(|value| known.contains(value));
        (Self(among.into()), Self(others.into()))
    }
}

impl FromIterator<ScopeValue> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = ScopeValue>>(values: I) -> Self {
        let mut seen = HashSet::new();
        let mut unique = Vec::new();
        for value in values {
            let is_new = if unique.len() < FEW {
                !unique.contains(&value)
            } else {
                if seen.is_empty() {
                    seen.extend(unique.iter().cloned());
                }
                seen.insert(value.clone())
            };
            if is_new {
                unique.push(value);
            }
        }
        Self(unique.into())
    }
}

/// Up to so many values are compared one by one; beyond, effort must not grow with the square of their number.
const FEW: usize = 16;

/// Values to look up others in.
enum Known<'a> {
    Few(Vec<&'a ScopeValue>),
    Many(HashSet<&'a ScopeValue>),
}

impl<'a> Known<'a> {
    fn of(values: impl Iterator<Item = &'a ScopeValue>) -> Self {
        let values: Vec<_> = values.collect();
        if values.len() <= FEW { Self::Few(values) } else { Self::Many(values.into_iter().collect()) }
    }

    fn contains(&self, value: &ScopeValue) -> bool {
        match self {
            Self::Few(values) => values.contains(&value),
            Self::Many(values) => values.contains(value),
        }
    }
}

impl<'a> IntoIterator for &'a ScopeSet {
    type Item = &'a ScopeValue;
    type IntoIter = std::slice::Iter<'a, ScopeValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Display for ScopeSet {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (index, value) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str(" ")?;
            }
            formatter.write_str(value.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_grammar_is_that_of_rfc_6749() {
        assert_eq!("list:users".parse::<ScopeValue>().unwrap().to_string(), "list:users");
        for bad in ["", "a b", "a\"b", "a\\b", "ä", "a\u{7f}", "a\nb"] {
            assert!(bad.parse::<ScopeValue>().is_err(), "{bad:?}");
        }
        assert!("x".repeat(MAX_SCOPE_VALUE_LENGTH + 1).parse::<ScopeValue>().is_err());
    }

    #[test]
    fn repeated_values_count_once_and_keep_their_order() {
        assert_eq!(ScopeSet::parse("b a  b ").unwrap().to_string(), "b a");
        assert!(ScopeSet::parse("").unwrap().is_empty());
        for count in [FEW - 1, FEW, FEW + 1, 3 * FEW] {
            let values: Vec<_> = (0..count).map(|number| format!("s{number}")).collect();
            let once = values.join(" ");
            assert_eq!(ScopeSet::parse(&format!("{once} {once}")).unwrap().to_string(), once);
        }
    }

    #[test]
    fn values_are_found_among_few_and_many() {
        let asked = ScopeSet::parse("x s0 y s1").unwrap();
        for count in [2, FEW, FEW + 1, 3 * FEW] {
            let known: Vec<_> = (0..count).map(|number| format!("s{number}").parse::<ScopeValue>().unwrap()).collect();
            let (among, others) = asked.divided_by(known.iter());
            assert_eq!((among.to_string().as_str(), others.to_string().as_str()), ("s0 s1", "x y"));
            assert!(among.contains(&known[1]) && !others.contains(&known[1]) && !among.is_empty());
        }
        assert_eq!((&asked).into_iter().map(ScopeValue::as_str).collect::<Vec<_>>(), ["x", "s0", "y", "s1"]);
    }

    proptest! {
        #[test]
        fn what_is_rendered_parses_to_the_same(values in prop::collection::vec("[!#-\\[\\]-~]{1,20}", 0..8)) {
            let set = ScopeSet::parse(&values.join(" ")).unwrap();
            prop_assert_eq!(ScopeSet::parse(&set.to_string()).unwrap(), set);
        }

        #[test]
        fn no_input_panics_and_nothing_outside_the_grammar_passes(text in any::<String>()) {
            if let Ok(set) = ScopeSet::parse(&text) {
                prop_assert!(set.iter().all(|value| value.as_str().bytes().all(is_nqchar)));
            }
        }
    }
}
