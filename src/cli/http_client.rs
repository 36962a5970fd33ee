//! How do the commands that act as a client reach a server?

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use super::exit::CliError;

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Runs `work` to its end.
///
/// # Errors
/// Those of `work`, or if the operating system gives no runtime.
pub fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(work)
}

/// A client that follows no redirect and trusts the certificates in `ca_file` too.
///
/// # Errors
/// If `ca_file` cannot be read or holds no certificate.
pub fn client(ca_file: Option<&Path>) -> Result<reqwest::Client, CliError> {
    Ok(builder(ca_file)?.build().context("cannot make an HTTP client")?)
}

/// The same client, not yet made.
///
/// # Errors
/// If `ca_file` cannot be read or holds no certificate.
pub fn builder(ca_file: Option<&Path>) -> Result<reqwest::ClientBuilder, CliError> {
    // Only the first call installs it; afterwards it is there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut builder = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
    if let Some(path) = ca_file {
        let pem = std::fs::read(path)
            .map_err(|error| CliError::usage(format!("cannot read the CA certificate {}: {error}", path.display())))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem)
            .map_err(|error| CliError::usage(format!("{} holds no PEM certificate: {error}", path.display())))?;
        builder = builder.tls_certs_merge(certificates);
    }
    Ok(builder)
}

/// Refuses what is no absolute http or https URL.
///
/// # Errors
/// If it is none.
pub fn check_url(text: &str) -> Result<(), CliError> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(()),
        _ => Err(CliError::usage(format!("{} is no absolute http or https URL", text.escape_debug()))),
    }
}

/// Fetches the metadata of `issuer` (RFC 8414 §3) and checks that it is that issuer's.
///
/// # Errors
/// If it cannot be fetched or names another issuer.
pub async fn discover(client: &reqwest::Client, issuer: &str) -> Result<Value, CliError> {
    check_url(issuer)?;
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let response = client.get(&url).send().await.with_context(|| format!("cannot reach {url}"))?;
    if !response.status().is_success() {
        return Err(CliError::Refused(format!("{url} answers {}: is this the issuer?", response.status())));
    }
    let metadata: Value = response.json().await.with_context(|| format!("{url} does not answer with JSON"))?;
    match metadata.get("issuer").and_then(Value::as_str) {
        Some(named) if named == issuer => Ok(metadata),
        Some(named) => Err(CliError::Refused(format!(
            "the server at {url} says that its issuer is {}: use exactly that",
            named.escape_debug()
        ))),
        None => Err(CliError::Refused(format!("{url} names no issuer"))),
    }
}
