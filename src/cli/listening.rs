//! Where and how does the issuer of a configuration listen: addresses, TLS, bounds, proxies, redirect?

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::{Server, ServerHandle};
use actix_web::web::ServiceConfig;
use anyhow::Context as _;
use futures_util::future::try_join_all;
use tokio::task::JoinHandle;

use super::exit::CliError;
use super::running;
use crate::clock::SystemClock;
use crate::config::{Config, TlsFiles};
use crate::http::client_address::{PeerRules, Strangers};
use crate::http::server::{ServerSettings, start};
use crate::http::tls::ServedCertificate;
use crate::http::{health_paths, redirect, tls};
use crate::oauth::metadata::Issuer;

/// What is opened and read before the database is touched: a mistake must leave nothing behind.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    redirect: Option<Redirect>,
    metrics: Option<TcpListener>,
    settings: ServerSettings,
    /// The certificate, unless a proxy ends TLS.
    pub certificate: Option<Arc<ServedCertificate>>,
}

/// The listener for plain HTTP, and where it leads to.
#[derive(Debug)]
struct Redirect {
    listener: TcpListener,
    origin: String,
}

impl Listening {
    /// Opens the addresses and reads the certificate.
    ///
    /// # Errors
    /// If an address cannot be listened on, or the certificate cannot be used.
    pub fn open(config: &Config) -> Result<Self, CliError> {
        let listener = running::listen(config.server.bind, "server.bind")?;
        let origin = redirect::https_origin(config.issuer.as_str());
        let redirect = match config.server.http_redirect_bind.zip(origin) {
            Some((bind, origin)) => {
                Some(Redirect { listener: running::listen(bind, "server.http_redirect_bind")?, origin })
            }
            None => None,
        };
        let metrics = config.metrics.bind.map(listen_for_metrics).transpose()?;
        let certificate = config.tls.as_ref().map(|files| load_certificate(files, "tls.")).transpose()?;
        let settings = settings(config, certificate.clone())?;
        Ok(Self { listener, redirect, metrics, settings, certificate })
    }

    /// Where the issuer listens.
    ///
    /// # Errors
    /// If the operating system does not tell.
    pub fn address(&self) -> Result<SocketAddr, CliError> {
        Ok(self.listener.local_addr().context("cannot tell the port")?)
    }

    /// Starts the server with `routes`; the redirect beside it, and `metrics`, each on a thread of its own.
    ///
    /// # Errors
    /// If a listener cannot be used.
    pub fn start<F, M>(
        self,
        routes: F,
        metrics: M,
    ) -> Result<(Vec<ServerHandle>, JoinHandle<std::io::Result<()>>), CliError>
    where
        F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
        M: Fn(&mut ServiceConfig) + Clone + Send + 'static,
    {
        let mut servers = vec![start(self.listener, &self.settings, routes).context("cannot start the server")?];
        if let Some(redirect) = self.redirect {
            servers.push(start_redirect(redirect, &self.settings)?);
        }
        // The last to be stopped: whoever watches sees the others end.
        if let Some(listener) = self.metrics {
            servers.push(start_metrics(listener, metrics, &self.settings)?);
        }
        let handles = servers.iter().map(Server::handle).collect();
        let servers = actix_web::rt::spawn(async move { try_join_all(servers).await.map(drop) });
        Ok((handles, servers))
    }
}

fn start_redirect(redirect: Redirect, settings: &ServerSettings) -> Result<Server, CliError> {
    let bind = redirect.listener.local_addr().context("cannot tell the port")?;
    tracing::info!(%bind, to = redirect.origin, "redirecting plain HTTP");
    // Each answer is a line of text: one thread is enough. And it is there for everybody.
    let peers = PeerRules { strangers: Strangers::Served, ..settings.peers.clone() };
    let settings = ServerSettings { tls: None, peers, ..alone(settings) };
    Ok(start(redirect.listener, &settings, redirect::routes(redirect.origin)).context("cannot start the redirect")?)
}

/// The same for one worker, which has all connections.
fn alone(settings: &ServerSettings) -> ServerSettings {
    let max_connections = settings.max_connections.saturating_mul(settings.workers.max(1));
    ServerSettings { workers: 1, max_connections, ..settings.clone() }
}

fn listen_for_metrics(bind: SocketAddr) -> Result<TcpListener, CliError> {
    running::listen(bind, "metrics.bind, or answer no metrics with metrics.bind = \"off\"")
}

fn start_metrics<M>(listener: TcpListener, routes: M, settings: &ServerSettings) -> Result<Server, CliError>
where
    M: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let bind = listener.local_addr().context("cannot tell the port")?;
    tracing::info!(%bind, "answering metrics");
    let settings = ServerSettings { tls: None, peers: PeerRules::default(), ..alone(settings) };
    Ok(start(listener, &settings, routes).context("cannot start answering metrics")?)
}

/// The certificate in `files`, named in errors by the `section` of its settings.
///
/// # Errors
/// If it cannot be used.
pub fn load_certificate(files: &TlsFiles, section: &str) -> Result<Arc<ServedCertificate>, CliError> {
    let certificate = ServedCertificate::load(files.clone(), Arc::new(SystemClock))
        .with_context(|| format!("{section}certificate_file and {section}key_file"))?;
    Ok(Arc::new(certificate))
}

fn settings(config: &Config, certificate: Option<Arc<ServedCertificate>>) -> Result<ServerSettings, CliError> {
    let workers = config.server.workers.count();
    Ok(ServerSettings {
        workers: workers.get(),
        // The operator counts over all workers, actix for each.
        max_connections: config.server.max_connections.div_ceil(workers.get()),
        max_tls_handshakes: config.server.max_tls_handshakes.div_ceil(workers.get()),
        tls_handshake: config.server.tls_handshake,
        head_time: config.server.request_head,
        keep_alive: config.server.keep_alive,
        shutdown: config.server.shutdown,
        head_bytes: config.limits.head_bytes,
        tls: certificate.map(|certificate| tls::server_config(certificate)).transpose().context("TLS")?,
        hsts: config.server.hsts,
        peers: peers(config),
    })
}

/// Behind proxies that are named, nobody else is served: a request that reaches the plain port directly brings its
/// secrets in clear, and passes by what the proxy logs and limits.
fn peers(config: &Config) -> PeerRules {
    let proxies = config.server.proxies.clone();
    let strangers = if config.server.behind_proxy && !proxies.trusted.is_empty() {
        Strangers::Refused { except: health_paths(Issuer::new(config.issuer.as_str()).path()).into() }
    } else {
        Strangers::Served
    };
    PeerRules { proxies: Arc::new(proxies), strangers }
}
