//! How does a server listen, with its bounds on time and connections?

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_http::{HttpService, Request, Response, TlsAcceptorConfig};
use actix_server::GracefulShutdownSignal;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, apply_fn_factory, map_config};
use actix_tls::accept::max_concurrent_tls_connect;
use actix_web::App;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{AppConfig, Server, Service, ServiceFactory};
use actix_web::http::header::STRICT_TRANSPORT_SECURITY;
use actix_web::middleware::{Condition, DefaultHeaders, from_fn};
use actix_web::rt::net::{ActixStream, TcpStream};
use actix_web::web::ServiceConfig;

use super::client_address::PeerRules;
use super::middleware::screen;
use super::pace::paced;
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

/// How long is waited for a client to hang up once its connection is to be closed.
const HANG_UP: Duration = Duration::from_secs(1);

/// Starts a server on `listener` with the endpoints that `configure` registers. It stops when its handle says so, not
/// by signals.
///
/// actix-web's own `HttpServer` cannot be told how long a connection may take between two requests (`pace.rs`), so this is put
/// together from the same parts.
///
/// # Errors
/// If the listener cannot be used.
pub fn start<F>(listener: TcpListener, settings: &ServerSettings, configure: F) -> std::io::Result<Server>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let address = listener.local_addr()?;
    let builder = actix_server::Server::build()
        .max_concurrent_connections(settings.max_connections)
        .shutdown_timeout(settings.shutdown.as_secs())
        .disable_signals();
    let builder = if settings.workers > 0 { builder.workers(settings.workers) } else { builder };
    max_concurrent_tls_connect(settings.max_tls_handshakes);
    let connections = Connections {
        address,
        head_time: settings.head_time,
        keep_alive: settings.keep_alive,
        stopping: builder.graceful_shutdown_signal(),
    };

    let head_bytes = settings.head_bytes;
    let peers = settings.peers.clone();
    let hsts = settings.hsts.as_secs();
    // RFC 6797 §7.2: not over plain HTTP.
    let sends_hsts = settings.tls.is_some() && hsts > 0;
    let application = move || {
        let peers = peers.clone();
        let hsts = DefaultHeaders::new().add((STRICT_TRANSPORT_SECURITY, format!("max-age={hsts}")));
        let application = App::new()
            .wrap(from_fn(move |request, next| screen(head_bytes, peers.clone(), request, next)))
            .wrap(Condition::new(sends_hsts, hsts))
            .wrap(from_fn(identify_request))
            .configure(configure.clone());
        let application = application.into_factory().map_err(|error: actix_web::Error| error.error_response());
        map_config(application, |()| AppConfig::default())
    };

    let name = format!("http-{address}");
    let rest = connections.rest();
    let builder = match settings.tls.clone() {
        None => builder.listen(name, listener, move || {
            let http = connections.serve(application()).tcp();
            apply_fn_factory(http, move |connection: TcpStream, http| at_its_pace(rest, rest, http.call(connection)))
        })?,
        Some(tls) => {
            let handshake = settings.tls_handshake;
            builder.listen(name, listener, move || {
                let bounds = TlsAcceptorConfig::default().handshake_timeout(handshake);
                let https = connections.serve(application()).rustls_0_23_with_config(tls.clone(), bounds);
                apply_fn_factory(https, move |connection: TcpStream, https| {
                    at_its_pace(handshake + rest, rest, https.call(connection))
                })
            })?
        }
    };
    Ok(builder.run())
}

/// The bounds of each connection.
#[derive(Clone)]
struct Connections {
    address: SocketAddr,
    head_time: Duration,
    keep_alive: Duration,
    stopping: GracefulShutdownSignal,
}

impl Connections {
    /// How long the way from an answer to the next head may take: the answer is read, nothing comes for a while, then the head does.
    fn rest(&self) -> Duration {
        self.head_time + self.keep_alive
    }

    /// Serves `application` on connections of one kind.
    fn serve<T, S, B>(&self, application: S) -> HttpService<T, S, B>
    where
        T: ActixStream + 'static,
        S: ServiceFactory<Request, Config = ()>,
        S::Error: Into<Response<BoxBody>> + 'static,
        S::InitError: std::fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        let stopping = self.stopping.clone();
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(self.keep_alive)
            .client_request_timeout(self.head_time)
            .client_disconnect_timeout(HANG_UP)
            .local_addr(self.address)
            .finish(application)
    }
}

/// Serves one connection, and closes it when it falls behind.
async fn at_its_pace<E>(
    first: Duration,
    rest: Duration,
    connection: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    paced(first, rest, connection).await.unwrap_or(Ok(()))
}
