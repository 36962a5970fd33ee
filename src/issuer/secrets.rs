//! Which secrets does a client have: added, rotated with an overlap, retired.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::administration::{AdministrationError, Change, audited};
use super::apis::validated_text;
use super::document::entries::to_timestamp;
use crate::clock::UnixMillis;
use crate::oauth::client::Client;
use crate::secret::{GeneratedSecret, SecretHash, StoredSecret, WeakSecrets, hash_brought, hash_generated, verify_any};
use crate::store::{AuditAction, ObjectKind};

/// What is told about a new secret besides the secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretTerms {
    /// For people.
    pub label: Option<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

/// A secret that was just generated: the one time it is known. Not `Debug`.
pub struct AddedSecret {
    /// The secret.
    pub secret: GeneratedSecret,
    /// What is stored of it.
    pub stored: StoredSecret,
    /// When the secrets before it stop working, after a rotation.
    pub previous_expires_at: Option<UnixMillis>,
}

/// A secret as the audit trail and the lists show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SecretSummary {
    /// Our own id.
    pub id: String,
    /// The first characters, by which a holder recognises a generated secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it was added.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// When it stops working.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it last proved right.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

impl From<&StoredSecret> for SecretSummary {
    fn from(stored: &StoredSecret) -> Self {
        Self {
            id: stored.id.to_string(),
            hint: stored.hash.secret_id().map(|id| format!("ths_{}", id.as_str())),
            label: stored.label.clone(),
            created_at: to_timestamp(stored.created_at),
            expires_at: stored.expires_at.and_then(to_timestamp),
            last_used_at: stored.last_used_at.and_then(to_timestamp),
        }
    }
}

