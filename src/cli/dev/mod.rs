//! `tokenhouse dev`: issuer and resource API in one process, in memory, with something to try.

pub mod demo;
pub mod memory_issuer;
pub mod ready;

use std::future::ready;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokenhouse_verifier::AccessTokenDialect;

use self::demo::{DEMO_AUDIENCE, Demo};
use self::memory_issuer::MemoryIssuer;
use self::ready::{Announcement, ReadyLine};
use super::dev_tls::DevTls;
use super::exit::CliError;
use super::running::Drain;
use super::{output, running};
use crate::clock::SystemClock;
use crate::config::LogFormat;
use crate::entropy::SystemEntropy;
use crate::http::server::{ServerSettings, start};
use crate::oauth::metadata::Issuer;
use crate::oauth::resource::Compat;
use crate::resource_api::{self, ResourceApi};

/// Issuer and resource API in one process, everything in memory: for a first look and for tests.
#[derive(Debug, Args)]
#[command(
    after_help = "It signs with keys that are public, so that it starts in milliseconds: never let anything that matters trust its tokens.\n\nExample:\n  tokenhouse dev\n  tokenhouse dev --port 0 --json --ready-file ready.json"
)]
pub struct DevArgs {
    /// The issuer's port; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The resource API's port [default: the next one; with --port 0 a free one]
    #[arg(long)]
    resource_port: Option<u16>,
    /// The address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// HTTPS on both ports, with a CA made on the spot
    #[arg(long)]
    tls: bool,
    /// A configuration document in place of the demo objects; the management client is always there
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Whose habits the token endpoint follows: standard, auth0 or identityserver
    #[arg(long, default_value_t = Compat::Standard)]
    compat: Compat,
    /// One line of JSON on standard output once both servers listen, and nothing else
    #[arg(long)]
    json: bool,
    /// Writes the same JSON to this file, whole, once both servers listen
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Runs `tokenhouse dev` until Ctrl-C or SIGTERM.
///
/// # Errors
/// If a port is taken, or the seed is wrong.
pub fn run(args: &DevArgs) -> Result<(), CliError> {
    crate::telemetry::init(
        LogFormat::Auto,
        "warn,tokenhouse::token=info,tokenhouse::secret=info,tokenhouse::telemetry=info",
    )
    .context("cannot start the log")?;
    actix_web::rt::System::new().block_on(serve(args))
}

async fn serve(args: &DevArgs) -> Result<(), CliError> {
    let signals = running::StopSignals::install()?;
    let entropy = Arc::new(SystemEntropy);
    let demo = match &args.seed {
        Some(path) => Demo::seeded(super::apply::read_document(path)?),
        None => Demo::standard(entropy.as_ref()),
    };
    let next_port = if args.port == 0 { 0 } else { args.port.checked_add(1).unwrap_or_default() };
    let resource_port = args.resource_port.unwrap_or(next_port);
    let listener = running::listen(SocketAddr::new(args.bind, args.port), "--port")?;
    let resource_listener = running::listen(SocketAddr::new(args.bind, resource_port), "--resource-port")?;
    let tls = if args.tls { Some(DevTls::create().context("cannot make a certificate")?) } else { None };
    let issuer_url = url(&listener, args.tls)?;
    let resource_url = url(&resource_listener, args.tls)?;

    let memory = MemoryIssuer::start(Issuer::new(&issuer_url), args.compat, &demo, entropy.clone())?;
    let api = start_resource_api(args, &memory, &demo, &issuer_url, &resource_url, tls.as_ref())?;
    let settings = ServerSettings {
        // What is in flight is done in a moment; nobody waits for a test server to end.
        shutdown: Duration::from_secs(10),
        tls: tls.as_ref().map(DevTls::server_config),
        ..ServerSettings::default()
    };
    let issuer_server = start(listener, &settings, running::routes(memory.endpoints.clone())).context("issuer")?;
    let resource_server = start(resource_listener, &settings, api.configure()).context("resource API")?;
    let handles = vec![issuer_server.handle(), resource_server.handle()];
    let servers =
        actix_web::rt::spawn(async move { tokio::try_join!(issuer_server, resource_server).map(|((), ())| ()) });

    let announcement = Announcement {
        line: ReadyLine::new(&memory, &resource_url, &demo, tls.as_ref().map(DevTls::ca_file)),
        api_audience: demo.document.apis.first().map(|api| api.identifier.clone()),
    };
    if let Some(path) = &args.ready_file {
        announcement.line.write_to(path)?;
    }
    if args.json {
        output::line(announcement.line.to_json()?)?;
    } else {
        output::line(&announcement)?;
    }
    if !args.bind.is_loopback() {
        output::remark(format_args!(
            "warning: listening on {}: everyone who reaches it can get tokens, and its signing keys are public",
            args.bind
        ));
    }
    let issuer = &memory.endpoints.issuer;
    let background = [
        running::write_usage(issuer.clone()),
        running::forget_assertions(issuer.clone()),
        running::tell_overload(issuer.clone()),
    ];
    let ended = running::until_stopped(signals, Drain::default(), handles, servers, ready(Ok(()))).await;
    for task in background {
        task.abort();
    }
    ended
}

/// The URL under which a listener is reached from this machine.
fn url(listener: &TcpListener, tls: bool) -> Result<String, CliError> {
    let port = listener.local_addr().context("cannot tell the port")?.port();
    Ok(format!("{}://localhost:{port}/", if tls { "https" } else { "http" }))
}

/// The resource API for the first API of the configuration, with two users for each client that may call it.
fn start_resource_api(
    args: &DevArgs,
    memory: &MemoryIssuer,
    demo: &Demo,
    issuer_url: &str,
    resource_url: &str,
    tls: Option<&DevTls>,
) -> Result<ResourceApi, CliError> {
    let first = demo.document.apis.first();
    let dialect = first.and_then(|api| api.token_dialect).unwrap_or_else(|| args.compat.default_dialect());
    let dialect: AccessTokenDialect = dialect.as_str().parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    let audience = first.map_or(DEMO_AUDIENCE, |api| api.identifier.as_str());
    let settings = resource_api::Settings {
        issuer: issuer_url.to_owned(),
        audience: audience.to_owned(),
        dialects: vec![dialect],
        database: resource_api::Database::InMemory,
        public_url: resource_url.to_owned(),
        extra_ca_pem: tls.map(|tls| tls.ca_pem().as_bytes().to_vec()),
        jwks_uri: None,
        realm: audience.to_owned(),
    };
    let api = ResourceApi::open(settings, Arc::new(SystemClock), memory.entropy.clone())
        .context("cannot start the resource API")?;
    for client_id in demo.clients_of(audience) {
        api.seed_users(client_id).context("cannot seed the users")?;
    }
    Ok(api)
}
