//! `tokenhouse api`: the APIs that tokens are issued for.

use clap::{Args, Subcommand};

use super::exit::CliError;
use super::open::{caller, open, open_for_reading};
use super::output::{self, OutputFormat};
use super::{ConfigArgs, OutputArgs};
use crate::issuer::AdministrationError;
use crate::issuer::administration::Change;
use crate::issuer::document::{ApiEntry, ScopeEntry};
use crate::keys::SigningAlg;
use crate::oauth::resource::{Audience, DefaultScope, ScopeFormat, ScopePolicy, TokenDialect};
use crate::store::Store;

/// APIs: what tokens are issued for.
#[derive(Debug, Args)]
pub struct ApiArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Registers an API
    #[command(
        after_help = "Example:\n  tokenhouse api create https://api.example.com/ --name 'Partner API' --scope 'list:users=List users'"
    )]
    Create {
        /// Its identifier, which stands in `aud` and cannot change
        identifier: String,
        #[command(flatten)]
        rules: RulesArgs,
    },
    /// Lists the APIs
    #[command(after_help = "Example:\n  tokenhouse api list")]
    List,
    /// Shows one API
    #[command(after_help = "Example:\n  tokenhouse api show https://api.example.com/")]
    Show {
        /// Its identifier
        identifier: String,
    },
    /// Changes an API; what is not given stays
    #[command(after_help = "Example:\n  tokenhouse api update https://api.example.com/ --add-scope delete:users")]
    Update {
        /// Its identifier
        identifier: String,
        #[command(flatten)]
        rules: RulesArgs,
        /// Defines a further scope, with an optional description
        #[arg(long, value_name = "VALUE[=DESCRIPTION]")]
        add_scope: Vec<String>,
        /// Removes a scope, also from the grants
        #[arg(long, value_name = "VALUE")]
        remove_scope: Vec<String>,
    },
    /// Deletes an API and its grants
    #[command(after_help = "Example:\n  tokenhouse api delete https://api.example.com/")]
    Delete {
        /// Its identifier
        identifier: String,
    },
}

#[derive(Debug, Args)]
struct RulesArgs {
    /// A name for people
    #[arg(long)]
    name: Option<String>,
    /// Defines a scope, with an optional description; repeat it for each. On update it replaces all scopes
    #[arg(long, value_name = "VALUE[=DESCRIPTION]")]
    scope: Vec<String>,
    /// How long its tokens live, in seconds
    #[arg(long, value_name = "SECONDS")]
    token_lifetime: Option<i64>,
    /// RS256, PS256, ES256 or EdDSA
    #[arg(long, value_name = "ALG")]
    signing_alg: Option<SigningAlg>,
    /// rfc9068_profile, rfc9068_profile_authz, access_token, access_token_authz or identityserver
    #[arg(long, value_name = "DIALECT")]
    token_dialect: Option<TokenDialect>,
    /// What a request without scope gets: all, none or error
    #[arg(long, value_name = "POLICY")]
    default_scope: Option<DefaultScope>,
    /// What the scope parameter does: exact, whole_grant or ignore
    #[arg(long, value_name = "POLICY")]
    scope_policy: Option<ScopePolicy>,
    /// How the claim scope is written: string or array
    #[arg(long, value_name = "FORMAT")]
    scope_format: Option<ScopeFormat>,
    /// For how many seconds the same request gets the same token again; 0 issues a new one each time
    #[arg(long, value_name = "SECONDS")]
    token_reuse_seconds: Option<u32>,
}

impl RulesArgs {
    fn apply_to(self, entry: &mut ApiEntry) {
        let Self {
            name,
            scope,
            token_lifetime,
            signing_alg,
            token_dialect,
            default_scope,
            scope_policy,
            scope_format,
            token_reuse_seconds,
        } = self;
        entry.name = name.or(entry.name.take());
        entry.token_lifetime = token_lifetime.or(entry.token_lifetime);
        entry.signing_alg = signing_alg.unwrap_or(entry.signing_alg);
        entry.token_dialect = token_dialect.or(entry.token_dialect);
        entry.default_scope = default_scope.unwrap_or(entry.default_scope);
        entry.scope_policy = scope_policy.unwrap_or(entry.scope_policy);
        entry.scope_format = scope_format.or(entry.scope_format);
        entry.token_reuse_seconds = token_reuse_seconds.unwrap_or(entry.token_reuse_seconds);
        if !scope.is_empty() {
            entry.scopes = scope.iter().map(|text| scope_entry(text)).collect();
        }
    }
}

/// `VALUE` or `VALUE=DESCRIPTION`.
fn scope_entry(text: &str) -> ScopeEntry {
    match text.split_once('=') {
        Some((value, description)) => ScopeEntry { value: value.to_owned(), description: Some(description.to_owned()) },
        None => ScopeEntry { value: text.to_owned(), description: None },
    }
}

/// Runs `tokenhouse api`.
///
/// # Errors
/// What the verb refuses.
pub fn run(args: ApiArgs) -> Result<(), CliError> {
    let format = args.output.output;
    let change = || open(&args.config).map(|opened| opened.administration);
    match args.verb {
        Verb::Create { identifier, rules } => {
            let mut entry = ApiEntry::new(identifier);
            rules.apply_to(&mut entry);
            let api = change()?.change_with_alg(&caller(), entry.signing_alg, |change| change.create_api(&entry))?;
            output::object(format, &ApiEntry::from(&api))
        }
        Verb::List => list(&open_for_reading(&args.config)?, format),
        Verb::Show { identifier } => {
            let missing = || CliError::Refused(format!("there is no API {}", identifier.escape_debug()));
            let audience: Audience = identifier.parse().map_err(|_| missing())?;
            let found = open_for_reading(&args.config)?.read(|reader| reader.find_api_by_identifier(&audience));
            let api = found.map_err(anyhow::Error::from)?.ok_or_else(missing)?;
            output::object(format, &ApiEntry::from(&api))
        }
        Verb::Update { identifier, rules, add_scope, remove_scope } => {
            let alg = rules.signing_alg;
            let steps = |change: &mut Change<'_>| {
                change.update_api(&identifier, |entry| {
                    rules.apply_to(entry);
                    let defined = |value: &String| entry.scopes.iter().any(|scope| scope.value == *value);
                    let missing: Vec<_> = remove_scope.iter().filter(|value| !defined(value)).cloned().collect();
                    if !missing.is_empty() {
                        let message = format!("{identifier} defines no scope {}", missing.join(", no scope "));
                        return Err(AdministrationError::Refused(message));
                    }
                    entry.scopes.retain(|scope| !remove_scope.contains(&scope.value));
                    entry.scopes.extend(add_scope.iter().map(|text| scope_entry(text)));
                    Ok(())
                })
            };
            let api = match alg {
                Some(alg) => change()?.change_with_alg(&caller(), alg, steps)?,
                None => change()?.change(&caller(), steps)?,
            };
            output::object(format, &ApiEntry::from(&api))
        }
        Verb::Delete { identifier } => {
            change()?.change(&caller(), |change| change.delete_api(&identifier))?;
            output::remark(format_args!("deleted the API {identifier} and its grants"));
            Ok(())
        }
    }
}

fn list(store: &Store, format: OutputFormat) -> Result<(), CliError> {
    let apis = store.read(|reader| reader.list_apis()).map_err(anyhow::Error::from)?;
    let entries: Vec<_> = apis.iter().map(ApiEntry::from).collect();
    output::list(format, &["identifier", "name", "signing_alg", "token_lifetime", "scopes"], &entries)
}
