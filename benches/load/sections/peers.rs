//! Where do others stand? Tokens per CPU-second of servers that an ordinary registry offers, with RS256 and 2048 bits.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokenhouse::keys::SigningAlg;

use super::Bench;
use crate::arguments;
use crate::contender::{AUDIENCE, Key, PATIENT, Partner, api};
use crate::generator::{Lane, Outcome, request};
use crate::measure::{Notebook, run, send};
use crate::peer::{Peer, token_request};
use crate::picture::SHARES;
use crate::process::{Memory, Server};
use crate::table::{Cell, Table};

const CONNECTIONS: [usize; 3] = [1, 16, 64];
const US: &str = "Tokenhouse, RS256-2048";

/// A server under measurement.
struct Contender {
    name: String,
    server: Server,
    request: Vec<Vec<u8>>,
    start: Duration,
    idle: Memory,
}

/// Runs the section.
///
/// # Errors
/// If Tokenhouse itself does not run.
pub(super) fn run_section(bench: &Bench<'_>) -> anyhow::Result<Vec<Table>> {
    let (contenders, left_out) = start_all(bench)?;
    let elsewhere = elsewhere(bench)?;
    let mut notes = Notebook::default();
    let mut warmed = false;
    for round in 1..=bench.arguments.rounds {
        crate::say(format_args!("  round {round} of {}", bench.arguments.rounds));
        for contender in &contenders {
            if !warmed {
                // Node compiles what runs often; nobody should be measured before that.
                run(&contender.server, lane(contender, 16), 3.0 * bench.arguments.seconds)?;
            }
            let mut busy: f64 = 0.0;
            let mut each = Vec::new();
            for connections in CONNECTIONS {
                let done = run(&contender.server, lane(contender, connections), bench.arguments.seconds)?;
                busy = busy.max(done.generator_share);
                notes.note_run(&format!("{} {connections}", contender.name), &done);
                each.push((connections, done.cpu_each));
            }
            let signature = bench.workshop.bare("sign", Key::RS256, bench.arguments.seconds / 2.0, busy)?;
            for (connections, cpu_each) in each {
                notes.note(format!("{} {connections} share", contender.name), signature / cpu_each);
            }
        }
        warmed = true;
        for (peer, address, request) in &elsewhere {
            for connections in CONNECTIONS {
                let outcome = send(Lane::closed(*address, request, connections), bench.arguments.seconds)
                    .and_then(|outcome| outcome.all_ok().map(|()| outcome))
                    .with_context(|| format!("{} ({})", peer.name, peer.url))?;
                note_elsewhere(&mut notes, &format!("{} {connections}", peer.name), &outcome);
            }
        }
    }
    let names: Vec<&str> = elsewhere.iter().map(|(peer, ..)| peer.name.as_str()).collect();
    Ok(tables(&contenders, &names, &left_out, &notes))
}

fn lane(contender: &Contender, connections: usize) -> Lane<'_> {
    Lane::closed(contender.server.address, &contender.request, connections)
}

/// All that can be started, and why others cannot.
fn start_all(bench: &Bench<'_>) -> anyhow::Result<(Vec<Contender>, Vec<String>)> {
    let partner = Partner::new("partner-a");
    let document = json!({ "apis": [api(AUDIENCE, SigningAlg::Rs256)], "clients": [partner.entry(&[AUDIENCE])] });
    let issuer = bench.workshop.issuer("peers", &[PATIENT], &document)?;
    // The first start also makes what later starts find.
    issuer.serve_until_ready()?.stop()?;
    let mut contenders = vec![ready(US, issuer.serve()?, partner.token_request(AUDIENCE))?];
    let mut left_out = Vec::new();
    for peer in Peer::ALL {
        let started = bench.peers.install(peer).and_then(|()| bench.peers.start(peer));
        match started.and_then(|server| ready(peer.name(), server, token_request())) {
            Ok(contender) => contenders.push(contender),
            Err(cause) => {
                crate::say(format_args!("  LEFT OUT: {}: {cause:#}", peer.name()));
                left_out.push(format!("Left out: {}, which does not run here.", peer.name()));
            }
        }
    }
    Ok((contenders, left_out))
}

