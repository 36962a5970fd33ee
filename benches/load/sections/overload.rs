//! What happens beyond capacity? Goodput, latency and refusals at one, three and ten times of it, and what else still answers.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokenhouse::keys::SigningAlg;

use super::Bench;
use crate::contender::{AUDIENCE, Issuer, Partner, api};
use crate::generator::{Lane, Load, Outcome, Pace, fetch, request};
use crate::measure::{CAPACITY_CONNECTIONS, Notebook, capacity};
use crate::process::{Server, free_address};
use crate::statistics::{median, number};
use crate::table::{Cell, Table};

/// Requests offered, in capacities, and the goodput that is wanted.
const OFFERED: [(u32, f64); 3] = [(1, 0.9), (3, 0.9), (10, 0.65)];
/// More than can wait for a signature, so that a refusal never waits for a connection.
const CONNECTIONS: usize = 2500;
/// How often each of the other endpoints is asked meanwhile.
const PROBE_INTERVAL: Duration = Duration::from_millis(20);
/// An overload must last to be one: runs are this many times as long.
const LONGER: f64 = 3.0;
/// Each round takes a quarter of a minute.
const ROUNDS: usize = 5;

/// Another endpoint that must answer all the while.
struct Probe {
    name: &'static str,
    address: SocketAddr,
    request: Vec<Vec<u8>>,
}

/// Runs the section.
///
/// # Errors
/// If the server does not run.
pub(super) fn run_section(bench: &Bench<'_>) -> anyhow::Result<Vec<Table>> {
    let partner = Partner::new("partner-a");
    let document = json!({ "apis": [api(AUDIENCE, SigningAlg::Rs256)], "clients": [partner.entry(&[AUDIENCE])] });
    let metrics = free_address()?;
    let issuer = bench.workshop.issuer("overload", &[&format!("metrics.bind={metrics}")], &document)?;
    let manager = issuer.run(&["client", "create", "--id", "manager", "--management", "--output", "json"])?;
    let server = issuer.serve_until_ready()?;
    let probes = probes(&issuer, &server, &manager, metrics)?;
    let requests = [partner.token_request(AUDIENCE)];

    let seconds = bench.arguments.seconds;
    let rounds = bench.arguments.rounds.min(ROUNDS);
    let mut notes = Notebook::default();
    for round in 1..=rounds {
        crate::say(format_args!("  round {round} of {rounds}"));
        let possible = capacity(&server, &requests, probes.iter().map(probe_lane), seconds * LONGER)?;
        notes.note("capacity", possible.per_second);
        for (times, _) in OFFERED {
            let interval = Duration::from_secs_f64((possible.per_second * f64::from(times)).recip());
            let offered = Lane::closed(server.address, &requests, CONNECTIONS).at(Pace::Every(interval));
            let lanes = std::iter::once(offered).chain(probes.iter().map(probe_lane)).collect();
            let load = Load::open(lanes)?;
            // So many connections take a moment to be accepted.
            std::thread::sleep(Duration::from_millis(300));
            let before = server.cpu()?;
            let outcomes = load.run(Duration::from_secs_f64(seconds * LONGER))?;
            let cpu = server.cpu()?.saturating_sub(before);
            let (tokens, probed) = outcomes.split_first().context("nothing was sent")?;
            note_overload(&mut notes, times, tokens, possible.per_second);
            let rate = number(tokens.count(200)) / cpu.as_secs_f64();
            notes.note(format!("{times} goodput by CPU"), rate / possible.per_cpu_second);
            for (probe, outcome) in probes.iter().zip(probed) {
                note_probe(&mut notes, times, probe.name, outcome);
            }
        }
    }
    notes.note("peak rss", server.peak_rss());
    Ok(vec![overload_table(&notes), probe_table(&probes, &notes)])
}

fn probes(issuer: &Issuer, server: &Server, manager: &str, metrics: SocketAddr) -> anyhow::Result<Vec<Probe>> {
    let manager: Value = serde_json::from_str(manager)?;
    let secret = manager.get("client_secret").and_then(Value::as_str).context("no secret of the manager")?;
    let audience = format!("{}api/v2/", issuer.url());
    let parameters = [
        ("grant_type", "client_credentials"),
        ("client_id", "manager"),
        ("client_secret", secret),
        ("audience", audience.as_str()),
    ];
    let (status, answer) = fetch(server.address, &request::post_form("/oauth/token", &parameters))?;
    anyhow::ensure!(status == 200, "the manager gets no token: {}", String::from_utf8_lossy(&answer));
    let answer: Value = serde_json::from_slice(&answer)?;
    let token = answer.get("access_token").and_then(Value::as_str).context("no token of the manager")?;
    let at = |name, address, path: &str, token| Probe { name, address, request: vec![request::get(path, token)] };
    Ok(vec![
        at("/livez", server.address, "/livez", None),
        at("JWK Set", server.address, "/.well-known/jwks.json", None),
        at("Management API", server.address, "/api/v2/clients?per_page=1", Some(token)),
        at("metrics", metrics, "/metrics", None),
    ])
}

