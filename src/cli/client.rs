//! `tokenhouse client`: the clients that get tokens.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::client_key::{self, KeyArgs};
use super::client_secret::{self, SecretArgs, show_new_secret};
use super::console::show_link;
use super::exit::CliError;
use super::open::{caller, open, open_for_reading};
use super::output;
use super::usage::{DaysArgs, show_client_usage};
use super::{ConfigArgs, OutputArgs};
use crate::issuer::client_keys::ClientKeySummary;
use crate::issuer::clients::IdRule;
use crate::issuer::document::ClientEntry;
use crate::issuer::document::export::client_entry;
use crate::issuer::secrets::{SecretSummary, SecretTerms};
use crate::oauth::client::{AuthenticationMethod, Client, ClientId};
use crate::store::{LinkPurpose, Page, Store};

/// Clients: who gets tokens.
#[derive(Debug, Args)]
pub struct ClientArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Registers a client and generates its first secret, which is shown once
    #[command(after_help = "Example:\n  tokenhouse client create --id partner-a --name 'Partner A'")]
    Create {
        /// Its client id [default: generated]
        #[arg(long)]
        id: Option<String>,
        /// A name for people
        #[arg(long)]
        name: Option<String>,
        /// The API meant when a request names none
        #[arg(long, value_name = "IDENTIFIER")]
        default_audience: Option<String>,
        /// Grants every right of the Management API
        #[arg(long)]
        management: bool,
        /// Generates no secret
        #[arg(long)]
        no_secret: bool,
        /// When the secret stops working, for example 2027-12-31T00:00:00Z
        #[arg(long, value_name = "TIME", conflicts_with = "no_secret")]
        secret_expires_at: Option<Timestamp>,
    },
    /// Lists the clients
    #[command(after_help = "Example:\n  tokenhouse client list --output json")]
    List,
    /// Shows one client with its secrets (never their values), keys and grants
    #[command(after_help = "Example:\n  tokenhouse client show partner-a")]
    Show {
        /// Its client id
        client_id: String,
    },
    /// Changes a client; what is not given stays
    #[command(after_help = "Example:\n  tokenhouse client update partner-a --enabled false")]
    Update {
        /// Its client id
        client_id: String,
        /// A name for people
        #[arg(long)]
        name: Option<String>,
        /// Does it get tokens at all?
        #[arg(long)]
        enabled: Option<bool>,
        /// The API meant when a request names none; empty for none
        #[arg(long, value_name = "IDENTIFIER")]
        default_audience: Option<String>,
        /// How it authenticates: client_secret_basic, client_secret_post (both mean: with a secret), private_key_jwt, or
        /// any for whatever it has; may be given more than once
        #[arg(long, value_name = "METHOD", value_parser = parse_method)]
        authentication_method: Vec<Method>,
        /// Where it publishes its keys; empty for nowhere
        #[arg(long, value_name = "URL")]
        jwks_uri: Option<String>,
    },
    /// Deletes a client with its secrets, keys and grants
    #[command(after_help = "Example:\n  tokenhouse client delete partner-a")]
    Delete {
        /// Its client id
        client_id: String,
    },
    /// Makes a link, shown once, by which the client's owner picks up a secret that nobody else sees
    #[command(
        after_help = "Whoever has the link can pick up the secret: send it to its owner only.\n\nExample:\n  tokenhouse client claim-link partner-a --minutes 120"
    )]
    ClaimLink {
        /// Its client id
        client_id: String,
        /// For how many minutes the link works, up to 1440
        #[arg(long, value_name = "N", default_value_t = LinkPurpose::ClaimSecret.default_minutes())]
        minutes: u32,
        /// A label for the secret [default: claimed]
        #[arg(long)]
        label: Option<String>,
    },
    /// Takes back the one-time links of a client that nobody has used
    #[command(after_help = "Example:\n  tokenhouse client withdraw-links partner-a")]
    WithdrawLinks {
        /// Its client id
        client_id: String,
    },
    /// The secrets of a client
    Secret(SecretArgs),
    /// How often the client got a token or was refused, day by day (UTC)
    #[command(
        after_help = "Servers write what they count every ten seconds. What was refused includes requests that only claimed to be this client.\n\nExample:\n  tokenhouse client usage partner-a --days 7"
    )]
    Usage {
        /// Its client id
        client_id: String,
        #[command(flatten)]
        days: DaysArgs,
    },
    /// The public keys of a client
    Key(KeyArgs),
    /// Generates a new secret; the others work on for a while, so that nothing stands still
    #[command(after_help = "Example:\n  tokenhouse client rotate-secret partner-a --overlap-seconds 86400")]
    RotateSecret {
        /// Its client id
        client_id: String,
        /// How long the present secrets work on, in seconds
        #[arg(long, default_value_t = 86_400, value_name = "SECONDS")]
        overlap_seconds: u32,
        /// A label for the new secret
        #[arg(long)]
        label: Option<String>,
    },
}

