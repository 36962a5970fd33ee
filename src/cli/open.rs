//! How does a command get at the store: configuration, database, master key, and what must be there from the start?

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use zeroize::Zeroizing;

use super::ConfigArgs;
use super::environment;
use super::exit::CliError;
use super::output;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, DatabaseUrl, Flag, MasterKeySource, Sources};
use crate::entropy::{Entropy, SystemEntropy};
use crate::issuer::administration::{Administration, AdministrationPolicy, OverlapPolicy};
use crate::issuer::bootstrap::ManagementApi;
use crate::issuer::rights::Caller;
use crate::issuer::signing_keys::{SigningKeys, TestKeys};
use crate::keys::lifecycle::AnnouncementPeriod;
use crate::keys::master_key_file::{self, MasterKeyFileError};
use crate::keys::{MasterKey, MasterKeys, RsaBits};
use crate::oauth::metadata::Issuer;
use crate::store::{Actor, Database, Migrate, OpenError, Store, StoreError, StoreSettings};

/// The store, opened, with the use cases over it.
#[derive(Debug)]
pub struct Opened {
    /// The configuration.
    pub config: Config,
    /// The use cases.
    pub administration: Arc<Administration>,
    /// What opens the signing keys.
    pub master_keys: Arc<MasterKeys>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// Creates or updates the tables of the database.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tokenhouse migrate --config /etc/tokenhouse.toml")]
pub struct MigrateArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

/// Runs `tokenhouse migrate`.
///
/// # Errors
/// If the database cannot be opened or changed.
pub fn run_migrate(args: &MigrateArgs) -> Result<(), CliError> {
    let config = load_config(&args.config)?;
    open_store(&config, Migrate::Always)?;
    output::remark("the database is up to date");
    Ok(())
}

/// Where settings come from: `--set` and the flags of the command, before environment and file.
///
/// # Errors
/// If a `--set` is not `KEY=VALUE`.
pub fn sources(args: &ConfigArgs, mut flags: Vec<Flag>) -> Result<Sources, CliError> {
    for text in &args.set {
        let Some((key, value)) = text.split_once('=') else {
            return Err(CliError::usage(format!("--set {text}: write it as KEY=VALUE")));
        };
        flags.push(Flag { name: "--set".to_owned(), key: key.to_owned(), value: value.to_owned() });
    }
    Ok(Sources::of(args.config.clone(), environment::variables(), flags))
}

/// Loads the configuration.
///
/// # Errors
/// With every mistake in it.
pub fn load_config(args: &ConfigArgs) -> Result<Config, CliError> {
    Config::load(&sources(args, Vec::new())?).map_err(CliError::usage)
}

/// Opens the store for a command that only reads: it must be there, and nothing is written.
///
/// # Errors
/// If configuration or database are not in order.
pub fn open_for_reading(args: &ConfigArgs) -> Result<Store, CliError> {
    let config = load_config(args)?;
    if let DatabaseUrl::Sqlite(path) = &config.database.url
        && !path.exists()
    {
        return Err(missing_database(path));
    }
    open_store(&config, Migrate::Never)
}

/// There must be a database, and there is none.
pub(super) fn missing_database(path: &Path) -> CliError {
    CliError::Failed(anyhow::anyhow!(
        "there is no database at {}: start `tokenhouse serve` here first, or name the right one by --config or --set \
         database.url=sqlite:PATH",
        path.display()
    ))
}

/// Opens the store for a command that changes it.
///
/// # Errors
/// If configuration, database or master key are not in order.
pub fn open(args: &ConfigArgs) -> Result<Opened, CliError> {
    open_with(load_config(args)?, Migrate::WhenEmpty, ManagementApi::Keep)
}

/// Opens the store of `config`, and makes sure that the Management API and a signing key are there.
fn open_with(config: Config, migrate: Migrate, management: ManagementApi) -> Result<Opened, CliError> {
    let opened = open_as_it_is(config, migrate)?;
    opened.administration.bootstrap(management)?;
    Ok(opened)
}

/// Opens the store of `config`, in which the Management API and a signing key may still be missing.
///
/// # Errors
/// If database or master key are not in order.
pub fn open_as_it_is(config: Config, migrate: Migrate) -> Result<Opened, CliError> {
    let store = open_store(&config, migrate)?;
    over_opened(config, store)
}

/// What a server opens: a database that several may share need not be there yet.
///
/// # Errors
/// If database or master key are not in order.
pub fn open_for_serving(config: Config, migrate: Migrate) -> Result<(Opened, Opening), CliError> {
    let store = Store::unopened(&store_settings(&config)?).map_err(|error| CliError::Failed(error.into()))?;
    match store.look_at_tables(migrate) {
        Ok(()) => Ok((over_opened(config, store)?, Opening::Done)),
        Err(error) if store.tells_of_changes() && error.is_temporary() => {
            // Nobody knows yet whether this is the first start ever, which would make one.
            if let MasterKeySource::File(path) = &config.keys.master_key
                && !path.exists()
            {
                return Err(CliError::Failed(anyhow::Error::new(error).context(format!(
                    "there is no master key at {}, and only with an empty database one is made: put it there, or give \
                     keys.master_key, and this server waits for its database; else start it again when that is there",
                    path.display()
                ))));
            }
            let master_keys = open_master_keys(&config, false, &SystemEntropy)?;
            tracing::error!(cause = %error, "the database is away; it is tried again until it is there");
            Ok((over_store(config, store, master_keys)?, Opening::Awaited(migrate)))
        }
        Err(error) => Err(CliError::Failed(error.into())),
    }
}

/// The use cases over a store that was opened.
fn over_opened(config: Config, store: Store) -> Result<Opened, CliError> {
    let keys = store.read(|reader| reader.list_signing_keys()).map_err(anyhow::Error::from)?;
    let master_keys = open_master_keys(&config, keys.is_empty(), &SystemEntropy)?;
    refuse_another_master_key(&store, &master_keys)?;
    over_store(config, store, master_keys)
}

/// Whether the database has been opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It has.
    Done,
    /// It is away, and is to be opened so when it is there.
    Awaited(Migrate),
}

