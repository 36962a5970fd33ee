//! Which session is this, and is it still good? Looked up in the store at each request, so that one that was ended is ended everywhere.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use moka::ops::compute::Op;
use serde_json::json;

use super::token::SessionId;
use super::{ConsoleSessions, Proof, Remembered, Session, is_over, itself, whole_seconds};
use crate::clock::UnixMillis;
use crate::issuer::administration::{AdministrationError, Change};
use crate::issuer::freshness::Freshness;
use crate::issuer::served::FollowError;
use crate::issuer::snapshot::Snapshot;
use crate::oauth::client::Client;
use crate::oauth::client_credentials::ApiDirectory as _;
use crate::oauth::resource::Audience;
use crate::oauth::scope::ScopeSet;
use crate::store::{AuditAction, ObjectKind, StoreError, StoredSession};

/// How seldom it is noted that a session was used, in seconds: not for each request.
const NOTED_EVERY: i64 = 60;

/// How many sessions of a client are open at a time; one more ends the oldest.
const MOST_OPEN: u32 = 100;

/// Why a session is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody asks for something: the session is in use.
    Use,
    /// A page that is open asks by itself whether there is news: that keeps no session alive.
    Poll,
}

/// What has become of a session.
enum Judged {
    Open(Session),
    /// Its time is up.
    Over,
    /// What is known of its client speaks against it; perhaps not everything is known yet.
    Unfounded,
}

impl ConsoleSessions {
    /// Begins a session of `client`, which has proved who it is with `proof`.
    ///
    /// # Errors
    /// If the client is gone or disabled by now, or the store does not take it.
    pub fn begin(
        &self,
        client: &Client,
        proof: Proof,
        request_id: Option<String>,
    ) -> Result<SessionId, AdministrationError> {
        self.administration.change(&itself(client, request_id), |change| {
            let present = change.existing_client(client.client_id.as_str())?;
            if present.id != client.id || !present.is_usable(change.now) {
                return Err(AdministrationError::not_found("client", client.client_id.as_str()));
            }
            change.begin_session(&present, proof, means(&present, proof))
        })
    }

    /// The session with this id; none if it is unknown, its time is up, or its client or what it was begun with is gone.
    ///
    /// While the store is silent, those are found again that were found before it fell silent.
    ///
    /// # Errors
    /// If the store does not answer, and the session is not remembered.
    pub fn find(&self, id: &SessionId, occasion: Occasion) -> Result<Option<Session>, StoreError> {
        if !self.served.is_loaded() {
            let detail = "nothing has been read from it yet".to_owned();
            return Err(StoreError::ConnectionLost { detail });
        }
        let (id_hash, now) = (id.hash(), self.administration.now());
        if self.served.freshness() != Freshness::Followed {
            return Ok(self.find_remembered(&id_hash, occasion, now));
        }
        match self.find_stored(&id_hash, occasion, now) {
            Err(cause) if cause.is_unavailable() => {
                self.find_remembered(&id_hash, occasion, now).map(Some).ok_or(cause)
            }
            outcome => outcome,
        }
    }

    /// The session that was found before the store fell silent. Does not block, and asks nothing of the store.
    pub fn find_in_memory(&self, id: &SessionId, occasion: Occasion) -> Option<Session> {
        self.find_remembered(&id.hash(), occasion, self.administration.now())
    }

