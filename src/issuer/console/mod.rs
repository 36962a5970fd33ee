//! Who is signed in to the console, and what may they do there? Sessions, and the links that are good once.
//!
//! A session is its client's: what that holds now is what the session may do now, whatever it held when it was begun.

mod links;
mod sessions;
mod sign_in;
mod sign_in_rate;
mod token;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};
use std::time::Duration;

pub use links::{Claimed, MadeLink, OpenLink};
use moka::sync::Cache;
pub use sessions::Occasion;
pub use sign_in::{Missing, Presented};
pub use token::{LinkToken, SessionId};
use uuid::Uuid;

use self::sign_in_rate::SignInRates;
use super::administration::Administration;
use super::rights::{Caller, Rights};
use super::served::Served;
use crate::clock::UnixMillis;
use crate::oauth::client::Client;
use crate::oauth::scope::ScopeSet;
use crate::store::{Actor, StoredSession};
pub use crate::store::{LinkPurpose, SessionProof as Proof};

/// How many sessions are found again while the store is silent.
const REMEMBERED: u64 = 10_000;

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without being used.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
    /// After its holder has proved who it is, as one that may see to secrets and keys without doing so again.
    pub fresh: Duration,
}

impl SessionLimits {
    const fn usual() -> Self {
        Self { idle: Duration::from_mins(15), absolute: Duration::from_hours(8), fresh: Duration::from_mins(5) }
    }
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self::usual()
    }
}

/// A session that was found: who holds it, and what it may do now.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whose it is, as the snapshot has it now: without what only people read.
    pub client: Arc<Client>,
    /// With what its holder last proved who it is.
    pub proof: Proof,
    /// When it was begun.
    pub begun_at: UnixMillis,
    /// When it was last used, which is now.
    pub seen_at: UnixMillis,
    /// When its holder last proved who it is.
    pub proved_at: UnixMillis,
    /// The scopes of the Management API that the client holds now; empty: it is a partner, which sees what is its own.
    pub rights: ScopeSet,
}

impl Session {
    /// Its holder, acting on the request `request_id`.
    pub fn caller(&self, request_id: Option<String>) -> Caller {
        let rights =
            if self.is_operator() { Rights::Scopes(self.rights.clone()) } else { Rights::Itself(self.client.id) };
        Caller { rights, ..itself(&self.client, request_id) }
    }

    /// Has its holder proved of late who it is?
    pub fn is_fresh(&self, now: UnixMillis) -> bool {
        !is_over(self.proved_at, SessionLimits::usual().fresh, now)
    }

    /// Our own id of the secret with which its holder last proved who it is, if it was one.
    pub fn secret_id(&self) -> Option<Uuid> {
        let Proof::Credential(id) = self.proof else { return None };
        self.client.secrets.iter().any(|secret| secret.id == id).then_some(id)
    }

    /// Does its client hold the scope `scope` of the Management API?
    pub fn holds(&self, scope: &str) -> bool {
        self.rights.iter().any(|held| held.as_str() == scope)
    }

    /// Does its client hold any right of the Management API?
    pub fn is_operator(&self) -> bool {
        !self.rights.is_empty()
    }
}

/// A session that was found, and its client as it was then: one that was disabled since and enabled again has ended it.
#[derive(Clone)]
struct Remembered {
    session: StoredSession,
    client: Weak<Client>,
}

/// The sessions, and the links by which they are begun. Every method blocks: call them off the async workers.
pub struct ConsoleSessions {
    served: Arc<Served>,
    administration: Arc<Administration>,
    limits: SessionLimits,
    /// Those that were found of late, by the hash of their ids, for when the store is silent.
    remembered: Cache<String, Remembered>,
    /// How many were ended: what was read before is not to be remembered after.
    endings: AtomicU64,
    sign_ins: SignInRates,
}

impl ConsoleSessions {
    /// Sessions of the clients that are `served`.
    pub fn new(served: Arc<Served>, administration: Arc<Administration>) -> Self {
        let limits = SessionLimits::default();
        let remembered = Cache::builder().max_capacity(REMEMBERED).time_to_live(limits.absolute).build();
        Self {
            served,
            administration,
            limits,
            remembered,
            endings: AtomicU64::new(0),
            sign_ins: SignInRates::default(),
        }
    }

    /// For how many seconds `client`, which has proved who it is, must wait until it may sign in once more; none: it may now, and this counts.
    pub fn wait_to_sign_in(&self, client: &Client) -> Option<u32> {
        self.sign_ins.count(client)
    }

    /// Forgets the clients that may sign in as much as if they never had.
    pub fn forget_idle_clients(&self) {
        self.sign_ins.forget_idle();
    }

    /// How long sessions last.
    pub const fn limits(&self) -> SessionLimits {
        self.limits
    }
}

impl fmt::Debug for ConsoleSessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ConsoleSessions").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// `client`, acting for itself on the request `request_id`.
fn itself(client: &Client, request_id: Option<String>) -> Caller {
    let actor = Actor::Client { client_id: client.client_id.to_string() };
    Caller { actor, request_id, rights: Rights::Itself(client.id) }
}

/// Has `lifetime` passed since `from`?
fn is_over(from: UnixMillis, lifetime: Duration, now: UnixMillis) -> bool {
    from.plus_seconds(whole_seconds(lifetime)) <= now
}

fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