/// The use cases over `store`.
fn over_store(config: Config, store: Store, master_keys: MasterKeys) -> Result<Opened, CliError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let master_keys = Arc::new(master_keys);
    let administration =
        Administration::new(store, master_keys.clone(), clock.clone(), entropy.clone(), policy(&config)?);
    Ok(Opened { config, administration: Arc::new(administration), master_keys, clock, entropy })
}

/// With another master key than that of the servers, new keys would be sealed so that they cannot open them.
///
/// # Errors
/// If `master_keys` do not open what is stored, or the store does not answer.
pub fn refuse_another_master_key(store: &Store, master_keys: &MasterKeys) -> Result<(), KeyCheckError> {
    let keys = store.read(|reader| reader.list_signing_keys())?;
    let opened = SigningKeys::open(keys, &SigningKeys::default(), master_keys, TestKeys::Refused);
    opened.unusable().first().map_or(Ok(()), |cause| Err(KeyCheckError::Another(cause.to_string())))
}

/// Why it is not known that the master key is the right one.
#[derive(Debug, thiserror::Error)]
pub enum KeyCheckError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is another one.
    #[error("{0}; nothing was changed")]
    Another(String),
}

impl From<KeyCheckError> for CliError {
    fn from(error: KeyCheckError) -> Self {
        Self::Failed(error.into())
    }
}

fn store_settings(config: &Config) -> Result<StoreSettings, CliError> {
    Ok(StoreSettings { database: database(config)?, pool_size: config.database.pool_size })
}

fn open_store(config: &Config, migrate: Migrate) -> Result<Store, CliError> {
    Store::open(&store_settings(config)?, migrate).map_err(|error: OpenError| CliError::Failed(error.into()))
}

/// The master key, and the one before it where there is one.
pub(super) fn open_master_keys(
    config: &Config,
    first_start: bool,
    entropy: &dyn Entropy,
) -> Result<MasterKeys, CliError> {
    let given = config.keys.old_master_key.as_ref();
    let old = match (given, &config.keys.master_key) {
        (Some(key), _) => Some(MasterKey::from_bytes(Zeroizing::new(*key.expose()))),
        (None, MasterKeySource::Given(_)) => None,
        (None, MasterKeySource::File(path)) => match master_key_file::load(&master_key_file::old_path(path)) {
            Err(MasterKeyFileError::NotFound { .. }) => None,
            other => Some(other.context("cannot use the master key before the present one")?),
        },
    };
    Ok(MasterKeys::new(open_master_key(config, first_start, entropy)?, old))
}

