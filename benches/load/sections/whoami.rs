//! How near is a verified request to its verification? The resource API with tokens seen for the first time, and again.

use serde_json::{Value, json};
use tokenhouse::keys::SigningAlg;

use super::Bench;
use crate::contender::{AUDIENCE, Key, PATIENT, Partner, api, observed};
use crate::generator::{Lane, Pace, request};
use crate::measure::{Notebook, run, send};
use crate::process::{Server, free_address};
use crate::roles::signing::Work;
use crate::table::{Cell, Table};

const CONNECTIONS: [usize; 3] = [1, 16, 64];
const WANTED: f64 = 0.80;
/// Distinct tokens for each second of a run; a core verifies about 15,000 a second.
const TOKENS_PER_SECOND: f64 = 10_000.0;
const PATH: &str = "/whoami";

/// Runs the section.
///
/// # Errors
/// If a contender does not run.
pub(super) fn run_section(bench: &Bench<'_>) -> anyhow::Result<Vec<Table>> {
    let partner = Partner::new("partner-a");
    let document = json!({ "apis": [api(AUDIENCE, SigningAlg::Rs256)], "clients": [partner.entry(&[AUDIENCE])] });
    let issuer = bench.workshop.issuer("whoami-issuer", &[PATIENT], &document)?;
    let issuing = issuer.serve_until_ready()?;
    let requests = fetch_tokens(bench, &issuing, &partner)?;
    let (usual, distinct) = requests.split_first().ok_or_else(|| anyhow::anyhow!("no token was issued"))?;

    let first = start(bench, &issuer.url(), usual)?;
    let headers = [("content-type", "application/json"), ("cache-control", "no-store")];
    let answer = observed(&first, "GET", PATH, usual, &headers)?;
    first.stop()?;
    let burdened = bench.workshop.burdened("whoami", &answer, Work::Verify, Key::RS256)?;
    let floor = bench.workshop.constant("floor", "whoami", &[answer])?;

    let mut notes = Notebook::default();
    for round in 1..=bench.arguments.rounds {
        crate::say(format_args!("  round {round} of {}", bench.arguments.rounds));
        for connections in CONNECTIONS {
            // A new process, since an old one has seen the tokens.
            let server = start(bench, &issuer.url(), usual)?;
            let again = std::slice::from_ref(usual);
            let first = run(&server, Lane::closed(server.address, distinct, connections).at(Pace::Once), 60.0)?;
            let second = run(&server, Lane::closed(server.address, again, connections), bench.arguments.seconds)?;
            let constant = run(&floor, Lane::closed(floor.address, distinct, connections), bench.arguments.seconds)?;
            let verifying = Lane::closed(burdened.address, distinct, connections);
            let verifying = run(&burdened, verifying, bench.arguments.seconds)?;
            let verification =
                bench.workshop.bare("verify", Key::RS256, bench.arguments.seconds / 2.0, first.generator_share)?;
            notes.note_run(&format!("first {connections}"), &first);
            notes.note_run(&format!("again {connections}"), &second);
            let ideal = verification + constant.cpu_each;
            notes.note(format!("first {connections} of ideal"), ideal / first.cpu_each);
            notes.note(format!("first {connections} of burdened"), verifying.cpu_each / first.cpu_each);
            notes.note(format!("again {connections} of ideal"), constant.cpu_each / second.cpu_each);
            notes.note("verification µs", verification * 1e6);
            notes.note(format!("floor {connections} µs"), constant.cpu_each * 1e6);
            server.stop()?;
        }
    }
    Ok(vec![table(&notes, distinct.len())])
}

/// The requests for `/whoami`, each with a token of its own.
fn fetch_tokens(bench: &Bench<'_>, issuing: &Server, partner: &Partner) -> anyhow::Result<Vec<Vec<u8>>> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands")]
    let count = (TOKENS_PER_SECOND * bench.arguments.seconds) as usize + 1;
    crate::say(format_args!("  fetching {count} tokens"));
    let requests = vec![partner.token_request(AUDIENCE); count];
    let lane = Lane { keeps_bodies: true, ..Lane::closed(issuing.address, &requests, 16).at(Pace::Once) };
    let outcome = send(lane, 120.0)?;
    outcome.all_ok()?;
    outcome.bodies.iter().map(|(_, body)| bearer(body)).collect()
}

fn bearer(body: &[u8]) -> anyhow::Result<Vec<u8>> {
    let answer: Value = serde_json::from_slice(body)?;
    let token = answer.get("access_token").and_then(Value::as_str);
    Ok(request::get(PATH, Some(token.ok_or_else(|| anyhow::anyhow!("the answer holds no token"))?)))
}

/// A resource API that has its issuer's keys and has seen one token.
fn start(bench: &Bench<'_>, issuer: &str, usual: &[u8]) -> anyhow::Result<Server> {
    let directory = bench.workshop.fresh("whoami-api")?;
    let address = free_address()?;
    let words = ["tokenhouse", "resource-api", "--issuer", issuer, "--audience", AUDIENCE, "--bind"];
    let args: Vec<String> = words.iter().map(|word| (*word).to_owned()).chain([address.to_string()]).collect();
    let mut server = bench.workshop.start(&directory, &args, address)?;
    server.wait_until_ok(usual)?;
    Ok(server)
}

fn table(notes: &Notebook, tokens: usize) -> Table {
    let mut table = Table::new(
        "GET /whoami",
        &[
            "token",
            "of the ideal at 1",
            "at 16",
            "at 64",
            "µs at 16",
            "floor µs at 16",
            "per CPU-second at 16",
            "p99 ms at 16",
        ],
    );
    for (name, label) in [("first", "seen for the first time"), ("again", "seen before")] {
        let of = |connections: usize, what: &str| notes.rounds(&format!("{name} {connections} {what}"));
        let ratios = CONNECTIONS.map(|count| Cell::at_least(of(count, "of ideal"), WANTED));
        let rest = [
            Cell::figure(of(16, "µs"), 1),
            Cell::figure(notes.rounds("floor 16 µs"), 1),
            Cell::figure(of(16, "per CPU-second"), 0),
            Cell::figure(of(16, "p99"), 2),
        ];
        table.row(label, ratios.into_iter().chain(rest));
    }
    let burdened =
        CONNECTIONS.map(|count| Cell::figure(notes.rounds(&format!("first {count} of burdened")), 3).to_string());
    table.note(format!("A new token against the HTTP floor with a verification in it: {}.", burdened.join(", ")));
    let verification = Cell::figure(notes.rounds("verification µs"), 1);
    table.note(format!(
        "The ideal of a new token is 1/(bare verification + HTTP floor), of a known one the floor alone; a bare verification took \
         {verification} µs. {tokens} distinct tokens for a process that has seen none of them."
    ));
    table
}
