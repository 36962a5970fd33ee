//! What do the rounds say together? Their median, and how far they lie apart.

use serde::{Deserialize, Serialize};

/// A figure of every round.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// The middle of the rounds.
    pub(crate) median: f64,
    /// A quarter of the rounds lies below.
    pub(crate) low: f64,
    /// A quarter of the rounds lies above.
    pub(crate) high: f64,
}

/// The median and the quartiles; none of no rounds.
pub(crate) fn spread(rounds: &[f64]) -> Option<Spread> {
    let mut sorted: Vec<f64> = rounds.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    Some(Spread { median: at(&sorted, 2)?, low: at(&sorted, 1)?, high: at(&sorted, 3)? })
}

/// The median; not a number for no rounds.
pub(crate) fn median(rounds: &[f64]) -> f64 {
    spread(rounds).map_or(f64::NAN, |spread| spread.median)
}

/// The given quarter of sorted values, between two of them where it falls there.
fn at(sorted: &[f64], quarter: usize) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? * quarter;
    let (below, part) = (place / 4, place % 4);
    let first = sorted.get(below)?;
    let second = sorted.get(below + 1).unwrap_or(first);
    Some(first + (second - first) * f64::from(u8::try_from(part).ok()?) / 4.0)
}

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^52")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}
