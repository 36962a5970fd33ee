//! Where do the issuer's keys come from? (RFC 7517 §5, RFC 8414 §2 `jwks_uri`)

use std::error::Error;
use std::fmt::Debug;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use crate::jwk_set::JwkSet;

/// No key set has ever been obtained, or the last one is too old: a fault on this side of the request, to be answered
/// with 503 and never with 401.
#[derive(Debug, thiserror::Error)]
#[error("the issuer's keys are not available")]
pub struct KeysUnavailable {
    /// What kept them from being obtained.
    #[source]
    pub cause: Box<dyn Error + Send + Sync>,
}

/// What [`KeySource::keys_for`] returns.
pub type KeysFuture<'a> = Pin<Box<dyn Future<Output = Result<Arc<JwkSet>, KeysUnavailable>> + Send + 'a>>;

/// A source of an issuer's keys.
pub trait KeySource: Debug + Send + Sync {
    /// The key set in which to look for `kid`. A source that can refresh does so when it does not know the `kid`,
    /// within its cool-down; the set returned may still lack it.
    fn keys_for<'a>(&'a self, kid: &'a str) -> KeysFuture<'a>;

    /// The key set at hand, if it is fresh and [`keys_for`](Self::keys_for) would do nothing but return it for a `kid` that it
    /// holds. A source that cannot tell returns nothing, and is asked each time.
    fn fresh_keys(&self) -> Option<Arc<JwkSet>> {
        None
    }
}

/// A fixed key set: for tests, and for a resource server in the same process as its issuer or with pinned keys.
#[derive(Clone, Debug)]
pub struct StaticJwks(Arc<JwkSet>);

impl StaticJwks {
    /// A source that always has `keys`.
    pub fn new(keys: JwkSet) -> Self {
        Self(Arc::new(keys))
    }
}

impl KeySource for StaticJwks {
    fn keys_for<'a>(&'a self, _kid: &'a str) -> KeysFuture<'a> {
        let keys: Ready<Result<_, KeysUnavailable>> = ready(Ok(Arc::clone(&self.0)));
        Box::pin(keys)
    }

    fn fresh_keys(&self) -> Option<Arc<JwkSet>> {
        Some(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that cannot tell how old its keys are.
    #[derive(Debug)]
    struct Ageless;

    impl KeySource for Ageless {
        fn keys_for<'a>(&'a self, _kid: &'a str) -> KeysFuture<'a> {
            Box::pin(ready(Err(KeysUnavailable { cause: "nothing is asked here".into() })))
        }
    }

    #[test]
    fn fixed_keys_are_always_fresh_and_those_of_a_source_that_cannot_tell_never() {
        let keys: JwkSet = r#"{"keys":[{"kty":"oct"}]}"#.parse().unwrap();
        let fresh = StaticJwks::new(keys).fresh_keys().unwrap();
        assert_eq!(fresh.unusable().len(), 1);
        assert!(Ageless.fresh_keys().is_none());
    }
}
