//! `tokenhouse backup`: everything that is stored in one file, while servers serve on.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::exit::CliError;
use super::open::{load_config, missing_database};
use super::{ConfigArgs, OutputArgs, output};
use crate::config::{DatabaseUrl, MasterKeySource};
use crate::store::{BackupError, back_up};
use crate::whole_file::Existing;

/// Backs up the SQLite database into one file, while servers serve and write
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tokenhouse backup /backup/tokenhouse-$(date +%F).db\n\n\
    The file is a SQLite database of its own, for its owner only. It holds everything that is stored: clients, APIs, grants, \
    hashes, the sealed signing keys, usage and the audit trail; not who is signed in to the console, and no one-time links; not \
    the master key, without which it signs nothing. Keep a copy of that elsewhere. PostgreSQL has tools of its own: pg_dump.")]
pub struct BackupArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// The file to write
    file: PathBuf,
    /// Replaces the file if it is there
    #[arg(long)]
    force: bool,
}

/// Runs `tokenhouse backup`.
///
/// # Errors
/// If there is no whole copy on the disk in the end.
pub fn run(args: &BackupArgs) -> Result<(), CliError> {
    let config = load_config(&args.config)?;
    if args.file == Path::new("-") {
        return Err(CliError::usage("a backup is a file that is checked once it is written: name one"));
    }
    let DatabaseUrl::Sqlite(database) = &config.database.url else {
        return Err(CliError::Refused(
            "this database is PostgreSQL's, which has tools of its own: pg_dump --format=custom \
             --exclude-table-data=console_sessions --exclude-table-data=one_time_links --exclude-table-data=servers --dbname=URL \
             --file=FILE (docs/backup.md)"
                .to_owned(),
        ));
    };
    if !database.exists() {
        return Err(missing_database(database));
    }
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let backup = back_up(database, &args.file, existing)?;
    let contents = backup.contents;
    output::object(
        args.output.output,
        &json!({
            "file": args.file.display().to_string(),
            "bytes": backup.bytes,
            "revision": contents.revision.0,
            "clients": contents.clients,
            "audit_events": contents.audit_events,
            "last_hash": contents.last_hash,
        }),
    )?;
    let master_key = match &config.keys.master_key {
        MasterKeySource::File(path) => path.display().to_string(),
        MasterKeySource::Given(_) => "what keys.master_key says".to_owned(),
    };
    output::remark(format_args!(
        "not in it is the master key, {master_key}, without which nothing in it can sign: keep a copy of it elsewhere"
    ));
    Ok(())
}

impl From<BackupError> for CliError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Exists { .. } | BackupError::NotAFile { .. } => Self::Refused(error.to_string()),
            BackupError::Open(_) | BackupError::Damaged { .. } | BackupError::Copy { .. } | BackupError::Io { .. } => {
                Self::Failed(error.into())
            }
        }
    }
}
