//! `tokenhouse healthcheck`: asks a running server whether it is ready.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::ConfigArgs;
use super::exit::CliError;
use super::http_client::{block_on, check_url, client};
use super::open::load_config;
use super::output;

/// Asks a running server whether it is ready: for containers and load balancers.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tokenhouse healthcheck --url http://localhost:8080/readyz")]
pub struct HealthcheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// What to ask [default: /readyz where the configuration says that the server listens]
    #[arg(long)]
    url: Option<String>,
    /// A CA certificate, PEM, to trust beside the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// Runs `tokenhouse healthcheck`.
///
/// # Errors
/// If the server cannot be reached or is not ready.
pub fn run(args: &HealthcheckArgs) -> Result<(), CliError> {
    let url = match &args.url {
        Some(url) => url.clone(),
        None => {
            let config = load_config(&args.config)?;
            let scheme = if config.tls.is_some() { "https" } else { "http" };
            let mut address = config.server.bind;
            if address.ip().is_unspecified() {
                address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
            }
            // A certificate names a host, not an address.
            let host = if config.tls.is_some() { format!("localhost:{}", address.port()) } else { address.to_string() };
            format!("{scheme}://{host}/readyz")
        }
    };
    check_url(&url)?;
    block_on(async {
        let response = client(args.ca_file.as_deref())?.get(&url).send().await;
        let response = response.with_context(|| format!("cannot reach {url}"))?;
        let status = response.status();
        let text = response.text().await.context("the answer broke off")?;
        if !status.is_success() {
            return Err(CliError::Failed(anyhow::anyhow!("{url} answers {status}: {text}")));
        }
        output::line(text)?;
        Ok(())
    })
}
