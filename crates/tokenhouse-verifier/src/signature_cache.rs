//! Which tokens have shown a valid signature lately, so that neither the public-key operation nor the reading of what it
//! covers need be repeated?

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
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
    pub(crate) claims: Claims,
}

/// Remembers valid signatures, bounded. Invalid ones are not remembered: they could be made without end.
///
/// Expiry, audience and scope are judged outside, at every request, because caches that remembered a whole verdict have let
/// revoked scopes and wrong audiences through (CVE-2021-32701, GHSA-4mq7-pvjg-xp2r).
pub(crate) struct SignatureCache(Option<Cache<Key, Arc<SignedToken>>>);

/// SHA-256 of a token's text, taken once for the search and for what is remembered after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    fn of(token: &str) -> Self {
        Self(digest(&SHA256, token.as_bytes()).as_ref().try_into().unwrap_or_default())
    }
}

/// The token, and the key set's generation: a token is forgotten with the keys that verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    token: TokenDigest,
    keys: [u8; 32],
}

impl Hash for Key {
    /// The digest is one already, and there are few generations.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [first, ..] = self.token.0.as_chunks().0 else { return };
        state.write_u64(u64::from_ne_bytes(*first));
    }
}

impl Key {
    const fn of(token: TokenDigest, keys: &JwkSet) -> Self {
        Self { token, keys: *keys.generation() }
    }
}

impl SignatureCache {
    /// A cache of `capacity` entries; 0 for none.
    pub(crate) fn new(capacity: u64) -> Self {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        Self((capacity > 0).then(|| Cache::new(capacity)))
    }

    /// By what `token` is searched for; none where nothing is remembered.
    pub(crate) fn digest(&self, token: &str) -> Option<TokenDigest> {
        self.0.as_ref().map(|_| TokenDigest::of(token))
    }

    /// What `token` says, if its signature has been found valid under `keys`.
    pub(crate) fn find(&self, token: TokenDigest, keys: &JwkSet) -> Option<Arc<SignedToken>> {
        self.0.as_ref()?.get(&Key::of(token, keys))
    }

    /// Remembers what `token` says, whose signature is valid under `keys`.
    pub(crate) fn remember(&self, token: TokenDigest, keys: &JwkSet, signed: Arc<SignedToken>) {
        if let Some(cache) = &self.0 {
            cache.insert(Key::of(token, keys), signed);
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
        Arc::new(SignedToken { header: Arc::new(header), claims })
    }

    fn token(signature: &str) -> TokenDigest {
        TokenDigest::of(&format!("a.b.{signature}"))
    }

    #[test]
    fn it_holds_no_more_than_it_may() {
        let keys: JwkSet = r#"{"keys":[]}"#.parse().unwrap();
        let cache = SignatureCache::new(10);
        for number in 0..1_000 {
            cache.remember(token(&number.to_string()), &keys, signed());
        }
        let found = (0..1_000).filter(|number| cache.find(token(&number.to_string()), &keys).is_some()).count();
        assert!((1..=10).contains(&found), "{found}");
    }

    #[test]
    fn an_entry_belongs_to_one_token_and_one_key_set() {
        let empty: JwkSet = r#"{"keys":[]}"#.parse().unwrap();
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let other: JwkSet =
            format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k","x":"{x}"}}]}}"#).parse().unwrap();
        let cache = SignatureCache::new(10);
        cache.remember(token("c"), &other, signed());
        assert!(cache.find(token("c"), &other).is_some());
        assert!(cache.find(token("d"), &other).is_none());
        assert!(cache.find(token("c"), &empty).is_none());
    }

    #[test]
    fn a_cache_of_nothing_holds_nothing() {
        let keys: JwkSet = r#"{"keys":[]}"#.parse().unwrap();
        let cache = SignatureCache::new(0);
        assert!(cache.digest("a.b.c").is_none());
        cache.remember(token("c"), &keys, signed());
        assert!(cache.find(token("c"), &keys).is_none());
    }
}
