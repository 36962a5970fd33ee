//! How are durations counted without a lock, in a few nanoseconds each? In buckets with fixed bounds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bounds for answers to token requests.
pub const TOKEN_ANSWER: [Duration; 14] = microseconds([
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
]);

/// Bounds for signatures: from Ed25519 to RSA with 4096 bits on a busy machine.
pub const SIGNATURE: [Duration; 11] = microseconds([10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000]);

/// Bounds for work that takes tens of milliseconds.
pub const LONG_WORK: [Duration; 9] =
    microseconds([1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000]);

/// Bounds for one small query.
pub const STORE_ANSWER: [Duration; 12] =
    microseconds([50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 5_000_000]);

/// Counts durations. Whoever reads it while it counts may see one observation half: in its bucket, not yet in the total.
#[derive(Debug)]
pub struct DurationHistogram {
    bounds: &'static [Duration],
    /// One for each bound, and one for what is beyond the last.
    counts: Box<[AtomicU64]>,
    nanoseconds: AtomicU64,
}

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// The buckets: the longest duration that belongs into each, and how many were counted there.
    pub buckets: Vec<(Duration, u64)>,
    /// How many were longer than all of them.
    pub beyond: u64,
    /// All durations together.
    pub total: Duration,
}

impl DurationHistogram {
    /// Nothing counted yet, in buckets up to each of `bounds`, which ascend.
    pub fn new(bounds: &'static [Duration]) -> Self {
        let counts = std::iter::repeat_with(AtomicU64::default).take(bounds.len() + 1).collect();
        Self { bounds, counts, nanoseconds: AtomicU64::new(0) }
    }

    /// Counts one.
    pub fn observe(&self, duration: Duration) {
        let bucket = self.bounds.partition_point(|bound| *bound < duration);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Distribution {
        let mut read = Distribution::empty(self.bounds);
        self.add_to(&mut read);
        read
    }

    /// Adds what was counted so far to `sum`, which has the same bounds.
    pub fn add_to(&self, sum: &mut Distribution) {
        let slots = sum.buckets.iter_mut().map(|(_, count)| count).chain(std::iter::once(&mut sum.beyond));
        for (slot, count) in slots.zip(&self.counts) {
            *slot += count.load(Ordering::Relaxed);
        }
        sum.total += Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed));
    }
}

impl Distribution {
    /// Nothing.
    pub fn empty(bounds: &[Duration]) -> Self {
        Self { buckets: bounds.iter().map(|bound| (*bound, 0)).collect(), beyond: 0, total: Duration::ZERO }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum::<u64>() + self.beyond
    }

    /// What has been counted since `earlier`, an earlier reading of the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let pairs = self.buckets.iter().zip(&earlier.buckets);
        Self {
            buckets: pairs.map(|((bound, now), (_, before))| (*bound, now.saturating_sub(*before))).collect(),
            beyond: self.beyond.saturating_sub(earlier.beyond),
            total: self.total.saturating_sub(earlier.total),
        }
    }

    /// How long those took at most that were among the fastest `thousandths`; none if none were counted.
    pub fn quantile(&self, thousandths: u64) -> Option<Quantile> {
        let wanted = self.count().checked_mul(thousandths)?.div_ceil(1000);
        if wanted == 0 {
            return None;
        }
        let mut counted = 0;
        let within = self.buckets.iter().find(|(_, count)| {
            counted += count;
            counted >= wanted
        });
        match (within, self.buckets.last()) {
            (Some((bound, _)), _) => Some(Quantile::Within(*bound)),
            (None, last) => last.map(|(longest, _)| Quantile::Beyond(*longest)),
        }
    }
}

/// Between which bounds a quantile lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantile {
    /// No longer than this.
    Within(Duration),
    /// Longer than this, the last bound that there is.
    Beyond(Duration),
}

const fn microseconds<const N: usize>(bounds: [u64; N]) -> [Duration; N] {
    let mut durations = [Duration::ZERO; N];
    let mut index = 0;
    while index < N {
        #[expect(clippy::indexing_slicing, reason = "a constant: were it out of bounds, it would not compile")]
        {
            durations[index] = Duration::from_micros(bounds[index]);
        }
        index += 1;
    }
    durations
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [Duration; 2] = microseconds([10, 100]);

    #[test]
    fn each_duration_is_counted_in_the_first_bucket_that_holds_it() {
        let histogram = DurationHistogram::new(&BOUNDS);
        for microseconds in [0, 10, 11, 100, 101, 5_000] {
            histogram.observe(Duration::from_micros(microseconds));
        }
        let read = histogram.read();
        assert_eq!(read.buckets, [(BOUNDS[0], 2), (BOUNDS[1], 2)]);
        assert_eq!((read.beyond, read.count(), read.total), (2, 6, Duration::from_micros(5_222)));
        let mut sum = histogram.read();
        histogram.add_to(&mut sum);
        assert_eq!((sum.count(), sum.total), (12, 2 * read.total));
    }

    #[test]
    fn a_quantile_is_the_bound_of_the_bucket_in_which_it_lies() {
        let histogram = DurationHistogram::new(&BOUNDS);
        assert_eq!(histogram.read().quantile(500), None);
        for _ in 0..98 {
            histogram.observe(Duration::from_micros(5));
        }
        let before = histogram.read();
        histogram.observe(Duration::from_micros(50));
        histogram.observe(Duration::from_micros(500));
        let read = histogram.read();
        assert_eq!(read.quantile(500), Some(Quantile::Within(BOUNDS[0])));
        assert_eq!(read.quantile(990), Some(Quantile::Within(BOUNDS[1])));
        assert_eq!(read.quantile(1000), Some(Quantile::Beyond(BOUNDS[1])));
        let since = read.since(&before);
        assert_eq!((since.count(), since.quantile(500)), (2, Some(Quantile::Within(BOUNDS[1]))));
    }

    #[test]
    fn the_bounds_ascend() {
        for bounds in [&TOKEN_ANSWER[..], &SIGNATURE, &LONG_WORK, &STORE_ANSWER] {
            assert!(bounds.is_sorted() && bounds[0] > Duration::ZERO, "{bounds:?}");
        }
    }
}
