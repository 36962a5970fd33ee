//! Who sends when, and what came of it? One event loop over the connections of all lanes.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mio::{Events, Poll, Token};

use super::connection::Connection;
use super::lane::{Lane, Pace, Running};
use super::outcome::Outcome;

/// How long answers that are still due may take after the end.
const DRAIN: Duration = Duration::from_secs(10);

/// Lanes with their connections open.
pub(crate) struct Load<'a> {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    lanes: Vec<Running<'a>>,
}

impl<'a> Load<'a> {
    /// Connects every connection of every lane.
    ///
    /// # Errors
    /// If a server does not take it.
    pub(crate) fn open(lanes: Vec<Lane<'a>>) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::new();
        let mut running: Vec<Running<'a>> = lanes.into_iter().map(Running::new).collect();
        for (index, run) in running.iter_mut().enumerate() {
            for _ in 0..run.lane.connections {
                let number = connections.len();
                let opened = Connection::open(run.lane.address, index, poll.registry(), Token(number));
                connections.push(opened.with_context(|| format!("cannot connect to {}", run.lane.address))?);
                run.idle.push(number);
            }
        }
        Ok(Self { poll, events: Events::with_capacity(1024), connections, lanes: running })
    }

    /// Sends for `duration`, then waits for the answers that are due.
    ///
    /// # Errors
    /// If the operating system does not tell of events.
    pub(crate) fn run(mut self, duration: Duration) -> anyhow::Result<Vec<Outcome>> {
        let began = Instant::now();
        let end = began + duration;
        for lane in &mut self.lanes {
            lane.begin(began);
        }
        loop {
            let now = Instant::now();
            if now >= end || self.lanes.iter().all(|lane| lane.is_through()) {
                break;
            }
            self.send_due(now);
            self.turn(end)?;
        }
        let last = Instant::now() + DRAIN;
        while self.connections.iter().any(|connection| connection.under_way.is_some()) && Instant::now() < last {
            self.turn(began)?;
        }
        for connection in self.connections.iter().filter(|connection| connection.under_way.is_some()) {
            if let Some(lane) = self.lanes.get_mut(connection.lane) {
                lane.outcome.broken += 1;
            }
        }
        Ok(self.lanes.into_iter().map(|lane| lane.outcome).collect())
    }

    fn send_due(&mut self, now: Instant) {
        for index in 0..self.lanes.len() {
            while self.send_next(index, now) {}
        }
    }

    /// Sends the next request of a lane if one is due and a connection is free.
    fn send_next(&mut self, index: usize, now: Instant) -> bool {
        let Some(lane) = self.lanes.get_mut(index) else { return false };
        let Some(number) = lane.idle.pop() else {
            lane.note_late(now);
            return false;
        };
        let Some((request, since)) = lane.take_due(now) else {
            lane.idle.push(number);
            return false;
        };
        let bytes = lane.lane.requests.get(request).map(Vec::as_slice).unwrap_or_default();
        let sent = self.connections.get_mut(number).map(|connection| connection.send(request, since, bytes));
        if !matches!(sent, Some(Ok(()))) {
            self.replace(number);
        }
        true
    }

    /// Takes the answers that are there; before `end` closed lanes send on.
    fn turn(&mut self, end: Instant) -> anyhow::Result<()> {
        // Never asleep: else a contender slow enough for the generator to doze would pay for waking it, and a fast one not.
        match self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let ready: Vec<(usize, bool)> =
            self.events.iter().map(|event| (event.token().0, event.is_writable())).collect();
        for (number, writable) in ready {
            self.attend(number, writable, end);
        }
        Ok(())
    }

    fn attend(&mut self, number: usize, writable: bool, end: Instant) {
        let Some(connection) = self.connections.get_mut(number) else { return };
        let Some((request, since)) = connection.under_way else {
            // Should that fail, so will the next request on it, which is then counted.
            if connection.is_stale() {
                let _ = connection.reopen(self.poll.registry(), Token(number));
            }
            return;
        };
        let Some(lane) = self.lanes.get_mut(connection.lane) else { return };
        let bytes = lane.lane.requests.get(request).map(Vec::as_slice).unwrap_or_default();
        if writable && connection.has_more_to_send(bytes) && connection.send_on(bytes).is_err() {
            self.replace(number);
            return;
        }
        let closes = match connection.receive() {
            Ok(None) => return,
            Ok(Some((answer, body))) => {
                lane.note(request, since, answer.status, answer.retry_after, body);
                answer.closes
            }
            Err(_) => {
                self.replace(number);
                return;
            }
        };
        connection.under_way = None;
        lane.idle.push(number);
        if closes && connection.reopen(self.poll.registry(), Token(number)).is_err() {
            lane.outcome.broken += 1;
            lane.idle.pop();
            return;
        }
        let now = Instant::now();
        if matches!(lane.lane.pace, Pace::Closed | Pace::Once) && now < end {
            let index = connection.lane;
            self.send_next(index, now);
        }
    }

    /// Takes a new connection for one that broke.
    fn replace(&mut self, number: usize) {
        let Some(connection) = self.connections.get_mut(number) else { return };
        connection.under_way = None;
        let reopened = connection.reopen(self.poll.registry(), Token(number));
        if let Some(lane) = self.lanes.get_mut(connection.lane) {
            lane.outcome.broken += 1;
            if reopened.is_ok() {
                lane.idle.push(number);
            }
        }
    }
}

/// Sends one request on a connection of its own: status and body of the answer.
///
/// # Errors
/// If no answer comes.
pub(crate) fn fetch(address: SocketAddr, request: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(DRAIN))?;
    stream.write_all(request)?;
    let mut received = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some(answer) = super::answer::parse(&received)? {
            let body = received.get(answer.body.clone()).unwrap_or_default();
            return Ok((answer.status, body.to_vec()));
        }
        let read = stream.read(&mut buffer)?;
        anyhow::ensure!(read > 0, "the server closed the connection");
        received.extend_from_slice(buffer.get(..read).unwrap_or_default());
    }
}
