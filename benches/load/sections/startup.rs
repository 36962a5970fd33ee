//! How soon is the first token there, and in how much memory? Against npm `oauth2-mock-server`; and how soon are twenty there that
//! start at once, as parallel tests would?

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tokenhouse::keys::SigningAlg;

use super::Bench;
use crate::contender::{AUDIENCE, Issuer, PATIENT, Partner, api};
use crate::generator::Lane;
use crate::measure::{Notebook, run};
use crate::peer::{Peer, token_request};
use crate::process::{Server, free_address};
use crate::statistics::median;
use crate::table::{Cell, Table};

/// Starts in each round.
const STARTS: usize = 2;
const CONNECTIONS: usize = 16;
const WANTED_IDLE_MB: f64 = 25.0;

/// Issuers that start at once.
const AT_ONCE: usize = 20;

/// What is started.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contender {
    Dev,
    DevControl,
    Serve,
    MockServer,
}

impl Contender {
    const fn name(self) -> &'static str {
        match self {
            Self::Dev => "tokenhouse dev",
            Self::DevControl => "tokenhouse dev --control",
            Self::Serve => "tokenhouse serve, existing database",
            Self::MockServer => Peer::OAuth2MockServer.name(),
        }
    }
}

/// Runs the section.
///
/// # Errors
/// If a contender of ours does not run.
pub(super) fn run_section(bench: &Bench<'_>) -> anyhow::Result<Vec<Table>> {
    let partner = Partner::new("partner-a");
    let document = json!({ "apis": [api(AUDIENCE, SigningAlg::Rs256)], "clients": [partner.entry(&[AUDIENCE])] });
    // As an operator runs it, with its metrics.
    let metrics = format!("metrics.bind={}", free_address()?);
    let issuer = bench.workshop.issuer("startup", &[PATIENT, &metrics], &document)?;
    prepare(&issuer)?;
    let seed = issuer.directory.join("document.json");
    let installed = bench.peers.install(Peer::OAuth2MockServer);
    if let Err(cause) = &installed {
        crate::say(format_args!("  LEFT OUT: {}: {cause:#}", Contender::MockServer.name()));
    }
    let mut contenders = vec![Contender::Dev, Contender::DevControl, Contender::Serve];
    contenders.extend(installed.is_ok().then_some(Contender::MockServer));

    let mut notes = Notebook::default();
    for round in 1..=bench.arguments.rounds {
        crate::say(format_args!("  round {round} of {}", bench.arguments.rounds));
        for start in 0..STARTS {
            for contender in &contenders {
                let name = contender.name();
                let mut server = start_contender(bench, *contender, &issuer, &seed)?;
                let request = [match contender {
                    Contender::MockServer => token_request(),
                    Contender::Dev | Contender::DevControl | Contender::Serve => partner.token_request(AUDIENCE),
                }];
                let [first] = &request;
                notes.note(format!("{name} start"), server.wait_until_ok(first)?.as_secs_f64() * 1000.0);
                // What starting left to do in the background is done by then.
                std::thread::sleep(Duration::from_millis(if start == 0 { 500 } else { 0 }));
                if start == 0 {
                    note_memory(&mut notes, name, "idle", &server);
                    run(&server, Lane::closed(server.address, &request, CONNECTIONS), bench.arguments.seconds)?;
                    note_memory(&mut notes, name, "loaded", &server);
                }
                server.stop()?;
            }
        }
    }
    let at_once = start_at_once(bench, &issuer, &seed, &partner, installed.is_ok())?;
    Ok(vec![table(&contenders, &notes), at_once])
}