/// Runs `tokenhouse client`.
///
/// # Errors
/// What the verb refuses.
pub fn run(args: ClientArgs) -> Result<(), CliError> {
    let format = args.output.output;
    let config = &args.config;
    let change = || open(config).map(|opened| opened.administration);
    match args.verb {
        Verb::Create { id, name, default_audience, management, no_secret, secret_expires_at } => {
            let entry = ClientEntry { default_audience, ..ClientEntry::new(id, name) };
            let (client, added) = change()?.change(&caller(), |change| {
                let client = change.create_client(&entry, IdRule::Chosen)?;
                if management {
                    change.grant_management(client.client_id.as_str())?;
                }
                let terms = SecretTerms { label: Some("first".to_owned()), expires_at: secret_expires_at };
                let secret = if no_secret { None } else { Some(change.add_secret(client.client_id.as_str(), terms)?) };
                Ok((client, secret))
            })?;
            match added {
                Some(added) => show_new_secret(format, client.client_id.as_str(), &added),
                None => output::object(format, &ClientEntry::without_secrets_and_grants(&client)),
            }
        }
        Verb::List => {
            let clients =
                open_for_reading(config)?.read(|reader| reader.list_clients(Page::ALL)).map_err(anyhow::Error::from)?;
            let rows: Vec<_> = clients
                .iter()
                .map(|client| {
                    json!({
                        "client_id": client.client_id.as_str(),
                        "name": client.name,
                        "enabled": client.enabled,
                        "secrets": client.secrets.len(),
                        "keys": client.keys.len(),
                        "grants": client.grants.len(),
                    })
                })
                .collect();
            output::list(format, &["client_id", "name", "enabled", "secrets", "keys", "grants"], &rows)
        }
        Verb::Show { client_id } => show(&open_for_reading(config)?, format, &client_id),
        Verb::Update { client_id, name, enabled, default_audience, authentication_method, jwks_uri } => {
            let client = change()?.change(&caller(), |change| {
                let client = change.update_client(&client_id, |entry| {
                    entry.name = name.or(entry.name.take());
                    entry.enabled = enabled.unwrap_or(entry.enabled);
                    if let Some(audience) = default_audience {
                        entry.default_audience = Some(audience).filter(|audience| !audience.is_empty());
                    }
                    if let Some(uri) = jwks_uri {
                        entry.jwks_uri = Some(uri).filter(|uri| !uri.is_empty());
                    }
                    Ok(())
                })?;
                if authentication_method.is_empty() {
                    return Ok(client);
                }
                let methods: Vec<_> = authentication_method.into_iter().filter_map(|method| method.0).collect();
                change.set_authentication_methods(&client_id, &methods, None)
            })?;
            output::object(format, &ClientEntry::without_secrets_and_grants(&client))
        }
        Verb::Delete { client_id } => {
            change()?.change(&caller(), |change| change.delete_client(&client_id))?;
            output::remark(format_args!("deleted the client {client_id} with its secrets, keys and grants"));
            Ok(())
        }
        Verb::Usage { client_id, days } => show_client_usage(&open_for_reading(config)?, format, &client_id, days),
        Verb::ClaimLink { client_id, minutes, label } => {
            let (administration, purpose) = (change()?, LinkPurpose::ClaimSecret);
            let link =
                administration.change(&caller(), |change| change.make_link(&client_id, purpose, minutes, label))?;
            show_link(format, &administration.policy().issuer, purpose, &client_id, &link)
        }
        Verb::WithdrawLinks { client_id } => {
            let withdrawn = change()?.change(&caller(), |change| change.withdraw_links(&client_id))?;
            output::remark(match withdrawn {
                0 => format!("{client_id} has no open link"),
                1 => format!("withdrew one link of {client_id}"),
                _ => format!("withdrew {withdrawn} links of {client_id}"),
            });
            Ok(())
        }
        Verb::Key(key) => client_key::run(config, format, key),
        Verb::Secret(secret) => client_secret::run(config, format, secret),
        Verb::RotateSecret { client_id, overlap_seconds, label } => {
            let terms = SecretTerms { label, expires_at: None };
            let added =
                change()?.change(&caller(), |change| change.rotate_secret(&client_id, overlap_seconds, terms))?;
            show_new_secret(format, &client_id, &added)
        }
    }
}

/// A method, or none for any.
#[derive(Clone, Copy, Debug)]
struct Method(Option<AuthenticationMethod>);

fn parse_method(text: &str) -> Result<Method, String> {
    match text {
        "any" => Ok(Method(None)),
        _ => text.parse().map(|method| Method(Some(method))).map_err(|error| format!("{error}, any")),
    }
}

/// The client with that id.
pub(super) fn find(store: &Store, client_id: &str) -> Result<Client, CliError> {
    let missing = || CliError::Refused(format!("there is no client {}", client_id.escape_debug()));
    let id: ClientId = client_id.parse().map_err(|_| missing())?;
    store.read(|reader| reader.find_client(&id)).map_err(anyhow::Error::from)?.ok_or_else(missing)
}

fn show(store: &Store, format: output::OutputFormat, client_id: &str) -> Result<(), CliError> {
    let client = find(store, client_id)?;
    let apis = store.read(|reader| reader.list_apis()).map_err(anyhow::Error::from)?;
    let entry = client_entry(&client, &apis);
    let secrets: Vec<_> = client.secrets.iter().map(SecretSummary::from).collect();
    let mut shown = serde_json::to_value(&entry).map_err(anyhow::Error::from)?;
    if let Some(members) = shown.as_object_mut() {
        // Summaries, not the hashes that the document holds.
        members.insert("secrets".to_owned(), json!(secrets));
        if members.remove("jwks").is_some() {
            let keys: Vec<_> = client.keys.iter().map(ClientKeySummary::from).collect();
            members.insert("keys".to_owned(), json!(keys));
        }
    }
    output::object(format, &shown)
}
