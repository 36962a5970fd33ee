//! Does the disk take changes? As the last attempts of this process to make one have shown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::prelude::*;

use super::connection::{TransactionKind, in_transaction};
use super::error::StoreError;
use super::open::Store;
use super::schema::meta;
use super::target::Target;

/// For how long after a failure a success does not count: on a full disk a small change may still find room.
const IN_DOUBT: Duration = Duration::from_secs(5);

/// What the last attempts have shown; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Writable {
    refused_at: Arc<Mutex<Option<Instant>>>,
    /// Whether the disk is this machine's. PostgreSQL's is watched by whoever runs that.
    is_ours: bool,
}

impl Writable {
    pub(super) fn on(target: &Target) -> Self {
        Self { refused_at: Arc::default(), is_ours: target.has_one_writer() }
    }

    /// A change was made.
    pub(super) fn note_success(&self) {
        let mut refused_at = self.refused_at.lock().unwrap_or_else(PoisonError::into_inner);
        if refused_at.take_if(|refused_at| refused_at.elapsed() >= IN_DOUBT).is_some() {
            tracing::info!("the database takes changes again");
        }
    }

    /// No change was made; whether that means that none can be is told by `cause`.
    pub(super) fn note_failure(&self, cause: &StoreError) {
        if !self.is_ours || !matches!(cause, StoreError::DiskFull | StoreError::DiskFails { .. }) {
            return;
        }
        let mut refused_at = self.refused_at.lock().unwrap_or_else(PoisonError::into_inner);
        if refused_at.replace(Instant::now()).is_none() {
            tracing::error!(%cause, "the database takes no changes; tokens are issued from what is known");
        }
    }

    /// For how long none has been made.
    fn refused_for(&self) -> Option<Duration> {
        let refused_at = *self.refused_at.lock().unwrap_or_else(PoisonError::into_inner);
        refused_at.map(|refused_at| refused_at.elapsed())
    }
}

impl Store {
    /// Whether the database takes no changes, since its disk is full or fails: so it was when one was last tried, or a few
    /// seconds before.
    pub fn refuses_changes(&self) -> bool {
        self.writable.refused_for().is_some()
    }

    /// Where the database took no changes some seconds ago, tries whether it does again, by writing what is there already.
    pub fn retry_after_refusal(&self) -> Result<(), StoreError> {
        match self.writable.refused_for() {
            Some(time) if time >= IN_DOUBT => {
                self.noting(in_transaction(&mut *self.pools.writer()?, TransactionKind::Write, |connection| {
                    diesel::update(meta::table).set(meta::revision.eq(meta::revision)).execute(connection)?;
                    Ok(())
                }))
            }
            _ => Ok(()),
        }
    }

    /// Notes what an attempt to write has come to.
    pub(super) fn noting<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        match &outcome {
            Ok(_) => self.writable.note_success(),
            Err(cause) => self.writable.note_failure(cause),
        }
        outcome
    }
}
