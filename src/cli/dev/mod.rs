//! `tokenhouse dev`: issuer and resource API in one process, in memory, with something to try.

pub mod ready;

use std::future::ready;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use anyhow::Context as _;
use clap::Args;
use tokio::task::JoinHandle;

use self::ready::{Announcement, write_ready_file};
use super::dev_tls::DevTls;
use super::exit::CliError;
use super::running::Drain;
use super::{output, running};
use crate::config::LogFormat;
use crate::dev::control_key::ControlKey;
use crate::dev::demo::Demo;
use crate::dev::driven_issuer::{Ca, DrivenIssuer, Origin};
use crate::dev::issuers::{FirstUse, Issuers};
use crate::dev::key_stock::FirstKeys;
use crate::dev::memory_issuer::{HashThreads, ManagementClient};
use crate::dev::route::{issuer_routes, resource_api_routes};
use crate::entropy::{Entropy, SystemEntropy};
use crate::http::server::{ServerSettings, start};
use crate::issuer::servers::Presence;
use crate::oauth::metadata::Issuer;
use crate::oauth::resource::Compat;

/// Issuer and resource API in one process, everything in memory: for a first look and for tests.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(
    after_help = "It signs with keys that are public, so that it starts in milliseconds: never let anything that matters trust its tokens.\n\nExample:\n  tokenhouse dev\n  tokenhouse dev --port 0 --json --ready-file ready.json --control"
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
    /// Serves the control API for tests: any token, the time, keys, faults, what was asked (docs/testing.md)
    #[arg(long)]
    control: bool,
    /// Creates an issuer with the first request to /t/NAME/…
    #[arg(long, requires = "control")]
    issuers_on_first_use: bool,
    /// Serves the control API although --bind lets others than this machine reach it
    #[arg(long, requires = "control")]
    control_beyond_loopback: bool,
}

/// What is logged. The server's own words about a connection that a fault has cut off are of use to nobody.
const LOG: &str =
    "warn,tokenhouse::token=info,tokenhouse::secret=info,tokenhouse::telemetry=info,actix_http::h1::dispatcher=off";

/// Runs `tokenhouse dev` until Ctrl-C or SIGTERM.
///
/// # Errors
/// If a port is taken, or the seed is wrong.
pub fn run(args: &DevArgs) -> Result<(), CliError> {
    if args.control && !args.bind.is_loopback() && !args.control_beyond_loopback {
        return Err(CliError::usage(format!(
            "--control with --bind {}: whoever reaches the control API and learns its key can have any token, and the key goes over the \
             network; leave out --bind, or add --control-beyond-loopback if that network is yours alone",
            args.bind
        )));
    }
    crate::telemetry::init(LogFormat::Auto, LOG).context("cannot start the log")?;
    actix_web::rt::System::new().block_on(serve(args))
}

