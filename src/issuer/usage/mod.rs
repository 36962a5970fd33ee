//! What is kept of requests once they are answered: how often each client was, and when each secret was last used.
//! Counted in memory and written in batches: no row is written for a token.

mod counters;
pub mod report;
mod secrets;

use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

pub use self::counters::Answered;
use self::counters::Counters;
use self::secrets::SecretUsage;
use crate::clock::UnixMillis;
use crate::store::{Store, StoreError, UnixHour};

/// How long counts are kept, in days: a year can be compared with the one before it, month by month.
pub const KEPT_DAYS: i64 = 400;

/// What has not been written yet. In a crash at most what came since the last [flush](Self::flush) is lost.
#[derive(Debug, Default)]
pub struct Usage {
    secrets: SecretUsage,
    counters: Counters,
    /// The day on which old counts were last forgotten. Held while writing, so that who has flushed finds everything
    /// in the store, also what another thread was just writing.
    forgot_on: Mutex<Option<i64>>,
}

impl Usage {
    /// Notes that the secret `id` was used at `now`.
    pub fn note_secret(&self, id: Uuid, now: UnixMillis) {
        self.secrets.note(id, now);
    }

    /// Counts an answer to `client`, our own id of a client there is; none: to nobody known.
    pub fn count(&self, client: Option<Uuid>, answered: Answered, now: UnixMillis) {
        self.counters.count(client, answered, now);
    }

    /// Writes what has been noted, and once a day forgets what is too old. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If the store does not take it; it is then kept for the next time.
    pub fn flush(&self, store: &Store, now: UnixMillis) -> Result<(), StoreError> {
        let mut forgot_on = self.forgot_on.lock().unwrap_or_else(PoisonError::into_inner);
        self.secrets.flush(store)?;
        self.counters.flush(store, now)?;
        let today = UnixHour::of(now).day();
        if *forgot_on != Some(today) {
            store.delete_usage_before(UnixHour::first_of_day(today - KEPT_DAYS))?;
            *forgot_on = Some(today);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;
    use diesel::{Connection as _, SqliteConnection};

    use super::*;
    use crate::oauth::client::Client;
    use crate::store::{
        Actor, AuditAction, AuditEntry, ChangeContext, CountedHour, Counts, Database, Hours, Migrate, ObjectKind,
        StoreSettings,
    };

    const DAY: i64 = 86_400;
    const ALL: Hours = Hours { from: UnixHour(0), until: UnixHour(i64::MAX) };

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(seconds * 1000)
    }

    /// A database with one client.
    struct Fixture {
        directory: tempfile::TempDir,
        store: Store,
        client: Client,
    }

    fn fixture() -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::SqliteFile(directory.path().join("tokenhouse.db"));
        let store = Store::open(&StoreSettings { database, pool_size: 2 }, Migrate::Always).unwrap();
        let client = Client::new(Uuid::from_u128(7), "partner".parse().unwrap(), at(0));
        let context = ChangeContext { actor: Actor::System, at: at(0), request_id: None };
        let entry = AuditEntry {
            action: AuditAction::Create,
            object_kind: ObjectKind::Client,
            object_id: "partner".to_owned(),
            before: None,
            after: None,
        };
        store
            .write(&context, |transaction| {
                transaction.insert_client(&client)?;
                transaction.record(entry)
            })
            .unwrap();
        Fixture { directory, store, client }
    }

    fn stored(store: &Store, client: &Client) -> Vec<(i64, u64, u64)> {
        let rows = store.read(|reader| reader.usage_of_client(client.id, ALL)).unwrap();
        rows.into_iter().map(|(hour, counts)| (hour.0, counts.issued, counts.refused)).collect()
    }

    #[test]
    fn what_the_store_does_not_take_is_kept_for_the_next_time() {
        let Fixture { directory, store, client } = fixture();
        let path = directory.path().join("tokenhouse.db");
        let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        let usage = Usage::default();
        for second in [0, 1, 3_600] {
            usage.count(Some(client.id), Answered::Issued, at(second));
        }
        usage.count(Some(client.id), Answered::Refused, at(2));
        usage.count(None, Answered::Refused, at(3));
        for table in ["client_usage", "unattributed_refusals"] {
            database.batch_execute(&format!("ALTER TABLE {table} RENAME TO away")).unwrap();
            assert!(usage.flush(&store, at(10)).is_err(), "{table}");
            database.batch_execute(&format!("ALTER TABLE away RENAME TO {table}")).unwrap();
        }
        usage.count(Some(client.id), Answered::RefusedAfterProof, at(3_601));
        for _ in 0..2 {
            usage.flush(&store, at(3_602)).unwrap();
            assert_eq!(stored(&store, &client), [(0, 2, 1), (1, 1, 1)], "each is written once");
            assert_eq!(store.read(|reader| reader.unattributed_refusals(ALL)).unwrap(), 1);
        }
        assert_eq!(store.read(|reader| reader.last_seen(client.id)).unwrap(), Some(at(3_601)));
    }

    #[test]
    fn nothing_is_lost_between_threads_that_count_and_one_that_flushes() {
        let Fixture { store, client, directory: _directory } = fixture();
        let usage = Usage::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..500).for_each(|second| usage.count(Some(client.id), Answered::Issued, at(second))));
            }
            scope.spawn(|| (0..20).for_each(|_| usage.flush(&store, at(1)).unwrap()));
        });
        usage.flush(&store, at(2)).unwrap();
        assert_eq!(stored(&store, &client), [(0, 2_000, 0)]);
    }

    #[test]
    fn counts_older_than_what_is_kept_are_forgotten_once_a_day() {
        let Fixture { store, client, directory: _directory } = fixture();
        let row = |hour| CountedHour {
            client_row_id: client.id,
            hour: UnixHour(hour),
            counts: Counts { issued: 1, refused: 0 },
            last_seen_at: None,
        };
        store.add_usage(&[row(0), row(23), row(24)]).unwrap();
        let usage = Usage::default();
        usage.flush(&store, at(KEPT_DAYS * DAY)).unwrap();
        assert_eq!(stored(&store, &client).len(), 3, "400 days ago is kept");
        usage.flush(&store, at((KEPT_DAYS + 1) * DAY)).unwrap();
        assert_eq!(stored(&store, &client), [(24, 1, 0)], "401 days ago is not");
    }
}
