//! Which client is this? The one place that can say so (RFC 6749 §2.3 and §3.2.1).
//!
//! Unknown client, wrong secret, expired secret, disabled client and one that is set to a key answer alike, and the work done depends only on
//! what was presented: for the generated form one small hash, none with a wrong checksum; for any other string one
//! slow check where the store holds any secret that a person brought, else none; and before it, for one that looks
//! machine-made, one small hash where the store holds any of those.

use std::cell::RefCell;
use std::sync::Arc;

use uuid::Uuid;

use super::failed_attempts::SlowTurn;
use super::hash_pool::HashPool;
use super::snapshot::Snapshot;
use crate::clock::UnixMillis;
use crate::oauth::client::Client;
use crate::oauth::client_auth::{Candidate, MAX_SECRET_LENGTH, PresentedSecret};
use crate::oauth::error::TokenError;
use crate::secret::{
    HashMemory, PresentedForm, SecretHash, SecretId, SecretWork, StoredSecret, is_machine_made, verify_any,
};

/// How long a caller should wait when too many secrets are being checked, in seconds.
const RETRY_AFTER_SECONDS: u32 = 1;

thread_local! {
    /// The memory of the small hashes, one per worker: 32 KiB that are never allocated twice.
    static SMALL_HASH_MEMORY: RefCell<HashMemory> = RefCell::default();
}

/// A client that has proved who it is. Only [`authenticate_client`] makes one, an
/// [`AssertionAuthenticator`](super::authenticate_assertion::AssertionAuthenticator), and a session of the console.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
    credential: Credential,
    upgrade: Option<SecretHash>,
}

/// What a client proved it with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The secret with our own id.
    Secret(Uuid),
    /// The registered key with our own id.
    RegisteredKey(Uuid),
    /// A key that the client publishes itself.
    PublishedKey,
    /// A session of the console, which was begun with one of these.
    Session,
}

impl AuthenticatedClient {
    /// The client, as the snapshot has it.
    pub const fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// A client that proved it with the key `credential`.
    pub(super) const fn by_key(client: Arc<Client>, credential: Credential) -> Self {
        Self { client, credential, upgrade: None }
    }

    /// The client of a session that has been found: it proved who it is when that was begun.
    pub(super) const fn by_session(client: Arc<Client>) -> Self {
        Self { client, credential: Credential::Session, upgrade: None }
    }

    /// Our own id of the secret it used, if it used one.
    pub const fn secret_id(&self) -> Option<Uuid> {
        match self.credential {
            Credential::Secret(id) => Some(id),
            Credential::RegisteredKey(_) | Credential::PublishedKey | Credential::Session => None,
        }
    }

    /// Our own id of the secret or key it used, if we have it.
    pub const fn credential_id(&self) -> Option<Uuid> {
        match self.credential {
            Credential::Secret(id) | Credential::RegisteredKey(id) => Some(id),
            Credential::PublishedKey | Credential::Session => None,
        }
    }

    /// The hash that proved right, if it should be replaced by a better one.
    pub const fn outdated_hash(&self) -> Option<&SecretHash> {
        self.upgrade.as_ref()
    }
}

/// What somebody hears who must wait.
pub(super) const fn too_many_failures(retry_after: u32) -> TokenError {
    TokenError::TooManyFailures { retry_after }
}

/// Finds the client that the secret `presented` proves to be.
///
/// # Errors
/// `invalid_client` for every reason why it is none, `temporarily_unavailable` when too many checks are waiting, or the wait for a
/// `turn`.
pub async fn authenticate_client(
    presented: &PresentedSecret,
    snapshot: &Snapshot,
    hashes: &HashPool,
    turn: &SlowTurn<'_>,
    now: UnixMillis,
) -> Result<AuthenticatedClient, TokenError> {
    let candidates = || presented.candidates.iter().filter(|one| one.secret.len() <= MAX_SECRET_LENGTH);
    let mut is_generated = false;
    for candidate in candidates() {
        if let PresentedForm::Generated(secret_id) = PresentedForm::classify(&candidate.secret) {
            is_generated = true;
            let found = check_generated(candidate, secret_id, snapshot, hashes, now);
            if let Some(admitted) = found.and_then(|found| found.admit(candidate, hashes, now)) {
                return Ok(admitted);
            }
        }
    }
    if is_generated {
        return Err(TokenError::InvalidClient);
    }
    for candidate in candidates().filter(|one| PresentedForm::classify(&one.secret) == PresentedForm::Other) {
        // A right one that may not be used goes on to the slow check, as a wrong one does.
        let found = check_machine_made(candidate, snapshot, hashes, now);
        if let Some(admitted) = found.and_then(|found| found.admit(candidate, hashes, now)) {
            return Ok(admitted);
        }
        let found = check_brought(candidate, snapshot, hashes, turn, now).await?;
        if let Some(admitted) = found.and_then(|found| found.admit(candidate, hashes, now)) {
            return Ok(admitted);
        }
    }
    Err(TokenError::InvalidClient)
}

/// A secret that proved right, of a client that may yet be disabled, or itself expired.
struct Proven<'a> {
    client: &'a Arc<Client>,
    stored: &'a StoredSecret,
    /// Was it remembered from an earlier check?
    is_remembered: bool,
}

