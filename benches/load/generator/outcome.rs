//! What came of a lane: how many answers of each status, and how long did they take?

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest latency that is told apart, in nanoseconds.
const LONGEST: u64 = 120_000_000_000;

/// What came of a lane.
#[derive(Default)]
pub(crate) struct Outcome {
    /// From the first request to the last answer.
    pub(crate) wall: Duration,
    /// The answers by status.
    pub(crate) answers: BTreeMap<u16, Answers>,
    /// The bodies of the answers of status 200, where they were asked for, each with the number of its request.
    pub(crate) bodies: Vec<(usize, Vec<u8>)>,
    /// Requests that were not sent at their time because every connection was busy.
    pub(crate) late: u64,
    /// Requests that were never sent because every connection stayed busy for a second.
    pub(crate) unsent: u64,
    /// Connections that the server ended, or answers that never came.
    pub(crate) broken: u64,
}

/// The answers of one status.
pub(crate) struct Answers {
    /// How many told when to come back.
    pub(crate) retry_after: u64,
    latencies: Histogram<u64>,
}

impl Answers {
    fn new() -> Option<Self> {
        let latencies = Histogram::new_with_bounds(1000, LONGEST, 3).ok()?;
        Some(Self { retry_after: 0, latencies })
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.latencies.len()
    }

    /// The latency that this share of the answers did not exceed; for an open lane from the time that was meant.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        Duration::from_nanos(self.latencies.value_at_quantile(share))
    }
}

impl Outcome {
    /// Notes an answer.
    pub(super) fn note(&mut self, status: u16, latency: Duration, retry_after: bool) {
        let entry = match self.answers.entry(status) {
            std::collections::btree_map::Entry::Occupied(entry) => Some(entry.into_mut()),
            std::collections::btree_map::Entry::Vacant(entry) => Answers::new().map(|answers| entry.insert(answers)),
        };
        if let Some(answers) = entry {
            answers.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LONGEST));
            answers.retry_after += u64::from(retry_after);
        }
    }

    /// How many answers had this status.
    pub(crate) fn count(&self, status: u16) -> u64 {
        self.answers.get(&status).map_or(0, Answers::count)
    }

    /// How many answers there were at all.
    pub(crate) fn total(&self) -> u64 {
        self.answers.values().map(Answers::count).sum()
    }

    /// A latency of the answers of `status`, in milliseconds; none without such an answer.
    pub(crate) fn millis(&self, status: u16, share: f64) -> Option<f64> {
        let answers = self.answers.get(&status).filter(|answers| answers.count() > 0)?;
        Some(answers.quantile(share).as_secs_f64() * 1000.0)
    }

    /// # Errors
    /// If anything but answers of status 200 came.
    pub(crate) fn all_ok(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.broken == 0, "{} connections broke", self.broken);
        let other = self.answers.iter().find(|(status, answers)| **status != 200 && answers.count() > 0);
        match other {
            Some((status, answers)) => anyhow::bail!("{} answers had status {status}", answers.count()),
            None if self.total() == 0 => anyhow::bail!("no answer came"),
            None => Ok(()),
        }
    }
}
