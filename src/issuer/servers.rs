//! Which servers run? Each tells of itself every few seconds, so that an operator sees what each serves.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::administration::Administration;
use super::served::Served;
use crate::clock::{Clock, UnixMillis};
use crate::entropy::new_uuid;
use crate::store::StoreError;
pub use crate::store::{RunningServer, ServerState};

/// How often a server tells of itself, in seconds.
pub const TOLD_EVERY: u32 = 10;

/// After how long a server that tells nothing more is forgotten, in seconds.
const FORGOTTEN_AFTER: i64 = 86_400;

/// What this server tells of itself.
#[derive(Debug)]
pub struct Presence {
    id: Uuid,
    name: String,
    started_at: UnixMillis,
    served: Arc<Served>,
    clock: Arc<dyn Clock>,
    /// Held while it tells, so that nothing is told after the end.
    has_ended: Mutex<bool>,
}

impl Presence {
    /// The server of this process, which people call `name`, started now.
    pub fn new(served: Arc<Served>, administration: &Administration, name: String) -> Self {
        let clock = administration.clock.clone();
        let started_at = clock.now();
        let id = new_uuid(started_at, administration.entropy.as_ref());
        Self { id, name, started_at, served, clock, has_ended: Mutex::new(false) }
    }

    /// Our own id of this server, by which it finds itself among the others.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Tells that this server is in this `state`. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If the store does not take it.
    pub fn tell(&self, state: ServerState) -> Result<(), StoreError> {
        let has_ended = self.has_ended.lock().unwrap_or_else(PoisonError::into_inner);
        if *has_ended {
            return Ok(());
        }
        let now = self.clock.now();
        let server = RunningServer {
            id: self.id,
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: self.served.snapshot().revision,
            state: Some(state),
            started_at: self.started_at,
            seen_at: now,
        };
        let noted = self.served.store().note_server(&server, now.plus_seconds(-FORGOTTEN_AFTER));
        drop(has_ended);
        noted
    }

    /// Tells that this server runs no more. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If the store does not take it.
    pub fn end(&self) -> Result<(), StoreError> {
        *self.has_ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.served.store().remove_server(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::entropy::SystemEntropy;
    use crate::issuer::administration::AdministrationPolicy;
    use crate::issuer::signing_keys::TestKeys;
    use crate::issuer::snapshot::SnapshotContext;
    use crate::keys::MasterKey;
    use crate::oauth::metadata::Issuer;
    use crate::store::{Database, Migrate, Store, StoreSettings};

    #[test]
    fn who_runs_is_seen_until_it_ends_or_has_been_silent_for_a_day() {
        let clock = Arc::new(ManualClock::new(UnixMillis(1_000_000)));
        let settings = StoreSettings { database: Database::InMemory, pool_size: 1 };
        let context = SnapshotContext {
            issuer: Issuer::new("http://localhost/"),
            master_keys: Arc::new(MasterKey::generate(&SystemEntropy).into()),
            test_keys: TestKeys::Refused,
        };
        let store = Store::open(&settings, Migrate::Always).unwrap();
        let policy = AdministrationPolicy::of_dev(context.issuer.clone());
        let master_keys = context.master_keys.clone();
        let administration =
            Administration::new(store.clone(), master_keys, clock.clone(), Arc::new(SystemEntropy), policy);
        let served = Arc::new(Served::load(store.clone(), clock.clone(), context).unwrap());
        let server = |name: &str| Presence::new(served.clone(), &administration, name.to_owned());
        let listed = || store.read(|reader| reader.list_servers()).unwrap();
        let names = || listed().into_iter().map(|server| server.name).collect::<Vec<_>>();

        let killed = server("killed");
        killed.tell(ServerState::Loading).unwrap();
        killed.tell(ServerState::Issuing).unwrap();
        clock.advance(10);
        let ended = server("ended");
        ended.tell(ServerState::Degraded).unwrap();
        let seen = listed();
        let states: Vec<_> = seen.iter().map(|server| (server.state.unwrap(), server.seen_at.0)).collect();
        assert_eq!(states, [(ServerState::Issuing, 1_000_000), (ServerState::Degraded, 1_010_000)]);
        assert_eq!((seen[0].id, seen[0].started_at), (killed.id(), UnixMillis(1_000_000)));

        ended.end().unwrap();
        ended.tell(ServerState::Stopping).unwrap();
        clock.advance(86_390);
        let other = server("other");
        other.tell(ServerState::Issuing).unwrap();
        assert_eq!(names(), ["killed", "other"]);
        clock.advance(1);
        other.tell(ServerState::Issuing).unwrap();
        assert_eq!(names(), ["other"]);
    }
}
