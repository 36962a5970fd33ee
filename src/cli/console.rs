//! `tokenhouse console`: how does one get into the web console?

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::client_assertion::{AssertionWish, make_assertion};
use super::exit::CliError;
use super::open::{caller, open};
use super::output::{self, OutputFormat};
use super::{ConfigArgs, OutputArgs};
use crate::issuer::Administration;
use crate::issuer::console::MadeLink;
use crate::issuer::document::entries::to_timestamp;
use crate::keys::SigningAlg;
use crate::oauth::metadata::Issuer;
use crate::store::{GrantFilter, LinkPurpose, Page, Reader, StoreError};

/// The web console.
#[derive(Debug, Args)]
pub struct ConsoleArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Makes a link, shown once, by which one signs in as a client without its secret
    #[command(
        after_help = "On the host only, where the database lies. Whoever opens the link first is signed in.\n\nExample:\n  tokenhouse console login\n  tokenhouse console login partner-a --minutes 5"
    )]
    Login {
        /// The client id [default: the only client that holds rights of the Management API]
        client_id: Option<String>,
        /// For how many minutes the link works, up to 60
        #[arg(long, value_name = "N", default_value_t = LinkPurpose::SignIn.default_minutes())]
        minutes: u32,
    },
    /// Makes a client assertion, to be pasted on the sign-in page by a client that has a key and no secret
    #[command(
        after_help = "Where the private key lies, which needs no access to the server. The assertion is good once, for five minutes at most.\n\nExample:\n  tokenhouse console assertion --issuer https://auth.example.com/ --client-id partner-a --private-key-file private.pem"
    )]
    Assertion {
        /// The issuer identifier, a URL [default: that of the configuration]
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// The client id
        #[arg(long)]
        client_id: String,
        /// The file that holds the private key, PEM; - is standard input
        #[arg(long, value_name = "FILE")]
        private_key_file: PathBuf,
        /// By which the key is registered [default: every key of the client is tried]
        #[arg(long, allow_hyphen_values = true)]
        kid: Option<String>,
        /// RS256, PS256, ES256 or EdDSA [default: RS256, ES256 or EdDSA by the kind of key]
        #[arg(long)]
        alg: Option<SigningAlg>,
    },
}

/// Runs `tokenhouse console`.
///
/// # Errors
/// What the verb refuses.
pub fn run(args: ConsoleArgs) -> Result<(), CliError> {
    let format = args.output.output;
    match args.verb {
        Verb::Login { client_id, minutes } => {
            let administration = open(&args.config)?.administration;
            let client_id = client_id.map_or_else(|| only_manager(&administration), Ok)?;
            let purpose = LinkPurpose::SignIn;
            let link =
                administration.change(&caller(), |change| change.make_link(&client_id, purpose, minutes, None))?;
            show_link(format, &administration.policy().issuer, purpose, &client_id, &link)
        }
        Verb::Assertion { issuer, client_id, private_key_file, kid, alg } => {
            let wish = AssertionWish { issuer, client_id, private_key_file, kid, alg };
            let assertion = make_assertion(&args.config, &wish)?;
            match format {
                OutputFormat::Json => output::json(&json!({ "client_assertion": assertion })),
                OutputFormat::Table => output::line(assertion),
            }
        }
    }
}

/// The only client that is enabled and holds rights of the Management API.
fn only_manager(administration: &Administration) -> Result<String, CliError> {
    let mut managers = administration.store().read(managers).map_err(anyhow::Error::from)?;
    match (managers.pop(), managers.as_slice()) {
        (Some(only), []) => Ok(only),
        (None, _) => Err(CliError::Refused(
            "no client holds rights of the Management API: make one with `tokenhouse client create --management`, or name \
             the client to sign in as"
                .to_owned(),
        )),
        (Some(last), others) => Err(CliError::Refused(format!(
            "several clients hold rights of the Management API: name one of {}, {last}",
            others.join(", ")
        ))),
    }
}

/// The client ids of those that may manage anything, in their order.
fn managers(reader: &mut Reader) -> Result<Vec<String>, StoreError> {
    let Some(api) = reader.list_apis()?.into_iter().find(|api| api.is_system) else { return Ok(Vec::new()) };
    let filter = GrantFilter { client_row_id: None, api_id: Some(api.id) };
    let mut managers = Vec::new();
    for owned in reader.list_grants(&filter, Page::ALL)? {
        let client = reader.find_client(&owned.client_id)?;
        if !owned.grant.scope.is_empty() && client.is_some_and(|client| client.enabled) {
            managers.push(owned.client_id.to_string());
        }
    }
    managers.sort_unstable();
    Ok(managers)
}

/// Shows a link that was just made, once.
pub(super) fn show_link(
    format: OutputFormat,
    issuer: &Issuer,
    purpose: LinkPurpose,
    client_id: &str,
    link: &MadeLink,
) -> Result<(), CliError> {
    let page = match purpose {
        LinkPurpose::SignIn => "enter",
        LinkPurpose::ClaimSecret => "claim",
    };
    let url = issuer.endpoint(&format!("console/{page}?link={}", link.token.expose()));
    let expires_at = to_timestamp(link.expires_at).map(|at| at.to_string());
    if format == OutputFormat::Json {
        return output::json(&json!({ "client_id": client_id, "url": url, "expires_at": expires_at }));
    }
    output::line(url)?;
    output::remark(format_args!("It is good once, for {client_id}, until {}.", expires_at.unwrap_or_default()));
    Ok(())
}
