//! From where, how often and with which trust are keys fetched? (RFC 8414 §6.2, RFC 9700 §2.6)

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use thiserror::Error;
use url::{Host, Url};

use super::addresses::{AddressRule, CheckedResolver};
use super::fetch::{Fetcher, SetRules};
use super::{Remote, RemoteJwks, tls};
use crate::clock::{Clock, SystemClock};

/// A setting with which no keys could ever be fetched.
#[derive(Debug, Error)]
pub enum ConfigurationError {
    /// Not an absolute `http` or `https` URL.
    #[error("{0:?} is not an absolute http or https URL")]
    InvalidUrl(String),
    /// `http` to another machine, where anyone on the way could put in keys of their own.
    #[error("{0:?} is not https: plain http is accepted only for this machine itself")]
    PlainHttp(String),
    /// An IP address that the rule for addresses does not allow.
    #[error("{0:?} leads to an address that is not allowed")]
    AddressNotAllowed(String),
    /// The given certificates are not PEM, or are none.
    #[error("the CA certificates are not PEM certificates")]
    InvalidCa,
    /// TLS could not be set up.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Client(#[source] reqwest::Error),
}

/// Where the keys are.
#[derive(Clone, Debug)]
pub(super) enum Location {
    Issuer(String),
    JwksUri(String),
}

impl Location {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Issuer(url) | Self::JwksUri(url) => url,
        }
    }
}

/// How long things hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) cool_down: Duration,
    pub(super) default_max_age: Duration,
    pub(super) longest_max_age: Duration,
    pub(super) max_stale: Duration,
}

/// The settings of a [`RemoteJwks`].
#[derive(Clone, Debug)]
#[must_use]
pub struct RemoteJwksBuilder {
    location: Location,
    timing: Timing,
    timeout: Duration,
    ca_pem: Option<Vec<u8>>,
    /// Made of `ca_pem` already, to be shared.
    tls: Option<ClientConfig>,
    addresses: Option<AddressRule>,
    sets: SetRules,
    plain_http: PlainHttp,
    clock: Arc<dyn Clock>,
}

impl RemoteJwksBuilder {
    pub(super) fn new(location: Location) -> Self {
        let timing = Timing {
            cool_down: Duration::from_secs(30),
            default_max_age: Duration::from_mins(5),
            longest_max_age: Duration::MAX,
            max_stale: Duration::from_hours(24),
        };
        Self {
            location,
            timing,
            timeout: Duration::from_secs(2),
            ca_pem: None,
            tls: None,
            addresses: None,
            sets: SetRules::default(),
            plain_http: PlainHttp::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Trusts these CA certificates (PEM, one or several) in place of the system's: for an issuer with a private CA.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem = Some(pem.into());
        self.tls = None;
        self
    }

    /// Sets up TLS once, for all sources that are built from clones of this: reading the system's certificates takes
    /// milliseconds.
    pub fn share_tls(mut self) -> Result<Self, ConfigurationError> {
        self.tls = Some(tls::client_config(self.ca_pem.as_deref())?);
        Ok(self)
    }

    /// Fetches the keys from `jwks_uri` instead, with all other settings as they are.
    pub fn jwks_uri(mut self, jwks_uri: impl Into<String>) -> Self {
        self.location = Location::JwksUri(jwks_uri.into());
        self
    }

    /// Connects to an address only if `allowed` says so of it, and of every other address that the host's name has: for
    /// URLs that strangers give. What was checked is what is connected to, so a name that changes meanwhile does not
    /// matter; and no proxy is used, which would look the name up by itself.
    pub fn allow_addresses(mut self, allowed: impl Fn(&str, IpAddr) -> bool + Send + Sync + 'static) -> Self {
        self.addresses = Some(AddressRule::new(allowed));
        self
    }

    /// Refuses documents longer than this many octets; 256 KiB by default.
    pub const fn max_document_bytes(mut self, max_bytes: usize) -> Self {
        self.sets.max_bytes = max_bytes;
        self
    }

    /// Takes a set without a usable key for what it says: that there is none any more. By default it counts as a fault, and
    /// the last good set stays.
    pub const fn accept_empty_sets(mut self) -> Self {
        self.sets.accept_empty = true;
        self
    }

    /// Asks again after this time at the latest, whatever `Cache-Control` says.
    pub const fn max_age_at_most(mut self, longest: Duration) -> Self {
        self.timing.longest_max_age = longest;
        self
    }

    /// Fetches because of an unknown `kid`, or again after a failure, at most once in this time; 30 seconds by default.
    pub const fn cool_down(mut self, cool_down: Duration) -> Self {
        self.timing.cool_down = cool_down;
        self
    }

    /// Gives up a fetch after this time; 2 seconds by default.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Uses stale keys for this long while no fresh ones can be fetched; 24 hours by default.
    pub const fn max_stale(mut self, max_stale: Duration) -> Self {
        self.timing.max_stale = max_stale;
        self
    }

    /// Also accepts plain `http` for this host: a name on a private network that nobody else can reach, such as a
    /// container's.
    pub fn allow_plain_http_to(mut self, host: impl Into<String>) -> Self {
        self.plain_http.hosts.push(host.into());
        self
    }

    /// Measures the age of keys with `clock`.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings. Nothing is fetched yet.
    pub fn build(self) -> Result<RemoteJwks, ConfigurationError> {
        let url = self.plain_http.check(self.location.as_str())?;
        let tls = match self.tls {
            Some(shared) => shared,
            None => tls::client_config(self.ca_pem.as_deref())?,
        };
        let mut client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(self.timeout)
            // Fetches are minutes apart, and a kept connection would die with the runtime of the worker that opened it.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("tokenhouse-verifier/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&url) {
            client = client.no_proxy();
        }
        if let Some(rule) = self.addresses {
            // A name is checked when it is resolved; an address never comes that far.
            if address(&url).is_some_and(|address| !rule.allows(url.host_str().unwrap_or_default(), address)) {
                return Err(ConfigurationError::AddressNotAllowed(self.location.as_str().to_owned()));
            }
            client = client.no_proxy().dns_resolver(Arc::new(CheckedResolver::new(rule)));
        }
        let client = client.build().map_err(ConfigurationError::Client)?;
        let fetcher = Fetcher::new(client, self.location, self.plain_http, self.sets);
        Ok(RemoteJwks(Remote::new(fetcher, self.timing, self.clock)))
    }
}

