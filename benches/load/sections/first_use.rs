//! What does the first token of each client cost after a restart? Against a repeated one, and against the signature.

use serde_json::{Value, json};
use tokenhouse::keys::SigningAlg;

use super::Bench;
use crate::contender::{AUDIENCE, Issuer, Key, PATIENT, Partner, TOKEN_HEADERS, api, observed};
use crate::generator::{Lane, Pace};
use crate::measure::{Notebook, Run, run, send};
use crate::process::Server;
use crate::statistics::number;
use crate::table::{Cell, Table};

const GENERATED: u32 = 2000;
const BROUGHT: u32 = 200;
const CONNECTIONS: usize = 16;
/// A slow check takes about 25 ms, so that a round of them takes seconds.
const BROUGHT_ROUNDS: usize = 3;
const WANTED: f64 = 1.1;
/// How often clients that got 503 come back.
const RETRIES: usize = 5;

/// Runs the section.
///
/// # Errors
/// If a contender does not run.
pub(super) fn run_section(bench: &Bench<'_>) -> anyhow::Result<Vec<Table>> {
    let generated: Vec<Partner> = (0..GENERATED).map(|number| Partner::new(format!("generated-{number}"))).collect();
    let brought: Vec<Partner> = (0..BROUGHT).map(brought_partner).collect();
    let clients: Vec<Value> = generated.iter().chain(&brought).map(|partner| partner.entry(&[AUDIENCE])).collect();
    let document = json!({ "apis": [api(AUDIENCE, SigningAlg::Rs256)], "clients": clients });
    let issuer = bench.workshop.issuer("first-use", &[PATIENT], &document)?;
    let requests = |partners: &[Partner]| partners.iter().map(|one| one.token_request(AUDIENCE)).collect::<Vec<_>>();
    let (generated, brought) = (requests(&generated), requests(&brought));
    // One client warms up the process, so that keys and connections are not counted as its cost.
    let (usual, generated) = generated.split_first().ok_or_else(|| anyhow::anyhow!("there are no clients"))?;

    let server = issuer.serve_until_ready()?;
    let answer = observed(&server, "POST", "/oauth/token", usual, TOKEN_HEADERS)?;
    server.stop()?;
    let floor = bench.workshop.constant("floor", "first-use", &[answer])?;

    let mut notes = Notebook::default();
    for round in 1..=bench.arguments.rounds {
        crate::say(format_args!("  round {round} of {}", bench.arguments.rounds));
        let server = start(&issuer, usual)?;
        let (first, repeated) = twice(&server, generated)?;
        let lane = Lane::closed(floor.address, generated, CONNECTIONS);
        let constant = run(&floor, lane, bench.arguments.seconds / 3.0)?;
        let signature = bench.workshop.bare("sign", Key::RS256, bench.arguments.seconds, repeated.generator_share)?;
        notes.note_run("first", &first);
        notes.note_run("repeated", &repeated);
        notes.note("first of ideal", first.cpu_each / (signature + constant.cpu_each));
        notes.note("first signatures", first.cpu_each / signature);
        notes.note("repeated signatures", repeated.cpu_each / signature);
        notes.note("check signatures", (first.cpu_each - repeated.cpu_each) / signature);
        server.stop()?;
        if round <= BROUGHT_ROUNDS {
            measure_brought(&issuer, usual, &brought, &repeated, &mut notes)?;
        }
    }
    Ok(vec![generated_table(&notes), brought_table(&notes)])
}

/// A client whose secret a person chose.
fn brought_partner(number: u32) -> Partner {
    Partner { client_id: format!("brought-{number}"), secret: format!("correct horse battery {number} staple!") }
}

fn start(issuer: &Issuer, usual: &[u8]) -> anyhow::Result<Server> {
    let server = issuer.serve_until_ready()?;
    run(&server, Lane::closed(server.address, &[usual.to_vec()], CONNECTIONS), 0.2)?;
    Ok(server)
}

/// Each request once, and once again.
fn twice(server: &Server, requests: &[Vec<u8>]) -> anyhow::Result<(Run, Run)> {
    let lane = || Lane::closed(server.address, requests, CONNECTIONS).at(Pace::Once);
    Ok((run(server, lane(), 120.0)?, run(server, lane(), 120.0)?))
}

fn measure_brought(
    issuer: &Issuer,
    usual: &[u8],
    requests: &[Vec<u8>],
    generated: &Run,
    notes: &mut Notebook,
) -> anyhow::Result<()> {
    let server = start(issuer, usual)?;
    notes.note("brought rss before", server.memory().rss);
    let lane = || Lane::closed(server.address, requests, CONNECTIONS).at(Pace::Once);
    let before = server.cpu()?;
    let mut first = send(lane(), 120.0)?;
    let cpu = server.cpu()?.saturating_sub(before);
    notes.note("brought first ms", cpu.as_secs_f64() * 1000.0 / number(first.count(200).max(1)));
    notes.note("brought first p99", first.millis(200, 0.99).unwrap_or(f64::NAN));
    notes.note("brought refused", number(first.count(503)));
    // Whoever was told to come back does.
    for _ in 0..RETRIES {
        if first.count(503) == 0 {
            break;
        }
        first = send(lane(), 120.0)?;
    }
    let repeated = run(&server, lane(), 120.0)?;
    notes.note("brought repeated of generated", generated.cpu_each / repeated.cpu_each);
    notes.note("brought peak rss", server.peak_rss());
    server.stop()
}

fn generated_table(notes: &Notebook) -> Table {
    let mut table = Table::new(
        "The first token of each client after a restart, generated secrets",
        &["token", "of bare signature + floor", "in signatures", "µs", "p99 ms"],
    );
    let cells = |name: &str| {
        [
            Cell::figure(notes.rounds(&format!("{name} signatures")), 3),
            Cell::figure(notes.rounds(&format!("{name} µs")), 1),
            Cell::figure(notes.rounds(&format!("{name} p99")), 1),
        ]
    };
    let ratio = Cell::at_most(notes.rounds("first of ideal"), WANTED);
    table.row("first", std::iter::once(ratio).chain(cells("first")));
    table.row("repeated", std::iter::once(Cell::text("")).chain(cells("repeated")));
    let check = Cell::figure(notes.rounds("check signatures"), 3);
    table.row("the check of the secret", [Cell::text(""), check, Cell::text(""), Cell::text("")]);
    table.note(format!("{} clients, each asked once and once again, at {CONNECTIONS} connections.", GENERATED - 1));
    table
}

fn brought_table(notes: &Notebook) -> Table {
    let mut table = Table::new(
        "Secrets that a person brought",
        &[
            "clients",
            "first ms of CPU",
            "first p99 ms",
            "answered 503 at first",
            "RSS before MB",
            "RSS peak MB",
            "second use against generated",
        ],
    );
    table.row(
        BROUGHT.to_string(),
        [
            Cell::figure(notes.rounds("brought first ms"), 1),
            Cell::figure(notes.rounds("brought first p99"), 0),
            Cell::figure(notes.rounds("brought refused"), 0),
            Cell::figure(notes.rounds("brought rss before"), 1),
            Cell::figure(notes.rounds("brought peak rss"), 1),
            Cell::figure(notes.rounds("brought repeated of generated"), 3),
        ],
    );
    table
}
