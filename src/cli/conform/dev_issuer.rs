//! How does it sign as a running `tokenhouse dev`? With the keys that `dev` has from the start, which everybody can read.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::Value;

use crate::cli::exit::CliError;
use crate::cli::http_client::{client, discover};
use crate::clock::UnixMillis;
use crate::entropy::SystemEntropy;
use crate::keys::public_test_keys::PublicTestKey;
use crate::keys::{RsaBits, SigningAlg, generate_private_key};
use crate::specimen::{KeyRing, SpecimenKey};

/// The keys to sign with as the issuer at `url`, and its identifier.
///
/// # Errors
/// If there is no issuer, or it does not publish a key that everybody has: then it is no `dev`, and nobody can sign for it.
pub async fn keys(
    url: &str,
    ca_file: Option<&Path>,
    alg: SigningAlg,
    now: UnixMillis,
) -> Result<(KeyRing, String), CliError> {
    let client = client(ca_file)?;
    let metadata = discover(&client, url).await?;
    let jwks_uri = metadata.get("jwks_uri").and_then(Value::as_str);
    let jwks_uri = jwks_uri.ok_or_else(|| CliError::Refused(format!("the metadata of {url} name no jwks_uri")))?;
    let response = client.get(jwks_uri).send().await.with_context(|| format!("cannot reach {jwks_uri}"))?;
    let set: Value = response.json().await.with_context(|| format!("{jwks_uri} does not answer with JSON"))?;
    let published = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_published = |key: PublicTestKey| {
        published.iter().any(|jwk| jwk.get("kid").and_then(Value::as_str).is_some_and(|kid| kid == key.kid()))
    };
    let key = PublicTestKey::ALL.into_iter().find(|key| key.alg() == alg && is_published(*key));
    let key = key.ok_or_else(|| {
        CliError::Refused(format!(
            "{url} publishes no {alg} key that everybody has: --dev is for `tokenhouse dev` as it starts; leave it away to sign with keys that are published here"
        ))
    })?;
    // The other keys that everybody has may be published there as well: the attacker needs one of his own.
    let attacker = generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).context("cannot make a key")?;
    let specimen = |key| SpecimenKey::new(&key, now).map(Arc::new).context("cannot use a key");
    Ok((KeyRing { genuine: specimen(key.load())?, attacker: specimen(attacker)? }, url.to_owned()))
}
