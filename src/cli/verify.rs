//! `tokenhouse verify`: verifies a token as a resource server would, and says why not.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use tokenhouse_verifier::{AccessTokenDialect, AuthenticationError, RemoteJwks, ResourceServer, Verifier};

use super::OutputArgs;
use super::exit::CliError;
use super::http_client::block_on;
use super::output;

/// Verifies a token as a resource server would: signature, issuer, audience, time, and a scope where one is given.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tokenhouse verify \"$TOKEN\" --issuer http://localhost:8080/ --audience https://api.example.com/ --scope list:users"
)]
pub struct VerifyArgs {
    /// The token; - reads it from standard input
    token: String,
    /// The issuer that the API trusts, exactly as in its metadata
    #[arg(long)]
    issuer: String,
    /// The identifier of the API
    #[arg(long)]
    audience: String,
    /// The scope that the endpoint asks for
    #[arg(long)]
    scope: Option<String>,
    /// The dialects that the API accepts
    #[arg(long, value_name = "DIALECT", default_values = ["rfc9068_profile", "access_token", "identityserver"])]
    dialect: Vec<AccessTokenDialect>,
    /// The JWK Set [default: from the issuer's metadata]
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// A CA certificate, PEM, to trust instead of the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs `tokenhouse verify`.
///
/// # Errors
/// Why the token is not accepted, or why that cannot be told.
pub fn run(args: &VerifyArgs) -> Result<(), CliError> {
    let token = if args.token == "-" {
        std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?
    } else {
        args.token.clone()
    };
    block_on(async {
        let mut keys = match &args.jwks_uri {
            Some(url) => RemoteJwks::at(url),
            None => RemoteJwks::of_issuer(&args.issuer),
        };
        if let Some(path) = &args.ca_file {
            let pem = std::fs::read(path)
                .map_err(|error| CliError::usage(format!("cannot read {}: {error}", path.display())))?;
            keys = keys.ca_pem(pem);
        }
        let keys = keys.build().map_err(CliError::usage)?;
        let verifier = Verifier::new(&args.issuer, &args.audience).accept_dialects(args.dialect.iter().copied());
        let verified = ResourceServer::new(verifier, keys).authenticate(token.trim()).await;
        let accepted = verified.map_err(|error| match error {
            AuthenticationError::Refused(reason) => CliError::Refused(format!("not accepted: {reason}")),
            AuthenticationError::KeysUnavailable(unavailable) => {
                CliError::Failed(anyhow::Error::new(unavailable).context("cannot judge the token"))
            }
        })?;
        if let Some(scope) = &args.scope
            && !accepted.has_scope(scope)
        {
            return Err(CliError::Refused(format!("not accepted: the token lacks the scope {}", scope.escape_debug())));
        }
        output::object(
            args.output.output,
            &json!({ "accepted": true, "client_id": accepted.client(), "claims": accepted.claims() }),
        )
    })
}
