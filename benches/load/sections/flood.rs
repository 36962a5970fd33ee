//! Does a flood of wrong secrets move the latency of right ones, or memory?

use std::time::{Duration, Instant};

use serde_json::json;
use tokenhouse::keys::SigningAlg;

use super::Bench;
use crate::contender::{AUDIENCE, Partner, api};
use crate::generator::{Lane, Load, Pace};
use crate::measure::{Notebook, capacity, send};
use crate::statistics::number;
use crate::table::{Cell, Table};

/// The right requests, as a share of capacity.
const RIGHT_SHARE: f64 = 0.3;
/// Wrong secrets a second.
const FLOOD: f64 = 1000.0;
const LONGER: f64 = 3.0;
const ROUNDS: usize = 5;
/// Different wrong secrets.
const WRONG: u32 = 500;

/// Runs the section.
///
/// # Errors
/// If the server does not run.
pub(super) fn run_section(bench: &Bench<'_>) -> anyhow::Result<Vec<Table>> {
    let generated = Partner::new("generated");
    let brought = Partner { client_id: "brought".to_owned(), secret: "correct horse battery staple!".to_owned() };
    let clients = [generated.entry(&[AUDIENCE]), brought.entry(&[AUDIENCE])];
    let document = json!({ "apis": [api(AUDIENCE, SigningAlg::Rs256)], "clients": clients });
    let issuer = bench.workshop.issuer("flood", &[], &document)?;
    let right = [vec![generated.token_request(AUDIENCE)], vec![brought.token_request(AUDIENCE)]];
    let floods: [(&str, Vec<Vec<u8>>); 3] = [
        ("no flood", Vec::new()),
        (
            "wrong secrets of the generated form",
            (0..WRONG).map(|_| Partner::new("generated").token_request(AUDIENCE)).collect(),
        ),
        ("wrong secrets of a person's form", (0..WRONG).map(|number| guess(number).token_request(AUDIENCE)).collect()),
    ];
    let duration = Duration::from_secs_f64(bench.arguments.seconds * LONGER);
    let rounds = bench.arguments.rounds.min(ROUNDS);
    let mut notes = Notebook::default();
    for round in 1..=rounds {
        crate::say(format_args!("  round {round} of {rounds}"));
        let server = issuer.serve_until_ready()?;
        let possible = capacity(&server, &right[0], std::iter::empty(), bench.arguments.seconds)?.per_second;
        // Remembered from here on.
        send(Lane::closed(server.address, &right[1], 1), 0.2)?;
        let interval = Duration::from_secs_f64(2.0 / (possible * RIGHT_SHARE));
        for (name, wrong) in &floods {
            let mut lanes: Vec<Lane<'_>> =
                right.iter().map(|right| Lane::closed(server.address, right, 64).at(Pace::Every(interval))).collect();
            if !wrong.is_empty() {
                let pace = Pace::Every(Duration::from_secs_f64(FLOOD.recip()));
                lanes.push(Lane::closed(server.address, wrong, 1000).at(pace));
            }
            let load = Load::open(lanes)?;
            std::thread::sleep(Duration::from_millis(300));
            let (before, began) = (server.cpu()?, Instant::now());
            let outcomes = load.run(duration)?;
            let took = began.elapsed().as_secs_f64();
            notes.note(format!("{name} cpu"), (server.cpu()?.saturating_sub(before)).as_secs_f64() / took);
            notes.note(format!("{name} rss"), server.memory().rss);
            let mut lost = 0;
            for (outcome, kind) in outcomes.iter().zip(["generated", "brought"]) {
                for (share, label) in [(0.5, "p50"), (0.99, "p99")] {
                    if let Some(millis) = outcome.millis(200, share) {
                        notes.note(format!("{name} {kind} {label}"), millis);
                    }
                }
                lost += outcome.total() - outcome.count(200) + outcome.broken + outcome.unsent;
            }
            notes.note(format!("{name} lost"), number(lost));
            let busy = outcomes.get(2).map_or(0.0, |flood| number(flood.count(503)) / number(flood.total().max(1)));
            notes.note(format!("{name} busy"), busy);
        }
        server.stop()?;
    }
    let names: Vec<&str> = floods.iter().map(|(name, _)| *name).collect();
    Ok(vec![table(&names, &notes)])
}

/// A wrong secret as a person would choose one.
fn guess(number: u32) -> Partner {
    Partner { client_id: "brought".to_owned(), secret: format!("incorrect horse battery {number}") }
}

fn table(names: &[&str], notes: &Notebook) -> Table {
    let mut table = Table::new(
        "Right secrets beside a flood of wrong ones",
        &[
            "flood",
            "generated p50 ms",
            "p99 ms",
            "brought p50 ms",
            "p99 ms",
            "right ones refused",
            "flood answered 503",
            "CPU",
            "RSS MB",
        ],
    );
    for name in names {
        let of = |what: &str| notes.rounds(&format!("{name} {what}"));
        table.row(
            *name,
            [
                Cell::figure(of("generated p50"), 2),
                Cell::figure(of("generated p99"), 2),
                Cell::figure(of("brought p50"), 2),
                Cell::figure(of("brought p99"), 2),
                Cell::figure(of("lost"), 0),
                Cell::figure(of("busy"), 2),
                Cell::figure(of("cpu"), 2),
                Cell::figure(of("rss"), 1),
            ],
        );
    }
    table.note(format!(
        "Right requests at {RIGHT_SHARE} of capacity, half of each kind; {FLOOD} wrong ones a second; all on one core, so that what the flood \
         costs is not there for the right ones. CPU: of that core."
    ));
    table
}
