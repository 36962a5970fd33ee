//! `tokenhouse token`: gets a token as a client would.

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use super::OutputArgs;
use super::as_client::{AsClientArgs, post_form};
use super::exit::CliError;
use super::http_client::{block_on, client, discover};
use super::output::{self, OutputFormat};

/// Gets a token as a client would: metadata, then the token endpoint. Prints the token alone, or the whole answer as JSON.
#[derive(Debug, Args)]
#[command(
    after_help = "The secret comes from --client-secret-file, else from TOKENHOUSE_CLIENT_SECRET, else from a prompt.\n\nExample:\n  TOKENHOUSE_CLIENT_SECRET=... tokenhouse token --issuer http://localhost:8080/ --client-id partner-a --audience https://api.example.com/"
)]
pub struct TokenArgs {
    #[command(flatten)]
    client: AsClientArgs,
    /// The API the token is for
    #[arg(long)]
    audience: Option<String>,
    /// The scopes to ask for, separated by spaces
    #[arg(long)]
    scope: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs `tokenhouse token`.
///
/// # Errors
/// If the server cannot be reached, or refuses: then its error and what it says.
pub fn run(args: &TokenArgs) -> Result<(), CliError> {
    let secret = args.client.secret()?;
    block_on(async {
        let client = client(args.client.ca_file.as_deref())?;
        let metadata = discover(&client, &args.client.issuer).await?;
        let endpoint = metadata.get("token_endpoint").and_then(Value::as_str);
        let endpoint = endpoint.ok_or_else(|| CliError::Refused("the metadata names no token_endpoint".to_owned()))?;
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", args.client.client_id.as_str()),
            ("client_secret", secret.as_str()),
        ];
        form.extend(args.audience.as_deref().map(|audience| ("audience", audience)));
        form.extend(args.scope.as_deref().map(|scope| ("scope", scope)));
        let answer = post_form(&client, endpoint, &form).await?;
        if args.output.output == OutputFormat::Json {
            return output::json(&answer);
        }
        let token = answer.get("access_token").and_then(Value::as_str);
        output::line(token.context("the answer holds no access_token")?)
    })
}
