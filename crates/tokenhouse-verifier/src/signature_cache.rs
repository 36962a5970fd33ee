//! Which tokens have shown a valid signature lately, so that the public-key operation need not be repeated?

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use moka::sync::Cache;

use crate::jwk_set::JwkSet;

/// How long an entry stays at most: a memory bound. Expiry, audience and scope are judged outside, at every request,
/// because caches that remembered a whole verdict have let revoked scopes and wrong audiences through (CVE-2021-32701,
/// GHSA-4mq7-pvjg-xp2r).
const TIME_TO_LIVE: Duration = Duration::from_hours(1);

/// Remembers valid signatures, bounded. Invalid ones are not remembered: they could be made without end.
#[derive(Debug)]
pub(crate) struct SignatureCache(Option<Cache<[u8; 32], ()>>);

impl SignatureCache {
    /// A cache of `capacity` entries; 0 for none.
    pub(crate) fn new(capacity: u64) -> Self {
        Self((capacity > 0).then(|| Cache::builder().max_capacity(capacity).time_to_live(TIME_TO_LIVE).build()))
    }

    /// SHA-256 over the key set's generation and the token: a token is forgotten with the keys that verified it.
    pub(crate) fn key(token: &str, keys: &JwkSet) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(keys.generation());
        context.update(token.as_bytes());
        context.finish().as_ref().try_into().unwrap_or_default()
    }

    pub(crate) fn contains(&self, key: &[u8; 32]) -> bool {
        self.0.as_ref().is_some_and(|cache| cache.get(key).is_some())
    }

    pub(crate) fn insert(&self, key: [u8; 32]) {
        if let Some(cache) = &self.0 {
            cache.insert(key, ());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_belongs_to_one_token_and_one_key_set() {
        let empty: JwkSet = r#"{"keys":[]}"#.parse().unwrap();
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let other: JwkSet =
            format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k","x":"{x}"}}]}}"#).parse().unwrap();
        let cache = SignatureCache::new(10);
        cache.insert(SignatureCache::key("a.b.c", &other));
        assert!(cache.contains(&SignatureCache::key("a.b.c", &other)));
        assert!(!cache.contains(&SignatureCache::key("a.b.d", &other)));
        assert!(!cache.contains(&SignatureCache::key("a.b.c", &empty)));
    }

    #[test]
    fn a_cache_of_nothing_holds_nothing() {
        let cache = SignatureCache::new(0);
        cache.insert([1; 32]);
        assert!(!cache.contains(&[1; 32]));
    }
}