    fn find_stored(&self, id_hash: &str, occasion: Occasion, now: UnixMillis) -> Result<Option<Session>, StoreError> {
        let endings = self.endings.load(Ordering::SeqCst);
        let Some(mut stored) = self.served.store().find_console_session(id_hash)? else {
            self.remembered.invalidate(id_hash);
            return Ok(None);
        };
        let noted_at = stored.seen_at;
        if let Some(remembered) = self.remembered.get(id_hash) {
            // It was used while the store could not note that.
            stored.seen_at = stored.seen_at.max(remembered.session.seen_at);
        }
        let judged = match self.judge(&stored, now) {
            // Another server may have begun it with a secret that this one has not heard of.
            Judged::Unfounded => match self.served.follow() {
                Ok(()) => self.judge(&stored, now),
                Err(FollowError::Store(cause)) => return Err(cause),
                // What the store has cannot be served, which is told elsewhere: nothing is known of this session.
                Err(FollowError::Snapshot(_)) => return Ok(None),
            },
            judged => judged,
        };
        let Judged::Open(session) = judged else {
            // For good: it must not come back with a client that is enabled again.
            self.end_hashed(id_hash)?;
            return Ok(None);
        };
        let seen_at = match occasion {
            Occasion::Use => now,
            Occasion::Poll => stored.seen_at,
        };
        if noted_at.plus_seconds(NOTED_EVERY) <= seen_at {
            // On a full disk one can still be signed in.
            let _ = self.served.store().touch_console_session(id_hash, seen_at);
        }
        let (client, stored) = (Arc::downgrade(&session.client), StoredSession { seen_at, ..stored });
        self.remembered.insert(id_hash.to_owned(), Remembered { session: stored, client });
        if self.endings.load(Ordering::SeqCst) != endings {
            // It may be this one that was ended meanwhile.
            self.remembered.invalidate(id_hash);
        }
        Ok(Some(session))
    }

    fn find_remembered(&self, id_hash: &str, occasion: Occasion, now: UnixMillis) -> Option<Session> {
        let remembered = self.remembered.get(id_hash)?;
        let Judged::Open(session) = self.judge(&remembered.session, now) else { return None };
        if remembered.client.as_ptr() != Arc::as_ptr(&session.client) {
            return None;
        }
        if occasion == Occasion::Poll {
            return Some(session);
        }
        // Only one that is there: it may have been ended meanwhile.
        self.remembered.entry_by_ref(id_hash).and_compute_with(|present| match present {
            Some(present) => {
                let Remembered { session, client } = present.into_value();
                Op::Put(Remembered { session: StoredSession { seen_at: now, ..session }, client })
            }
            None => Op::Nop,
        });
        Some(session)
    }

