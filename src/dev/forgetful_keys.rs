//! Where does the bundled resource API have the issuer's keys from, so that it can be told to fetch them anew?

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokenhouse_verifier::remote::{ConfigurationError, RemoteJwksBuilder};
use tokenhouse_verifier::{Clock, JwkSet, KeySource, KeysFuture, RemoteJwks};

/// Keys that are fetched over HTTP as any resource server fetches them, and can be forgotten. Clones share them.
#[derive(Clone, Debug)]
pub struct ForgetfulKeys(Arc<Keys>);

#[derive(Debug)]
struct Keys {
    builder: RemoteJwksBuilder,
    source: ArcSwap<RemoteJwks>,
}

impl ForgetfulKeys {
    /// The keys of `issuer`, for which a certificate in `ca_pem` vouches; they grow old by `clock`.
    ///
    /// # Errors
    /// If they could never be fetched.
    pub(super) fn of_issuer(
        issuer: &str,
        ca_pem: Option<Vec<u8>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigurationError> {
        let builder = RemoteJwks::of_issuer(issuer).clock(clock);
        let builder = match ca_pem {
            Some(pem) => builder.ca_pem(pem),
            None => builder,
        };
        let builder = builder.share_tls()?;
        let source = ArcSwap::from_pointee(builder.clone().build()?);
        Ok(Self(Arc::new(Keys { builder, source })))
    }

    /// Forgets them: they are fetched when they are next needed.
    pub(super) fn forget(&self) {
        // What was built once can be built again.
        if let Ok(source) = self.0.builder.clone().build() {
            self.0.source.store(Arc::new(source));
        }
    }
}

impl KeySource for ForgetfulKeys {
    fn keys_for<'a>(&'a self, kid: &'a str) -> KeysFuture<'a> {
        Box::pin(async move { self.0.source.load_full().keys_for(kid).await })
    }

    fn fresh_keys(&self) -> Option<Arc<JwkSet>> {
        self.0.source.load().fresh_keys()
    }
}
