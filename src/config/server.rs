//! How does the issuer listen, and what does it take from one connection? Sections `server` and `tls`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::issuer_identifier::IssuerIdentifier;
use super::proxies::ProxySettings;
use super::reader::{Read, Reader, Threads};

/// Section `server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where the issuer listens; beyond loopback only with TLS or `behind_proxy`.
    pub bind: SocketAddr,
    /// A proxy in front ends TLS.
    pub behind_proxy: bool,
    /// Who is believed about the client's address.
    pub proxies: ProxySettings,
    /// Where plain HTTP is redirected to the issuer's https origin, if anywhere.
    pub http_redirect_bind: Option<SocketAddr>,
    /// `max-age` of Strict-Transport-Security; zero sends none.
    pub hsts: Duration,
    /// Threads that serve HTTP.
    pub workers: Threads,
    /// How long everything is still served after a stop signal while `/readyz` says that the server stops.
    pub drain: Duration,
    /// How long requests under way may finish after that.
    pub shutdown: Duration,
    /// Open connections over all workers.
    pub max_connections: usize,
    /// TLS handshakes under way over all workers.
    pub max_tls_handshakes: usize,
    /// How long a client may take for its TLS handshake.
    pub tls_handshake: Duration,
    /// How long a client may take to send a request's head.
    pub request_head: Duration,
    /// How long a client may take to send a request's body.
    pub request_body: Duration,
    /// How long an idle connection stays open; zero closes it after each answer.
    pub keep_alive: Duration,
}

/// A certificate and its key: PEM files, both given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
}

impl ServerSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let bind = from.required("server.bind", parse_address);
        let behind_proxy = from.boolean("server.behind_proxy");
        let proxies = ProxySettings::read(from);
        let http_redirect_bind = from.optional("server.http_redirect_bind", parse_address);
        let hsts = from.seconds("server.hsts_seconds");
        let workers = from.threads("server.workers");
        let drain = from.seconds("server.drain_seconds");
        let shutdown = from.seconds("server.shutdown_seconds");
        let max_connections = from.integer("server.max_connections");
        let max_tls_handshakes = from.integer("server.max_tls_handshakes");
        let tls_handshake = from.seconds("server.tls_handshake_seconds");
        let request_head = from.seconds("server.request_head_seconds");
        let request_body = from.seconds("server.request_body_seconds");
        let keep_alive = from.seconds("server.keep_alive_seconds");
        Ok(Self {
            bind: bind?,
            behind_proxy: behind_proxy?,
            proxies: proxies?,
            http_redirect_bind: http_redirect_bind?,
            hsts: hsts?,
            workers: workers?,
            drain: drain?,
            shutdown: shutdown?,
            max_connections: max_connections?,
            max_tls_handshakes: max_tls_handshakes?,
            tls_handshake: tls_handshake?,
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

    /// RFC 6797 §7.2: the header means nothing over plain HTTP; the proxy that ends TLS sends its own.
    pub(super) fn refuse_hsts_without_tls(&self, tls: Option<&TlsFiles>, from: &mut Reader<'_>) {
        if !self.hsts.is_zero() && tls.is_none() {
            from.conflict(
                "server.hsts_seconds",
                "needs tls.certificate_file and tls.key_file; where a proxy ends TLS, let the proxy send the header",
            );
        }
    }

    /// A redirect leads to the issuer's origin.
    pub(super) fn refuse_redirect_to_plaintext(&self, issuer: &IssuerIdentifier, from: &mut Reader<'_>) {
        if self.http_redirect_bind.is_some() && !issuer.as_str().starts_with("https://") {
            from.conflict("server.http_redirect_bind", "leads to the issuer, so the issuer must start with https://");
        }
    }
}

impl TlsFiles {
    pub(super) fn read(from: &mut Reader<'_>, certificate_key: &str, key_key: &str) -> Read<Option<Self>> {
        let certificate = from.optional_path(certificate_key);
        let key = from.optional_path(key_key);
        let lonely = |from: &mut Reader<'_>, given: &str, missing: &str| {
            Err(from.conflict(given, &format!("needs {missing} beside it")))
        };
        match (certificate?, key?) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (None, None) => Ok(None),
            (Some(_), None) => lonely(from, certificate_key, key_key),
            (None, Some(_)) => lonely(from, key_key, certificate_key),
        }
    }
}

pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "is not an IP address and port such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

pub(super) fn is_loopback(address: SocketAddr) -> bool {
    // `::ffff:127.0.0.1` is 127.0.0.1.
    address.ip().to_canonical().is_loopback()
}
