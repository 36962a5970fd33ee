//! How does the issuer listen, and what does it take from one connection? Sections `server`, `tls` and `limits`.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::reader::{Read, Reader, Threads};

/// Section `server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where the issuer listens; beyond loopback only with TLS or `behind_proxy`.
    pub bind: SocketAddr,
    /// A proxy in front ends TLS.
    pub behind_proxy: bool,
    /// Threads that serve HTTP.
    pub workers: Threads,
    /// How long requests under way may finish after a stop signal.
    pub shutdown: Duration,
    /// Open connections over all workers.
    pub max_connections: usize,
    /// How long a client may take to send a request's head.
    pub request_head: Duration,
    /// How long a client may take to send a request's body.
    pub request_body: Duration,
    /// How long an idle connection stays open; zero closes it after each answer.
    pub keep_alive: Duration,
}

/// Section `tls`: PEM files, both given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
}

/// Section `limits`: the most that one request may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Bytes of body.
    pub body_bytes: usize,
    /// Bytes of head.
    pub head_bytes: usize,
    /// Parameters of a token request.
    pub parameters: usize,
    /// Calls of the Management API per second and client.
    pub management_per_second: NonZeroU32,
    /// Calls of the Management API of a client at once.
    pub management_burst: NonZeroU32,
}

impl ServerSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let bind = from.required("server.bind", parse_address);
        let behind_proxy = from.boolean("server.behind_proxy");
        let workers = from.threads("server.workers");
        let shutdown = from.seconds("server.shutdown_seconds");
        let max_connections = from.integer("server.max_connections");
        let request_head = from.seconds("server.request_head_seconds");
        let request_body = from.seconds("server.request_body_seconds");
        let keep_alive = from.seconds("server.keep_alive_seconds");
        Ok(Self {
            bind: bind?,
            behind_proxy: behind_proxy?,
            workers: workers?,
            shutdown: shutdown?,
            max_connections: max_connections?,
            request_head: request_head?,
            request_body: request_body?,
            keep_alive: keep_alive?,
        })
    }

    /// Client secrets and tokens must not cross a network in the open.
    pub(super) fn refuse_open_plaintext(&self, tls: Option<&TlsFiles>, from: &mut Reader<'_>) {
        if !is_loopback(self.bind) && tls.is_none() && !self.behind_proxy {
            from.conflict(
                "server.bind",
                "listens beyond loopback without TLS; give tls.certificate_file and tls.key_file, \
                 or set server.behind_proxy = true if a proxy in front ends TLS",
            );
        }
    }
}

impl TlsFiles {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Option<Self>> {
        let certificate = from.optional_path("tls.certificate_file");
        let key = from.optional_path("tls.key_file");
        match (certificate?, key?) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(from.conflict("tls.certificate_file", "needs tls.key_file beside it")),
            (None, Some(_)) => Err(from.conflict("tls.key_file", "needs tls.certificate_file beside it")),
        }
    }
}

impl LimitSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let body_bytes = from.integer("limits.body_bytes");
        let head_bytes = from.integer("limits.head_bytes");
        let parameters = from.integer("limits.parameters");
        let management_per_second = from.positive("limits.management_per_second");
        let management_burst = from.positive("limits.management_burst");
        Ok(Self {
            body_bytes: body_bytes?,
            head_bytes: head_bytes?,
            parameters: parameters?,
            management_per_second: management_per_second?,
            management_burst: management_burst?,
        })
    }
}

pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "is not an IP address and port such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

pub(super) fn is_loopback(address: SocketAddr) -> bool {
    // `::ffff:127.0.0.1` is 127.0.0.1.
    address.ip().to_canonical().is_loopback()
}
