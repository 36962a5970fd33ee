//! Which snapshot is served now, and how does it follow the store?

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::polls::Polls;
use super::snapshot::{Snapshot, SnapshotContext, SnapshotError};
use crate::clock::{Clock, UnixMillis};
use crate::store::{Store, StoreError};

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
    followed_at: AtomicI64,
    polls: Polls,
    /// The id of the database that is followed. Held while following, so that changes are applied in order and none twice.
    followed: Mutex<String>,
}

impl Served {
    /// Loads everything. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If the store does not answer or a signing key cannot be used.
    pub fn load(store: Store, clock: Arc<dyn Clock>, context: SnapshotContext) -> Result<Self, FollowError> {
        let now = clock.now();
        // The id first: should the database be replaced in between, the next turn finds out.
        let database_id = store.position()?.database_id;
        let snapshot = Snapshot::of(store.load_all()?, &context, now)?;
        Ok(Self {
            store,
            clock,
            context,
            snapshot: ArcSwap::from_pointee(snapshot),
            followed_at: AtomicI64::new(now.0),
            polls: Polls::default(),
            followed: Mutex::new(database_id),
        })
    }

    /// The snapshot that is served now.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Serves the store's newest revision. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If the store does not answer; the old snapshot is then served on.
    pub fn follow(&self) -> Result<(), FollowError> {
        self.follow_store().inspect_err(|_| self.polls.count_failure())
    }

    fn follow_store(&self) -> Result<(), FollowError> {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.snapshot.load_full();
        let position = self.polls.time(|| self.store.position())?;
        let is_another = position.database_id != *followed;
        if is_another || position.revision != current.revision {
            let next = if is_another { self.everything()? } else { self.next(&current)? };
            for cause in next.keys.unusable() {
                tracing::error!(%cause, "a signing key cannot be used; the one before signs on");
            }
            self.snapshot.store(Arc::new(next));
            *followed = position.database_id;
        } else if current.is_outlived(self.clock.now()) {
            let next = Snapshot::clone(&current).rendered_anew(&self.context, self.clock.now())?;
            self.snapshot.store(Arc::new(next));
        }
        self.followed_at.store(self.clock.now().0, Ordering::Relaxed);
        Ok(())
    }

    fn next(&self, current: &Snapshot) -> Result<Snapshot, FollowError> {
        let now = self.clock.now();
        let changes = self.store.load_changes_since(current.revision)?;
        if changes.revision < current.revision {
            // An older state of the database has been restored: what is known says nothing about it.
            return self.everything();
        }
        Ok(current.clone().with(changes, &self.context, now)?)
    }

    fn everything(&self) -> Result<Snapshot, FollowError> {
        Ok(Snapshot::of(self.store.load_all()?, &self.context, self.clock.now())?)
    }

    /// How long the store took to answer, and how often it failed to be followed.
    pub const fn polls(&self) -> &Polls {
        &self.polls
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
