//! What grows with the number of clients? Rate, start, memory, and the time until a change is served.

use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokenhouse::keys::SigningAlg;

use super::Bench;
use crate::contender::{AUDIENCE, Issuer, PATIENT, Partner, api};
use crate::generator::{Lane, Pace, fetch, request};
use crate::measure::{Notebook, run};
use crate::process::Server;
use crate::statistics::median;
use crate::table::{Cell, Table};

const FEW: u32 = 1000;
/// How many of the clients ask, at most, spread evenly.
const ASKING: u32 = 20_000;
/// Clients in one document: a document has a largest size.
const BATCH: u32 = 100_000;
const CONNECTIONS: usize = 16;
const CHANGES: usize = 5;
const WANTED: f64 = 0.95;
/// Within this a change is looked for, so that the figure is not the waiting.
const POLL: &str = "store.poll_milliseconds=10";

/// The file with what a later run needs.
const KEPT: &str = "made.json";

/// An issuer with many clients.
struct Contender {
    count: u32,
    issuer: Issuer,
    requests: Vec<Vec<u8>>,
    applied_seconds: f64,
}

/// What a later run needs to know of clients made before.
#[derive(Serialize, Deserialize)]
struct Made {
    requests: Vec<Vec<u8>>,
    applied_seconds: f64,
}

/// Runs the section.
///
/// # Errors
/// If a server does not run.
pub(super) fn run_section(bench: &Bench<'_>) -> anyhow::Result<Vec<Table>> {
    let counts = [FEW, bench.arguments.clients.max(FEW)];
    let contenders = counts.map(|count| prepare(bench, count)).into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let mut notes = Notebook::default();
    let mut servers = Vec::new();
    for contender in &contenders {
        let server = start(contender, &mut notes)?;
        crate::say(format_args!("  first use of {} clients", contender.requests.len()));
        run(&server, Lane::closed(server.address, &contender.requests, CONNECTIONS).at(Pace::Once), 120.0)?;
        servers.push(server);
    }
    for round in 1..=bench.arguments.rounds {
        crate::say(format_args!("  round {round} of {}", bench.arguments.rounds));
        let mut each = Vec::new();
        for (contender, server) in contenders.iter().zip(&servers) {
            let lane = Lane::closed(server.address, &contender.requests, CONNECTIONS);
            let done = run(server, lane, bench.arguments.seconds)?;
            notes.note_run(&contender.count.to_string(), &done);
            each.push(done.cpu_each);
        }
        if let [few, many] = each[..] {
            notes.note("many of few", few / many);
        }
    }
    for (contender, server) in contenders.iter().zip(&servers) {
        notes.note(format!("{} loaded", contender.count), server.memory().rss);
        for number in 0..CHANGES {
            notes
                .note(format!("{} change", contender.count), change(contender, server, number)?.as_secs_f64() * 1000.0);
        }
    }
    Ok(vec![table(&contenders, &notes)])
}

/// A database with so many clients, each with a secret and a grant: kept from one run to the next, since a million take minutes.
fn prepare(bench: &Bench<'_>, count: u32) -> anyhow::Result<Contender> {
    let name = format!("clients-{count}");
    let settings = [POLL, PATIENT];
    if let Some(issuer) = bench.workshop.kept_issuer(&name, &settings)?
        && let Ok(kept) = std::fs::read(issuer.directory.join(KEPT))
        && let Ok(Made { requests, applied_seconds }) = serde_json::from_slice(&kept)
    {
        crate::say(format_args!("  {count} clients are there from an earlier run"));
        return Ok(Contender { count, issuer, requests, applied_seconds });
    }
    crate::say(format_args!("  making {count} clients"));
    let document = json!({ "apis": [api(AUDIENCE, SigningAlg::Rs256)] });
    let issuer = bench.workshop.issuer(&name, &settings, &document)?;
    let step = count.div_ceil(ASKING).max(1);
    let mut requests = Vec::new();
    let mut applied_seconds = 0.0;
    for first in (0..count).step_by(usize::try_from(BATCH)?) {
        let partners: Vec<Partner> =
            (first..count.min(first + BATCH)).map(|number| Partner::new(format!("client-{number:07}"))).collect();
        let asking = partners.iter().zip(first..).filter(|(_, number)| number % step == 0);
        requests.extend(asking.map(|(partner, _)| partner.token_request(AUDIENCE)));
        applied_seconds += apply(&issuer, &partners)?.as_secs_f64();
    }
    let made = Made { requests, applied_seconds };
    std::fs::write(issuer.directory.join(KEPT), serde_json::to_vec(&made)?)?;
    Ok(Contender { count, issuer, requests: made.requests, applied_seconds })
}