/// Twenty processes of each kind, started one after the other without waiting: until the last has given its first token.
fn start_at_once(
    bench: &Bench<'_>,
    issuer: &Issuer,
    seed: &Path,
    partner: &Partner,
    with_mock: bool,
) -> anyhow::Result<Table> {
    let mut notes = Notebook::default();
    let contenders = [Contender::DevControl, Contender::MockServer];
    let contenders: Vec<_> =
        contenders.into_iter().filter(|contender| with_mock || *contender != Contender::MockServer).collect();
    for round in 1..=bench.arguments.rounds {
        crate::say(format_args!("  round {round} of {}: {AT_ONCE} at once", bench.arguments.rounds));
        for contender in &contenders {
            let request = match contender {
                Contender::MockServer => token_request(),
                _ => partner.token_request(AUDIENCE),
            };
            let began = Instant::now();
            let mut servers = Vec::new();
            for _ in 0..AT_ONCE {
                servers.push(start_contender(bench, *contender, issuer, seed)?);
            }
            for server in &mut servers {
                server.wait_until_ok(&request)?;
            }
            notes.note(format!("{} last", contender.name()), began.elapsed().as_secs_f64() * 1000.0);
            let memory: f64 = servers.iter().map(|server| server.memory().pss).sum();
            notes.note(format!("{} pss", contender.name()), memory);
            servers.into_iter().try_for_each(Server::stop)?;
        }
    }
    let mut table =
        Table::new("Twenty processes started at once", &["contender", "ms until all gave a token", "PSS of all, MB"]);
    for contender in contenders {
        let of = |what: &str| notes.rounds(&format!("{} {what}", contender.name()));
        table.row(contender.name(), [Cell::figure(of("last"), 0), Cell::figure(of("pss"), 0)]);
    }
    table.note("All on one core.".to_owned());
    Ok(table)
}

/// The database as it is at every later start: with the next key announced.
fn prepare(issuer: &Issuer) -> anyhow::Result<()> {
    let server = issuer.serve_until_ready()?;
    std::thread::sleep(Duration::from_secs(3));
    server.stop()
}

fn start_contender(bench: &Bench<'_>, contender: Contender, issuer: &Issuer, seed: &Path) -> anyhow::Result<Server> {
    match contender {
        Contender::Serve => issuer.serve(),
        Contender::MockServer => bench.peers.start(Peer::OAuth2MockServer),
        Contender::Dev | Contender::DevControl => {
            let directory = bench.workshop.fresh("startup-dev")?;
            let address = free_address()?;
            let (port, resource_port) = (address.port().to_string(), free_address()?.port().to_string());
            let seed = seed.display().to_string();
            let words = ["tokenhouse", "dev", "--port", &port, "--resource-port", &resource_port, "--seed", &seed];
            let control = (contender == Contender::DevControl).then_some("--control");
            let args: Vec<String> = words.into_iter().chain(control).map(str::to_owned).collect();
            bench.workshop.start(&directory, &args, address)
        }
    }
}

fn note_memory(notes: &mut Notebook, name: &str, when: &str, server: &Server) {
    let memory = server.memory();
    notes.note(format!("{name} {when} rss"), memory.rss);
    notes.note(format!("{name} {when} pss"), memory.pss);
}

fn table(contenders: &[Contender], notes: &Notebook) -> Table {
    let mut table = Table::new(
        "From the start of the process to the first token, and memory",
        &["contender", "of oauth2-mock-server", "ms", "RSS idle MB", "RSS loaded MB", "PSS idle MB", "PSS loaded MB"],
    );
    let of = |name: &str, what: &str| notes.rounds(&format!("{name} {what}"));
    let mock = median(of(Contender::MockServer.name(), "start"));
    for contender in contenders {
        let name = contender.name();
        let starts = of(name, "start");
        let ratio = match contender {
            Contender::Dev | Contender::DevControl if mock.is_finite() => Cell::at_most(&[median(starts) / mock], 0.25),
            Contender::Serve if mock.is_finite() => Cell::at_most(&[median(starts) / mock], 1.0 / 6.0),
            _ => Cell::text(""),
        };
        let idle = match contender {
            Contender::MockServer => Cell::figure(of(name, "idle rss"), 1),
            Contender::Dev | Contender::DevControl | Contender::Serve => {
                Cell::at_most(of(name, "idle rss"), WANTED_IDLE_MB).digits(1)
            }
        };
        let rest = ["loaded rss", "idle pss", "loaded pss"].map(|what| Cell::figure(of(name, what), 1));
        table.row(name, [ratio, Cell::figure(starts, 0), idle].into_iter().chain(rest));
    }
    let starts = of(Contender::Dev.name(), "start").len();
    table.note(format!(
        "{starts} starts of each, interleaved; every contender on one core; `dev` also starts the resource API."
    ));
    table
}
