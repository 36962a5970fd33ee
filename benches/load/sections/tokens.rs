//! How near is a token to its signature? Tokens per CPU-second against 1/(bare signature + HTTP floor).

use serde_json::json;
use tokenhouse::keys::{RsaBits, SigningAlg};

use super::Bench;
use crate::contender::{Issuer, Key, PATIENT, Partner, TOKEN_HEADERS, api, beside_spinning, observed};
use crate::generator::Lane;
use crate::measure::{Notebook, run};
use crate::picture::SHARES;
use crate::process::{SERVER_CORE, Server, pinned};
use crate::roles::signing::Work;
use crate::table::{Cell, Table};

/// The numbers of connections.
const CONNECTIONS: [usize; 3] = [1, 16, 64];
const WANTED_FLOOR: f64 = 0.7;
const WANTED_OPENSSL: f64 = 0.88;

const KEYS: [Key; 6] = [
    Key::RS256,
    Key { alg: SigningAlg::Rs256, bits: RsaBits::Bits3072 },
    Key { alg: SigningAlg::Rs256, bits: RsaBits::Bits4096 },
    Key { alg: SigningAlg::Ps256, bits: RsaBits::Bits2048 },
    Key { alg: SigningAlg::Es256, bits: RsaBits::Bits2048 },
    Key { alg: SigningAlg::EdDsa, bits: RsaBits::Bits2048 },
];

/// A server that signs with one kind of key, and the floors for answers of that length.
struct Contender {
    key: Key,
    server: Server,
    request: Vec<Vec<u8>>,
    floor: Server,
    bare_handler: Server,
    /// The floor with a signature in it.
    burdened: Server,
}

