//! What does one run of one contender cost and take?

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use super::generator::{Lane, Load, Outcome};
use super::process::Server;
use super::roles::signing::cpu_time;
use super::statistics::number;

/// How long a server gets to accept its connections before anything is counted.
const SETTLING: Duration = Duration::from_millis(20);

/// Enough to keep a server busy, and so few that none of them waits long.
pub(crate) const CAPACITY_CONNECTIONS: usize = 16;

/// One run of one contender.
pub(crate) struct Run {
    /// CPU seconds of the server for each answer.
    pub(crate) cpu_each: f64,
    /// Answers per second.
    pub(crate) throughput: f64,
    /// The share of the time that the generator was busy.
    pub(crate) generator_share: f64,
    /// The answers.
    pub(crate) outcome: Outcome,
}

impl Run {
    /// Answers for each CPU second of the server.
    pub(crate) fn per_cpu_second(&self) -> f64 {
        self.cpu_each.recip()
    }
}

/// Sends one lane to a server of which only the address is known.
///
/// # Errors
/// If it cannot be reached.
pub(crate) fn send(lane: Lane<'_>, seconds: f64) -> anyhow::Result<Outcome> {
    Ok(Load::open(vec![lane])?.run(Duration::from_secs_f64(seconds))?.pop().unwrap_or_default())
}

/// What `server` issues per second and per CPU second with a few connections, which is as much as it can, while `beside` is
/// sent as well.
///
/// # Errors
/// If it issues nothing.
pub(crate) fn capacity<'a>(
    server: &Server,
    requests: &'a [Vec<u8>],
    beside: impl Iterator<Item = Lane<'a>>,
    seconds: f64,
) -> anyhow::Result<Capacity> {
    let closed = Lane::closed(server.address, requests, CAPACITY_CONNECTIONS);
    let load = Load::open(std::iter::once(closed).chain(beside).collect())?;
    thread::sleep(SETTLING);
    let before = server.cpu()?;
    let outcome = load.run(Duration::from_secs_f64(seconds))?.into_iter().next().unwrap_or_default();
    let cpu = server.cpu()?.saturating_sub(before);
    anyhow::ensure!(outcome.count(200) > 0, "no token was issued:\n{}", server.log_tail());
    let issued = number(outcome.count(200));
    Ok(Capacity { per_second: issued / outcome.wall.as_secs_f64(), per_cpu_second: issued / cpu.as_secs_f64() })
}

/// Tokens that a server can issue.
pub(crate) struct Capacity {
    /// In a second.
    pub(crate) per_second: f64,
    /// In a second of its CPU time.
    pub(crate) per_cpu_second: f64,
}

/// Loads `server` with one lane.
///
/// # Errors
/// If anything but 200 is answered.
pub(crate) fn run(server: &Server, lane: Lane<'_>, seconds: f64) -> anyhow::Result<Run> {
    let load = Load::open(vec![lane])?;
    thread::sleep(SETTLING);
    let (before, own_before) = (server.cpu()?, cpu_time()?);
    let mut outcomes = load.run(Duration::from_secs_f64(seconds))?;
    let own = cpu_time()?.saturating_sub(own_before);
    let cpu = server.cpu()?.saturating_sub(before);
    let outcome = outcomes.pop().unwrap_or_default();
    outcome.all_ok()?;
    let answers = number(outcome.total());
    let wall = outcome.wall.as_secs_f64();
    Ok(Run {
        cpu_each: cpu.as_secs_f64() / answers,
        throughput: answers / wall,
        generator_share: own.as_secs_f64() / wall,
        outcome,
    })
}

/// Figures of every round by name.
#[derive(Default)]
pub(crate) struct Notebook(BTreeMap<String, Vec<f64>>);

impl Notebook {
    /// Notes the figure of a round.
    pub(crate) fn note(&mut self, name: impl Into<String>, value: f64) {
        self.0.entry(name.into()).or_default().push(value);
    }

    /// Notes what every run has: tokens per CPU second, throughput, latencies.
    pub(crate) fn note_run(&mut self, name: &str, run: &Run) {
        self.note(format!("{name} per CPU-second"), run.per_cpu_second());
        self.note(format!("{name} µs"), run.cpu_each * 1e6);
        self.note(format!("{name} throughput"), run.throughput);
        for (share, label) in [(0.5, "p50"), (0.99, "p99")] {
            if let Some(millis) = run.outcome.millis(200, share) {
                self.note(format!("{name} {label}"), millis);
            }
        }
    }

    /// The rounds of a figure; none if it was never noted.
    pub(crate) fn rounds(&self, name: &str) -> &[f64] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}
