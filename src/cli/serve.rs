//! `tokenhouse serve`: the issuer for real.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::exit::CliError;
use super::listening::Listening;
use super::open::{Opened, open_with, seconds, sources};
use super::{ConfigArgs, output, running};
use crate::config::{Config, Flag};
use crate::http::management::{ManagementEndpoints, ManagementLimits};
use crate::http::{IssuerEndpoints, RequestLimits, metrics};
use crate::issuer::authenticate_assertion::AssertionSettings;
use crate::issuer::bootstrap::ManagementApi;
use crate::issuer::hash_pool::HashPoolSettings;
use crate::issuer::management_access::ManagementAccess;
use crate::issuer::published_keys::PublishedKeysSettings;
use crate::issuer::rights::Caller;
use crate::issuer::served::Served;
use crate::issuer::signing_keys::TestKeys;
use crate::issuer::signing_queue::SigningQueueSettings;
use crate::issuer::snapshot::SnapshotContext;
use crate::issuer::work_pool::PoolSize;
use crate::issuer::{TokenIssuer, TokenIssuerSettings};
use crate::keys::SigningAlg;
use crate::store::Migrate;

/// How often the store may fail to answer before `/readyz` says so.
const MISSED_POLLS: u32 = 8;

/// How long a slow check of a secret may wait for its turn; each takes about 25 ms.
const LONGEST_HASH_WAIT: Duration = Duration::from_secs(2);

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
    let listening = Listening::open(&config)?;
    let migrate = if args.migrate { Migrate::Always } else { Migrate::WhenEmpty };
    let opened = open_with(config, migrate, ManagementApi::BringUpToDate)?;
    actix_web::rt::System::new().block_on(serve(opened, listening))
}

async fn serve(opened: Opened, listening: Listening) -> Result<(), CliError> {
    let signals = running::StopSignals::install()?;
    let bind = listening.address()?;
    let certificate = listening.certificate.clone();
    let config = &opened.config;
    let context = SnapshotContext {
        issuer: opened.administration.policy().issuer.clone(),
        master_key: opened.master_key.clone(),
        test_keys: TestKeys::Refused,
    };
    let store = opened.administration.store().clone();
    let served = Served::load(store, opened.clock.clone(), context).context("cannot load the configuration")?;
    let served = Arc::new(served);
    let issuer =
        TokenIssuer::start(served.clone(), issuer_settings(config)?, opened.clock.clone(), opened.entropy.clone())
            .context("cannot start the threads of the issuer")?;
    let issuer = Arc::new(issuer);
    let poll = config.store.poll;
    let endpoints = IssuerEndpoints {
        issuer: issuer.clone(),
        administration: opened.administration.clone(),
        management: Arc::new(ManagementEndpoints::new(
            ManagementAccess::new(issuer.served().clone(), opened.clock.clone()),
            ManagementLimits { per_second: config.limits.management_per_second, burst: config.limits.management_burst },
        )),
        limits: RequestLimits {
            body_bytes: config.limits.body_bytes,
            body_time: config.server.request_body,
            parameters: config.limits.parameters,
        },
        document_max_age: seconds(config.jwks.max_age),
        store_silence: (poll * MISSED_POLLS).max(Duration::from_secs(2)),
        certificate: certificate.clone(),
    };
    let followed = certificate.map(running::follow_certificate).transpose()?;
    let (handles, servers) = listening.start(running::routes(endpoints.clone()), metrics::routes(endpoints))?;

    tracing::info!(
        issuer = config.issuer.as_str(),
        %bind,
        clients = served.snapshot().client_count(),
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    if served.snapshot().client_count() == 0 {
        say_what_to_do_next();
    }
    let algs = served.snapshot().keys.active_algs();
    let background = [
        running::follow_store(served, poll),
        running::write_usage(issuer.clone()),
        running::forget_assertions(issuer.clone()),
        running::tell_overload(issuer.clone()),
        announce_next_keys(opened, algs),
    ];
    let ended = running::until_stopped(signals, handles, servers).await;
    for task in background.into_iter().chain(followed) {
        task.abort();
    }
    running::flush_usage(issuer).await;
    ended
}

/// Announces the next signing key of each algorithm where there is none: in the background, since making an RSA key may take more than
/// a second.
fn announce_next_keys(opened: Opened, algs: Vec<SigningAlg>) -> tokio::task::JoinHandle<()> {
    actix_web::rt::spawn(async move {
        let made = tokio::task::spawn_blocking(move || {
            algs.into_iter().try_for_each(|alg| opened.administration.announce_next_key(&Caller::system(), alg))
        });
        match made.await {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => tracing::error!(%cause, "cannot announce the next signing key"),
            Err(cause) => tracing::error!(%cause, "announcing the next signing key panicked"),
        }
    })
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

fn issuer_settings(config: &Config) -> Result<TokenIssuerSettings, CliError> {
    let assertions = &config.client_assertions;
    let ca_pem = match &assertions.jwks_uri_ca_file {
        Some(path) => Some(
            std::fs::read(path)
                .with_context(|| format!("cannot read client_assertions.jwks_uri_ca_file, {}", path.display()))?,
        ),
        None => None,
    };
    Ok(TokenIssuerSettings {
        compat: config.compat,
        hashing: HashPoolSettings {
            pool: PoolSize {
                threads: config.hashing.threads.count().get(),
                queue: config.hashing.queue,
                max_wait: LONGEST_HASH_WAIT,
            },
            remember: config.hashing.remember,
            remembered: config.hashing.remember_entries,
        },
        signing: SigningQueueSettings { longest: config.signing.queue, max_wait: config.signing.longest_wait },
        reuse_bytes: config.token.reuse_bytes,
        assertions: AssertionSettings {
            strict: assertions.strict,
            max_lifetime: seconds(assertions.max_lifetime),
            clock_tolerance: seconds(assertions.clock_tolerance),
            published_keys: PublishedKeysSettings { known: assertions.jwks_uri_hosts.clone(), ca_pem },
        },
    })
}
