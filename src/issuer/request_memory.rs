//! Was this very request decided a moment ago, from the same snapshot? Then neither its body nor its secret is read again.
//!
//! What a request with a secret is granted follows from its bytes, the snapshot and the time alone, and clients send the same bytes
//! each time. So each worker remembers the latest requests that were granted something, by a digest under a key of this process:
//! no secret is kept. With a new snapshot all are forgotten, so nobody has to remember to forget what has changed. Refusals are
//! decided each time, and so are assertions, which are never the same.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use thread_local::ThreadLocal;
use zeroize::Zeroizing;

use super::granted::Granted;
use super::hash_pool::HashPoolSettings;
use super::snapshot::Snapshot;
use crate::clock::UnixMillis;
use crate::entropy::Entropy;
use crate::oauth::token_request::RawTokenRequest;

/// How many requests each worker remembers at least, if it may; at times it is twice as many.
const REMEMBERED: usize = 1024;

/// The longest body that is remembered, in bytes.
const LONGEST_BODY: usize = 2048;

/// What the texts of a remembered grant take at most, in bytes: with the number of them, this bounds the memory.
const LARGEST_GRANT: usize = 4096;

/// The requests that were granted something of late.
#[derive(Debug)]
pub(super) struct RequestMemory {
    key: Zeroizing<[u8; 32]>,
    /// For how long one is remembered at most.
    lifetime: Duration,
    /// How many may be remembered.
    capacity: usize,
    of_workers: ThreadLocal<RefCell<Remembered>>,
}

/// Which request it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RequestDigest([u8; 32]);

/// Those of one worker, all decided from one snapshot.
#[derive(Debug, Default)]
struct Remembered {
    /// Keeps the address, so that no other snapshot can come to lie there, but not the snapshot.
    snapshot: Weak<Snapshot>,
    recent: HashMap<RequestDigest, Kept>,
    /// Those that were recent before these: the next that are forgotten, unless they are asked for again.
    older: HashMap<RequestDigest, Kept>,
}

#[derive(Debug)]
struct Kept {
    granted: Arc<Granted>,
    since: UnixMillis,
    until: UnixMillis,
}

impl RequestMemory {
    /// A memory for requests whose secrets are remembered as `settings` say.
    pub(super) fn new(settings: &HashPoolSettings, entropy: &dyn Entropy) -> Self {
        let mut key = Zeroizing::new([0_u8; 32]);
        entropy.fill(key.as_mut());
        // Half as long as a secret that proved right: one in use is then checked, and remembered there anew, in time.
        let lifetime = settings.remember / 2;
        let capacity = usize::try_from(settings.remembered).map_or(REMEMBERED, |secrets| secrets.min(REMEMBERED));
        Self { key, lifetime, capacity, of_workers: ThreadLocal::new() }
    }

    /// The digest of all that a decision reads of a request; `None` for one that is not remembered.
    pub(super) fn digest(&self, request: &RawTokenRequest<'_>) -> Option<RequestDigest> {
        let RawTokenRequest { content_type, authorization, body, parameter_limit: _ } = request;
        let authorization = match authorization {
            [] => None,
            [only] => Some(*only),
            _ => return None,
        };
        if body.len() > LONGEST_BODY {
            return None;
        }
        // As in the hash pool, a secret prefix is enough of a key.
        let mut context = Context::new(&SHA256);
        context.update(self.key.as_ref());
        for part in [*content_type, authorization, Some(body)] {
            // Absent is not empty, and no byte can move from one part to the next.
            context.update(&part.map_or(u64::MAX, |part| u64::try_from(part.len()).unwrap_or_default()).to_be_bytes());
            context.update(part.unwrap_or_default());
        }
        context.finish().as_ref().try_into().ok().map(RequestDigest)
    }

    /// What the request was granted when it was decided from `snapshot`, if that holds at `now`.
    pub(super) fn find(
        &self,
        request: &RequestDigest,
        snapshot: &Arc<Snapshot>,
        now: UnixMillis,
    ) -> Option<Arc<Granted>> {
        let mut remembered = self.of_workers.get()?.borrow_mut();
        let kept = remembered.of(snapshot).find(request, self.capacity)?;
        // A clock that was set back must not lengthen the time.
        (kept.since <= now && now < kept.until).then(|| kept.granted.clone())
    }

