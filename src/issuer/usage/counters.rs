//! How often was each client answered, hour by hour? One short lock and a few additions for each request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::clock::UnixMillis;
use crate::store::{CountedHour, Counts, Store, StoreError, UnixHour};

/// Into how many parts the counters are divided, so that workers seldom wait for each other.
const PARTS: usize = 16;

/// How many hours of a client are kept apart while the store takes nothing. What comes after them is added to the last
/// one: less exact, but bounded, and nothing is lost.
const HOURS_APART: usize = 48;

/// Counters written in one transaction: others wait for the store meanwhile.
const BATCH: usize = 500;

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// With a token.
    Issued,
    /// With an error, before anybody proved to be the client.
    Refused,
    /// With an error, but the client had proved who it is.
    RefusedAfterProof,
    /// As the client wished, but without a token; it had proved who it is.
    Served,
}

/// Only ids of clients there are get here, so nobody can make this grow.
#[derive(Debug, Default)]
pub(super) struct Counters {
    parts: [Mutex<HashMap<Uuid, ClientCounters>>; PARTS],
    unattributed_refusals: AtomicU64,
}

#[derive(Debug)]
struct ClientCounters {
    current: Hour,
    /// Empty, and without memory, but for the turn of an hour and while the store takes nothing.
    earlier: Vec<Hour>,
}

#[derive(Clone, Copy, Debug)]
struct Hour {
    hour: UnixHour,
    counts: Counts,
    last_seen_at: Option<UnixMillis>,
}

impl Counters {
    pub(super) fn count(&self, client: Option<Uuid>, answered: Answered, now: UnixMillis) {
        let Some(client) = client else {
            self.unattributed_refusals.fetch_add(u64::from(answered == Answered::Refused), Ordering::Relaxed);
            // The time of a refusal must not tell that there is no such client: as much is looked up as for one that there is.
            let nobody = self.parts.first().map(|part| lock(part).contains_key(&Uuid::nil()));
            std::hint::black_box((nobody, UnixHour::of(now)));
            return;
        };
        let (issued, refused) = match answered {
            Answered::Issued => (1, 0),
            Answered::Refused | Answered::RefusedAfterProof => (0, 1),
            Answered::Served => (0, 0),
        };
        let last_seen_at = (answered != Answered::Refused).then_some(now);
        let counts = Counts { issued, refused };
        self.add(client, Hour { hour: UnixHour::of(now), counts, last_seen_at });
    }

    /// Writes the counters; what the store does not take is kept for the next time.
    pub(super) fn flush(&self, store: &Store, now: UnixMillis) -> Result<(), StoreError> {
        let counted = self.take();
        let mut written = Ok(());
        for batch in counted.chunks(BATCH) {
            if written.is_ok() {
                written = store.add_usage(batch);
            }
            if written.is_err() {
                // Should the connection have broken while it was committed, this batch is counted twice: better than
                // not at all.
                for row in batch {
                    self.put_back(row);
                }
            }
        }
        written?;
        self.flush_unattributed(store, now)
    }

    fn flush_unattributed(&self, store: &Store, now: UnixMillis) -> Result<(), StoreError> {
        let refused = self.unattributed_refusals.swap(0, Ordering::Relaxed);
        if refused == 0 {
            return Ok(());
        }
        store.add_unattributed_refusals(UnixHour::of(now), refused).inspect_err(|_| {
            self.unattributed_refusals.fetch_add(refused, Ordering::Relaxed);
        })
    }

    fn take(&self) -> Vec<CountedHour> {
        let mut taken = Vec::new();
        for part in &self.parts {
            for (client_row_id, ClientCounters { current, earlier }) in lock(part).drain() {
                let hours = earlier.into_iter().chain([current]);
                taken.extend(hours.map(|Hour { hour, counts, last_seen_at }| CountedHour {
                    client_row_id,
                    hour,
                    counts,
                    last_seen_at,
                }));
            }
        }
        taken
    }

    fn put_back(&self, row: &CountedHour) {
        let CountedHour { client_row_id, hour, counts, last_seen_at } = *row;
        self.add(client_row_id, Hour { hour, counts, last_seen_at });
    }

    fn add(&self, client: Uuid, more: Hour) {
        // The last bytes of an id are random.
        let number = usize::from(client.as_bytes().last().copied().unwrap_or_default()) % PARTS;
        let Some(part) = self.parts.get(number) else { return };
        match lock(part).entry(client) {
            std::collections::hash_map::Entry::Occupied(mut known) => known.get_mut().add(more),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(ClientCounters { current: more, earlier: Vec::new() });
            }
        }
    }
}

impl ClientCounters {
    fn add(&mut self, more: Hour) {
        if more.hour != self.current.hour {
            if let Some(known) = self.earlier.iter_mut().find(|known| known.hour == more.hour) {
                return known.add(more);
            }
            if self.earlier.len() < HOURS_APART {
                self.earlier.push(std::mem::replace(&mut self.current, more));
                return;
            }
        }
        self.current.add(more);
    }
}

impl Hour {
    fn add(&mut self, more: Self) {
        self.counts.issued = self.counts.issued.saturating_add(more.counts.issued);
        self.counts.refused = self.counts.refused.saturating_add(more.counts.refused);
        self.last_seen_at = self.last_seen_at.max(more.last_seen_at);
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Uuid = Uuid::from_u128(1);

    fn at_hour(hour: i64) -> UnixMillis {
        UnixMillis(hour * 3_600_000 + 5)
    }

    fn taken(counters: &Counters) -> Vec<(i64, u64, u64, Option<UnixMillis>)> {
        let mut rows = counters.take();
        rows.sort_by_key(|row| row.hour);
        rows.into_iter().map(|row| (row.hour.0, row.counts.issued, row.counts.refused, row.last_seen_at)).collect()
    }

    #[test]
    fn each_answer_is_counted_in_its_hour_and_only_proof_is_being_seen() {
        let counters = Counters::default();
        counters.count(Some(CLIENT), Answered::Refused, at_hour(1));
        counters.count(Some(CLIENT), Answered::Issued, at_hour(2));
        counters.count(Some(CLIENT), Answered::RefusedAfterProof, at_hour(3));
        counters.count(Some(CLIENT), Answered::Served, at_hour(4));
        counters.count(Some(CLIENT), Answered::Issued, at_hour(2));
        let expected =
            [(1, 0, 1, None), (2, 2, 0, Some(at_hour(2))), (3, 0, 1, Some(at_hour(3))), (4, 0, 0, Some(at_hour(4)))];
        assert_eq!(taken(&counters), expected);
        assert_eq!(taken(&counters), []);
    }

    #[test]
    fn nobody_is_one_number_whoever_is_claimed() {
        let counters = Counters::default();
        (0..1_000).for_each(|_| counters.count(None, Answered::Refused, at_hour(1)));
        assert_eq!(counters.unattributed_refusals.load(Ordering::Relaxed), 1_000);
        assert!(counters.take().is_empty());
    }

    #[test]
    fn a_long_outage_makes_the_hours_less_exact_but_loses_nothing() {
        let counters = Counters::default();
        (0..1_000).for_each(|hour| counters.count(Some(CLIENT), Answered::Issued, at_hour(hour)));
        let rows = taken(&counters);
        assert_eq!(rows.len(), HOURS_APART + 1);
        assert_eq!(rows.iter().map(|row| row.1).sum::<u64>(), 1_000);
        assert_eq!(rows.last().unwrap().3, Some(at_hour(999)));
    }
}
