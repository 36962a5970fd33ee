//! `tokenhouse audit`: who changed what, and has anyone altered the record of it?

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::CliError;
use super::open::open_for_reading;
use super::{ConfigArgs, OutputArgs, output};
use crate::issuer::audit::AuditEventEntry;
use crate::store::{AuditFilter, ChainVerdict, Page, Store};

/// How many events are read at a time.
const BATCH: u32 = 1_000;

/// The audit trail.
#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Checks that no event was altered, removed or put in between
    #[command(
        after_help = "Example:\n  tokenhouse audit verify\n\nKeep the hash that it prints elsewhere: who can rewrite the whole trail can rewrite its hashes too."
    )]
    Verify,
    /// Writes every event as one line of JSON, oldest first
    #[command(after_help = "Example:\n  tokenhouse audit export > audit.jsonl")]
    Export,
}

/// Runs `tokenhouse audit`.
///
/// # Errors
/// If the trail has been altered, or cannot be read.
pub fn run(args: &AuditArgs) -> Result<(), CliError> {
    let store = open_for_reading(&args.config)?;
    match args.verb {
        Verb::Verify => match store.read(|reader| reader.verify_chain()).map_err(anyhow::Error::from)? {
            ChainVerdict::Intact { events, last_hash } => {
                output::object(args.output.output, &json!({ "intact": true, "events": events, "last_hash": last_hash }))
            }
            ChainVerdict::Broken { position, fault } => {
                Err(CliError::Refused(format!("the audit trail was altered at event {position}: {fault}")))
            }
        },
        Verb::Export => export(&store),
    }
}

fn export(store: &Store) -> Result<(), CliError> {
    let everything = AuditFilter::default();
    let count = store.read(|reader| reader.count_audit_events(&everything)).map_err(anyhow::Error::from)?;
    let mut left = u32::try_from(count).unwrap_or(u32::MAX);
    // The list is newest first, and the trail only grows at that end: so from the far end, batch by batch.
    while left > 0 {
        let limit = left.min(BATCH);
        left -= limit;
        let events = store.read(|reader| {
            let now = reader.count_audit_events(&everything)?;
            let grown = u32::try_from(now.saturating_sub(count)).unwrap_or(u32::MAX);
            reader.list_audit_events(&everything, Page { offset: left.saturating_add(grown), limit, ..Page::ALL })
        });
        for event in events.map_err(anyhow::Error::from)?.into_iter().rev() {
            let line = serde_json::to_string(&AuditEventEntry::from(event)).map_err(anyhow::Error::from)?;
            output::line(line)?;
        }
    }
    Ok(())
}