/// For which hosts plain `http` is accepted, beside this machine.
#[derive(Clone, Debug, Default)]
pub(super) struct PlainHttp {
    hosts: Vec<String>,
}

impl PlainHttp {
    /// The URL, if it may be fetched from.
    pub(super) fn check(&self, text: &str) -> Result<Url, ConfigurationError> {
        let url = Url::parse(text).map_err(|_| ConfigurationError::InvalidUrl(text.to_owned()))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if is_loopback(&url) || self.hosts.iter().any(|host| url.host_str() == Some(host)) => Ok(url),
            "http" => Err(ConfigurationError::PlainHttp(text.to_owned())),
            _ => Err(ConfigurationError::InvalidUrl(text.to_owned())),
        }
    }
}

/// Whether the URL leads to this machine itself (RFC 6761 §6.3 for the name).
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

/// The address that stands in the URL in place of a name.
fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine() {
        for url in [
            "https://issuer.example/",
            "http://localhost:8080/",
            "http://127.0.0.1/x",
            "http://[::1]:1/",
            "http://a.localhost/",
        ] {
            assert!(PlainHttp::default().check(url).is_ok(), "{url}");
        }
        for url in
            ["http://issuer.example/", "http://localhost.evil.example/", "http://10.0.0.1/", "http://127.0.0.1.nip.io/"]
        {
            assert!(matches!(PlainHttp::default().check(url), Err(ConfigurationError::PlainHttp(_))), "{url}");
        }
        for url in ["", "issuer.example", "file:///etc/passwd", "ftp://localhost/"] {
            assert!(matches!(PlainHttp::default().check(url), Err(ConfigurationError::InvalidUrl(_))), "{url}");
        }
    }

    #[test]
    fn a_private_host_can_be_let_through_by_name() {
        let builder = RemoteJwks::of_issuer("http://issuer:8080/");
        assert!(matches!(builder.clone().build(), Err(ConfigurationError::PlainHttp(_))));
        assert!(builder.allow_plain_http_to("issuer").build().is_ok());
    }

    #[test]
    fn an_address_in_a_url_is_checked_like_that_of_a_name() {
        let template = RemoteJwks::at("https://a/").allow_addresses(|_, address| !address.is_loopback());
        for (url, allowed) in [
            ("https://127.0.0.1/", false),
            ("https://[::1]/", false),
            ("https://2130706433/", false), // 127.0.0.1 as one number
            ("https://0x7f.1/", false),
            ("https://192.0.2.1/", true),
            ("https://[2001:db8::1]/", true),
        ] {
            let built = template.clone().jwks_uri(url).build();
            assert_eq!(built.is_ok(), allowed, "{url}");
            assert!(allowed || matches!(built, Err(ConfigurationError::AddressNotAllowed(_))), "{url}");
        }
    }

    #[test]
    fn ca_certificates_must_be_certificates() {
        for pem in ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let built = RemoteJwks::at("https://issuer.example/jwks").ca_pem(pem).build();
            assert!(matches!(built, Err(ConfigurationError::InvalidCa)), "{pem}");
        }
    }
}