impl Change<'_> {
    /// Generates a secret for the client `client_id`.
    ///
    /// # Errors
    /// If there is no such client, or it has as many live secrets as it may.
    pub fn add_secret(&mut self, client_id: &str, terms: SecretTerms) -> Result<AddedSecret, AdministrationError> {
        let client = self.existing_client(client_id)?;
        if let Some(at) = terms.expires_at.filter(|at| at.as_millisecond() <= self.now.0) {
            return Err(AdministrationError::Invalid(format!("{at} is past: the secret would never work")));
        }
        let secret = GeneratedSecret::generate(self.admin.entropy.as_ref());
        let hash = hash_generated(&secret, self.admin.entropy.as_ref());
        let stored = self.store_secret(&client, hash, terms)?;
        Ok(AddedSecret { secret, stored, previous_expires_at: None })
    }

    /// Adds a secret that somebody brought.
    ///
    /// # Errors
    /// If it is too weak or too long, or the client has as many live secrets as it may.
    pub fn add_brought_secret(
        &mut self,
        client: &Client,
        value: &str,
        weak: WeakSecrets,
        terms: SecretTerms,
    ) -> Result<StoredSecret, AdministrationError> {
        let slow = client.secrets.iter().map(|stored| &stored.hash).find(|hash| hash.is_slow());
        let entropy = self.admin.entropy.as_ref();
        let hash = hash_brought(value, weak, slow, entropy, &mut self.memory)
            .map_err(|error| AdministrationError::Invalid(format!("client {}: {error}", client.client_id)))?;
        self.store_secret(client, hash, terms)
    }

    /// Makes `value` the secret of the client `client_id`; those before it stop working at once. If it is one of them, nothing
    /// changes.
    ///
    /// # Errors
    /// If there is no such client, or the secret is too weak or too long.
    pub fn set_secret(&mut self, client_id: &str, value: &str) -> Result<(), AdministrationError> {
        let client = self.existing_client(client_id)?;
        self.may_touch_credentials(&client)?;
        let now = self.now;
        let live: Vec<_> = client.secrets.iter().filter(|stored| stored.is_live(now)).collect();
        if verify_any(live.iter().map(|stored| &stored.hash), value.as_bytes(), &mut self.memory).is_some() {
            return Ok(());
        }
        for stored in &client.secrets {
            self.retire_secret(client_id, &stored.id.to_string())?;
        }
        let client = self.existing_client(client_id)?;
        self.add_brought_secret(&client, value, WeakSecrets::Refuse, SecretTerms::default()).map(drop)
    }

    /// Adds a secret of which only the hash is known.
    ///
    /// # Errors
    /// If the client has as many live secrets as it may, or one whose hash would cost a computation of its own.
    pub fn add_hashed_secret(
        &mut self,
        client: &Client,
        hash: SecretHash,
        terms: SecretTerms,
    ) -> Result<StoredSecret, AdministrationError> {
        self.store_secret(client, hash, terms)
    }

    /// Generates a new secret and lets the others expire after `overlap` seconds, so that nothing stands still.
    ///
    /// # Errors
    /// If there is no such client, or it has as many live secrets as it may.
    pub fn rotate_secret(
        &mut self,
        client_id: &str,
        overlap: u32,
        terms: SecretTerms,
    ) -> Result<AddedSecret, AdministrationError> {
        let client = self.existing_client(client_id)?;
        let ends = self.now.plus_seconds(i64::from(overlap));
        let mut latest = None;
        let now = self.now;
        if overlap == 0 {
            // Nothing would ever look at them again.
            for stored in &client.secrets {
                self.retire_secret(client_id, &stored.id.to_string())?;
            }
        }
        for stored in client.secrets.iter().filter(|stored| overlap > 0 && stored.is_live(now)) {
            let expires_at = stored.expires_at.map_or(ends, |already| already.min(ends));
            if stored.expires_at != Some(expires_at) {
                self.change_secret(&client, stored, stored.label.clone(), Some(expires_at))?;
            }
            latest = latest.max(Some(expires_at));
        }
        let added = self.add_secret(client_id, terms)?;
        Ok(AddedSecret { previous_expires_at: latest, ..added })
    }

    /// Deletes a secret of the client `client_id`; `which` is its id, or the first characters of a generated one.
    ///
    /// # Errors
    /// If there is no such secret.
    pub fn retire_secret(&mut self, client_id: &str, which: &str) -> Result<(), AdministrationError> {
        let client = self.existing_client(client_id)?;
        let stored = named_secret(&client, which)?;
        self.may_touch_credentials(&client)?;
        self.transaction.delete_secret(stored.id)?;
        self.record(
            AuditAction::Delete,
            ObjectKind::ClientSecret,
            &object_id(&client, stored),
            audited(&SecretSummary::from(stored)),
            None,
        )
    }

    /// Changes label and expiry of a secret of the client `client_id` as `edit` does; `which` as in [`Self::retire_secret`].
    ///
    /// # Errors
    /// If there is no such secret.
    pub fn update_secret(
        &mut self,
        client_id: &str,
        which: &str,
        edit: impl FnOnce(&mut SecretTerms),
    ) -> Result<StoredSecret, AdministrationError> {
        let client = self.existing_client(client_id)?;
        let stored = named_secret(&client, which)?;
        let before = SecretTerms { label: stored.label.clone(), expires_at: stored.expires_at.and_then(to_timestamp) };
        let mut terms = before.clone();
        edit(&mut terms);
        if terms != before {
            let expires_at = terms.expires_at.map(|at| UnixMillis(at.as_millisecond()));
            self.change_secret(&client, stored, terms.label, expires_at)?;
        }
        let client = self.existing_client(client_id)?;
        named_secret(&client, which).cloned()
    }

    /// Changes label and expiry of a secret.
    pub(super) fn change_secret(
        &mut self,
        client: &Client,
        stored: &StoredSecret,
        label: Option<String>,
        expires_at: Option<UnixMillis>,
    ) -> Result<(), AdministrationError> {
        self.may_touch_credentials(client)?;
        let label = label.map(|label| validated_text("label", &label)).transpose()?;
        let changed = StoredSecret { label, expires_at, ..stored.clone() };
        if changed.is_live(self.now) && !stored.is_live(self.now) {
            // One that comes back counts like a new one.
            let current = self.existing_client(client.client_id.as_str())?;
            self.room_for_live_secret(&current)?;
        }
        self.transaction.update_secret_label(stored.id, changed.label.as_deref())?;
        self.transaction.update_secret_expiry(stored.id, expires_at)?;
        let (before, after) = (SecretSummary::from(stored), SecretSummary::from(&changed));
        self.record(
            AuditAction::Update,
            ObjectKind::ClientSecret,
            &object_id(client, stored),
            audited(&before),
            audited(&after),
        )
    }

    fn store_secret(
        &mut self,
        client: &Client,
        hash: SecretHash,
        terms: SecretTerms,
    ) -> Result<StoredSecret, AdministrationError> {
        self.may_touch_credentials(client)?;
        // Counted from the store: earlier steps of the same change may have added some.
        let current = self.existing_client(client.client_id.as_str())?;
        let stored = self.new_secret(&current, hash, terms)?;
        self.transaction.insert_secret(client.id, &stored)?;
        self.record_new_secret(client, &stored)?;
        Ok(stored)
    }

    /// The secret to store beside those that `client` has now.
    pub(super) fn new_secret(
        &self,
        client: &Client,
        hash: SecretHash,
        terms: SecretTerms,
    ) -> Result<StoredSecret, AdministrationError> {
        let expires_at = terms.expires_at.map(|at| UnixMillis(at.as_millisecond()));
        let stored = StoredSecret {
            id: self.new_id(),
            hash,
            imported_hash: None,
            label: terms.label.map(|label| validated_text("label", &label)).transpose()?,
            created_at: self.now,
            expires_at,
            last_used_at: None,
        };
        if stored.is_live(self.now) {
            self.room_for_live_secret(client)?;
        }
        // Checking a brought secret must cost one slow computation, or the time would tell clients apart; of small ones
        // too. A secret that has expired is checked like the others, so that its expiry does not show either: it hinders
        // too. It is not deleted on the way, because it is in use again as soon as somebody moves its expiry.
        let rivals = |other: &&StoredSecret| {
            let (new, old) = (&stored.hash, &other.hash);
            (new.is_slow() && old.is_slow() || new.is_small() && old.is_small()) && !new.shares_computation_with(old)
        };
        match client.secrets.iter().find(rivals) {
            Some(other) => Err(self.other_computation(client, other)),
            None => Ok(stored),
        }
    }

    /// May `client` have one more?
    pub(super) fn room_for_live_secret(&self, client: &Client) -> Result<(), AdministrationError> {
        let live = client.secrets.iter().filter(|stored| stored.is_live(self.now)).count();
        let limit = self.admin.policy.max_live_secrets;
        if live >= limit {
            return Err(AdministrationError::Conflict(format!(
                "the client {} has {live} live secrets, and {limit} is the limit: retire one first",
                client.client_id
            )));
        }
        Ok(())
    }

    pub(super) fn record_new_secret(
        &mut self,
        client: &Client,
        stored: &StoredSecret,
    ) -> Result<(), AdministrationError> {
        let after = audited(&SecretSummary::from(stored));
        self.record(AuditAction::Create, ObjectKind::ClientSecret, &object_id(client, stored), None, after)
    }

    /// Why no secret can be added beside `other`, and that it must be retired first.
    fn other_computation(&self, client: &Client, other: &StoredSecret) -> AdministrationError {
        let secret = if other.is_live(self.now) { "a secret" } else { "an expired secret" };
        // A value is hashed with the salt of those that were hashed here.
        let instead = if other.hash.needs_upgrade() && !other.hash.is_small() {
            ""
        } else {
            ", or give the value instead of the hash"
        };
        AdministrationError::Conflict(format!(
            "the client {} has {secret} hashed with another salt or algorithm ({}…): retire {} first{instead}",
            client.client_id,
            other.hash.text().split('$').nth(1).unwrap_or("digest"),
            other.id,
        ))
    }
}

/// The secret of `client` with the id `which`, or whose first characters it is.
fn named_secret<'c>(client: &'c Client, which: &str) -> Result<&'c StoredSecret, AdministrationError> {
    let named = |stored: &&StoredSecret| {
        let summary = SecretSummary::from(*stored);
        summary.id == which || summary.hint.as_deref() == Some(which)
    };
    client.secrets.iter().find(named).ok_or_else(|| {
        let name = format!("{which} of the client {}: list them first", client.client_id);
        AdministrationError::not_found("secret", name)
    })
}

pub(super) fn object_id(client: &Client, stored: &StoredSecret) -> String {
    format!("{} of {}", stored.id, client.client_id)
}