fn ready(name: &str, mut server: Server, request: Vec<u8>) -> anyhow::Result<Contender> {
    let start = server.wait_until_ok(&request)?;
    std::thread::sleep(Duration::from_millis(500));
    let idle = server.memory();
    Ok(Contender { name: name.to_owned(), server, request: vec![request], start, idle })
}

type Elsewhere<'a> = (&'a arguments::Peer, SocketAddr, Vec<Vec<u8>>);

fn elsewhere<'a>(bench: &Bench<'a>) -> anyhow::Result<Vec<Elsewhere<'a>>> {
    let prepared = bench.arguments.peers.iter().map(|peer| {
        let host = peer.url.host_str().context("--peer: the URL has no host")?;
        let port = peer.url.port_or_known_default().context("--peer: the URL has no port")?;
        let address = (host, port).to_socket_addrs()?.next().with_context(|| format!("{host} has no address"))?;
        let request = request::post(peer.url.path(), "application/x-www-form-urlencoded", &peer.body);
        Ok((peer, address, vec![request]))
    });
    prepared.collect()
}

fn note_elsewhere(notes: &mut Notebook, name: &str, outcome: &Outcome) {
    let rate = crate::statistics::number(outcome.total()) / outcome.wall.as_secs_f64();
    notes.note(format!("{name} throughput"), rate);
    for (share, label) in [(0.5, "p50"), (0.99, "p99")] {
        if let Some(millis) = outcome.millis(200, share) {
            notes.note(format!("{name} {label}"), millis);
        }
    }
}

fn tables(contenders: &[Contender], elsewhere: &[&str], left_out: &[String], notes: &Notebook) -> Vec<Table> {
    let of = |name: &str, connections: usize, what: &str| notes.rounds(&format!("{name} {connections} {what}"));
    let mut shares = Table::new(
        format!("{SHARES}, beside others"),
        &["contender", "16 connections", "1 connection", "64 connections", "tokens per CPU-second at 16", "µs at 16"],
    );
    let mut latency = Table::new(
        "Throughput per second and latency in ms, beside others",
        &["contender", "throughput at 16", "p50 at 1", "p99 at 1", "p50 at 16", "p99 at 16", "p50 at 64", "p99 at 64"],
    );
    let mut memory = Table::new(
        "Start and memory, beside others",
        &["contender", "first token ms", "PSS idle MB", "PSS loaded MB", "RSS idle MB", "RSS loaded MB"],
    );
    for Contender { name, server, start, idle, .. } in contenders {
        let ratios = [16, 1, 64].map(|count| Cell::figure(of(name, count, "share"), 3));
        let costs = [Cell::figure(of(name, 16, "per CPU-second"), 0), Cell::figure(of(name, 16, "µs"), 0)];
        shares.row(name, ratios.into_iter().chain(costs));
        let loaded = server.memory();
        let sizes = [idle.pss, loaded.pss, idle.rss, loaded.rss].map(|size| Cell::one(size, 1));
        memory.row(name, std::iter::once(Cell::one(start.as_secs_f64() * 1000.0, 0)).chain(sizes));
    }
    for name in contenders.iter().map(|contender| contender.name.as_str()).chain(elsewhere.iter().copied()) {
        let latencies =
            CONNECTIONS.into_iter().flat_map(|count| ["p50", "p99"].map(|what| Cell::figure(of(name, count, what), 2)));
        latency.row(name, std::iter::once(Cell::figure(of(name, 16, "throughput"), 0)).chain(latencies));
    }
    shares.notes.extend_from_slice(left_out);
    shares.note("Every server in memory or with a database that a token does not touch, without a cluster, on one core; JWT access tokens with audience and scope.");
    if !elsewhere.is_empty() {
        latency
            .note("The CPU time of a --peer is not known here: its throughput says how much of which machine it had.");
    }
    vec![shares, latency, memory]
}