    /// Its holder has proved anew, with `proof`, that it is the session's client. Is the session still there?
    ///
    /// # Errors
    /// If the store does not take it.
    pub fn prove(&self, id: &SessionId, proof: Proof) -> Result<bool, StoreError> {
        let id_hash = id.hash();
        let is_there = self.served.store().prove_console_session(&id_hash, proof, self.administration.now())?;
        self.forget(&id_hash);
        Ok(is_there)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// If the store does not take it: then it is ended here only as long as the store is silent.
    pub fn end(&self, id: &SessionId) -> Result<(), StoreError> {
        self.end_hashed(&id.hash())
    }

    fn end_hashed(&self, id_hash: &str) -> Result<(), StoreError> {
        let ended = self.served.store().end_console_session(id_hash);
        self.forget(id_hash);
        ended
    }

    fn forget(&self, id_hash: &str) {
        self.endings.fetch_add(1, Ordering::SeqCst);
        self.remembered.invalidate(id_hash);
    }

    /// Ends every session of `client`; returns how many there were.
    ///
    /// # Errors
    /// As [`Self::end`].
    pub fn end_all(&self, client: &Client) -> Result<u64, StoreError> {
        let ended = self.served.store().end_console_sessions_of(client.id);
        self.endings.fetch_add(1, Ordering::SeqCst);
        let of_client = self.remembered.iter().filter(|(_, remembered)| remembered.session.client_row_id == client.id);
        of_client.for_each(|(id_hash, _)| self.remembered.invalidate(id_hash.as_str()));
        ended
    }

    /// How many sessions of `client` are open.
    ///
    /// # Errors
    /// If the store does not answer.
    pub fn count_open(&self, client: &Client) -> Result<u64, StoreError> {
        let now = self.administration.now();
        let before = |lifetime| now.plus_seconds(-whole_seconds(lifetime));
        let (idle, absolute) = (before(self.limits.idle), before(self.limits.absolute));
        self.served.store().count_console_sessions_of(client.id, idle, absolute)
    }

    /// Forgets sessions and links whose time is up.
    ///
    /// # Errors
    /// If the store does not take it.
    pub fn forget_expired(&self) -> Result<(), StoreError> {
        let now = self.administration.now();
        let before = |lifetime| now.plus_seconds(-whole_seconds(lifetime));
        let store = self.served.store();
        store.forget_console_sessions(before(self.limits.idle), before(self.limits.absolute))?;
        store.forget_links(now)
    }

    fn judge(&self, stored: &StoredSession, now: UnixMillis) -> Judged {
        if is_over(stored.begun_at, self.limits.absolute, now) || is_over(stored.seen_at, self.limits.idle, now) {
            return Judged::Over;
        }
        let snapshot = self.served.snapshot();
        let client = snapshot.client_by_id(stored.client_row_id);
        let Some(client) = client.filter(|client| client.is_usable(now) && holds_good(stored.proof, client, now))
        else {
            return Judged::Unfounded;
        };
        Judged::Open(Session {
            client: Arc::clone(client),
            proof: stored.proof,
            begun_at: stored.begun_at,
            seen_at: now,
            proved_at: stored.proved_at,
            rights: self.rights(&snapshot, client),
        })
    }

    /// The scopes of the Management API that `client` holds now.
    fn rights(&self, snapshot: &Snapshot, client: &Client) -> ScopeSet {
        // It gets no token of the Management API any more, so it manages nothing here either.
        if !client.client_credentials_allowed {
            return ScopeSet::default();
        }
        let audience = self.served.context().issuer.management_audience().parse::<Audience>().ok();
        // Only the system API: while the issuer moves, anybody may have given another API this identifier.
        let api = audience.and_then(|audience| snapshot.api_by_audience(&audience)).filter(|api| api.is_system);
        api.and_then(|api| client.grant_for(api.id)).map(|grant| grant.scope.clone()).unwrap_or_default()
    }
}

/// Could `client` prove who it is with this now?
fn holds_good(proof: Proof, client: &Client, now: UnixMillis) -> bool {
    match proof {
        Proof::Credential(id) => {
            let by_secret = || client.secrets.iter().any(|secret| secret.id == id && secret.is_live(now));
            let by_key = || client.keys.iter().any(|key| key.id == id && key.is_live(now));
            client.accepts_secrets() && by_secret() || client.accepts_assertions() && by_key()
        }
        Proof::PublishedKey => client.accepts_assertions() && client.jwks_uri.is_some(),
        Proof::Link => true,
    }
}

/// What the audit trail calls `proof`.
fn means(client: &Client, proof: Proof) -> &'static str {
    match proof {
        Proof::Credential(id) if client.secrets.iter().any(|secret| secret.id == id) => "secret",
        Proof::Credential(_) | Proof::PublishedKey => "key",
        Proof::Link => "link",
    }
}

impl Change<'_> {
    /// Begins a session of `client`, which signed in `by` a secret, a key or a link.
    pub(super) fn begin_session(
        &mut self,
        client: &Client,
        proof: Proof,
        by: &'static str,
    ) -> Result<SessionId, AdministrationError> {
        let id = SessionId::generate(self.admin.entropy.as_ref());
        self.transaction.end_oldest_console_sessions_of(client.id, MOST_OPEN - 1)?;
        self.transaction.insert_console_session(&StoredSession {
            id_hash: id.hash(),
            client_row_id: client.id,
            proof,
            begun_at: self.now,
            seen_at: self.now,
            proved_at: self.now,
        })?;
        let (who, how) = (client.client_id.as_str(), json!({ "by": by }));
        self.record(AuditAction::SignIn, ObjectKind::ConsoleSession, who, None, Some(how))?;
        Ok(id)
    }

    /// Ends what leads into the console as `client`, which is put out of use: sessions, and links that nobody has used.
    pub(in crate::issuer) fn close_console_to(&mut self, client: &Client) -> Result<(), AdministrationError> {
        self.transaction.end_oldest_console_sessions_of(client.id, 0)?;
        self.withdraw_links_of(client)?;
        Ok(())
    }
}
