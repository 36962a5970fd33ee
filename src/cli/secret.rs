//! `tokenhouse secret`: what a client does with its own secret.

use clap::{Args, Subcommand};

use super::OutputArgs;
use super::as_client::{AsClientArgs, post_form};
use super::exit::CliError;
use super::http_client::{block_on, client, discover};
use super::output::{self, OutputFormat};
use crate::oauth::metadata::Issuer;

/// A client's own secret.
#[derive(Debug, Args)]
pub struct SecretArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Replaces the secret that is given by a new one, which is shown once; the old one works on for a while
    #[command(
        after_help = "The present secret comes from --client-secret-file, else from TOKENHOUSE_CLIENT_SECRET, else from a prompt.\n\nExample:\n  tokenhouse secret rotate --issuer https://auth.example.com/ --client-id partner-a --client-secret-file ./secret --output json"
    )]
    Rotate(RotateArgs),
}

#[derive(Debug, Args)]
struct RotateArgs {
    #[command(flatten)]
    client: AsClientArgs,
    /// How long the present secret works on, in seconds [default: what the issuer's operator has set]
    #[arg(long, value_name = "SECONDS")]
    overlap_seconds: Option<u32>,
    /// A label for the new secret
    #[arg(long)]
    label: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs `tokenhouse secret`.
///
/// # Errors
/// If the server cannot be reached, or refuses: then its error and what it says.
pub fn run(args: &SecretArgs) -> Result<(), CliError> {
    let Verb::Rotate(args) = &args.verb;
    let secret = args.client.secret()?;
    block_on(async {
        let client = client(args.client.ca_file.as_deref())?;
        // The secret goes to no server that does not claim to be this issuer.
        discover(&client, &args.client.issuer).await?;
        let endpoint = Issuer::new(&args.client.issuer).endpoint("oauth/secret");
        let overlap = args.overlap_seconds.map(|seconds| seconds.to_string());
        let mut form = vec![("client_id", args.client.client_id.as_str()), ("client_secret", secret.as_str())];
        form.extend(overlap.as_deref().map(|overlap| ("overlap_seconds", overlap)));
        form.extend(args.label.as_deref().map(|label| ("label", label)));
        let answer = post_form(&client, &endpoint, &form).await?;
        output::object(args.output.output, &answer)?;
        if args.output.output == OutputFormat::Table {
            output::remark("Keep the secret now: it cannot be shown again.");
        }
        Ok(())
    })
}
