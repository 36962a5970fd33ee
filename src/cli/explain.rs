//! `tokenhouse explain`: which token would this client get, and if none, why?

use clap::Args;

use super::client::find;
use super::exit::CliError;
use super::open::{load_config, open_for_reading};
use super::{ConfigArgs, OutputArgs, output};
use crate::clock::{Clock as _, SystemClock};
use crate::issuer::explain::explain;
use crate::oauth::token_request::AccessRequest;

/// Says which token this client would get for this audience and scope, and if none, why. No token is issued.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tokenhouse explain partner-a --audience https://api.example.com/ --scope list:users"
)]
pub struct ExplainArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// The client id
    client_id: String,
    /// The parameter audience, if the request has one
    #[arg(long)]
    audience: Option<String>,
    /// The parameter scope, if the request has one
    #[arg(long)]
    scope: Option<String>,
}

/// Runs `tokenhouse explain`.
///
/// # Errors
/// If there is no such client, or it would get no token.
pub fn run(args: &ExplainArgs) -> Result<(), CliError> {
    let compat = load_config(&args.config)?.compat;
    let store = open_for_reading(&args.config)?;
    let client = find(&store, &args.client_id)?;
    let apis = store.read(|reader| reader.list_apis()).map_err(anyhow::Error::from)?;
    let filled = |parameter: &Option<String>| parameter.clone().filter(|text| !text.is_empty());
    let request = AccessRequest { audience: filled(&args.audience), resource: Vec::new(), scope: filled(&args.scope) };
    let explanation = explain(&client, &apis, &request, compat, SystemClock.now());
    output::object(args.output.output, &explanation)?;
    if explanation.issued {
        return Ok(());
    }
    Err(CliError::Refused(format!("{} would get no token", client.client_id)))
}
