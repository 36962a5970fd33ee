//! Which of a client's secrets does a document name: matched first, then pruned, then added?

use std::collections::HashSet;

use uuid::Uuid;

use super::apply::ApplyOptions;
use super::entries::{ClientEntry, SecretEntry};
use super::plan::{Plan, PlanAction};
use crate::clock::UnixMillis;
use crate::issuer::administration::{AdministrationError, Change};
use crate::issuer::secrets::SecretTerms;
use crate::oauth::client::Client;
use crate::secret::{HashMemory, SecretHash, StoredSecret, WeakSecrets, verify_any};

impl Change<'_> {
    /// Gives `client` the secrets of its entry.
    ///
    /// Whatever is retired goes before anything is added: a new secret may need the place of an old one, under the
    /// limit or beside its salt.
    pub(super) fn apply_secrets(
        &mut self,
        entry: &ClientEntry,
        client: &Client,
        options: ApplyOptions,
        plan: &mut Plan,
    ) -> Result<(), AdministrationError> {
        let mut matched = HashSet::new();
        let mut missing = Vec::new();
        for wanted in &entry.secrets {
            match find_secret(wanted, client, &matched, &mut self.memory) {
                Some(stored) => {
                    matched.insert(stored.id);
                    self.apply_terms(wanted, client, stored, plan)?;
                }
                None => missing.push(wanted),
            }
        }
        if options.prune {
            for stored in client.secrets.iter().filter(|stored| !matched.contains(&stored.id)) {
                self.retire_secret(client.client_id.as_str(), &stored.id.to_string())?;
                plan.note(PlanAction::Delete, "client_secret", secret_name(client, stored));
            }
        }
        let weak = if options.weak_secrets { WeakSecrets::Allow } else { WeakSecrets::Refuse };
        for wanted in missing {
            self.add_wanted(wanted, client, weak, plan)?;
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

    fn add_wanted(
        &mut self,
        wanted: &SecretEntry,
        client: &Client,
        weak: WeakSecrets,
        plan: &mut Plan,
    ) -> Result<(), AdministrationError> {
        let terms = SecretTerms { label: wanted.label.clone(), expires_at: wanted.expires_at };
        // As it is now: an earlier step may have brought the salt to share.
        let current = self.existing_client(client.client_id.as_str())?;
        let added = match (&wanted.value, &wanted.hash) {
            (Some(value), _) => self.add_brought_secret(&current, value, weak, terms)?,
            (None, Some(hash)) => self.add_hashed_secret(&current, hash.trim(), terms)?,
            (None, None) => {
                return Err(AdministrationError::Invalid(format!(
                    "client {}: a secret needs a value or a hash",
                    client.client_id
                )));
            }
        };
        plan.note(PlanAction::Create, "client_secret", secret_name(client, &added));
        Ok(())
    }
}

/// The stored secret that `wanted` is: by its hash, by the hash that an upgrade has replaced, or by its value verifying.
fn find_secret<'c>(
    wanted: &SecretEntry,
    client: &'c Client,
    matched: &HashSet<Uuid>,
    memory: &mut HashMemory,
) -> Option<&'c StoredSecret> {
    let mut free = client.secrets.iter().filter(|stored| !matched.contains(&stored.id));
    match (&wanted.hash, &wanted.value) {
        (Some(hash), _) => {
            let hash = hash.trim();
            let same = free.clone().find(|stored| stored.hash.as_str() == hash);
            same.or_else(|| {
                let imported = |stored: &&StoredSecret| {
                    stored.imported_hash.as_ref().is_some_and(|old| old.verify(hash.as_bytes(), memory))
                };
                free.find(imported)
            })
        }
        (None, Some(value)) => {
            let candidates: Vec<_> = free.filter(|stored| could_be(&stored.hash, value)).collect();
            let found = verify_any(candidates.iter().map(|stored| &stored.hash), value.as_bytes(), memory)?;
            candidates.get(found).copied()
        }
        (None, None) => None,
    }
}

/// Spares the hashes that cannot match: a generated secret names its hash.
fn could_be(hash: &SecretHash, value: &str) -> bool {
    use crate::secret::PresentedForm;
    match (hash.secret_id(), PresentedForm::classify(value)) {
        (Some(stored), PresentedForm::Generated(presented)) => stored == presented,
        (None, PresentedForm::Other) => true,
        _ => false,
    }
}

fn secret_name(client: &Client, stored: &StoredSecret) -> String {
    let label = stored.label.as_deref().map_or_else(|| stored.id.to_string(), |label| format!("\"{label}\""));
    format!("{label} of {}", client.client_id)
}
