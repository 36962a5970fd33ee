//! `tokenhouse client key`: the public keys of a client.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use tokenhouse_verifier::Algorithm;

use super::ConfigArgs;
use super::client::find;
use super::exit::CliError;
use super::open::{caller, open, open_for_reading};
use super::output::{self, OutputFormat};
use crate::issuer::client_keys::{ClientKeySummary, KeyMaterial, NewClientKey};

/// The public keys of a client, with whose private halves it signs its assertions (`private_key_jwt`).
#[derive(Debug, Args)]
pub struct KeyArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Registers a public key: PEM (public key or certificate) or a JWK
    #[command(after_help = "Example:\n  \
        openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out private.pem\n  \
        openssl pkey -in private.pem -pubout -out public.pem\n  \
        tokenhouse client key add partner-a --file public.pem\n  \
        tokenhouse client update partner-a --authentication-method private_key_jwt")]
    Add {
        /// Its client id
        client_id: String,
        /// The file with the public key
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// A name for people
        #[arg(long)]
        name: Option<String>,
        /// By which assertions name the key [default: that of the JWK, else its thumbprint]
        #[arg(long, allow_hyphen_values = true)]
        kid: Option<String>,
        /// RS256, RS384, PS256, ES256 or EdDSA [default: that of the JWK, else RS256, ES256 or EdDSA by the kind of key]
        #[arg(long, value_parser = parse_algorithm)]
        alg: Option<Algorithm>,
        /// When it stops working, for example 2027-12-31T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
        /// It stops working with the certificate that it is in
        #[arg(long, conflicts_with = "expires_at")]
        expires_with_certificate: bool,
    },
    /// Lists the keys
    #[command(after_help = "Example:\n  tokenhouse client key list partner-a")]
    List {
        /// Its client id
        client_id: String,
    },
    /// Deletes a key at once
    #[command(
        after_help = "Example:\n  tokenhouse client key delete partner-a NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )]
    Delete {
        /// Its client id
        client_id: String,
        /// The id of the key, or its kid
        #[arg(allow_hyphen_values = true)]
        key: String,
    },
}

/// Runs `tokenhouse client key`.
///
/// # Errors
/// What the verb refuses.
pub fn run(config: &ConfigArgs, format: OutputFormat, args: KeyArgs) -> Result<(), CliError> {
    let change = || open(config).map(|opened| opened.administration);
    match args.verb {
        Verb::Add { client_id, file, name, kid, alg, expires_at, expires_with_certificate } => {
            let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let material =
                if text.trim_start().starts_with('{') { KeyMaterial::Jwk(text) } else { KeyMaterial::Pem(text) };
            let new = NewClientKey {
                name,
                kid,
                alg,
                expires_at,
                parse_expiry_from_cert: expires_with_certificate,
                ..NewClientKey::new(material)
            };
            let (key, client) = change()?.change(&caller(), |change| {
                let key = change.add_client_key(&client_id, &new)?;
                Ok((key, change.client(&client_id)?))
            })?;
            output::object(format, &ClientKeySummary::from(&key))?;
            if !client.accepts_assertions() {
                output::remark(format_args!(
                    "{client_id} is set to authenticate with its secret. To let it use the key: tokenhouse client update \
                     {client_id} --authentication-method private_key_jwt"
                ));
            }
            Ok(())
        }
        Verb::List { client_id } => {
            let client = find(&open_for_reading(config)?, &client_id)?;
            let summaries: Vec<_> = client.keys.iter().map(ClientKeySummary::from).collect();
            output::list(format, &["id", "kid", "alg", "name", "enabled", "created_at", "expires_at"], &summaries)
        }
        Verb::Delete { client_id, key } => {
            change()?.change(&caller(), |change| change.retire_client_key(&client_id, &key))?;
            output::remark(format_args!("deleted the key {key} of {client_id}"));
            Ok(())
        }
    }
}

fn parse_algorithm(name: &str) -> Result<Algorithm, String> {
    let known = || Algorithm::ALL.map(Algorithm::name).join(", ");
    Algorithm::from_name(name).ok_or_else(|| format!("use one of: {}", known()))
}