/// Runs the section.
///
/// # Errors
/// If a contender does not run.
pub(super) fn run_section(bench: &Bench<'_>) -> anyhow::Result<Vec<Table>> {
    let contenders = KEYS.into_iter().map(|key| start(bench, key)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut notes = Notebook::default();
    for round in 1..=bench.arguments.rounds {
        crate::say(format_args!("  round {round} of {}", bench.arguments.rounds));
        measure_round(bench, &contenders, &mut notes)?;
    }
    Ok(tables(bench, &notes))
}

fn start(bench: &Bench<'_>, key: Key) -> anyhow::Result<Contender> {
    let partner = Partner::new("partner-a");
    let audience = crate::contender::AUDIENCE;
    let document = json!({ "apis": [api(audience, key.alg)], "clients": [partner.entry(&[audience])] });
    let bits = format!("keys.rsa_bits={}", key.bits.get());
    let issuer: Issuer = bench.workshop.issuer(&format!("tokens-{}", key.name()), &[&bits, PATIENT], &document)?;
    let server = issuer.serve_until_ready()?;
    let request = partner.token_request(audience);
    let answer = observed(&server, "POST", "/oauth/token", &request, TOKEN_HEADERS)?;
    let floor = bench.workshop.constant("floor", &key.name(), std::slice::from_ref(&answer))?;
    let burdened = bench.workshop.burdened(&key.name(), &answer, Work::Sign, key)?;
    let bare_handler = bench.workshop.constant("bare", &key.name(), &[answer])?;
    Ok(Contender { key, server, request: vec![request], floor, bare_handler, burdened })
}

fn measure_round(bench: &Bench<'_>, contenders: &[Contender], notes: &mut Notebook) -> anyhow::Result<()> {
    let seconds = bench.arguments.seconds;
    for contender in contenders {
        let name = contender.key.name();
        let mut runs = Vec::new();
        for connections in CONNECTIONS {
            let label = format!("{name} {connections}");
            let lane = |server: &Server| Lane::closed(server.address, &contender.request, connections);
            let product = run(&contender.server, lane(&contender.server), seconds)?;
            // The floors are steady, and not what is in question: a shorter look is enough.
            let floor = run(&contender.floor, lane(&contender.floor), seconds / 3.0)?;
            let bare = run(&contender.bare_handler, lane(&contender.bare_handler), seconds / 3.0)?;
            let burdened = run(&contender.burdened, lane(&contender.burdened), seconds / 2.0)?;
            notes.note_run(&label, &product);
            notes.note(format!("{label} of burdened"), burdened.cpu_each / product.cpu_each);
            notes.note(format!("floor {connections} µs"), floor.cpu_each * 1e6);
            notes.note(format!("floor {connections} of bare"), bare.cpu_each / floor.cpu_each);
            runs.push((label, product, floor.cpu_each));
        }
        let busy = runs.iter().map(|(_, product, _)| product.generator_share).fold(0.0, f64::max);
        let signature = bench.workshop.bare("sign", contender.key, seconds, busy)?;
        notes.note(format!("{name} signature µs"), signature * 1e6);
        for (label, product, floor) in &runs {
            notes.note(format!("{label} of ideal"), (signature + floor) / product.cpu_each);
            notes.note(format!("{label} of signature"), signature / product.cpu_each);
        }
        if contender.key == Key::RS256 && bench.machine.has_openssl() {
            let openssl = openssl_speed(seconds, busy)?;
            for (label, product, _) in &runs {
                notes.note(format!("{label} of openssl"), openssl / product.cpu_each);
            }
        }
    }
    Ok(())
}

/// Seconds of CPU for one RSA-2048 signature by the `openssl` program.
fn openssl_speed(seconds: f64, busy: f64) -> anyhow::Result<f64> {
    let mut command = pinned("openssl".as_ref(), SERVER_CORE);
    command.args(["speed", "-mr", "-seconds", &format!("{:.0}", seconds.max(1.0)), "rsa2048"]);
    let printed = beside_spinning(&mut command, busy)?;
    // +F2:2:2048:SIGNATURES:VERIFICATIONS, per second in OpenSSL 3; older ones print the seconds that each takes.
    let line = printed.lines().find(|line| line.starts_with("+F2:"));
    let figure: Option<f64> = line.and_then(|line| line.split(':').nth(3)).and_then(|figure| figure.parse().ok());
    let each = figure.map(|figure| if figure > 1.0 { 1.0 / figure } else { figure });
    each.filter(|each| *each > 0.0).ok_or_else(|| anyhow::anyhow!("openssl speed printed no figure:\n{printed}"))
}

fn tables(bench: &Bench<'_>, notes: &Notebook) -> Vec<Table> {
    let ideal_columns = ["key", "1 connection", "16 connections", "64 connections"];
    let mut ideal = Table::new("Tokens per CPU-second against 1/(bare signature + HTTP floor)", &ideal_columns);
    let mut burdened =
        Table::new("Tokens per CPU-second against the HTTP floor with a signature in it", &ideal_columns);
    burdened.note(
        "The same server, which signs a constant for each of its constant answers: what is left when everything between HTTP and the \
         signature is taken away. It signs each request by itself, so more than 1 is possible.",
    );
    let mut cost = Table::new(
        "What a token costs",
        &["key", "bare signature µs", "token µs at 1", "at 16", "at 64", "tokens per CPU-second at 16"],
    );
    let mut latency = Table::new(
        "Latency in ms",
        &["key", "p50 at 1", "p99 at 1", "p50 at 16", "p99 at 16", "p50 at 64", "p99 at 64"],
    );
    let mut shares = Table::new(SHARES, &["contender", "16 connections"]);
    for key in KEYS {
        let name = key.name();
        let wanted = if key.alg.is_rsa() { 0.95 } else { 0.80 };
        let of = |connections: usize, what: &str| notes.rounds(&format!("{name} {connections} {what}"));
        ideal.row(&name, CONNECTIONS.map(|count| Cell::at_least(of(count, "of ideal"), wanted)));
        burdened.row(&name, CONNECTIONS.map(|count| Cell::figure(of(count, "of burdened"), 3)));
        let costs = CONNECTIONS.map(|count| Cell::figure(of(count, "µs"), 1));
        let signature = Cell::figure(notes.rounds(&format!("{name} signature µs")), 1);
        let rate = Cell::figure(of(16, "per CPU-second"), 0);
        cost.row(&name, std::iter::once(signature).chain(costs).chain([rate]));
        latency.row(
            &name,
            CONNECTIONS.into_iter().flat_map(|count| ["p50", "p99"].map(|what| Cell::figure(of(count, what), 2))),
        );
        shares.row(format!("Tokenhouse, {name}"), [Cell::figure(of(16, "of signature"), 3)]);
    }
    latency.note("At several connections on one core a latency is mostly the queue of the others' signatures.");
    let mut http = Table::new("HTTP floor and openssl", &ideal_columns);
    http.row("floor, µs", CONNECTIONS.map(|count| Cell::figure(notes.rounds(&format!("floor {count} µs")), 1)));
    http.row(
        "floor against a plain actix handler",
        CONNECTIONS.map(|count| Cell::at_least(notes.rounds(&format!("floor {count} of bare")), WANTED_FLOOR)),
    );
    if bench.machine.has_openssl() {
        let cells = CONNECTIONS
            .map(|count| Cell::at_least(notes.rounds(&format!("RS256-2048 {count} of openssl")), WANTED_OPENSSL));
        http.row("RS256-2048 against openssl speed rsa2048", cells);
    } else {
        http.note("There is no openssl program here: the comparison with `openssl speed rsa2048` is left out.");
    }
    vec![ideal, burdened, cost, http, latency, shares]
}