    /// Remembers what the request was granted at `now` from `snapshot`.
    pub(super) fn keep(
        &self,
        request: RequestDigest,
        snapshot: &Arc<Snapshot>,
        granted: &Arc<Granted>,
        now: UnixMillis,
    ) {
        let lifetime = i64::try_from(self.lifetime.as_millis()).unwrap_or(i64::MAX);
        let until = granted.holds_until().min(UnixMillis(now.0.saturating_add(lifetime)));
        if granted.is_by_right_secret() && now < until && granted.bytes() <= LARGEST_GRANT {
            let kept = Kept { granted: granted.clone(), since: now, until };
            self.of_workers.get_or_default().borrow_mut().of(snapshot).keep(request, kept, self.capacity);
        }
    }
}

impl Remembered {
    /// Itself, with what was decided from another snapshot forgotten.
    fn of(&mut self, snapshot: &Arc<Snapshot>) -> &mut Self {
        if !std::ptr::eq(self.snapshot.as_ptr(), Arc::as_ptr(snapshot)) {
            *self = Self { snapshot: Arc::downgrade(snapshot), ..Self::default() };
        }
        self
    }

    fn find(&mut self, request: &RequestDigest, capacity: usize) -> Option<&Kept> {
        if !self.recent.contains_key(request) {
            let kept = self.older.remove(request)?;
            self.keep(*request, kept, capacity);
        }
        self.recent.get(request)
    }

