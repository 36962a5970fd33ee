//! When was each secret last used?

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::clock::UnixMillis;
use crate::store::{Store, StoreError};

/// Uses that have not been written yet.
#[derive(Debug, Default)]
pub(super) struct SecretUsage {
    unwritten: Mutex<HashMap<Uuid, UnixMillis>>,
}

impl SecretUsage {
    /// Notes that the secret `id` was used at `now`.
    pub(super) fn note(&self, id: Uuid, now: UnixMillis) {
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = unwritten.entry(id).or_insert(now);
        *latest = now.max(*latest);
    }

    /// Writes what has been noted; what the store does not take is kept for the next time.
    pub(super) fn flush(&self, store: &Store) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner));
        if batch.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = batch.iter().map(|(id, at)| (*id, *at)).collect();
        store.flush_last_used(&rows).inspect_err(|_| {
            for (id, at) in batch {
                self.note(id, at);
            }
        })
    }
}