async fn serve(args: &DevArgs) -> Result<(), CliError> {
    let signals = running::StopSignals::install()?;
    let next_port = if args.port == 0 { 0 } else { args.port.checked_add(1).unwrap_or_default() };
    let resource_port = args.resource_port.unwrap_or(next_port);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let demo = match &args.seed {
        Some(path) => Demo::seeded(super::apply::read_document(path)?),
        None => Demo::standard(entropy.as_ref()),
    };
    let listener = running::listen(SocketAddr::new(args.bind, args.port), "--port")?;
    let resource_listener = running::listen(SocketAddr::new(args.bind, resource_port), "--resource-port")?;
    let tls = if args.tls { Some(DevTls::create().context("cannot make a certificate")?) } else { None };
    let origin = Origin {
        name: None,
        issuer: Issuer::new(&url(&listener, args.tls)?),
        compat: args.compat,
        management: ManagementClient::beside(&demo, entropy.as_ref()),
        demo,
        first_keys: FirstKeys::Published,
        hash_threads: HashThreads::OnePerCore,
        resource_api: Some(url(&resource_listener, args.tls)?),
        ca: tls.as_ref().map(|tls| Ca { file: tls.ca_file().to_owned(), pem: tls.ca_pem().as_bytes().into() }),
        control: None,
    };
    let settings = ServerSettings {
        // What is in flight is done in a moment; nobody waits for a test server to end.
        shutdown: Duration::from_secs(10),
        tls: tls.as_ref().map(DevTls::server_config),
        ..ServerSettings::default()
    };
    let listening = Listening { issuer: listener, resource_api: resource_listener, settings };
    let Started { issuer, servers: [issuer_server, resource_server], background, drain } = if args.control {
        let first_use = if args.issuers_on_first_use { FirstUse::Creates } else { FirstUse::Refuses };
        let key = ControlKey::generate(entropy.as_ref());
        listening.start_driven(&Arc::new(Issuers::start(origin, key, first_use, entropy)?))?
    } else {
        listening.start_alone(DrivenIssuer::start(origin, entropy)?)?
    };
    let handles = vec![issuer_server.handle(), resource_server.handle()];
    let servers =
        actix_web::rt::spawn(async move { tokio::try_join!(issuer_server, resource_server).map(|((), ())| ()) });

    let first = issuer.origin().demo.document.apis.first();
    let announcement = Announcement { api_audience: first.map(|api| api.identifier.clone()), line: issuer.ready() };
    if let Some(path) = &args.ready_file {
        write_ready_file(&announcement.line, path)?;
    }
    if args.json {
        output::line(ready::to_json(&announcement.line)?)?;
    } else {
        output::line(&announcement)?;
    }
    if !args.bind.is_loopback() {
        output::remark(format_args!(
            "warning: listening on {}: everyone who reaches it can get tokens, and its signing keys are public",
            args.bind
        ));
    }
    let ended = running::until_stopped(signals, drain, handles, servers, self::done()).await;
    for task in background {
        task.abort();
    }
    ended
}

/// Nothing is left to be done while the servers run.
fn done() -> impl Future<Output = Result<(), CliError>> {
    ready(Ok(()))
}

/// Where the two servers listen, and how.
struct Listening {
    issuer: TcpListener,
    resource_api: TcpListener,
    settings: ServerSettings,
}

/// What runs.
struct Started {
    issuer: Arc<DrivenIssuer>,
    servers: [Server; 2],
    background: Vec<JoinHandle<()>>,
    drain: Drain,
}

impl Listening {
    /// Without the control API: the routes are those of `serve`.
    fn start_alone(self, issuer: DrivenIssuer) -> Result<Started, CliError> {
        let endpoints = issuer.endpoints();
        let bundled = issuer.bundled_api()?.context("dev has a resource API")?;
        let routes = running::routes(endpoints.get_ref().clone());
        let servers = [
            start(self.issuer, &self.settings, routes).context("issuer")?,
            start(self.resource_api, &self.settings, bundled.api.configure()).context("resource API")?,
        ];
        let token_issuer = &endpoints.issuer;
        let presence = Presence::new(token_issuer.served().clone(), &endpoints.administration, running::server_name());
        let background = vec![
            running::tell_presence(Arc::new(presence), endpoints.get_ref().clone()),
            running::write_usage(token_issuer.clone()),
            running::note_rates(token_issuer.clone()),
            running::forget_assertions(token_issuer.clone()),
            running::forget_sessions(endpoints.console.clone()),
            running::tell_overload(token_issuer.clone()),
        ];
        Ok(Started { servers, background, drain: Drain::default(), issuer: Arc::new(issuer) })
    }

    /// With it.
    fn start_driven(self, issuers: &Arc<Issuers>) -> Result<Started, CliError> {
        let servers = [
            start(self.issuer, &self.settings, issuer_routes(issuers)).context("issuer")?,
            start(self.resource_api, &self.settings, resource_api_routes(issuers)?).context("resource API")?,
        ];
        let background = vec![actix_web::rt::spawn(issuers.clone().tend())];
        let drain = Drain { stopping: issuers.stopping().clone(), time: Duration::ZERO };
        Ok(Started { servers, background, drain, issuer: issuers.root().clone() })
    }
}

/// The URL under which a listener is reached from this machine.
fn url(listener: &TcpListener, tls: bool) -> Result<String, CliError> {
    let port = listener.local_addr().context("cannot tell the port")?.port();
    Ok(format!("{}://localhost:{port}/", if tls { "https" } else { "http" }))
}