    fn keep(&mut self, request: RequestDigest, kept: Kept, capacity: usize) {
        if capacity == 0 {
            return;
        }
        if self.recent.len() >= capacity {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(request, kept);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::issuer::authenticate_client::{AuthenticatedClient, Credential};
    use crate::issuer::work_pool::PoolSize;
    use crate::oauth::access_token::{AccessTokenTemplate, TokenSubject};
    use crate::oauth::client::Client;
    use crate::oauth::client_auth::Mechanism;
    use crate::oauth::resource::{Api, Compat, Lifetime};
    use crate::oauth::scope::ScopeSet;
    use crate::secret::{GeneratedSecret, StoredSecret, hash_generated};

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn memory_of(remembered: u64) -> RequestMemory {
        let pool = PoolSize { threads: 1, queue: 1, max_wait: Duration::from_secs(1) };
        let settings = HashPoolSettings { pool, remember: Duration::from_hours(1), remembered };
        RequestMemory::new(&settings, &SystemEntropy)
    }

    fn memory() -> RequestMemory {
        memory_of(100_000)
    }

    /// A grant by `credential` of a client whose secret number 1 ends at `expires_at`.
    fn granted(credential: Credential, expires_at: Option<UnixMillis>, scope: &str) -> Arc<Granted> {
        let hash = hash_generated(&GeneratedSecret::generate(&SystemEntropy), &SystemEntropy);
        let secret = StoredSecret {
            id: Uuid::from_u128(1),
            hash,
            imported_hash: None,
            label: None,
            created_at: NOW,
            expires_at,
            last_used_at: None,
        };
        let client = Client { secrets: vec![secret], ..Client::new(Uuid::nil(), "c".parse().unwrap(), NOW) };
        let client = Arc::new(client);
        let lifetime = Lifetime::try_from(60).unwrap();
        let api = Arc::new(Api::new(Uuid::nil(), "https://api/".parse().unwrap(), lifetime, NOW));
        let scopes = ScopeSet::parse(scope).unwrap();
        let template = AccessTokenTemplate::of(&TokenSubject {
            issuer: "https://issuer/",
            client: &client,
            api: &api,
            scope: &scopes,
            compat: Compat::Standard,
        });
        let authenticated = AuthenticatedClient::by_key(client, credential);
        Arc::new(Granted { authenticated, mechanism: Mechanism::ClientSecretPost, api, scope: scope.into(), template })
    }

    fn usual() -> Arc<Granted> {
        granted(Credential::Secret(Uuid::from_u128(1)), None, "read")
    }

    fn digest(memory: &RequestMemory, body: &str) -> RequestDigest {
        let request =
            RawTokenRequest { content_type: None, authorization: &[], body: body.as_bytes(), parameter_limit: 64 };
        memory.digest(&request).unwrap()
    }

    #[test]
    fn another_snapshot_forgets_everything() {
        let (memory, granted) = (memory(), usual());
        let (first, second) = (Arc::new(Snapshot::blank()), Arc::new(Snapshot::blank()));
        let request = digest(&memory, "a");
        memory.keep(request, &first, &granted, NOW);
        assert!(Arc::ptr_eq(&memory.find(&request, &first, NOW).unwrap(), &granted));
        assert!(memory.find(&digest(&memory, "b"), &first, NOW).is_none());
        assert!(memory.find(&request, &second, NOW).is_none());
        assert!(memory.find(&request, &first, NOW).is_none());
        assert_eq!(Arc::strong_count(&granted), 1, "and holds on to no client");
    }

    #[rstest]
    #[case::until_its_time_is_over(None, 1_799, true)]
    #[case::not_longer(None, 1_800, false)]
    #[case::until_the_secret_expires(Some(60), 59, true)]
    #[case::not_when_it_has_expired(Some(60), 60, false)]
    #[case::not_with_a_clock_that_was_set_back(None, -1, false)]
    fn it_holds(#[case] secret_ends: Option<i64>, #[case] later: i64, #[case] found: bool) {
        let (memory, snapshot) = (memory(), Arc::new(Snapshot::blank()));
        let ends = secret_ends.map(|seconds| NOW.plus_seconds(seconds));
        let granted = granted(Credential::Secret(Uuid::from_u128(1)), ends, "read");
        let request = digest(&memory, "a");
        memory.keep(request, &snapshot, &granted, NOW);
        assert_eq!(memory.find(&request, &snapshot, NOW.plus_seconds(later)).is_some(), found);
    }

    #[test]
    fn assertions_and_large_grants_are_not_remembered() {
        let small = usual();
        assert_eq!(small.bytes(), small.template.bytes() + "read".len());
        let (memory, snapshot) = (memory(), Arc::new(Snapshot::blank()));
        let large = (0..40).map(|number| format!("{}{number}", "x".repeat(250)));
        let large = large.collect::<Vec<_>>().join(" ");
        for granted in [
            granted(Credential::RegisteredKey(Uuid::from_u128(1)), None, "read"),
            granted(Credential::PublishedKey, None, "read"),
            granted(Credential::Secret(Uuid::from_u128(1)), None, &large),
        ] {
            let request = digest(&memory, "a");
            memory.keep(request, &snapshot, &granted, NOW);
            assert!(memory.find(&request, &snapshot, NOW).is_none());
        }
    }

    #[test]
    fn the_latest_are_remembered_and_no_more_than_there_is_room_for() {
        let (memory, snapshot, granted) = (memory(), Arc::new(Snapshot::blank()), usual());
        let often = digest(&memory, "often");
        memory.keep(often, &snapshot, &granted, NOW);
        for number in 0..10 * REMEMBERED {
            memory.keep(digest(&memory, &number.to_string()), &snapshot, &granted, NOW);
            assert!(memory.find(&often, &snapshot, NOW).is_some(), "{number}");
        }
        assert!(Arc::strong_count(&granted) <= 2 * REMEMBERED + 1);
        assert!(memory.find(&digest(&memory, "0"), &snapshot, NOW).is_none());
    }

    #[rstest]
    #[case(0, 0)]
    #[case(2, 4)]
    fn where_few_secrets_may_be_remembered_so_may_few_requests(#[case] secrets: u64, #[case] requests: usize) {
        let (memory, snapshot, granted) = (memory_of(secrets), Arc::new(Snapshot::blank()), usual());
        for number in 0..100 {
            memory.keep(digest(&memory, &number.to_string()), &snapshot, &granted, NOW);
        }
        assert_eq!(Arc::strong_count(&granted) - 1, requests);
    }

    #[test]
    fn every_part_of_a_request_counts_and_none_runs_into_the_next() {
        let (memory, other) = (memory(), memory());
        assert_ne!(digest(&memory, "a"), digest(&other, "a"), "each process has a key of its own");
        let digest = |content_type: Option<&str>, authorization: &[&[u8]], body: &str| {
            memory.digest(&RawTokenRequest {
                content_type: content_type.map(str::as_bytes),
                authorization,
                body: body.as_bytes(),
                parameter_limit: 64,
            })
        };
        let all = [
            digest(None, &[], "ab"),
            digest(None, &[], "a"),
            digest(Some(""), &[], "ab"),
            digest(Some("a"), &[], "b"),
            digest(Some("a"), &[b"b"], ""),
            digest(Some("ab"), &[b""], ""),
            digest(Some("ab"), &[], ""),
            digest(None, &[b"ab"], ""),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(one.is_some());
            assert!(all.iter().skip(index + 1).all(|other| other != one), "{index}");
        }
        assert!(digest(None, &[b"a", b"a"], "").is_none(), "two headers are refused");
        assert!(digest(None, &[], &"x".repeat(LONGEST_BODY + 1)).is_none());
    }
}
