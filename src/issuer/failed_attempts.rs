//! How often has somebody failed to prove that they are this client, and how long must they wait? (RFC 6749 §2.3.1, RFC 6819 §4.4.3.6)
//!
//! Counted for each client id, whether there is such a client or not, and each network it is claimed from: nobody is locked out by
//! strangers elsewhere. Only failures wait. What proves right without a slow check is never refused for what others have done.

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use moka::ops::compute::Op;
use moka::sync::Cache;

use crate::clock::UnixMillis;

/// How many clients and networks are told apart; of more, those that failed least are forgotten. About 10 MB.
const REMEMBERED: u64 = 100_000;

/// After so long without a failure, all of them are forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(15);

/// The longest that anybody is told to wait, in seconds.
const LONGEST_WAIT: i64 = 60;

/// Who claims to be which client: the client id by a keyed hash, and the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claimant {
    client: u64,
    network: Option<Network>,
}

/// A network whose addresses one person commonly has at hand: 256 of IPv4, a /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 3]),
    V6([u16; 4]),
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    wait_until: UnixMillis,
}

impl Failures {
    fn wait(self, now: UnixMillis) -> Option<u32> {
        let left = self.wait_until.0.saturating_sub(now.0);
        // A clock that was put back makes nobody wait for longer.
        (left > 0).then(|| u32::try_from(left.min(LONGEST_WAIT * 1000).div_euclid(1000) + 1).unwrap_or(1))
    }
}

/// Who must wait that claims to be one client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// From how many networks.
    pub networks: usize,
    /// For how many seconds at most.
    pub longest: Option<u32>,
}

/// The failures of late, bounded.
#[derive(Debug)]
pub struct FailedAttempts {
    hashing: RandomState,
    /// How many may fail before anybody waits; `None`: any number.
    free: Option<u32>,
    counted: Cache<Claimant, Failures>,
}

impl FailedAttempts {
    /// Lets `free` attempts fail before the next must wait; 0 lets any number.
    pub fn new(free: u32) -> Self {
        let counted = Cache::builder().max_capacity(REMEMBERED).time_to_idle(FORGOTTEN_AFTER).build();
        Self { hashing: RandomState::new(), free: (free > 0).then_some(free), counted }
    }

    /// Somebody at `address` who claims to be `client_id`.
    pub fn claimant(&self, client_id: &str, address: Option<IpAddr>) -> Claimant {
        Claimant { client: self.hashing.hash_one(client_id), network: address.map(Network::from) }
    }

    /// Counts one more failure of `claimant`, unless it must wait. Then nothing is counted: it is not made to wait longer for it, and
    /// whoever comes next is let try.
    ///
    /// # Errors
    /// For how many seconds it must wait.
    pub fn count(&self, claimant: Claimant, now: UnixMillis) -> Result<(), u32> {
        let Some(free) = self.free else { return Ok(()) };
        let mut must_wait = None;
        self.counted.entry(claimant).and_upsert_with(|known| {
            let known = known.map_or(Failures { count: 0, wait_until: now }, |entry| entry.into_value());
            must_wait = known.wait(now);
            if must_wait.is_some() {
                return known;
            }
            let count = known.count.saturating_add(1);
            // 1, 2, 4 … seconds.
            let seconds = count.checked_sub(free + 1).map_or(0, |beyond| 1_i64 << beyond.min(30)).min(LONGEST_WAIT);
            Failures { count, wait_until: now.plus_seconds(seconds) }
        });
        must_wait.map_or(Ok(()), Err)
    }

    /// From how many networks those that claim to be `client_id` must wait at `now`, for whoever looks for the cause.
    pub fn waiting(&self, client_id: &str, now: UnixMillis) -> Waiting {
        let client = self.hashing.hash_one(client_id);
        let of_client = self.counted.iter().filter(|(claimant, _)| claimant.client == client);
        of_client.filter_map(|(_, failures)| failures.wait(now)).fold(Waiting::default(), |waiting, seconds| Waiting {
            networks: waiting.networks + 1,
            longest: waiting.longest.max(Some(seconds)),
        })
    }

