//! Which tokens have shown a valid signature lately, so that neither the public-key operation nor the reading of what it
//! covers need be repeated?

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use quick_cache::sync::Cache;

use crate::claims::Claims;
use crate::header::JoseHeader;
use crate::jwk_set::JwkSet;

/// What a valid signature covers, read: it follows from the text of the token, whoever asks and whenever.
#[derive(Debug)]
pub(crate) struct SignedToken {
    /// The header.
    pub(crate) header: Arc<JoseHeader>,
    /// The claims, of which none has been judged.
    pub(crate) claims: Arc<Claims>,
}

/// Remembers valid signatures, bounded. Invalid ones are not remembered: they could be made without end.
///
/// Expiry, audience and scope are judged outside, at every request, because caches that remembered a whole verdict have let
/// revoked scopes and wrong audiences through (CVE-2021-32701, GHSA-4mq7-pvjg-xp2r).
pub(crate) struct SignatureCache(Option<Cache<[u8; 32], Arc<SignedToken>>>);

impl SignatureCache {
    /// A cache of `capacity` entries; 0 for none.
    pub(crate) fn new(capacity: u64) -> Self {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        Self((capacity > 0).then(|| Cache::new(capacity)))
    }

    /// SHA-256 over the key set's generation and the token: a token is forgotten with the keys that verified it.
    fn key(token: &str, keys: &JwkSet) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(keys.generation());
        context.update(token.as_bytes());
        context.finish().as_ref().try_into().unwrap_or_default()
    }

    /// What `token` says, if its signature has been found valid under `keys`.
    pub(crate) fn find(&self, token: &str, keys: &JwkSet) -> Option<Arc<SignedToken>> {
        self.0.as_ref()?.get(&Self::key(token, keys))
    }

    /// Remembers what `token` says, whose signature is valid under `keys`.
    pub(crate) fn remember(&self, token: &str, keys: &JwkSet, signed: Arc<SignedToken>) {
        if let Some(cache) = &self.0 {
            cache.insert(Self::key(token, keys), signed);
        }
    }
}

impl fmt::Debug for SignatureCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("SignatureCache").field(&self.0.as_ref().map(Cache::len)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> Arc<SignedToken> {
        let header = JoseHeader::parse(br#"{"alg":"EdDSA","kid":"k"}"#).unwrap();
        let claims = Claims::parse(br#"{"iss":"i","aud":"a","exp":1}"#.to_vec()).unwrap();
        Arc::new(SignedToken { header: Arc::new(header), claims: Arc::new(claims) })
    }

    #[test]
    fn it_holds_no_more_than_it_may() {
        let keys: JwkSet = r#"{"keys":[]}"#.parse().unwrap();
        let cache = SignatureCache::new(10);
        for number in 0..1_000 {
            cache.remember(&format!("a.b.{number}"), &keys, signed());
        }
        let found = (0..1_000).filter(|number| cache.find(&format!("a.b.{number}"), &keys).is_some()).count();
        assert!((1..=10).contains(&found), "{found}");
    }

    #[test]
    fn an_entry_belongs_to_one_token_and_one_key_set() {
        let empty: JwkSet = r#"{"keys":[]}"#.parse().unwrap();
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let other: JwkSet =
            format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k","x":"{x}"}}]}}"#).parse().unwrap();
        let cache = SignatureCache::new(10);
        cache.remember("a.b.c", &other, signed());
        assert!(cache.find("a.b.c", &other).is_some());
        assert!(cache.find("a.b.d", &other).is_none());
        assert!(cache.find("a.b.c", &empty).is_none());
    }

    #[test]
    fn a_cache_of_nothing_holds_nothing() {
        let keys: JwkSet = r#"{"keys":[]}"#.parse().unwrap();
        let cache = SignatureCache::new(0);
        cache.remember("a.b.c", &keys, signed());
        assert!(cache.find("a.b.c", &keys).is_none());
    }
}
