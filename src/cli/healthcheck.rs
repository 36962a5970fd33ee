//! `tokenhouse healthcheck`: asks a running server whether it is ready.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use url::{Host, Url};

use super::ConfigArgs;
use super::exit::CliError;
use super::http_client::{block_on, builder, check_url};
use super::open::load_config;
use super::output;
use crate::config::Config;

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
    let Target { url, found_at } = match &args.url {
        Some(url) => Target { url: url.clone(), found_at: None },
        None => Target::of(&load_config(&args.config)?),
    };
    check_url(&url)?;
    let mut builder = builder(args.ca_file.as_deref())?;
    if let Some((host, address)) = found_at {
        builder = builder.resolve(&host, address);
    }
    let client = builder.build().context("cannot make an HTTP client")?;
    block_on(async {
        let response = client.get(&url).send().await;
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

/// What is asked, and where.
struct Target {
    url: String,
    /// Where the host of the URL is, if not where DNS says: a load balancer may be there.
    found_at: Option<(String, SocketAddr)>,
}

impl Target {
    /// `/readyz` of the server of this configuration, on this machine.
    fn of(config: &Config) -> Self {
        let mut address = config.server.bind;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        if config.tls.is_none() {
            return Self { url: format!("http://{address}/readyz"), found_at: None };
        }
        // The certificate names the issuer's host, not the address that the server listens on.
        let issuer = Url::parse(config.issuer.as_str()).ok();
        let host = issuer.as_ref().and_then(Url::host).map_or_else(|| "localhost".to_owned(), |host| host.to_string());
        let found_at = match issuer.as_ref().and_then(Url::host) {
            Some(Host::Domain(name)) => Some((name.to_owned(), address)),
            _ => None,
        };
        Self { url: format!("https://{host}:{}/readyz", address.port()), found_at }
    }
}