    /// Have so many attempts of `claimant` failed that the next one is not free?
    fn is_suspect(&self, claimant: &Claimant) -> bool {
        self.free.is_some_and(|free| self.counted.get(claimant).is_some_and(|failures| failures.count > free))
    }

    /// Takes back one failure of `claimant` that was counted before it was known.
    fn uncount(&self, claimant: Claimant) {
        self.counted.entry(claimant).and_compute_with(|known| match known.map(|entry| entry.into_value()) {
            Some(known) if known.count > 1 => {
                Op::Put(Failures { count: known.count - 1, wait_until: UnixMillis(i64::MIN) })
            }
            Some(_) => Op::Remove,
            None => Op::Nop,
        });
    }

    /// `claimant` has proved to be that client.
    pub fn forget(&self, claimant: &Claimant) {
        if self.counted.contains_key(claimant) {
            self.counted.invalidate(claimant);
        }
    }
}

/// The turn of one request to have a secret checked slowly. Once too many have failed it counts as a failure from the moment that it is
/// taken until it proves right, or else many could be tried at the end of a wait. Before that, any number may come at the same time:
/// they may all be right.
#[derive(Debug)]
pub struct SlowTurn<'a> {
    attempts: &'a FailedAttempts,
    claimant: Option<Claimant>,
    now: UnixMillis,
    taken: Cell<bool>,
}

impl<'a> SlowTurn<'a> {
    /// The turn of `claimant`, which nobody has taken yet.
    pub const fn new(attempts: &'a FailedAttempts, claimant: Option<Claimant>, now: UnixMillis) -> Self {
        Self { attempts, claimant, now, taken: Cell::new(false) }
    }

    /// Takes it; a request that tries two readings of its secret takes one.
    ///
    /// # Errors
    /// For how many seconds its claimant must wait.
    pub fn take(&self) -> Result<(), u32> {
        if let Some(claimant) = self.claimant.filter(|claimant| !self.taken.get() && self.attempts.is_suspect(claimant))
        {
            self.attempts.count(claimant, self.now)?;
            self.taken.set(true);
        }
        Ok(())
    }

    /// Gives it back: nothing was checked.
    pub fn give_back(&self) {
        if let Some(claimant) = self.claimant.filter(|_| self.taken.take()) {
            self.attempts.uncount(claimant);
        }
    }

