//! May a token that was issued a moment ago be handed out once more? Only to what would get the same one, and only where
//! its API asks for it (`token_reuse_seconds`).
//!
//! A token is handed out again for the same credential of the same client, API and scope, and only while the client, the
//! API and the signing key are the very objects that it was decided from. The snapshot replaces the object whenever
//! anything about it changes, so nobody has to remember to forget: after a change, the old token is not found.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use moka::Expiry;
use moka::sync::Cache;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::granted::Granted;
use super::snapshot::Snapshot;
use crate::clock::UnixMillis;
use crate::keys::Signer;
use crate::oauth::client::Client;
use crate::oauth::resource::Api;

/// A token with less time left is not handed out again, in seconds: it would be over before it is used.
const SHORTEST_REMAINDER: i64 = 10;

/// What a kept token takes beside its texts, in bytes, measured: the entry itself, and what the cache knows of it.
const ENTRY_BYTES: usize = 700;

/// The tokens of this server that may be handed out again: in memory only, bounded, wiped when they go.
pub struct TokenReuse {
    tokens: Cache<ReuseKey, Arc<ReusableToken>>,
}

/// What two requests must have in common.
#[derive(PartialEq, Eq, Hash)]
struct ReuseKey {
    client: Uuid,
    credential: Uuid,
    api: Uuid,
    scope: Arc<str>,
}

/// A request that may share its token: its key, and what it was decided from.
pub struct SharingRequest {
    key: ReuseKey,
    client: Arc<Client>,
    api: Arc<Api>,
    signer: Arc<Signer>,
}

/// A token that may be handed out again. `Weak` holds the addresses, so that no other object can come to lie there, and
/// neither an outdated client nor the private half of a retired key.
pub struct ReusableToken {
    client: Weak<Client>,
    api: Weak<Api>,
    signer: Weak<Signer>,
    token: Zeroizing<String>,
    jti: String,
    issued_at: UnixMillis,
    reusable_until: UnixMillis,
    expires_at: UnixMillis,
}

impl SharingRequest {
    /// The request that was `granted`; `None` where a new token is issued each time.
    ///
    /// That is so for a key that the client publishes itself: nobody tells us when it is withdrawn.
    pub fn of(granted: &Granted, snapshot: &Snapshot) -> Option<Self> {
        let Granted { authenticated, api, scope, .. } = granted;
        if api.token_reuse_seconds == 0 {
            return None;
        }
        let client = authenticated.client();
        let credential = authenticated.credential_id()?;
        Some(Self {
            key: ReuseKey { client: client.id, credential, api: api.id, scope: scope.clone() },
            client: client.clone(),
            api: api.clone(),
            signer: snapshot.keys.active(api.signing_alg)?.clone(),
        })
    }

    /// Until when a token of `issued_at` may be handed out again.
    ///
    /// A credential that expires is a change of the client too, although nothing is written then.
    fn reusable_until(&self, issued_at: UnixMillis, expires_at: UnixMillis) -> UnixMillis {
        let Client { secrets, keys, .. } = self.client.as_ref();
        let ends = secrets.iter().map(|secret| secret.expires_at).chain(keys.iter().map(|key| key.expires_at));
        let next_end = ends.flatten().filter(|end| *end > issued_at).min();
        let window_end = issued_at.plus_seconds(i64::from(self.api.token_reuse_seconds));
        let until = window_end.min(expires_at.plus_seconds(-SHORTEST_REMAINDER));
        next_end.map_or(until, |end| until.min(end))
    }
}

impl ReusableToken {
    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Its identifier.
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// For how many seconds it lives on from `now`: whole ones, so that nobody believes in it for longer.
    pub fn expires_in(&self, now: UnixMillis) -> u32 {
        u32::try_from((self.expires_at.0 - now.0).div_euclid(1000)).unwrap_or_default()
    }

    /// A clock that was set back must not lengthen the window.
    fn is_fresh(&self, now: UnixMillis) -> bool {
        self.issued_at <= now && now < self.reusable_until
    }

    fn was_decided_from(&self, request: &SharingRequest) -> bool {
        std::ptr::eq(self.client.as_ptr(), Arc::as_ptr(&request.client))
            && std::ptr::eq(self.api.as_ptr(), Arc::as_ptr(&request.api))
            && std::ptr::eq(self.signer.as_ptr(), Arc::as_ptr(&request.signer))
    }
}

impl TokenReuse {
    /// Room for tokens of `capacity` bytes in all.
    pub fn new(capacity: u64) -> Self {
        let tokens = Cache::builder().max_capacity(capacity).weigher(weigh).expire_after(KeptWhileReusable).build();
        Self { tokens }
    }

    /// The token that `request` may get at `now` without a signature.
    pub fn find(&self, request: &SharingRequest, now: UnixMillis) -> Option<Arc<ReusableToken>> {
        let found = self.tokens.get(&request.key)?;
        (found.is_fresh(now) && found.was_decided_from(request)).then_some(found)
    }

    /// Keeps the `token` named `jti`, which was issued for `request` at `now`. It takes the place of an older one.
    pub fn keep(&self, request: SharingRequest, token: String, jti: String, now: UnixMillis) {
        let token = Zeroizing::new(token);
        let issued_at = UnixMillis(0).plus_seconds(now.floor_seconds());
        let expires_at = issued_at.plus_seconds(i64::from(request.api.token_lifetime.seconds()));
        let reusable_until = request.reusable_until(issued_at, expires_at);
        let kept = ReusableToken {
            client: Arc::downgrade(&request.client),
            api: Arc::downgrade(&request.api),
            signer: Arc::downgrade(&request.signer),
            token,
            jti,
            issued_at,
            reusable_until,
            expires_at,
        };
        if kept.is_fresh(now) {
            self.tokens.insert(request.key, Arc::new(kept));
        }
    }
}

/// Shows no token.
impl fmt::Debug for TokenReuse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TokenReuse").field("tokens", &self.tokens.entry_count()).finish_non_exhaustive()
    }
}

/// What an entry takes, in bytes. An outdated client's own place in memory stays taken as long as the entry.
fn weigh(key: &ReuseKey, kept: &Arc<ReusableToken>) -> u32 {
    let texts = key.scope.len() + kept.token.len() + kept.jti.len();
    u32::try_from(texts + ENTRY_BYTES + size_of::<Client>()).unwrap_or(u32::MAX)
}

/// Bearer tokens do not lie about longer than they are of use.
struct KeptWhileReusable;

impl KeptWhileReusable {
    fn time(kept: &ReusableToken) -> Duration {
        let milliseconds = kept.reusable_until.0.saturating_sub(kept.issued_at.0);
        Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
    }
}

impl Expiry<ReuseKey, Arc<ReusableToken>> for KeptWhileReusable {
    fn expire_after_create(&self, _: &ReuseKey, kept: &Arc<ReusableToken>, _: std::time::Instant) -> Option<Duration> {
        Some(Self::time(kept))
    }

    fn expire_after_update(
        &self,
        _: &ReuseKey,
        kept: &Arc<ReusableToken>,
        _: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(Self::time(kept))
    }
}

#[cfg(test)]
mod tests;
