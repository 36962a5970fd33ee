//! `tokenhouse resource-api`: the bundled resource API, as a process of its own.

use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use super::exit::CliError;
use super::listening::load_certificate;
use super::open::sources;
use super::running::Drain;
use super::{ConfigArgs, running};
use crate::clock::SystemClock;
use crate::config::{Flag, ResourceApiSettings};
use crate::entropy::SystemEntropy;
use crate::http::server::{ServerSettings, start};
use crate::http::tls;
use crate::resource_api::{Database, ResourceApi, Settings};
use crate::telemetry::traces;

/// The bundled resource API: it knows its issuer by URL only, and would work with any other.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tokenhouse resource-api --issuer http://localhost:8080/ --audience https://api.example.com/"
)]
pub struct ResourceApiArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The issuer whose tokens it accepts; the same as --set resource_api.issuer=…
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Its own identifier; the same as --set resource_api.audience=…
    #[arg(long, value_name = "IDENTIFIER")]
    audience: Option<String>,
    /// Where to listen; the same as --set resource_api.bind=…
    #[arg(long, value_name = "ADDRESS:PORT")]
    bind: Option<SocketAddr>,
}

/// Runs `tokenhouse resource-api` until Ctrl-C or SIGTERM.
///
/// # Errors
/// If anything it needs is not in order.
pub fn run(args: &ResourceApiArgs) -> Result<(), CliError> {
    let flag = |name: &str, key: &str, value: Option<String>| {
        value.map(|value| Flag { name: name.to_owned(), key: key.to_owned(), value })
    };
    let flags = [
        flag("--issuer", "resource_api.issuer", args.issuer.clone()),
        flag("--audience", "resource_api.audience", args.audience.clone()),
        flag("--bind", "resource_api.bind", args.bind.map(|bind| bind.to_string())),
    ];
    let sources = sources(&args.config, flags.into_iter().flatten().collect())?;
    let settings = ResourceApiSettings::load(&sources).map_err(CliError::usage)?;
    crate::telemetry::init(settings.log.format, settings.log.level.as_str()).context("cannot start the log")?;
    traces::start(&settings.tracing, "tokenhouse-resource-api", &[]).context("cannot send traces")?;
    let listener = running::listen(settings.bind, "resource_api.bind")?;
    let bind = listener.local_addr().context("cannot tell the port")?;
    let certificate = settings.tls.as_ref().map(|files| load_certificate(files, "resource_api.tls_")).transpose()?;
    let ca = settings.ca_file.as_ref().map(|path| {
        std::fs::read(path).with_context(|| format!("resource_api.ca_file: cannot read {}", path.display()))
    });
    let dialects: Result<_, _> = settings.dialects.iter().map(|dialect| dialect.as_str().parse()).collect();
    let dialects = dialects.context("resource_api.dialects")?;
    let public_url =
        settings.public_url.as_ref().map_or_else(|| url_of(bind, certificate.is_some()), ToString::to_string);
    let api = ResourceApi::open(
        Settings {
            issuer: settings.issuer.as_str().to_owned(),
            audience: settings.audience.clone(),
            dialects,
            database: Database::File(settings.database.clone()),
            public_url,
            extra_ca_pem: ca.transpose()?,
            jwks_uri: settings.jwks_uri.as_ref().map(ToString::to_string),
            realm: settings.audience.clone(),
        },
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    )
    .context("cannot start the resource API")?;
    let tls = certificate.clone().map(|certificate| tls::server_config(certificate)).transpose().context("TLS")?;
    let server_settings = ServerSettings { tls, ..ServerSettings::default() };
    actix_web::rt::System::new().block_on(async {
        let signals = running::StopSignals::install()?;
        let followed = certificate.map(running::follow_certificate).transpose()?;
        let server = start(listener, &server_settings, api.configure()).context("cannot start the server")?;
        let handle = server.handle();
        let stopped = actix_web::rt::spawn(server);
        tracing::info!(%bind, audience = settings.audience.as_str(), "listening");
        let ended = running::until_stopped(signals, Drain::default(), vec![handle], stopped, ready(Ok(()))).await;
        if let Some(task) = followed {
            task.abort();
        }
        ended
    })
}

/// The URL of a server that nobody gave a name.
fn url_of(bind: SocketAddr, tls: bool) -> String {
    format!("{}://{bind}/", if tls { "https" } else { "http" })
}
