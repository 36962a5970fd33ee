//! What is sent where, and at which pace?

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::outcome::Outcome;

/// After this time without a free connection a request of an open lane is given up.
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// When the next request is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// On each connection as soon as the answer before it is there.
    Closed,
    /// The same, until every request has been sent once.
    Once,
    /// At this interval, whatever the answers do: latencies count from the time that was meant.
    Every(Duration),
}

/// Requests for one server. They are sent in turn, from the first again after the last.
pub(crate) struct Lane<'a> {
    /// The server.
    pub(crate) address: SocketAddr,
    /// What is sent.
    pub(crate) requests: &'a [Vec<u8>],
    /// On how many connections.
    pub(crate) connections: usize,
    /// When.
    pub(crate) pace: Pace,
    /// Are the bodies of answers kept?
    pub(crate) keeps_bodies: bool,
}

impl<'a> Lane<'a> {
    /// A closed lane.
    pub(crate) const fn closed(address: SocketAddr, requests: &'a [Vec<u8>], connections: usize) -> Self {
        Self { address, requests, connections, pace: Pace::Closed, keeps_bodies: false }
    }

    /// The same at another pace.
    pub(crate) const fn at(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }
}

/// A lane under way.
pub(super) struct Running<'a> {
    pub(super) lane: Lane<'a>,
    /// Its connections without a request.
    pub(super) idle: Vec<usize>,
    pub(super) outcome: Outcome,
    next: usize,
    planned: u64,
    began: Instant,
    was_late: Option<u64>,
}

impl<'a> Running<'a> {
    pub(super) fn new(lane: Lane<'a>) -> Self {
        let outcome = Outcome::default();
        Self { lane, idle: Vec::new(), outcome, next: 0, planned: 0, began: Instant::now(), was_late: None }
    }

    /// Starts to count time.
    pub(super) fn begin(&mut self, now: Instant) {
        self.began = now;
    }

    /// The number of the request to send next, and since when it is due; none if none is due at `now`.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let since = match self.lane.pace {
            Pace::Once if self.next >= self.lane.requests.len() => return None,
            Pace::Closed | Pace::Once => now,
            Pace::Every(_) => {
                let due = self.due_at()?;
                if due > now {
                    return None;
                }
                self.planned += 1;
                due
            }
        };
        let number = self.next % self.lane.requests.len().max(1);
        self.next += 1;
        Some((number, since))
    }

    /// When the next request of an open lane is due.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let Pace::Every(interval) = self.lane.pace else { return None };
        Some(self.began + Duration::from_secs_f64(interval.as_secs_f64() * to_f64(self.planned)))
    }

    /// Notes what is due while no connection is free.
    pub(super) fn note_late(&mut self, now: Instant) {
        if self.due_at().is_some_and(|due| due <= now) && self.was_late != Some(self.planned) {
            self.was_late = Some(self.planned);
            self.outcome.late += 1;
        }
        while self.due_at().is_some_and(|due| due + LONGEST_DELAY <= now) {
            self.planned += 1;
            self.next += 1;
            self.outcome.unsent += 1;
        }
    }

    /// Is there nothing more to send, however long one waits?
    pub(super) fn is_through(&self) -> bool {
        self.lane.pace == Pace::Once && self.next >= self.lane.requests.len()
    }

    /// Notes an answer.
    pub(super) fn note(&mut self, number: usize, since: Instant, status: u16, retry_after: bool, body: &[u8]) {
        let now = Instant::now();
        self.outcome.note(status, now.saturating_duration_since(since), retry_after);
        self.outcome.wall = now.saturating_duration_since(self.began);
        if self.lane.keeps_bodies && status == 200 {
            self.outcome.bodies.push((number, body.to_vec()));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 requests")]
fn to_f64(count: u64) -> f64 {
    count as f64
}