fn apply(issuer: &Issuer, partners: &[Partner]) -> anyhow::Result<Duration> {
    let clients: Vec<Value> = partners.iter().map(|partner| partner.entry(&[AUDIENCE])).collect();
    let document = json!({ "apis": [api(AUDIENCE, SigningAlg::Rs256)], "clients": clients });
    std::fs::write(issuer.directory.join("document.json"), serde_json::to_vec(&document)?)?;
    let began = Instant::now();
    issuer.run(&["apply", "-f", "document.json", "--output", "json"])?;
    Ok(began.elapsed())
}

/// Starts the server: when did it say that it lives, and when did it issue a token?
fn start(contender: &Contender, notes: &mut Notebook) -> anyhow::Result<Server> {
    let count = contender.count;
    // The first start also makes what later starts find.
    contender.issuer.serve_until_ready()?.stop()?;
    let began = Instant::now();
    let mut server = contender.issuer.serve()?;
    let address = server.address;
    let lives = thread::spawn(move || {
        let live = request::get("/livez", None);
        while began.elapsed() < Duration::from_mins(5) {
            if TcpStream::connect(address).is_ok() && fetch(address, &live).is_ok_and(|(status, _)| status == 200) {
                return Some(began.elapsed());
            }
            thread::sleep(Duration::from_millis(1));
        }
        None
    });
    let first = contender.requests.first().context("there are no clients")?;
    notes.note(format!("{count} start"), server.wait_until_ok(first)?.as_secs_f64());
    let lived = lives.join().ok().flatten().context("/livez never answered")?;
    notes.note(format!("{count} livez"), lived.as_secs_f64());
    thread::sleep(Duration::from_millis(500));
    notes.note(format!("{count} idle"), server.memory().rss);
    notes.note(format!("{count} start peak"), server.peak_rss());
    Ok(server)
}

/// Makes a client by the command line: how long after that does it get a token?
fn change(contender: &Contender, server: &Server, number: usize) -> anyhow::Result<Duration> {
    // Earlier runs have made theirs.
    let id = format!("late-{}-{number}", contender.issuer.address.port());
    let made = contender.issuer.run(&["client", "create", "--id", &id, "--output", "json"])?;
    let made: Value = serde_json::from_str(&made)?;
    let secret = made.get("client_secret").and_then(Value::as_str).context("no secret of the new client")?;
    let partner = Partner { client_id: id.clone(), secret: secret.to_owned() };
    let request = partner.token_request(AUDIENCE);
    contender.issuer.run(&["grant", "create", &id, AUDIENCE, "--scope", "list:users", "--scope", "create:users"])?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_mins(1) {
        if fetch(server.address, &request)?.0 == 200 {
            return Ok(began.elapsed());
        }
        thread::sleep(Duration::from_millis(1));
    }
    anyhow::bail!("the change was not served within a minute")
}

fn table(contenders: &[Contender], notes: &Notebook) -> Table {
    let mut table = Table::new(
        "What grows with the number of clients",
        &[
            "clients",
            "rate against 1,000",
            "µs a token",
            "first token s",
            "/livez s",
            "RSS idle MB",
            "bytes per client",
            "RSS peak at start MB",
            "RSS loaded MB",
            "change served after ms",
            "apply s",
            "database MB",
        ],
    );
    let few_idle = median(notes.rounds(&format!("{FEW} idle")));
    for Contender { count, issuer, applied_seconds, .. } in contenders {
        let of = |what: &str| notes.rounds(&format!("{count} {what}"));
        let is_many = *count > FEW;
        let ratio = if is_many { Cell::at_least(notes.rounds("many of few"), WANTED) } else { Cell::text("1") };
        let each = (median(of("idle")) - few_idle) * 1e6 / f64::from(count.saturating_sub(FEW).max(1));
        let each = if is_many { Cell::one(each, 0) } else { Cell::text("") };
        table.row(
            count.to_string(),
            [
                ratio,
                Cell::figure(of("µs"), 1),
                Cell::figure(of("start"), 2),
                Cell::figure(of("livez"), 2),
                Cell::figure(of("idle"), 1),
                each,
                Cell::figure(of("start peak"), 1),
                Cell::figure(of("loaded"), 1),
                Cell::figure(of("change"), 1),
                Cell::one(*applied_seconds, 1),
                Cell::one(database_mb(&issuer.directory), 1),
            ],
        );
    }
    table.note(format!(
        "Each client with a secret and a grant; up to {ASKING} of them ask in turn. A change is a new client with a grant, made by the \
         command line, from the end of that command; {POLL}."
    ));
    table
}

fn database_mb(directory: &Path) -> f64 {
    let size = |name: &str| std::fs::metadata(directory.join(name)).map_or(0, |file| file.len());
    crate::statistics::number(size("tokenhouse.db") + size("tokenhouse.db-wal")) / 1e6
}
