//! Which of a client's secrets does a document name: matched first, then pruned, then added?

use std::collections::HashSet;

use uuid::Uuid;

use super::apply::Applying;
use super::entries::{ClientEntry, SecretEntry};
use super::plan::{Plan, PlanAction};
use crate::clock::UnixMillis;
use crate::issuer::administration::{AdministrationError, Change};
use crate::issuer::secrets::SecretTerms;
use crate::oauth::client::Client;
use crate::secret::{HashMemory, PresentedForm, SecretHash, StoredSecret, verify_any};

impl Change<'_> {
    /// Gives `client`, which is stored, the secrets of its entry, which is the one at `place`.
    ///
    /// Whatever is retired goes before anything is added: a new secret may need the place of an old one, under the
    /// limit or beside its salt.
    pub(super) fn apply_secrets(
        &mut self,
        place: usize,
        entry: &ClientEntry,
        client: &Client,
        applying: &Applying<'_>,
        plan: &mut Plan,
    ) -> Result<(), AdministrationError> {
        let mut matched = HashSet::new();
        let mut missing = Vec::new();
        for (index, wanted) in entry.secrets.iter().enumerate() {
            match find_secret((place, index), wanted, client, &matched, applying, &mut self.memory) {
                Some(stored) => {
                    matched.insert(stored.id);
                    self.apply_terms(wanted, client, stored, plan)?;
                }
                None => missing.push((index, wanted)),
            }
        }
        if applying.options.prune {
            for stored in client.secrets.iter().filter(|stored| !matched.contains(&stored.id)) {
                self.retire_secret(client.client_id.as_str(), &stored.id.to_string())?;
                plan.note(PlanAction::Delete, "client_secret", secret_name(client, stored));
            }
        }
        for (index, wanted) in missing {
            // As it is now: an earlier step may have brought the salt to share.
            let current = self.existing_client(client.client_id.as_str())?;
            let hash = self.wanted_hash((place, index), wanted, &current, applying)?;
            let added = self.add_hashed_secret(&current, hash, SecretTerms::from(wanted))?;
            plan.make_up(&added.id);
            plan.note(PlanAction::Create, "client_secret", secret_name(client, &added));
        }
        Ok(())
    }

    fn apply_terms(
        &mut self,
        wanted: &SecretEntry,
        client: &Client,
        stored: &StoredSecret,
        plan: &mut Plan,
    ) -> Result<(), AdministrationError> {
        let expires_at = wanted.expires_at.map(|at| UnixMillis(at.as_millisecond()));
        if stored.label != wanted.label || stored.expires_at != expires_at {
            self.change_secret(client, stored, wanted.label.clone(), expires_at)?;
            plan.note(PlanAction::Update, "client_secret", secret_name(client, stored));
        }
        Ok(())
    }

    /// The hash to store for the secret at `place`, beside those that `client` has now.
    pub(super) fn wanted_hash(
        &mut self,
        place: (usize, usize),
        wanted: &SecretEntry,
        client: &Client,
        applying: &Applying<'_>,
    ) -> Result<SecretHash, AdministrationError> {
        let invalid = |error: &dyn std::fmt::Display| {
            AdministrationError::Invalid(format!("client {}: {error}", client.client_id))
        };
        let siblings = || client.secrets.iter().map(|stored| &stored.hash);
        match (&wanted.value, &wanted.hash) {
            (Some(value), _) => match applying.prepared.fresh(place, siblings()) {
                Some(fresh) => Ok(fresh.clone()),
                None => applying.hashing.hash(value, siblings(), &mut self.memory).map_err(|error| invalid(&error)),
            },
            (None, Some(hash)) => SecretHash::parse(hash.trim()).map_err(|error| invalid(&error)),
            (None, None) => Err(invalid(&"a secret needs a value or a hash")),
        }
    }
}

impl From<&SecretEntry> for SecretTerms {
    fn from(entry: &SecretEntry) -> Self {
        Self { label: entry.label.clone(), expires_at: entry.expires_at }
    }
}

/// The stored secret that `wanted` is: by its hash, by the hash that an upgrade has replaced, or by its value verifying.
fn find_secret<'c>(
    place: (usize, usize),
    wanted: &SecretEntry,
    client: &'c Client,
    matched: &HashSet<Uuid>,
    applying: &Applying<'_>,
    memory: &mut HashMemory,
) -> Option<&'c StoredSecret> {
    let mut free = client.secrets.iter().filter(|stored| !matched.contains(&stored.id));
    match (&wanted.hash, &wanted.value) {
        (Some(hash), _) => {
            let hash = hash.trim();
            let same = free.clone().find(|stored| stored.hash.text() == hash);
            same.or_else(|| {
                let imported = |stored: &&StoredSecret| {
                    stored.imported_hash.as_ref().is_some_and(|old| {
                        applying.prepared.verdict(place, old).unwrap_or_else(|| old.verify(hash.as_bytes(), memory))
                    })
                };
                free.find(imported)
            })
        }
        (None, Some(value)) => {
            let mut unknown = Vec::new();
            for stored in free.filter(|stored| could_be(&stored.hash, value)) {
                match applying.prepared.verdict(place, &stored.hash) {
                    Some(true) => return Some(stored),
                    Some(false) => {}
                    // Stored since the secrets were compared.
                    None => unknown.push(stored),
                }
            }
            let found = verify_any(unknown.iter().map(|stored| &stored.hash), value.as_bytes(), memory)?;
            unknown.get(found).copied()
        }
        (None, None) => None,
    }
}

/// Spares the hashes that cannot match: a generated secret names its hash.
pub(super) fn could_be(hash: &SecretHash, value: &str) -> bool {
    match (hash.secret_id(), PresentedForm::classify(value)) {
        (Some(stored), PresentedForm::Generated(presented)) => stored == presented,
        (None, PresentedForm::Other) => true,
        _ => false,
    }
}

pub(super) fn secret_name(client: &Client, stored: &StoredSecret) -> String {
    let label = stored.label.as_deref().map_or_else(|| stored.id.to_string(), |label| format!("\"{label}\""));
    format!("{label} of {}", client.client_id)
}
