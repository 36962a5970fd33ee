//! How is one document fetched from an issuer that may be slow, away or hostile? (RFC 7517 §5, RFC 8414 §3.1)

use std::time::Duration;

use reqwest::header::{ACCEPT, CACHE_CONTROL};
use reqwest::{Client, StatusCode};
use thiserror::Error;
use url::Url;

use super::configuration::{ConfigurationError, Location, PlainHttp};
use super::{discovery, freshness};
use crate::jwk_set::{JwkSet, JwkSetError};

/// Largest document accepted unless configured otherwise, in octets.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// Why the keys could not be fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The metadata name a `jwks_uri` that must not be fetched from.
    #[error("the issuer's metadata name a jwks_uri that cannot be used")]
    JwksUri(#[source] ConfigurationError),
    /// No connection, a TLS failure, or a broken answer.
    #[error("{url} could not be fetched")]
    Transport {
        /// What was fetched.
        url: Url,
        /// What went wrong.
        #[source]
        source: reqwest::Error,
    },
    /// No complete answer in time.
    #[error("{url} did not answer in time")]
    Timeout {
        /// What was fetched.
        url: Url,
    },
    /// An answer other than 200; redirects are not followed.
    #[error("{url} answered with status {status}")]
    Status {
        /// What was fetched.
        url: Url,
        /// The status code.
        status: u16,
    },
    /// More than 256 KiB, or another maximum that was set.
    #[error("{url} answered with more than {max_bytes} bytes")]
    TooLarge {
        /// What was fetched.
        url: Url,
        /// The maximum in octets.
        max_bytes: usize,
    },
    /// Not metadata of an issuer: not a JSON object, or without `issuer` or `jwks_uri`.
    #[error("{url} is not the metadata of an issuer with a jwks_uri")]
    NotMetadata {
        /// What was fetched.
        url: Url,
    },
    /// Metadata of another issuer (RFC 8414 §3.3).
    #[error(
        "the metadata are those of {found:?}, not {expected:?}: the issuer must be configured exactly as it names itself"
    )]
    WrongIssuer {
        /// The configured issuer identifier.
        expected: String,
        /// The one in the metadata.
        found: String,
    },
    /// Not a JWK Set.
    #[error("{url} is not usable")]
    NotAJwkSet {
        /// What was fetched.
        url: Url,
        /// What is wrong with it.
        #[source]
        source: JwkSetError,
    },
    /// A JWK Set without one usable key.
    #[error("{url} has no key that can verify access tokens")]
    NoUsableKeys {
        /// What was fetched.
        url: Url,
    },
    /// The fetch ended with the runtime it ran in.
    #[error("the fetch was cut short")]
    Cancelled,
}

/// A key set as it came.
pub(super) struct Fetched {
    pub(super) keys: JwkSet,
    pub(super) jwks_uri: Url,
    pub(super) max_age: Option<Duration>,
}

/// Which documents are accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct SetRules {
    pub(super) max_bytes: usize,
    pub(super) accept_empty: bool,
}

impl Default for SetRules {
    fn default() -> Self {
        Self { max_bytes: MAX_DOCUMENT_BYTES, accept_empty: false }
    }
}

/// Fetches key sets from one place.
pub(super) struct Fetcher {
    client: Client,
    location: Location,
    plain_http: PlainHttp,
    sets: SetRules,
}

impl Fetcher {
    pub(super) const fn new(client: Client, location: Location, plain_http: PlainHttp, sets: SetRules) -> Self {
        Self { client, location, plain_http, sets }
    }

    pub(super) const fn location(&self) -> &Location {
        &self.location
    }

    /// Fetches the key set; from `known` if metadata have already told where it is.
    pub(super) async fn fetch(&self, known: Option<Url>) -> Result<Fetched, FetchError> {
        if let Some(url) = known {
            match self.fetch_keys(url).await {
                // The issuer may have moved its keys: ask its metadata again.
                Err(FetchError::Status { .. }) if matches!(self.location, Location::Issuer(_)) => {}
                outcome => return outcome,
            }
        }
        let jwks_uri = match &self.location {
            Location::JwksUri(url) => url.clone(),
            Location::Issuer(issuer) => self.discover(issuer).await?,
        };
        self.fetch_keys(self.plain_http.check(&jwks_uri).map_err(FetchError::JwksUri)?).await
    }

    async fn discover(&self, issuer: &str) -> Result<String, FetchError> {
        let url = self.plain_http.check(issuer).map_err(FetchError::JwksUri)?;
        let [first, second] = discovery::metadata_urls(&url);
        match self.get(&first).await {
            Ok(document) => discovery::jwks_uri(&document.body, issuer, &first),
            Err(FetchError::Status { .. }) => discovery::jwks_uri(&self.get(&second).await?.body, issuer, &second),
            Err(error) => Err(error),
        }
    }

    async fn fetch_keys(&self, url: Url) -> Result<Fetched, FetchError> {
        let document = self.get(&url).await?;
        let keys = match JwkSet::parse(&document.body) {
            Ok(keys) => keys,
            Err(source) => return Err(FetchError::NotAJwkSet { url, source }),
        };
        // An issuer that signs has a key: an empty set is a fault of its own and must not push out a good one.
        if keys.keys().is_empty() && !self.sets.accept_empty {
            return Err(FetchError::NoUsableKeys { url });
        }
        Ok(Fetched { keys, jwks_uri: url, max_age: document.max_age })
    }

    async fn get(&self, url: &Url) -> Result<Document, FetchError> {
        let failed = |source: reqwest::Error| {
            let url = url.clone();
            if source.is_timeout() {
                FetchError::Timeout { url }
            } else {
                FetchError::Transport { url, source: source.without_url() }
            }
        };
        let mut response =
            self.client.get(url.clone()).header(ACCEPT, "application/json").send().await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status { url: url.clone(), status: response.status().as_u16() });
        }
        let fields = response.headers().get_all(CACHE_CONTROL).iter();
        let max_age = freshness::max_age(fields.filter_map(|field| field.to_str().ok()));
        let mut body = Vec::new();
        // Counted while it comes in: a length that is announced can be absent or a lie.
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.sets.max_bytes {
                return Err(FetchError::TooLarge { url: url.clone(), max_bytes: self.sets.max_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Document { body, max_age })
    }
}

struct Document {
    body: Vec<u8>,
    max_age: Option<Duration>,
}
