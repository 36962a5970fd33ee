//! `tokenhouse token`: gets a token as a client would.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;
use zeroize::Zeroizing;

use super::OutputArgs;
use super::exit::CliError;
use super::http_client::{block_on, client, discover};
use super::output::{self, OutputFormat};

/// The environment variable that may hold the secret.
const SECRET_VARIABLE: &str = "TOKENHOUSE_CLIENT_SECRET";

/// Gets a token as a client would: metadata, then the token endpoint. Prints the token alone, or the whole answer as JSON.
#[derive(Debug, Args)]
#[command(
    after_help = "The secret comes from --client-secret-file, else from TOKENHOUSE_CLIENT_SECRET, else from a prompt.\n\nExample:\n  TOKENHOUSE_CLIENT_SECRET=... tokenhouse token --issuer http://localhost:8080/ --client-id partner-a --audience https://api.example.com/"
)]
pub struct TokenArgs {
    /// The issuer identifier, a URL
    #[arg(long)]
    issuer: String,
    /// The client id
    #[arg(long)]
    client_id: String,
    /// The API the token is for
    #[arg(long)]
    audience: Option<String>,
    /// The scopes to ask for, separated by spaces
    #[arg(long)]
    scope: Option<String>,
    /// The file that holds the secret; - is standard input
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// A CA certificate, PEM, to trust beside the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs `tokenhouse token`.
///
/// # Errors
/// If the server cannot be reached, or refuses: then its error and what it says.
pub fn run(args: &TokenArgs) -> Result<(), CliError> {
    let secret = secret(args)?;
    block_on(async {
        let client = client(args.ca_file.as_deref())?;
        let metadata = discover(&client, &args.issuer).await?;
        let endpoint = metadata.get("token_endpoint").and_then(Value::as_str);
        let endpoint = endpoint.ok_or_else(|| CliError::Refused("the metadata names no token_endpoint".to_owned()))?;
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", args.client_id.as_str()),
            ("client_secret", secret.as_str()),
        ];
        form.extend(args.audience.as_deref().map(|audience| ("audience", audience)));
        form.extend(args.scope.as_deref().map(|scope| ("scope", scope)));
        let response = client.post(endpoint).form(&form).send().await;
        let response = response.with_context(|| format!("cannot reach {endpoint}"))?;
        let status = response.status();
        let answer: Value = response.json().await.context("the answer is not JSON")?;
        let member = |name| answer.get(name).and_then(Value::as_str);
        if !status.is_success() {
            let code = member("error").unwrap_or("no error code");
            let description = member("error_description").unwrap_or("no description");
            return Err(CliError::Refused(format!("{status}: {code}: {description}")));
        }
        if args.output.output == OutputFormat::Json {
            return output::json(&answer);
        }
        output::line(member("access_token").context("the answer holds no access_token")?)?;
        Ok(())
    })
}

#[expect(clippy::disallowed_methods, reason = "the environment is one of the places for the secret")]
fn secret(args: &TokenArgs) -> Result<Zeroizing<String>, CliError> {
    if let Some(file) = &args.client_secret_file {
        let text = if file.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(file)
        };
        let text = text.map_err(|error| CliError::usage(format!("cannot read {}: {error}", file.display())))?;
        return Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()));
    }
    if let Ok(secret) = std::env::var(SECRET_VARIABLE) {
        return Ok(Zeroizing::new(secret));
    }
    let prompt = format!("Secret of {}: ", args.client_id);
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|_| {
        CliError::usage(format!(
            "no secret: give --client-secret-file, or set {SECRET_VARIABLE} (there is no terminal)"
        ))
    })
}
