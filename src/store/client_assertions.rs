//! Has this client assertion been used before? The one write of a token request: no revision, no audit entry.

use std::collections::HashSet;

use diesel::prelude::*;

use super::connection::{AnyConnection, TransactionKind, in_transaction};
use super::error::StoreError;
use super::open::Store;
use super::schema::used_client_assertions;
use crate::clock::UnixMillis;
use crate::fail_point;

/// Rows that one statement deletes, so that no request waits long for its turn to write.
const DELETED_AT_ONCE: i64 = 500;

/// That an assertion is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionUse {
    /// What stands for the assertion.
    pub digest: String,
    /// Until when the use is remembered.
    pub expires_at: UnixMillis,
}

impl Store {
    /// Notes the use of assertions, in one transaction: for each, in their order, whether this is its first use, on
    /// whatever replica. After an error none is noted.
    pub fn use_client_assertions(&self, uses: &[AssertionUse]) -> Result<Vec<bool>, StoreError> {
        // In a file that is nobody's any more, nobody else would see the note.
        if self.file.as_ref().is_some_and(|file| !file.is_in_place()) {
            return Err(StoreError::FileReplaced);
        }
        let mut connection = self.pools.writer()?;
        match self.noting(note(&mut connection, uses)) {
            // Another replica was quicker with one of them, after we had looked: each for itself then.
            Err(StoreError::Conflict { .. }) => {
                let each = uses.iter().map(|one| match note(&mut connection, std::slice::from_ref(one)) {
                    Ok(first) => Ok(first.first().copied().unwrap_or_default()),
                    Err(StoreError::Conflict { .. }) => Ok(false),
                    Err(error) => Err(error),
                });
                each.collect()
            }
            outcome => outcome,
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

fn note(connection: &mut AnyConnection, uses: &[AssertionUse]) -> Result<Vec<bool>, StoreError> {
    in_transaction(connection, TransactionKind::Write, |connection| {
        let digests = uses.iter().map(|one| one.digest.as_str());
        let known = used_client_assertions::table.filter(used_client_assertions::digest.eq_any(digests));
        let mut known: HashSet<String> =
            known.select(used_client_assertions::digest).load(&mut *connection)?.into_iter().collect();
        let first: Vec<bool> = uses.iter().map(|one| known.insert(one.digest.clone())).collect();
        let mut new: Vec<_> = uses.iter().zip(&first).filter(|(_, first)| **first).map(|(one, _)| one).collect();
        // Every replica in the same order, or two could wait for each other.
        new.sort_unstable_by_key(|one| one.digest.as_str());
        for one in new {
            let row = (
                used_client_assertions::digest.eq(&one.digest),
                used_client_assertions::expires_at.eq(one.expires_at.0),
            );
            diesel::insert_into(used_client_assertions::table).values(row).execute(&mut *connection)?;
        }
        fail_point::reach("assertion.noted");
        Ok(first)
    })
    .inspect(|_| fail_point::reach("assertion.written"))
}
