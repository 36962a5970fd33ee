//! How does a client that has a key prove who it is, where a person must carry the proof? (RFC 7523 §2.2 and §3)

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;
use zeroize::Zeroizing;

use super::ConfigArgs;
use super::exit::CliError;
use super::open::{seconds, sources};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Flag};
use crate::entropy::{SystemEntropy, new_uuid};
use crate::keys::{PrivateKey, PrivateKeyError, Signer, SigningAlg};
use crate::oauth::client::ClientId;

/// Says what kind of JWT it is, as the strict rules want it (draft-ietf-oauth-rfc7523bis).
const TYPE: &str = "client-authentication+jwt";

/// The longest that an assertion lives, in seconds: the strict rules take no longer.
const LONGEST: u32 = 300;

/// Which assertion is wanted.
#[derive(Debug)]
pub(super) struct AssertionWish {
    /// For which issuer, unless that of the configuration.
    pub(super) issuer: Option<String>,
    /// Of which client.
    pub(super) client_id: String,
    /// Signed with what.
    pub(super) private_key_file: PathBuf,
    /// By which name the key is registered.
    pub(super) kid: Option<String>,
    /// With which algorithm.
    pub(super) alg: Option<SigningAlg>,
}

/// Makes an assertion.
pub(super) fn make_assertion(config: &ConfigArgs, wish: &AssertionWish) -> Result<String, CliError> {
    let issuer = |value: &String| Flag { name: "--issuer".to_owned(), key: "issuer".to_owned(), value: value.clone() };
    let config = Config::load(&sources(config, wish.issuer.iter().map(issuer).collect())?).map_err(CliError::usage)?;
    let client_id: ClientId = wish.client_id.parse().map_err(CliError::usage)?;
    let key = read_key(&wish.private_key_file, wish.alg)?;
    let signer = Signer::from_private_key(&key).context("the private key cannot be used")?;
    let now = SystemClock.now();
    let lifetime = seconds(config.client_assertions.max_lifetime).min(LONGEST);
    let claims = json!({
        "iss": client_id.as_str(),
        "sub": client_id.as_str(),
        "aud": config.issuer.as_str(),
        "jti": new_uuid(now, &SystemEntropy).to_string(),
        "iat": now.floor_seconds(),
        "exp": now.floor_seconds() + i64::from(lifetime),
    });
    let signed = signer.sign_compact_as(TYPE, wish.kid.as_deref(), claims.to_string().as_bytes());
    Ok(signed.context("the assertion cannot be signed")?)
}

fn read_key(file: &Path, alg: Option<SigningAlg>) -> Result<PrivateKey, CliError> {
    let refused = |error: &dyn std::fmt::Display| CliError::usage(format!("{}: {error}", file.display()));
    let text =
        if file.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let pem = text.map(Zeroizing::new).map_err(|error| refused(&error))?;
    if let Some(alg) = alg {
        return PrivateKey::from_pem(alg, &pem).map_err(|error| refused(&error));
    }
    let mut cause = None;
    for alg in [SigningAlg::Rs256, SigningAlg::Es256, SigningAlg::EdDsa] {
        match PrivateKey::from_pem(alg, &pem) {
            Err(PrivateKeyError::WrongKind { .. }) => {}
            Err(error) => cause = cause.or(Some(error)),
            Ok(key) => return Ok(key),
        }
    }
    Err(cause.map_or_else(|| refused(&"not a valid private key for RS256, ES256 or EdDSA"), |error| refused(&error)))
}
