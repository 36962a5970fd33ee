//! What does `token_reuse_seconds` gain for clients that fetch a token for each call?

use serde_json::json;
use tokenhouse::keys::SigningAlg;

use super::Bench;
use crate::contender::{AUDIENCE, PATIENT, Partner, TOKEN_HEADERS, api, observed};
use crate::generator::Lane;
use crate::measure::{Notebook, run};
use crate::table::{Cell, Table};

const REUSED: &str = "https://reused.example.com/";
const CONNECTIONS: usize = 16;

/// Runs the section.
///
/// # Errors
/// If a contender does not run.
pub(super) fn run_section(bench: &Bench<'_>) -> anyhow::Result<Vec<Table>> {
    let partner = Partner::new("partner-a");
    let mut reused = api(REUSED, SigningAlg::Rs256);
    if let Some(members) = reused.as_object_mut() {
        members.insert("token_reuse_seconds".to_owned(), json!(60));
    }
    let document = json!({
        "apis": [api(AUDIENCE, SigningAlg::Rs256), reused],
        "clients": [partner.entry(&[AUDIENCE, REUSED])],
    });
    let server = bench.workshop.issuer("reuse", &[PATIENT], &document)?.serve_until_ready()?;
    let requests = [AUDIENCE, REUSED].map(|audience| vec![partner.token_request(audience)]);
    let answer =
        observed(&server, "POST", "/oauth/token", requests[1].first().map_or(&[], Vec::as_slice), TOKEN_HEADERS)?;
    let floor = bench.workshop.constant("floor", "reuse", &[answer])?;

    let mut notes = Notebook::default();
    for round in 1..=bench.arguments.rounds {
        crate::say(format_args!("  round {round} of {}", bench.arguments.rounds));
        let lane = |address, requests| Lane::closed(address, requests, CONNECTIONS);
        let signed = run(&server, lane(server.address, &requests[0]), bench.arguments.seconds)?;
        let handed = run(&server, lane(server.address, &requests[1]), bench.arguments.seconds)?;
        let constant = run(&floor, lane(floor.address, &requests[1]), bench.arguments.seconds)?;
        notes.note_run("signed", &signed);
        notes.note_run("reused", &handed);
        notes.note("gain", signed.cpu_each / handed.cpu_each);
        notes.note("of floor", constant.cpu_each / handed.cpu_each);
    }
    let mut table = Table::new(
        "Tokens handed out again",
        &["token_reuse_seconds", "times as many", "of the HTTP floor", "µs", "per CPU-second", "p99 ms"],
    );
    let cells = |name: &str| {
        [
            Cell::figure(notes.rounds(&format!("{name} µs")), 1),
            Cell::figure(notes.rounds(&format!("{name} per CPU-second")), 0),
            Cell::figure(notes.rounds(&format!("{name} p99")), 2),
        ]
    };
    table.row("0", [Cell::text("1"), Cell::text("")].into_iter().chain(cells("signed")));
    let ratios = [Cell::figure(notes.rounds("gain"), 1), Cell::figure(notes.rounds("of floor"), 3)];
    table.row("60", ratios.into_iter().chain(cells("reused")));
    Ok(vec![table])
}
