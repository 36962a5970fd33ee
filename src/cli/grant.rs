//! `tokenhouse grant`: which client may ask which API for what.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::find;
use super::exit::CliError;
use super::open::{caller, open, open_for_reading};
use super::output;
use super::{ConfigArgs, OutputArgs};
use crate::issuer::document::GrantEntry;
use crate::store::Page;

/// Grants: which client may ask which API for what.
#[derive(Debug, Args)]
pub struct GrantArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Args)]
struct Target {
    /// The client id
    client_id: String,
    /// The identifier of the API
    audience: String,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Grants scopes of an API to a client
    #[command(after_help = "Example:\n  tokenhouse grant create partner-a https://api.example.com/ --scope list:users")]
    Create {
        #[command(flatten)]
        target: Target,
        /// A scope to grant; repeat it for each
        #[arg(long, value_name = "VALUE")]
        scope: Vec<String>,
    },
    /// Lists the grants, all or those of one client
    #[command(after_help = "Example:\n  tokenhouse grant list --client partner-a")]
    List {
        /// Only those of this client
        #[arg(long, value_name = "CLIENT_ID")]
        client: Option<String>,
    },
    /// Shows one grant
    #[command(after_help = "Example:\n  tokenhouse grant show partner-a https://api.example.com/")]
    Show {
        #[command(flatten)]
        target: Target,
    },
    /// Replaces the scopes of a grant
    #[command(after_help = "Example:\n  tokenhouse grant update partner-a https://api.example.com/ --scope list:users")]
    Update {
        #[command(flatten)]
        target: Target,
        /// A scope to grant; repeat it for each. Those not named are taken away
        #[arg(long, value_name = "VALUE")]
        scope: Vec<String>,
    },
    /// Takes a grant away
    #[command(after_help = "Example:\n  tokenhouse grant delete partner-a https://api.example.com/")]
    Delete {
        #[command(flatten)]
        target: Target,
    },
}

/// Runs `tokenhouse grant`.
///
/// # Errors
/// What the verb refuses.
pub fn run(args: GrantArgs) -> Result<(), CliError> {
    let format = args.output.output;
    let config = &args.config;
    let change = || open(config).map(|opened| opened.administration);
    let shown = |client_id: &str, entry: &GrantEntry| json!({ "client_id": client_id, "audience": entry.audience, "scope": entry.scope });
    match args.verb {
        Verb::Create { target, scope } => {
            let entry = GrantEntry::new(target.audience, scope);
            change()?.change(&caller(), |change| change.create_grant(&target.client_id, &entry))?;
            output::object(format, &shown(&target.client_id, &entry))
        }
        Verb::Update { target, scope } => {
            let entry = GrantEntry::new(target.audience, scope);
            change()?.change(&caller(), |change| {
                change.update_grant(&target.client_id, &entry.audience, |edited| {
                    edited.scope.clone_from(&entry.scope);
                    Ok(())
                })
            })?;
            output::object(format, &shown(&target.client_id, &entry))
        }
        Verb::Delete { target } => {
            change()?.change(&caller(), |change| change.delete_grant(&target.client_id, &target.audience))?;
            output::remark(format_args!("{} has no grant for {} any more", target.client_id, target.audience));
            Ok(())
        }
        Verb::List { client } => {
            let store = open_for_reading(config)?;
            let clients = match client {
                Some(client_id) => vec![find(&store, &client_id)?],
                None => store.read(|reader| reader.list_clients(Page::ALL)).map_err(anyhow::Error::from)?,
            };
            let apis = store.read(|reader| reader.list_apis()).map_err(anyhow::Error::from)?;
            let rows: Vec<_> = clients
                .iter()
                .flat_map(|client| client.grants.iter().map(move |grant| (client, grant)))
                .filter_map(|(client, grant)| {
                    let api = apis.iter().find(|api| api.id == grant.api_id)?;
                    let entry = GrantEntry::of(api.identifier.as_str(), grant);
                    Some(shown(client.client_id.as_str(), &entry))
                })
                .collect();
            output::list(format, &["client_id", "audience", "scope"], &rows)
        }
        Verb::Show { target } => {
            let store = open_for_reading(config)?;
            let client = find(&store, &target.client_id)?;
            let apis = store.read(|reader| reader.list_apis()).map_err(anyhow::Error::from)?;
            let api = apis.iter().find(|api| api.identifier.as_str() == target.audience);
            let grant = api.and_then(|api| client.grant_for(api.id).map(|grant| (api, grant)));
            let (api, grant) = grant.ok_or_else(|| {
                CliError::Refused(format!("{} has no grant for {}", target.client_id, target.audience.escape_debug()))
            })?;
            output::object(format, &shown(&target.client_id, &GrantEntry::of(api.identifier.as_str(), grant)))
        }
    }
}
