//! `tokenhouse key`: the signing keys.

use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::CliError;
use super::open::{caller, open, open_for_reading};
use super::output;
use super::{ConfigArgs, OutputArgs};
use crate::issuer::rotate_keys::summary;
use crate::keys::SigningAlg;
use crate::keys::lifecycle::RotationUrgency;

/// Signing keys.
#[derive(Debug, Args)]
pub struct KeyArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Lists the signing keys and where each stands
    #[command(after_help = "Example:\n  tokenhouse key list")]
    List,
    /// Lets the announced next key sign, retires the present one and announces a new next one
    #[command(after_help = "Example:\n  tokenhouse key rotate\n  tokenhouse key rotate --alg ES256 --now")]
    Rotate {
        /// Of which algorithm
        #[arg(long, default_value = "RS256")]
        alg: SigningAlg,
        /// At once, although verifiers that cached the key set may refuse tokens until they fetch it again
        #[arg(long)]
        now: bool,
    },
    /// Withdraws a retired key at once, so that no token it signed is valid any more
    #[command(
        after_help = "Example:\n  tokenhouse key list\n  tokenhouse key revoke KID\n  tokenhouse key revoke KID --force"
    )]
    Revoke {
        /// Its kid
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// Also a key that is in use: the next key signs in place of the active one, and a new next one is announced
        #[arg(long)]
        force: bool,
    },
}

/// Runs `tokenhouse key`.
///
/// # Errors
/// What the verb refuses.
pub fn run(args: &KeyArgs) -> Result<(), CliError> {
    let format = args.output.output;
    match &args.verb {
        Verb::List => {
            let keys = open_for_reading(&args.config)?
                .read(|reader| reader.list_signing_keys())
                .map_err(anyhow::Error::from)?;
            let rows: Vec<_> = keys.iter().map(summary).collect();
            output::list(format, &["kid", "alg", "state", "announced_at", "activated_at", "remove_after"], &rows)
        }
        Verb::Rotate { alg, now } => {
            let urgency = if *now { RotationUrgency::Forced } else { RotationUrgency::WhenAnnounced };
            let rotated = open(&args.config)?.administration.rotate_key(&caller(), *alg, urgency)?;
            output::object(format, &json!({ "kid": rotated.active.kid, "alg": alg, "state": "active" }))
        }
        Verb::Revoke { kid, force } => {
            let urgency = if *force { RotationUrgency::Forced } else { RotationUrgency::WhenAnnounced };
            let revoked = open(&args.config)?.administration.revoke_key(&caller(), kid, urgency)?;
            output::object(format, &summary(&revoked))
        }
    }
}
