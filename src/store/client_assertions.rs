//! Has this client assertion been used before? The one write of a token request: no revision, no audit entry.

use diesel::prelude::*;

use super::error::StoreError;
use super::open::Store;
use super::schema::used_client_assertions;
use crate::clock::UnixMillis;

/// Rows that one statement deletes, so that no request waits long for its turn to write.
const DELETED_AT_ONCE: i64 = 500;

impl Store {
    /// Notes that the assertion that `digest` stands for is used, and keeps the note until `expires_at`; `false` if it was
    /// used before, on whatever replica. One insert, which the database lets succeed once.
    pub fn use_client_assertion(&self, digest: &str, expires_at: UnixMillis) -> Result<bool, StoreError> {
        // In a file that is nobody's any more, nobody else would see the note.
        if self.file.as_ref().is_some_and(|file| !file.is_in_place()) {
            return Err(StoreError::FileReplaced);
        }
        let row = (used_client_assertions::digest.eq(digest), used_client_assertions::expires_at.eq(expires_at.0));
        let inserted =
            diesel::insert_into(used_client_assertions::table).values(row).execute(&mut *self.pools.writer()?);
        match inserted.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forgets the assertions that expired before `now`; returns how many.
    pub fn forget_client_assertions(&self, now: UnixMillis) -> Result<usize, StoreError> {
        let mut forgotten = 0;
        loop {
            let expired = used_client_assertions::table
                .filter(used_client_assertions::expires_at.lt(now.0))
                .order(used_client_assertions::expires_at)
                .limit(DELETED_AT_ONCE)
                .select(used_client_assertions::digest);
            let expired: Vec<String> = expired.load(&mut *self.pools.reader()?)?;
            if expired.is_empty() {
                return Ok(forgotten);
            }
            let rows = used_client_assertions::table.filter(used_client_assertions::digest.eq_any(&expired));
            forgotten += diesel::delete(rows).execute(&mut *self.pools.writer()?)?;
        }
    }
}
