//! `tokenhouse restore`: a backup takes the place of the database.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::exit::CliError;
use super::open::{KeyCheckError, caller, load_config, open_master_keys, refuse_another_master_key};
use super::{ConfigArgs, OutputArgs, output};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, DatabaseUrl};
use crate::entropy::SystemEntropy;
use crate::store::{ChangeContext, Restoration, RestoreError, Store};
use crate::whole_file::Existing;

/// Puts a backup in the place of the SQLite database; every server must have been stopped
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tokenhouse restore /backup/tokenhouse-2026-11-30.db\n  \
    tokenhouse restore /backup/tokenhouse-2026-11-30.db --force\n\n\
    The backup is checked first, and that the master key opens its signing keys; if anything is wrong, nothing is changed. \
    What was revoked, disabled or retired since the backup is as it was before: do it again. PostgreSQL has tools of its \
    own: pg_restore.")]
pub struct RestoreArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// The backup
    file: PathBuf,
    /// Replaces the database that is there, which is kept under another name
    #[arg(long)]
    force: bool,
}

/// Runs `tokenhouse restore`.
///
/// # Errors
/// If the backup is not in order, or the database may not be replaced; then nothing is changed.
pub fn run(args: &RestoreArgs) -> Result<(), CliError> {
    let config = load_config(&args.config)?;
    if args.file == Path::new("-") {
        return Err(CliError::usage("a backup is checked before it is used: name its file"));
    }
    let DatabaseUrl::Sqlite(database) = &config.database.url else {
        return Err(CliError::Refused(
            "this database is PostgreSQL's, which has tools of its own: stop the servers, then pg_restore --clean \
             --if-exists --single-transaction --dbname=URL FILE (docs/backup.md)"
                .to_owned(),
        ));
    };
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let restoration = Restoration::prepare(&args.file, database, existing)?;
    check_master_key(&config, restoration.store())?;
    let context = ChangeContext { actor: caller().actor, at: SystemClock.now(), request_id: None };
    let restored = restoration.put_in_place(&context)?;
    let contents = restored.contents;
    output::object(
        args.output.output,
        &json!({
            "database": database.display().to_string(),
            "revision": contents.revision.0,
            "clients": contents.clients,
            "audit_events": contents.audit_events,
            "last_hash": contents.last_hash,
            "kept": restored.kept.map(|path| path.display().to_string()),
        }),
    )?;
    output::remark(
        "start the servers; what was revoked, disabled or retired since the backup is as it was before: do it again",
    );
    Ok(())
}

/// A server would not start with it.
fn check_master_key(config: &Config, store: &Store) -> Result<(), CliError> {
    if store.read(|reader| reader.list_signing_keys()).map_err(anyhow::Error::from)?.is_empty() {
        return Ok(());
    }
    let master_keys = open_master_keys(config, false, &SystemEntropy)?;
    match refuse_another_master_key(store, &master_keys) {
        Err(error @ KeyCheckError::Another(_)) => {
            let advice = "put the master key in place that belongs to this backup";
            Err(CliError::Failed(anyhow::Error::new(error).context(advice)))
        }
        outcome => Ok(outcome?),
    }
}

impl From<RestoreError> for CliError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::NotFound { .. }
            | RestoreError::NotAFile { .. }
            | RestoreError::Altered { .. }
            | RestoreError::Exists { .. }
            | RestoreError::InUse { .. } => Self::Refused(error.to_string()),
            RestoreError::Open(_)
            | RestoreError::Damaged { .. }
            | RestoreError::Store { .. }
            | RestoreError::Io { .. } => Self::Failed(error.into()),
        }
    }
}
