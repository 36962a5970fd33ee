//! Which client is this? The one place that can say so (RFC 6749 §2.3 and §3.2.1).
//!
//! Unknown client, wrong secret, expired secret and disabled client answer alike, and the work done depends only on
//! what was presented: for the generated form one small hash, none with a wrong checksum; for any other string one
//! slow check where the store holds any secret that a person brought, else none.

use std::cell::RefCell;
use std::sync::Arc;

use uuid::Uuid;

use super::hash_pool::HashPool;
use super::snapshot::Snapshot;
use crate::clock::UnixMillis;
use crate::oauth::client::Client;
use crate::oauth::client_auth::{Candidate, MAX_SECRET_LENGTH, Mechanism, PresentedCredentials};
use crate::oauth::error::TokenError;
use crate::secret::{HashMemory, PresentedForm, SecretHash, SecretId, SecretWork, StoredSecret};

/// How long a caller should wait when too many secrets are being checked, in seconds.
const RETRY_AFTER_SECONDS: u32 = 1;

thread_local! {
    /// The memory of the small hashes, one per worker: 32 KiB that are never allocated twice.
    static SMALL_HASH_MEMORY: RefCell<HashMemory> = RefCell::default();
}

/// A client that has proved who it is. Only [`authenticate_client`] makes one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
    secret_id: Uuid,
    mechanism: Mechanism,
    upgrade: Option<SecretHash>,
}

impl AuthenticatedClient {
    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Our own id of the secret it used.
    pub const fn secret_id(&self) -> Uuid {
        self.secret_id
    }

    /// How it authenticated.
    pub const fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The hash that proved right, if it should be replaced by a better one.
    pub const fn outdated_hash(&self) -> Option<&SecretHash> {
        self.upgrade.as_ref()
    }
}

/// Finds the client that `presented` proves to be.
///
/// # Errors
/// `invalid_client` for every reason why it is none, `temporarily_unavailable` when too many checks are waiting.
pub async fn authenticate_client(
    presented: &PresentedCredentials,
    snapshot: &Snapshot,
    hashes: &HashPool,
    now: UnixMillis,
) -> Result<AuthenticatedClient, TokenError> {
    let mechanism = presented.mechanism;
    let candidates = || presented.candidates.iter().filter(|one| one.secret.len() <= MAX_SECRET_LENGTH);
    let generated = candidates().find_map(|one| match PresentedForm::classify(&one.secret) {
        PresentedForm::Generated(id) => Some((one, id)),
        PresentedForm::BadChecksum | PresentedForm::Other => None,
    });
    if let Some((candidate, secret_id)) = generated {
        return check_generated(candidate, secret_id, snapshot, hashes)
            .and_then(|(client, stored)| admit(&client, &stored, mechanism, now))
            .ok_or(TokenError::InvalidClient);
    }
    for candidate in candidates().filter(|one| PresentedForm::classify(&one.secret) == PresentedForm::Other) {
        if let Some((client, stored)) = check_brought(candidate, snapshot, hashes).await?
            && let Some(admitted) = admit(&client, &stored, mechanism, now)
        {
            return Ok(admitted);
        }
    }
    Err(TokenError::InvalidClient)
}

/// The one gate: what has matched must also be usable now.
fn admit(
    client: &Arc<Client>,
    stored: &StoredSecret,
    mechanism: Mechanism,
    now: UnixMillis,
) -> Option<AuthenticatedClient> {
    (client.is_usable(now) && stored.is_live(now)).then(|| AuthenticatedClient {
        client: client.clone(),
        secret_id: stored.id,
        mechanism,
        upgrade: stored.hash.needs_upgrade().then(|| stored.hash.clone()),
    })
}

/// Checks a secret of the generated form: its id selects the one hash to check.
fn check_generated(
    candidate: &Candidate,
    secret_id: SecretId,
    snapshot: &Snapshot,
    hashes: &HashPool,
) -> Option<(Arc<Client>, StoredSecret)> {
    let found = snapshot.client(&candidate.client_id).and_then(|client| {
        let stored = client.secrets.iter().find(|stored| stored.hash.secret_id() == Some(secret_id))?;
        Some((client, stored))
    });
    let Some((client, stored)) = found else {
        SMALL_HASH_MEMORY
            .with_borrow_mut(|memory| SecretWork::GENERATED.run_dummy(candidate.secret.as_bytes(), memory));
        return None;
    };
    if !hashes.is_remembered(client, stored, &candidate.secret) {
        let matches =
            SMALL_HASH_MEMORY.with_borrow_mut(|memory| stored.hash.verify(candidate.secret.as_bytes(), memory));
        if !matches {
            return None;
        }
        hashes.remember(client, stored, &candidate.secret);
    }
    Some((client.clone(), stored.clone()))
}

/// Checks a secret of any other form against those that a person brought.
async fn check_brought(
    candidate: &Candidate,
    snapshot: &Snapshot,
    hashes: &HashPool,
) -> Result<Option<(Arc<Client>, StoredSecret)>, TokenError> {
    let mut works: Vec<_> = snapshot.brought_work().copied().collect();
    if works.is_empty() {
        return Ok(None);
    }
    works.retain(SecretWork::is_slow);
    works.sort_unstable();
    let dummy = hashes.choose(&candidate.client_id, &works).copied().unwrap_or(SecretWork::BROUGHT);
    let client = snapshot.client(&candidate.client_id);
    let brought: Vec<StoredSecret> = client
        .into_iter()
        .flat_map(|client| &client.secrets)
        .filter(|stored| stored.hash.secret_id().is_none())
        .cloned()
        .collect();
    if let Some(client) = client
        && let Some(known) = brought.iter().find(|stored| hashes.is_remembered(client, stored, &candidate.secret))
    {
        return Ok(Some((client.clone(), known.clone())));
    }
    let stored_hashes = brought.iter().map(|stored| stored.hash.clone()).collect();
    let found = hashes
        .check_slowly(stored_hashes, Arc::from(candidate.secret.as_str()), dummy)
        .await
        .map_err(|_| TokenError::TemporarilyUnavailable { retry_after: RETRY_AFTER_SECONDS })?;
    Ok(found.and_then(|index| brought.get(index)).zip(client).map(|(stored, client)| {
        hashes.remember(client, stored, &candidate.secret);
        (client.clone(), stored.clone())
    }))
}
