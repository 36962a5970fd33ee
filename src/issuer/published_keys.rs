//! Which keys does a client publish at its `jwks_uri`? (RFC 7591 §2, RFC 7517 §5)
//!
//! The URL is a stranger's: only public addresses, only https, no redirects, little time and little data. What was fetched
//! is kept for a while, also through an outage; an unknown `kid` causes one fetch in 30 seconds, whoever asks. All of it
//! runs on a thread of its own, so that neither the servers' workers nor other clients wait for a slow host.

use std::io::Error;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokenhouse_verifier::remote::{ConfigurationError, RemoteJwksBuilder};
use tokenhouse_verifier::{JwkSet, KeySource as _, KeysUnavailable, RemoteJwks};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use super::public_address::is_public;
use crate::config::KnownHosts;
use crate::oauth::client_key::JwksUri;

/// Largest set that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// How long a set may be used without asking again, whatever it says itself: a withdrawn key lives no longer.
const LONGEST_MAX_AGE: Duration = Duration::from_hours(1);

/// How much longer a set is used while its host cannot be reached.
const MAX_STALE: Duration = Duration::from_hours(1);

/// Sets that are kept, and for how long one is kept that nobody asks for.
const MAX_SETS: u64 = 10_000;
const IDLE: Duration = Duration::from_hours(3);

/// Names that are looked up at a time: the system's resolver blocks a thread for each.
const LOOKUPS: usize = 64;

/// How the keys that clients publish are fetched.
#[derive(Clone, Debug, Default)]
pub struct PublishedKeysSettings {
    /// Where a `jwks_uri` may lead although it is not public, or not on port 443.
    pub known: KnownHosts,
    /// Certificates in PEM that may vouch for the hosts, in place of the system's.
    pub ca_pem: Option<Vec<u8>>,
}

/// May a connection go to `address`, which is one of `host`, on `port`?
fn is_permitted(known: &KnownHosts, host: &str, port: u16, address: IpAddr) -> bool {
    known.names.iter().any(|name| name == host)
        || known.networks.iter().any(|network| network.contains(address))
        || (port == 443 && is_public(address))
}

/// The keys of all clients that publish them.
#[derive(Debug)]
pub struct PublishedKeys {
    runtime: Option<Runtime>,
    template: RemoteJwksBuilder,
    /// The template with TLS set up, once for all sources.
    with_tls: OnceLock<RemoteJwksBuilder>,
    known: Arc<KnownHosts>,
    sources: Cache<JwksUri, RemoteJwks>,
}

impl PublishedKeys {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the operating system gives none, or the certificates are none.
    pub fn start(settings: PublishedKeysSettings) -> std::io::Result<Self> {
        let mut template = RemoteJwks::at("https://jwks.invalid/")
            .max_document_bytes(MAX_BYTES)
            .max_age_at_most(LONGEST_MAX_AGE)
            .max_stale(MAX_STALE)
            .accept_empty_sets();
        let with_tls = OnceLock::new();
        if let Some(pem) = settings.ca_pem {
            template = template.ca_pem(pem);
            // Now, so that a wrong file is told; the system's certificates are read when some client first publishes keys.
            let _ = with_tls.set(template.clone().share_tls().map_err(Error::other)?);
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(LOOKUPS)
            .thread_name("jwks-uri")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
            template,
            with_tls,
            known: Arc::new(settings.known),
            sources: Cache::builder()
                .max_capacity(MAX_SETS)
                // By default a newcomer that finds the cache full is not let in, and would cause a fetch with each request.
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(IDLE)
                .build(),
        })
    }

    /// The keys at `uri` among which to look for `kid`, or for any where that is not known.
    ///
    /// # Errors
    /// If there are none that are young enough.
    pub async fn keys(&self, uri: &JwksUri, kid: Option<&str>) -> Result<Arc<JwkSet>, KeysUnavailable> {
        let kid = kid.map(str::to_owned);
        self.ask(uri, async move |source| match kid {
            Some(kid) => source.keys_for(&kid).await,
            None => source.keys().await,
        })
        .await
    }

    /// The keys at `uri` after a fetch, unless the last one was a moment ago.
    ///
    /// # Errors
    /// As [`Self::keys`].
    pub async fn keys_anew(&self, uri: &JwksUri) -> Result<Arc<JwkSet>, KeysUnavailable> {
        self.ask(uri, async |source| source.keys_anew().await).await
    }

    async fn ask<Asking>(
        &self,
        uri: &JwksUri,
        ask: impl FnOnce(RemoteJwks) -> Asking,
    ) -> Result<Arc<JwkSet>, KeysUnavailable>
    where
        Asking: Future<Output = Result<Arc<JwkSet>, KeysUnavailable>> + Send + 'static,
    {
        let unavailable = |cause| KeysUnavailable { cause };
        let source = self.source(uri).map_err(|error| unavailable(Box::new(error)))?;
        let Some(runtime) = &self.runtime else { return Err(unavailable("the server stops".into())) };
        runtime.spawn(ask(source)).await.unwrap_or_else(|error| Err(unavailable(Box::new(error))))
    }

    fn source(&self, uri: &JwksUri) -> Result<RemoteJwks, ConfigurationError> {
        if let Some(source) = self.sources.get(uri) {
            return Ok(source);
        }
        let port = Url::parse(uri.as_str()).ok().and_then(|url| url.port_or_known_default()).unwrap_or_default();
        let known = self.known.clone();
        let template = self.with_tls()?.jwks_uri(uri.as_str());
        let source = template.allow_addresses(move |host, address| is_permitted(&known, host, port, address)).build();
        let source = source.inspect_err(|cause| tracing::warn!(%cause, "a jwks_uri cannot be used"))?;
        // Two requests at a time may each make one; the first that is put in serves both.
        Ok(self.sources.entry(uri.clone()).or_insert(source).into_value())
    }
}

impl PublishedKeys {
    fn with_tls(&self) -> Result<RemoteJwksBuilder, ConfigurationError> {
        if let Some(known) = self.with_tls.get() {
            return Ok(known.clone());
        }
        let made = self.template.clone().share_tls()?;
        Ok(self.with_tls.get_or_init(|| made).clone())
    }
}

impl Drop for PublishedKeys {
    fn drop(&mut self) {
        // Waiting for the thread is not allowed where this is dropped from another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_public_or_known_is_permitted() {
        let known =
            KnownHosts { names: vec!["keys.internal".to_owned()], networks: vec!["10.20.0.0/16".parse().unwrap()] };
        let permit = |host: &str, port, address: &str| is_permitted(&known, host, port, address.parse().unwrap());
        assert!(permit("partner.example", 443, "1.1.1.1"));
        assert!(!permit("partner.example", 8443, "1.1.1.1"));
        assert!(!permit("partner.example", 443, "10.0.0.1"));
        assert!(permit("partner.example", 443, "10.20.0.1"));
        assert!(permit("10.20.0.1", 8443, "10.20.0.1"));
        assert!(permit("keys.internal", 8443, "192.168.0.1"));
        assert!(!permit("sub.keys.internal", 443, "192.168.0.1"));
    }
}
