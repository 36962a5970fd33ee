//! Does the disk take changes? As the last attempt of this process to make one has shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::prelude::*;

use super::connection::{TransactionKind, in_transaction};
use super::error::StoreError;
use super::open::Store;
use super::schema::meta;
use super::target::Target;

/// What the last attempt has shown; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Writable {
    refused: Arc<AtomicBool>,
    /// Whether the disk is this machine's. PostgreSQL's is watched by whoever runs that; and there, that one row could be
    /// written says nothing of another table.
    is_ours: bool,
}

impl Writable {
    pub(super) fn on(target: &Target) -> Self {
        Self { refused: Arc::default(), is_ours: target.has_one_writer() }
    }

    /// A change was made.
    pub(super) fn note_success(&self) {
        if self.refused.swap(false, Ordering::Relaxed) {
            tracing::info!("the database takes changes again");
        }
    }

    /// No change was made; whether that means that none can be is told by `cause`.
    pub(super) fn note_failure(&self, cause: &StoreError) {
        // A database that may only be read is so because somebody wants it to be.
        let refuses = self.is_ours && matches!(cause, StoreError::DiskFull | StoreError::DiskFails { .. });
        if refuses && !self.refused.swap(true, Ordering::Relaxed) {
            tracing::error!(%cause, "the database takes no changes; tokens are issued from what is known");
        }
    }
}

impl Store {
    /// Whether the database took no change when one was last tried, since its disk is full or fails.
    pub fn refuses_changes(&self) -> bool {
        self.writable.refused.load(Ordering::Relaxed)
    }

    /// Tries whether it takes changes again, by writing what is there already.
    pub fn try_to_write(&self) -> Result<(), StoreError> {
        self.noting(in_transaction(&mut *self.pools.writer()?, TransactionKind::Write, |connection| {
            diesel::update(meta::table).set(meta::revision.eq(meta::revision)).execute(connection)?;
            Ok(())
        }))
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