fn probe_lane(probe: &Probe) -> Lane<'_> {
    Lane::closed(probe.address, &probe.request, 4).at(Pace::Every(PROBE_INTERVAL))
}

fn note_overload(notes: &mut Notebook, times: u32, outcome: &Outcome, capacity: f64) {
    let mut note = |what: &str, value: f64| notes.note(format!("{times} {what}"), value);
    note("goodput", number(outcome.count(200)) / outcome.wall.as_secs_f64() / capacity);
    for (status, share, what) in
        [(200, 0.5, "p50"), (200, 0.99, "p99"), (503, 0.5, "refused p50"), (503, 0.99, "refused p99")]
    {
        if let Some(millis) = outcome.millis(status, share) {
            note(what, millis);
        }
    }
    let refused = outcome.answers.get(&503);
    note("refused", number(outcome.count(503)) / number(outcome.total().max(1)));
    note("late", number(outcome.late));
    note("odd", number(outcome.total() - outcome.count(200) - outcome.count(503) + outcome.broken + outcome.unsent));
    note("without retry", refused.map_or(0.0, |answers| number(answers.count() - answers.retry_after)));
}

fn note_probe(notes: &mut Notebook, times: u32, name: &str, outcome: &Outcome) {
    if let Some(millis) = outcome.millis(200, 0.99) {
        notes.note(format!("{times} {name} p99"), millis);
    }
    let failed = outcome.total() - outcome.count(200) + outcome.broken + outcome.unsent;
    notes.note(format!("{times} {name} failed"), number(failed));
}

fn overload_table(notes: &Notebook) -> Table {
    let mut table = Table::new(
        "Beyond capacity",
        &[
            "offered",
            "goodput",
            "goodput per CPU-second",
            "p50 ms",
            "p99 ms",
            "refused",
            "refusal p50 ms",
            "refusal p99 ms",
            "503 without Retry-After",
            "other answers",
        ],
    );
    for (times, wanted) in OFFERED {
        let of = |what: &str| notes.rounds(&format!("{times} {what}"));
        table.row(
            format!("{times} x capacity"),
            [
                Cell::at_least(of("goodput"), wanted),
                Cell::figure(of("goodput by CPU"), 3),
                Cell::figure(of("p50"), 1),
                Cell::figure(of("p99"), 1),
                Cell::figure(of("refused"), 2),
                Cell::figure(of("refused p50"), 2),
                Cell::figure(of("refused p99"), 2),
                Cell::figure(of("without retry"), 0),
                Cell::figure(of("odd"), 0),
            ],
        );
    }
    table.note(format!(
        "Capacity: {:.0} tokens per second, closed loop at {CAPACITY_CONNECTIONS} connections while the other endpoints are asked as well; goodput is a share of it, per CPU-second where \
         others use the core too. Beyond it an open loop over {CONNECTIONS} connections; latencies \
         count from the time at which a request was meant to be sent. Other answers: neither 200 nor 503, none at all, or never sent.",
        median(notes.rounds("capacity"))
    ));
    table.note(format!(
        "Most resident memory of the server over all of it: {} MB.",
        Cell::figure(notes.rounds("peak rss"), 1)
    ));
    table
}

fn probe_table(probes: &[Probe], notes: &Notebook) -> Table {
    let mut table = Table::new(
        "What else answers meanwhile: p99 in ms",
        &["endpoint", "1 x", "3 x", "10 x", "not answered with 200"],
    );
    for probe in probes {
        let latencies = OFFERED.map(|(times, _)| Cell::figure(notes.rounds(&format!("{times} {} p99", probe.name)), 2));
        let failed: f64 =
            OFFERED.iter().flat_map(|(times, _)| notes.rounds(&format!("{times} {} failed", probe.name))).sum();
        table.row(probe.name, latencies.into_iter().chain([Cell::one(failed, 0)]));
    }
    table.note(format!("Each asked every {} ms.", PROBE_INTERVAL.as_millis()));
    table
}
