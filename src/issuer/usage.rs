//! When was each secret last used? Kept in memory and written in batches: no row is written for a token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::clock::UnixMillis;
use crate::store::{Store, StoreError};

/// Uses that have not been written yet. What is lost in a crash is at most one interval of them.
#[derive(Debug, Default)]
pub struct SecretUsage {
    unwritten: Mutex<HashMap<Uuid, UnixMillis>>,
}

impl SecretUsage {
    /// Notes that the secret `id` was used at `now`.
    pub fn note(&self, id: Uuid, now: UnixMillis) {
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = unwritten.entry(id).or_insert(now);
        *latest = now.max(*latest);
    }

    /// Writes what has been noted. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If the store does not take it; it is then kept for the next time.
    pub fn flush(&self, store: &Store) -> Result<(), StoreError> {
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
