//! How are figures drawn? As SVG written here, of attributes and classes only, each with its figures as a table.
//!
//! A page holds a plot as a field and writes it as `{{ plot }}`.

mod bars;
mod timeline;

use std::fmt::{self, Display, Formatter};

pub(super) use bars::{Bar, Bars};
pub(super) use timeline::{KeyLife, KeyTimeline};

/// A share of a width or a height, in thousandths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Percent(u64);

impl Percent {
    const WHOLE: u64 = 100_000;

    /// What `part` is of `whole`; no more than all of it, and nothing of nothing.
    fn of(part: u64, whole: u64) -> Self {
        let share = (u128::from(part) * u128::from(Self::WHOLE)).checked_div(u128::from(whole)).unwrap_or_default();
        Self(u64::try_from(share).unwrap_or(Self::WHOLE).min(Self::WHOLE))
    }

    fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Display for Percent {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:03}%", self.0 / 1000, self.0 % 1000)
    }
}

/// The figure with its thousands set apart: `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The end of an axis that reaches `most`: 1, 2 or 5 times a power of ten.
fn axis_end(most: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for step in [1, 2, 5] {
            match power.checked_mul(step) {
                Some(end) if end < most => {}
                Some(end) => return end,
                None => return u64::MAX,
            }
        }
        let Some(next) = power.checked_mul(10) else { return u64::MAX };
        power = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number() {
        let ends = [0, 1, 3, 10, 11, 499, u64::MAX].map(axis_end);
        assert_eq!(ends, [1, 1, 5, 10, 20, 500, u64::MAX]);
    }

    #[test]
    fn figures_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_share_is_never_more_than_the_whole() {
        assert_eq!(Percent::of(1, 8).to_string(), "12.500%");
        assert_eq!(Percent::of(u64::MAX, u64::MAX).to_string(), "100.000%");
        assert_eq!((Percent::of(3, 0), Percent::of(9, 3)), (Percent(0), Percent(100_000)));
    }
}
