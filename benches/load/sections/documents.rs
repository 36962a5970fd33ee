//! What do the JWK Set and the metadata cost? Against the HTTP floor for a body of that size.

use serde_json::json;
use tokenhouse::keys::SigningAlg;

use super::Bench;
use crate::contender::{AUDIENCE, Partner, api, observed};
use crate::generator::{Lane, request};
use crate::measure::{Notebook, run};
use crate::table::{Cell, Table};

const DOCUMENTS: [(&str, &str); 2] =
    [("JWK Set", "/.well-known/jwks.json"), ("metadata", "/.well-known/openid-configuration")];
const CONNECTIONS: [usize; 2] = [1, 16];
/// Within five per cent of the floor.
const WANTED: f64 = 0.95;

/// Runs the section.
///
/// # Errors
/// If a contender does not run.
pub(super) fn run_section(bench: &Bench<'_>) -> anyhow::Result<Vec<Table>> {
    let document = json!({ "apis": [api(AUDIENCE, SigningAlg::Rs256)], "clients": [Partner::new("partner-a").entry(&[AUDIENCE])] });
    let server = bench.workshop.issuer("documents", &[], &document)?.serve_until_ready()?;
    // Of the length of an entity tag.
    let etag = format!("\"{}\"", "x".repeat(43));
    let headers = [
        ("content-type", "application/json"),
        ("cache-control", "public, max-age=300"),
        ("etag", etag.as_str()),
        ("access-control-allow-origin", "*"),
    ];
    let answers = DOCUMENTS
        .iter()
        .map(|(_, path)| observed(&server, "GET", path, &request::get(path, None), &headers))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let floor = bench.workshop.constant("floor", "documents", &answers)?;

    let mut notes = Notebook::default();
    for round in 1..=bench.arguments.rounds {
        crate::say(format_args!("  round {round} of {}", bench.arguments.rounds));
        for (name, path) in DOCUMENTS {
            for connections in CONNECTIONS {
                let requests = [request::get(path, None)];
                let lane = |address| Lane::closed(address, &requests, connections);
                let product = run(&server, lane(server.address), bench.arguments.seconds)?;
                let constant = run(&floor, lane(floor.address), bench.arguments.seconds)?;
                let label = format!("{name} {connections}");
                notes.note_run(&label, &product);
                notes.note(format!("{label} of floor"), constant.cpu_each / product.cpu_each);
            }
        }
    }
    let mut table = Table::new(
        "Documents against the HTTP floor",
        &["document", "1 connection", "16 connections", "µs at 16", "per CPU-second at 16", "p99 ms at 16"],
    );
    for (name, _) in DOCUMENTS {
        let of = |connections: usize, what: &str| notes.rounds(&format!("{name} {connections} {what}"));
        let ratios = CONNECTIONS.map(|count| Cell::at_least(of(count, "of floor"), WANTED));
        let rest =
            [Cell::figure(of(16, "µs"), 1), Cell::figure(of(16, "per CPU-second"), 0), Cell::figure(of(16, "p99"), 2)];
        table.row(name, ratios.into_iter().chain(rest));
    }
    Ok(vec![table])
}