    /// Has it been taken, so that a failure is counted already?
    pub fn is_taken(&self) -> bool {
        self.taken.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    fn wait(attempts: &FailedAttempts, claimant: Claimant, now: UnixMillis) -> Option<u32> {
        attempts.counted.get(&claimant)?.wait(now)
    }

    #[test]
    fn after_the_free_ones_waits_double_up_to_a_minute() {
        let attempts = FailedAttempts::new(3);
        let claimant = attempts.claimant("c", Some(at("192.0.2.1")));
        let mut now = NOW;
        for _ in 0..3 {
            assert_eq!(wait(&attempts, claimant, now), None);
            let _ = attempts.count(claimant, now);
        }
        let mut waits = Vec::new();
        for _ in 0..9 {
            assert_eq!(wait(&attempts, claimant, now), None, "the wait is over");
            let _ = attempts.count(claimant, now);
            // While it lasts, failures change nothing.
            let _ = attempts.count(claimant, now);
            waits.push(wait(&attempts, claimant, now).unwrap() - 1);
            now = now.plus_seconds(i64::from(*waits.last().unwrap()));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let _ = attempts.count(claimant, now);
        assert_eq!(wait(&attempts, claimant, NOW), Some(61), "a clock that was put back does not lock anybody out");
        attempts.forget(&claimant);
        assert_eq!(wait(&attempts, claimant, now), None);
    }

    #[test]
    fn many_may_come_at_the_same_time_until_too_many_have_failed_and_then_one_at_the_end_of_each_wait() {
        let attempts = FailedAttempts::new(3);
        let claimant = attempts.claimant("c", None);
        let turn = |now| SlowTurn::new(&attempts, Some(claimant), now);
        for _ in 0..100 {
            let free = turn(NOW);
            assert_eq!((free.take(), free.is_taken()), (Ok(()), false), "all may be right");
        }
        for _ in 0..4 {
            let _ = attempts.count(claimant, NOW);
        }
        assert!(turn(NOW).take().is_err());
        let after = NOW.plus_seconds(1);
        let turns: Vec<_> = (0..10).map(|_| turn(after)).collect();
        let taken: Vec<_> = turns.iter().map(|turn| turn.take().is_ok()).collect();
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
        assert_eq!(turns.iter().map(SlowTurn::is_taken).collect::<Vec<_>>(), taken);
        assert_eq!(turns[0].take(), Ok(()), "once for both readings of a secret");
        turns[0].give_back();
        turns[0].give_back();
        let again = turn(after);
        assert_eq!(again.take(), Ok(()), "nothing was checked for the first");
        assert!(turn(after).take().is_err());
        assert_eq!(SlowTurn::new(&attempts, None, NOW).take(), Ok(()));
    }

    #[test]
    fn others_do_not_wait() {
        let attempts = FailedAttempts::new(1);
        for _ in 0..5 {
            let _ = attempts.count(attempts.claimant("c", Some(at("192.0.2.1"))), NOW);
            let _ = attempts.count(attempts.claimant("c", Some(at("2001:db8:1:2::1"))), NOW);
        }
        let waits = |client, address| wait(&attempts, attempts.claimant(client, Some(at(address))), NOW).is_some();
        for near in ["192.0.2.1", "192.0.2.254", "::ffff:192.0.2.7", "2001:db8:1:2:ffff::1"] {
            assert!(waits("c", near), "{near}");
            assert!(!waits("d", near), "{near}");
        }
        for far in ["192.0.3.1", "198.51.100.1", "2001:db8:1:3::1", "::1"] {
            assert!(!waits("c", far), "{far}");
        }
        assert_eq!(wait(&attempts, attempts.claimant("c", None), NOW), None);
    }

    #[test]
    fn who_waits_is_told_by_the_client_that_is_claimed() {
        let attempts = FailedAttempts::new(1);
        assert_eq!(attempts.waiting("c", NOW), Waiting::default());
        for (address, failures) in [("192.0.2.1", 2), ("198.51.100.1", 3), ("203.0.113.1", 1)] {
            let mut now = NOW;
            for _ in 0..failures {
                let _ = attempts.count(attempts.claimant("c", Some(at(address))), now);
                now = now.plus_seconds(1);
            }
        }
        attempts.counted.run_pending_tasks();
        let waiting = attempts.waiting("c", NOW);
        assert_eq!((waiting.networks, waiting.longest.is_some(), attempts.waiting("d", NOW).networks), (2, true, 0));
    }

    #[test]
    fn without_a_limit_nobody_waits() {
        let attempts = FailedAttempts::new(0);
        let claimant = attempts.claimant("c", None);
        for _ in 0..1_000 {
            let _ = attempts.count(claimant, NOW);
        }
        assert_eq!(wait(&attempts, claimant, NOW), None);
    }

    #[test]
    fn memory_is_bounded() {
        let attempts = FailedAttempts::new(1);
        for number in 0..REMEMBERED * 2 {
            let _ = attempts.count(attempts.claimant(&number.to_string(), None), NOW);
        }
        attempts.counted.run_pending_tasks();
        assert!(attempts.counted.entry_count() <= REMEMBERED, "{}", attempts.counted.entry_count());
    }
}