/// The master key: given, or from its file. Only an empty store gets a new one: with another key, what is sealed in a
/// store that is not empty could never be opened again.
fn open_master_key(config: &Config, first_start: bool, entropy: &dyn Entropy) -> Result<MasterKey, CliError> {
    let path = match &config.keys.master_key {
        MasterKeySource::Given(key) => return Ok(MasterKey::from_bytes(Zeroizing::new(*key.expose()))),
        MasterKeySource::File(path) => path,
    };
    match master_key_file::load(path) {
        Err(MasterKeyFileError::NotFound { .. }) if first_start => {
            match master_key_file::create(path, entropy) {
                // Another command was quicker by a moment.
                Err(MasterKeyFileError::AlreadyExists { .. }) => {
                    Ok(master_key_file::load(path).context("cannot use the master key")?)
                }
                other => Ok(other.context("cannot make the master key")?),
            }
        }
        Err(error @ MasterKeyFileError::NotFound { .. }) => Err(CliError::Failed(anyhow::Error::new(error).context(
            "the database holds signing keys that are sealed with a master key: put the file back, or give keys.master_key",
        ))),
        other => Ok(other.context("cannot use the master key")?),
    }
}

#[cfg_attr(feature = "postgres", expect(clippy::unnecessary_wraps, reason = "it fails in builds without PostgreSQL"))]
fn database(config: &Config) -> Result<Database, CliError> {
    match &config.database.url {
        DatabaseUrl::Sqlite(path) => Ok(Database::SqliteFile(path.clone())),
        #[cfg(feature = "postgres")]
        DatabaseUrl::Postgres(url) => {
            let timeouts = crate::store::PostgresTimeouts {
                connect: config.database.connect_timeout,
                statement: config.database.statement_timeout,
            };
            Ok(Database::Postgres(crate::store::PostgresUrl::new(url.expose().clone()).with_timeouts(timeouts)))
        }
        #[cfg(not(feature = "postgres"))]
        DatabaseUrl::Postgres(_) => Err(CliError::usage("this build leaves PostgreSQL out")),
    }
}

fn policy(config: &Config) -> Result<AdministrationPolicy, CliError> {
    let rsa_bits = u32::try_from(config.keys.rsa_bits).ok().and_then(|bits| RsaBits::try_from(bits).ok());
    Ok(AdministrationPolicy {
        issuer: Issuer::new(config.issuer.as_str()),
        default_token_lifetime: seconds(config.token.default_lifetime),
        max_token_lifetime: seconds(config.token.max_lifetime),
        max_live_secrets: config.secrets.max_live_per_client,
        overlap: OverlapPolicy {
            default: seconds(config.secrets.default_overlap),
            longest: seconds(config.secrets.max_overlap),
        },
        quiet_days: config.secrets.quiet_days,
        announcement: AnnouncementPeriod {
            max_age_seconds: seconds(config.jwks.max_age),
            propagation_seconds: seconds(config.keys.propagation),
        },
        max_staleness: seconds(config.store.max_staleness),
        rotation_seconds: config.keys.rotation.map(seconds),
        rsa_bits: rsa_bits.context("keys.rsa_bits: use 2048, 3072 or 4096")?,
    })
}

/// Whole seconds; the configuration holds no duration beyond some years.
pub(super) fn seconds(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// Who asks: the user of this terminal.
#[expect(clippy::disallowed_methods, reason = "the audit trail names the user as the system knows it")]
pub fn caller() -> Caller {
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).or_else(|_| std::env::var("LOGNAME"));
    let user = user.ok().filter(|user| !user.is_empty() && !user.chars().any(char::is_control));
    Caller::on_host(Actor::Cli { user: user.unwrap_or_else(|| "unknown".to_owned()) })
}