impl Proven<'_> {
    /// The one gate: what has proved right must also be usable now. Only then is it remembered: the time of an answer
    /// must not tell that an expired secret was right.
    fn admit(self, candidate: &Candidate, hashes: &HashPool, now: UnixMillis) -> Option<AuthenticatedClient> {
        let Self { client, stored, is_remembered } = self;
        if !is_usable(client, stored, now) {
            return None;
        }
        if !is_remembered {
            hashes.remember(client, stored, &candidate.secret);
        }
        let stays = stored.hash.is_small() && is_machine_made(&candidate.secret);
        let upgrade = (stored.hash.needs_upgrade() && !stays).then(|| stored.hash.clone());
        Some(AuthenticatedClient { client: client.clone(), credential: Credential::Secret(stored.id), upgrade })
    }
}

fn is_usable(client: &Client, stored: &StoredSecret, now: UnixMillis) -> bool {
    client.is_usable(now) && client.accepts_secrets() && stored.is_live(now)
}

/// Checks a secret of the generated form: its id selects the one hash to check.
fn check_generated<'a>(
    candidate: &Candidate,
    secret_id: SecretId,
    snapshot: &'a Snapshot,
    hashes: &HashPool,
    now: UnixMillis,
) -> Option<Proven<'a>> {
    let found = snapshot.client(&candidate.client_id).and_then(|client| {
        let stored = client.secrets.iter().find(|stored| stored.hash.secret_id() == Some(secret_id))?;
        Some((client, stored))
    });
    let Some((client, stored)) = found else {
        SMALL_HASH_MEMORY
            .with_borrow_mut(|memory| SecretWork::GENERATED.run_dummy(candidate.secret.as_bytes(), memory));
        return None;
    };
    let is_remembered = is_usable(client, stored, now) && hashes.is_remembered(client, stored, &candidate.secret);
    let matches = is_remembered
        || SMALL_HASH_MEMORY.with_borrow_mut(|memory| stored.hash.verify(candidate.secret.as_bytes(), memory));
    matches.then_some(Proven { client, stored, is_remembered })
}

/// Checks a secret that looks machine-made against the small hashes of those that were imported.
fn check_machine_made<'a>(
    candidate: &Candidate,
    snapshot: &'a Snapshot,
    hashes: &HashPool,
    now: UnixMillis,
) -> Option<Proven<'a>> {
    let any_small = snapshot.brought_work().any(|work| *work == SecretWork::GENERATED);
    if !any_small || !is_machine_made(&candidate.secret) {
        return None;
    }
    let presented = candidate.secret.as_bytes();
    let client = snapshot.client(&candidate.client_id);
    let small = || client.into_iter().flat_map(|client| &client.secrets).filter(|stored| stored.hash.is_small());
    if let Some(client) = client
        && let Some(known) = small()
            .find(|stored| is_usable(client, stored, now) && hashes.is_remembered(client, stored, &candidate.secret))
    {
        return Some(Proven { client, stored: known, is_remembered: true });
    }
    // All of one client share a salt, so that this is one computation too.
    let found = SMALL_HASH_MEMORY.with_borrow_mut(|memory| {
        if small().next().is_none() {
            SecretWork::GENERATED.run_dummy(presented, memory);
        }
        verify_any(small().map(|stored| &stored.hash), presented, memory)
    })?;
    Some(Proven { client: client?, stored: small().nth(found)?, is_remembered: false })
}

/// Checks a secret of any other form against those that a person brought.
async fn check_brought<'a>(
    candidate: &Candidate,
    snapshot: &'a Snapshot,
    hashes: &HashPool,
    turn: &SlowTurn<'_>,
    now: UnixMillis,
) -> Result<Option<Proven<'a>>, TokenError> {
    // What has been checked already needs no slow check.
    let machine_made = is_machine_made(&candidate.secret);
    let is_open = |work: &SecretWork| !(machine_made && *work == SecretWork::GENERATED);
    let works = || snapshot.brought_work().copied().filter(is_open);
    if works().next().is_none() {
        return Ok(None);
    }
    let client = snapshot.client(&candidate.client_id);
    let brought = || {
        let secrets = client.into_iter().flat_map(|client| &client.secrets);
        secrets.filter(|stored| stored.hash.secret_id().is_none() && is_open(&stored.hash.work()))
    };
    if let Some(client) = client
        && let Some(known) = brought()
            .find(|stored| is_usable(client, stored, now) && hashes.is_remembered(client, stored, &candidate.secret))
    {
        return Ok(Some(Proven { client, stored: known, is_remembered: true }));
    }
    turn.take().map_err(too_many_failures)?;
    let mut slow: Vec<_> = works().filter(SecretWork::is_slow).collect();
    slow.sort_unstable();
    let dummy = hashes.choose(&candidate.client_id, &slow).copied().unwrap_or(SecretWork::BROUGHT);
    let stored_hashes = brought().map(|stored| stored.hash.clone()).collect();
    let found =
        hashes.check_slowly(stored_hashes, Arc::from(candidate.secret.as_str()), dummy).await.map_err(|_| {
            turn.give_back();
            TokenError::TemporarilyUnavailable { retry_after: RETRY_AFTER_SECONDS }
        })?;
    let stored = found.and_then(|index| brought().nth(index));
    Ok(stored.zip(client).map(|(stored, client)| Proven { client, stored, is_remembered: false }))
}

#[cfg(test)]
mod tests;
