//! Which snapshot is served now, and how does it follow the store?

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::client_directory::ClientDirectory;
use super::freshness::{Freshness, FreshnessBounds, FreshnessWatch};
use super::listen::Hearing;
use super::polls::Polls;
use super::snapshot::{Snapshot, SnapshotContext, SnapshotError};
use crate::clock::{Clock, UnixMillis};
use crate::store::{ChainLink, Store, StoreError};

/// How long, in milliseconds, a snapshot is kept that shares nothing with the one in its place: longer than any request that
/// began with it. Whoever drops it last takes apart every client, which a worker must not be.
const RETIRED_FOR: i64 = 30_000;

/// Why the store could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The store did not answer.
    #[error("cannot read the store: {0}")]
    Store(#[from] StoreError),
    /// What it answered cannot be served.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// The snapshot that is served, kept in step with the store.
#[derive(Debug)]
pub struct Served {
    store: Store,
    clock: Arc<dyn Clock>,
    context: SnapshotContext,
    snapshot: ArcSwap<Snapshot>,
    is_loaded: AtomicBool,
    followed_at: AtomicI64,
    freshness: FreshnessWatch,
    polls: Polls,
    /// Is the store away that was never read?
    is_awaited: AtomicBool,
    hearing: Hearing,
    /// Held while following, so that changes are applied in order and none twice.
    following: Mutex<Following>,
}

#[derive(Debug, Default)]
struct Following {
    /// The id of the database that is followed; none before it was read.
    database_id: Option<String>,
    /// The change that led to what is served.
    last_change: Option<ChainLink>,
    /// Snapshots that were replaced as a whole, and when.
    retired: Vec<(UnixMillis, Arc<Snapshot>)>,
}

impl Served {
    /// Serves nothing until it has [followed](Self::follow) the store for the first time.
    pub fn new(store: Store, clock: Arc<dyn Clock>, context: SnapshotContext) -> Self {
        Self {
            store,
            clock,
            context,
            snapshot: ArcSwap::from_pointee(Snapshot::blank()),
            is_loaded: AtomicBool::new(false),
            followed_at: AtomicI64::new(0),
            freshness: FreshnessWatch::default(),
            polls: Polls::default(),
            is_awaited: AtomicBool::new(false),
            hearing: Hearing::default(),
            following: Mutex::default(),
        }
    }

    /// The store may be silent for as long as `bounds` say.
    #[must_use]
    pub fn bounded(self, bounds: FreshnessBounds) -> Self {
        Self { freshness: FreshnessWatch::new(bounds), ..self }
    }

    /// Serves everything that is stored. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If the store does not answer or a signing key cannot be used.
    pub fn load(store: Store, clock: Arc<dyn Clock>, context: SnapshotContext) -> Result<Self, FollowError> {
        let served = Self::new(store, clock, context);
        served.follow()?;
        Ok(served)
    }

    /// The snapshot that is served now. Before [`Self::is_loaded`] it is blank, and nothing may be concluded from it.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Has the store been read?
    pub fn is_loaded(&self) -> bool {
        self.is_loaded.load(Ordering::Acquire)
    }

    /// Serves the store's newest revision; the first time, and where the database is another one, everything is read while the
    /// old snapshot is served on. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If the store does not answer; the old snapshot is then served on.
    pub fn follow(&self) -> Result<(), FollowError> {
        self.follow_store().inspect_err(|_| {
            self.polls.count_failure();
            self.freshness.fail();
        })?;
        // What it comes to is noted in the store; what is served is the newest in any case.
        let _ = self.store.retry_after_refusal();
        Ok(())
    }

    fn follow_store(&self) -> Result<(), FollowError> {
        let mut following = self.following();
        following.retired.retain(|(since, snapshot)| {
            let age = self.clock.now().0.saturating_sub(since.0);
            (0..RETIRED_FOR).contains(&age) || Arc::strong_count(snapshot) > 1
        });
        let current = self.snapshot.load_full();
        let position = self.polls.time(|| self.store.position())?;
        self.hear();
        let is_another = following.database_id.as_ref() != Some(&position.database_id);
        if is_another
            || position.revision != current.revision
            || following.last_change.as_ref() != Some(&position.last_change)
        {
            let patched = match following.last_change.as_ref().filter(|_| !is_another) {
                Some(last_change) => self.patched(&current, last_change)?,
                None => None,
            };
            let is_whole = patched.is_none();
            let (next, last_change) = match patched {
                Some(patched) => patched,
                None => self.everything()?,
            };
            for cause in next.keys.unusable() {
                tracing::error!(%cause, "a signing key cannot be used; the one before signs on");
            }
            self.snapshot.store(Arc::new(next));
            following.database_id = Some(position.database_id);
            following.last_change = Some(last_change);
            if is_whole {
                following.retired.push((self.clock.now(), current));
            }
        } else if current.is_outlived(self.clock.now()) {
            let next = Snapshot::clone(&current).rendered_anew(&self.context, self.clock.now())?;
            self.snapshot.store(Arc::new(next));
        }
        self.followed_at.store(self.clock.now().0, Ordering::Relaxed);
        self.freshness.follow(self.clock.monotonic());
        self.is_awaited.store(false, Ordering::Relaxed);
        self.is_loaded.store(true, Ordering::Release);
        Ok(())
    }

    /// `current`, to which `last_change` led, with what has changed since; none if the database has another history: an older state was
    /// restored, or a standby took over that had not heard of everything. What is known says nothing about it.
    fn patched(
        &self,
        current: &Snapshot,
        last_change: &ChainLink,
    ) -> Result<Option<(Snapshot, ChainLink)>, FollowError> {
        let now = self.clock.now();
        let mut clients = current.clients().clone();
        let changes = self.store.stream_changes_since(current.revision, last_change, |client| {
            self.hear();
            clients.put(client);
        })?;
        let Some((changes, last_change)) = changes else {
            tracing::warn!("the database has lost changes that were served already: everything is read anew");
            return Ok(None);
        };
        Ok(Some((current.clone().with(changes, clients, &self.context, now)?, last_change)))
    }

    fn everything(&self) -> Result<(Snapshot, ChainLink), FollowError> {
        let mut clients = ClientDirectory::default();
        let (image, last_change) = self.store.stream_all(|client| {
            self.hear();
            clients.put(client);
        })?;
        Ok((Snapshot::of(image, clients, &self.context, self.clock.now())?, last_change))
    }

    fn hear(&self) {
        self.freshness.hear(self.clock.monotonic());
    }

    fn following(&self) -> MutexGuard<'_, Following> {
        self.following.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the store took to answer, and how often it failed to be followed.
    pub const fn polls(&self) -> &Polls {
        &self.polls
    }

    /// May tokens be issued from the snapshot, and may anybody be told to be unknown?
    pub fn freshness(&self) -> Freshness {
        self.freshness.judged()
    }

    /// Judges that anew. Before everything was read for the first time there is nothing to judge.
    pub fn judge_freshness(&self) -> Freshness {
        if self.is_loaded() { self.freshness.judge(self.clock.monotonic()) } else { self.freshness() }
    }

    /// Waits until the store is silent.
    pub async fn silence(&self) {
        self.freshness.silence().await;
    }

    /// For how long the store may be silent.
    pub const fn freshness_bounds(&self) -> FreshnessBounds {
        self.freshness.bounds()
    }

    /// Notes that the store is away that was never read.
    pub fn await_store(&self) {
        self.is_awaited.store(true, Ordering::Relaxed);
    }

    /// Is the store away that was never read?
    pub fn awaits_store(&self) -> bool {
        self.is_awaited.load(Ordering::Relaxed)
    }

    /// What the store tells of by itself.
    pub const fn hearing(&self) -> &Hearing {
        &self.hearing
    }

    /// When the store last answered.
    pub fn followed_at(&self) -> UnixMillis {
        UnixMillis(self.followed_at.load(Ordering::Relaxed))
    }

    /// What is the same for every snapshot.
    pub const fn context(&self) -> &SnapshotContext {
        &self.context
    }

    /// The store that is followed.
    pub const fn store(&self) -> &Store {
        &self.store
    }
}

#[cfg(test)]
mod tests;
