//! How does a server listen, with its bounds on time and connections?

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};

use super::middleware::head_limit::limit_head;
use crate::telemetry::middleware::identify_request;

/// How a server listens.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Workers; 0 means one per core.
    pub workers: usize,
    /// Connections per worker.
    pub max_connections: usize,
    /// How long a request head may take to arrive.
    pub head_time: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How long requests in flight may take after the server was told to stop.
    pub shutdown: Duration,
    /// Bytes of a request head.
    pub head_bytes: usize,
    /// TLS, unless a proxy does it.
    pub tls: Option<rustls::ServerConfig>,
}

/// The same bounds as the issuer's defaults: one worker per core, no TLS.
impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            workers: 0,
            max_connections: 10_000,
            head_time: Duration::from_secs(5),
            keep_alive: Duration::from_secs(30),
            shutdown: Duration::from_secs(30),
            head_bytes: 16_384,
            tls: None,
        }
    }
}

/// Starts a server on `listener` with the endpoints that `configure` registers. It stops when its handle says so, not
/// by signals.
///
/// # Errors
/// If the listener cannot be used.
pub fn start<F>(listener: TcpListener, settings: &ServerSettings, configure: F) -> std::io::Result<Server>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let head_bytes = settings.head_bytes;
    let server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(move |request, next| limit_head(head_bytes, request, next)))
            .wrap(from_fn(identify_request))
            .configure(configure.clone())
    })
    .max_connections(settings.max_connections)
    .client_request_timeout(settings.head_time)
    .keep_alive(settings.keep_alive)
    .shutdown_timeout(settings.shutdown.as_secs())
    .disable_signals();
    let server = if settings.workers > 0 { server.workers(settings.workers) } else { server };
    let server = match &settings.tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls.clone())?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}
