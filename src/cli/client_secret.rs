//! `tokenhouse client secret`: the secrets of a client.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::ConfigArgs;
use super::client::find;
use super::exit::CliError;
use super::open::{caller, load_config, open, open_for_reading};
use super::output::{self, OutputFormat};
use crate::clock::{Clock as _, SystemClock};
use crate::issuer::document::entries::to_timestamp;
use crate::issuer::secret_list::list_secrets;
use crate::issuer::secrets::{AddedSecret, SecretTerms};

const COLUMNS: &[&str] =
    &["id", "hint", "label", "created_at", "expires_at", "last_used_at", "safe_to_retire", "safe_to_retire_reason"];

/// The secrets of a client.
#[derive(Debug, Args)]
pub struct SecretArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Generates a further secret, which is shown once
    #[command(after_help = "Example:\n  tokenhouse client secret add partner-a --label 'new build server'")]
    Add {
        /// Its client id
        client_id: String,
        /// A label for people
        #[arg(long)]
        label: Option<String>,
        /// When it stops working, for example 2027-12-31T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// Lists the secrets with label, expiry, last use and whether they can be retired, never their values
    #[command(after_help = "Example:\n  tokenhouse client secret list partner-a")]
    List {
        /// Its client id
        client_id: String,
    },
    /// Deletes a secret at once
    #[command(after_help = "Example:\n  tokenhouse client secret retire partner-a ths_Zk3vQ0aB")]
    Retire {
        /// Its client id
        client_id: String,
        /// The id of the secret, or the first 12 characters of a generated one
        secret: String,
    },
}

/// Runs `tokenhouse client secret`.
///
/// # Errors
/// What the verb refuses.
pub fn run(config: &ConfigArgs, format: OutputFormat, args: SecretArgs) -> Result<(), CliError> {
    let change = || open(config).map(|opened| opened.administration);
    match args.verb {
        Verb::Add { client_id, label, expires_at } => {
            let terms = SecretTerms { label, expires_at };
            let added = change()?.change(&caller(), |change| change.add_secret(&client_id, terms))?;
            show_new_secret(format, &client_id, &added)
        }
        Verb::List { client_id } => {
            let client = find(&open_for_reading(config)?, &client_id)?;
            let quiet_days = load_config(config)?.secrets.quiet_days;
            let listed = list_secrets(&client.secrets, quiet_days, SystemClock.now());
            output::list(format, COLUMNS, &listed)
        }
        Verb::Retire { client_id, secret } => {
            change()?.change(&caller(), |change| change.retire_secret(&client_id, &secret))?;
            output::remark(format_args!("retired the secret {secret} of {client_id}"));
            Ok(())
        }
    }
}

/// Shows a secret that was just generated, once.
pub(super) fn show_new_secret(format: OutputFormat, client_id: &str, added: &AddedSecret) -> Result<(), CliError> {
    let time = |at: Option<crate::clock::UnixMillis>| at.and_then(to_timestamp).map(|at| at.to_string());
    let shown = output::object(
        format,
        &json!({
            "client_id": client_id,
            "client_secret": added.secret.expose(),
            "expires_at": time(added.stored.expires_at),
            "previous_expires_at": time(added.previous_expires_at),
        }),
    );
    if let Err(cause) = shown {
        let which = added.stored.id;
        output::remark(format_args!(
            "the secret was made but could not be shown: retire it with `tokenhouse client secret retire {client_id} {which}`"
        ));
        return Err(cause);
    }
    if format == OutputFormat::Table {
        output::remark("Keep the secret now: it is not stored and cannot be shown again.");
    }
    Ok(())
}
