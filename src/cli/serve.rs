//! `tokenhouse serve`: the issuer for real.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::endpoints::endpoints;
use super::exit::CliError;
use super::listening::Listening;
use super::load::load;
use super::open::{Opened, Opening, open_for_serving, sources};
use super::running::Drain;
use super::{ConfigArgs, output, running};
use crate::config::{Config, Flag};
use crate::http::metrics;
use crate::issuer::listen;
use crate::issuer::servers::Presence;
use crate::store::{self, Migrate};
use crate::telemetry::traces;

/// How long the store may take at the end for what was counted last.
const LAST_WRITE: Duration = Duration::from_secs(5);

/// How long is waited at the very end for those who still talk to the store.
const LAST_WORD: Duration = Duration::from_secs(1);

/// The issuer for real: on a database, with signing keys of its own.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tokenhouse serve\n  tokenhouse serve --config /etc/tokenhouse.toml --migrate")]
pub struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Updates the tables of the database first, where this version needs it
    #[arg(long)]
    migrate: bool,
    /// Where to listen; the same as --set server.bind=…
    #[arg(long, value_name = "ADDRESS:PORT")]
    bind: Option<SocketAddr>,
    /// The issuer identifier; the same as --set issuer=…
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The database; the same as --set database.url=…
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Where the master key lies; the same as --set keys.directory=…
    #[arg(long, value_name = "DIRECTORY")]
    keys: Option<PathBuf>,
}

impl ServeArgs {
    fn flags(&self) -> Vec<Flag> {
        let flag = |name: &str, key: &str, value: Option<String>| {
            value.map(|value| Flag { name: name.to_owned(), key: key.to_owned(), value })
        };
        [
            flag("--bind", "server.bind", self.bind.map(|bind| bind.to_string())),
            flag("--issuer", "issuer", self.issuer.clone()),
            flag("--database", "database.url", self.database.clone()),
            flag("--keys", "keys.directory", self.keys.as_ref().map(|path| path.display().to_string())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Runs `tokenhouse serve` until Ctrl-C or SIGTERM.
///
/// # Errors
/// If anything it needs is not in order.
pub fn run(args: &ServeArgs) -> Result<(), CliError> {
    let config = Config::load(&sources(&args.config, args.flags())?).map_err(CliError::usage)?;
    crate::telemetry::init(config.log.format, config.log.level.as_str()).context("cannot start the log")?;
    traces::start(&config.tracing, "tokenhouse", &config.server.proxies.trusted).context("cannot send traces")?;
    let listening = Listening::open(&config)?;
    let migrate = if args.migrate { Migrate::Always } else { Migrate::WhenEmpty };
    let (opened, opening) = open_for_serving(config, migrate)?;
    let system = actix_web::rt::System::new();
    let ended = system.block_on(serve(opened, opening, listening));
    store::leave(LAST_WORD);
    // It would wait for threads that wait for a database that hangs. The process ends here.
    std::mem::forget(system);
    ended
}

async fn serve(opened: Opened, opening: Opening, listening: Listening) -> Result<(), CliError> {
    let signals = running::StopSignals::install()?;
    let bind = listening.address()?;
    let certificate = listening.certificate.clone();
    let endpoints = endpoints(&opened, certificate.clone())?;
    let issuer = endpoints.issuer.clone();
    let stopping = endpoints.stopping.clone();
    let followed = certificate.map(running::follow_certificate).transpose()?;
    let (handles, servers) = listening.start(running::routes(endpoints.clone()), metrics::routes(endpoints.clone()))?;

    let config = &opened.config;
    tracing::info!(issuer = config.issuer.as_str(), %bind, version = env!("CARGO_PKG_VERSION"), "listening");
    let mut background = Vec::from_iter(followed);
    let presence = Presence::new(issuer.served().clone(), &opened.administration, running::server_name());
    let presence = Arc::new(presence);
    background.push(running::tell_presence(presence.clone(), endpoints.clone()));
    let started = async {
        let served = issuer.served().clone();
        load(&opened, served.clone(), opening).await?;
        let snapshot = served.snapshot().clone();
        tracing::info!(clients = snapshot.client_count(), revision = snapshot.revision.0, "ready");
        if snapshot.client_count() == 0 {
            say_what_to_do_next();
        }
        listen::start(&served).context("cannot start the thread that listens to the database")?;
        background.extend([
            running::judge_freshness(served.clone()),
            running::follow_store(served, config.store.poll),
            running::write_usage(issuer.clone()),
            running::note_rates(issuer.clone()),
            running::forget_assertions(issuer.clone()),
            running::forget_sessions(endpoints.console.clone()),
            running::forget_idle_clients(endpoints.clone()),
            running::tell_overload(issuer.clone()),
            running::tend_keys(opened.administration.clone()),
        ]);
        Ok(())
    };
    let drain = Drain { stopping, time: config.server.drain };
    let ended = running::until_stopped(signals, drain, handles, servers, started).await;
    for task in background {
        task.abort();
    }
    // The process ends: to take apart a million clients one by one would only keep it from that.
    std::mem::forget(Arc::clone(&issuer.served().snapshot()));
    let store = issuer.served().store().clone();
    // Side by side: each waits for the store by itself.
    let last_writes = futures_util::future::join(running::flush_usage(issuer), running::end_presence(presence));
    if tokio::time::timeout(LAST_WRITE, last_writes).await.is_err() {
        tracing::warn!("the store does not answer; what was counted last of clients and secrets is lost");
    }
    // Nobody closes the connections: the process ends here.
    let folded = tokio::task::spawn_blocking(move || store.fold_log());
    if let Ok(Ok(Err(cause))) = tokio::time::timeout(LAST_WRITE, folded).await {
        tracing::warn!(%cause, "the database's log could not be made a part of its file; it is read at the next start");
    }
    ended
}

fn say_what_to_do_next() {
    output::remark(
        "No client yet. In another terminal, in this directory:\n  \
         tokenhouse api create https://api.example.com/ --scope list:users && tokenhouse client create --id partner-a\n  \
         tokenhouse grant create partner-a https://api.example.com/ --scope list:users\n\
         To manage it over HTTP, by script or with an SDK, the one way in:\n  \
         tokenhouse client create --management",
    );
}
