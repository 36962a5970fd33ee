//! How does a server listen, with its bounds on time and connections?

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header::STRICT_TRANSPORT_SECURITY;
use actix_web::middleware::{Condition, DefaultHeaders, from_fn};
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};

use super::client_address::PeerRules;
use super::middleware::screen;
use crate::telemetry::middleware::identify_request;

/// How a server listens.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Workers; 0 means one per core.
    pub workers: usize,
    /// Connections per worker.
    pub max_connections: usize,
    /// TLS handshakes under way per worker; one for the whole process.
    pub max_tls_handshakes: usize,
    /// How long a TLS handshake may take.
    pub tls_handshake: Duration,
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
    /// `max-age` of Strict-Transport-Security (RFC 6797 §6.1.1); zero sends none. Only sent over TLS.
    pub hsts: Duration,
    /// Whose connections are served, and who is believed about the client's address.
    pub peers: PeerRules,
}

/// The same bounds as the issuer's defaults: one worker per core, no TLS.
impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            workers: 0,
            max_connections: 10_000,
            max_tls_handshakes: 2048,
            tls_handshake: Duration::from_secs(3),
            head_time: Duration::from_secs(5),
            keep_alive: Duration::from_secs(30),
            shutdown: Duration::from_secs(30),
            head_bytes: 16_384,
            tls: None,
            hsts: Duration::ZERO,
            peers: PeerRules::default(),
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
    let peers = settings.peers.clone();
    let hsts = settings.hsts.as_secs();
    // RFC 6797 §7.2: not over plain HTTP.
    let sends_hsts = settings.tls.is_some() && hsts > 0;
    let server = HttpServer::new(move || {
        let peers = peers.clone();
        let hsts = DefaultHeaders::new().add((STRICT_TRANSPORT_SECURITY, format!("max-age={hsts}")));
        App::new()
            .wrap(from_fn(move |request, next| screen(head_bytes, peers.clone(), request, next)))
            .wrap(Condition::new(sends_hsts, hsts))
            .wrap(from_fn(identify_request))
            .configure(configure.clone())
    })
    .max_connections(settings.max_connections)
    .max_connection_rate(settings.max_tls_handshakes)
    .tls_handshake_timeout(settings.tls_handshake)
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
