//! Which rights does it take to apply a document, or to export one? Those that the same changes take one by one.

use super::entries::Document;
use super::export::export;
use super::known::Known;
use crate::issuer::administration::{Administration, AdministrationError};
use crate::issuer::rights::{Caller, Rights};
use crate::oauth::scope::ScopeSet;
use crate::store::Reader;

/// What an export shows.
pub const EXPORT_SCOPES: [&str; 4] =
    ["read:clients", "read:client_credentials", "read:resource_servers", "read:client_grants"];

/// What applying a document may do, whatever stands in it: it also tells what is there.
pub const APPLY_SCOPES: [&str; 15] = [
    "read:clients",
    "create:clients",
    "update:clients",
    "update:client_keys",
    "read:client_credentials",
    "create:client_credentials",
    "update:client_credentials",
    "delete:client_credentials",
    "read:resource_servers",
    "create:resource_servers",
    "update:resource_servers",
    "read:client_grants",
    "create:client_grants",
    "update:client_grants",
    "delete:client_grants",
];

/// What deleting everything else takes besides.
pub const PRUNE_SCOPES: [&str; 2] = ["delete:clients", "delete:resource_servers"];

impl Rights {
    /// Which of `scopes` of the Management API are lacking?
    pub fn lacking_of<'s>(&self, scopes: impl IntoIterator<Item = &'s str>) -> Vec<&'s str> {
        let holds = |name: &str| match self {
            Self::Host => true,
            Self::Itself(_) => false,
            Self::Scopes(held) => held.iter().any(|value| value.as_str() == name),
        };
        scopes.into_iter().filter(|scope| !holds(scope)).collect()
    }

    fn must_hold_all<'s>(&self, scopes: impl IntoIterator<Item = &'s str>) -> Result<(), AdministrationError> {
        let lacking = self.lacking_of(scopes);
        if lacking.is_empty() {
            return Ok(());
        }
        Err(AdministrationError::InsufficientScope(lacking.into_iter().map(str::to_owned).collect()))
    }

    /// May a document be applied, and what it lacks be deleted if `prune` says so?
    pub(super) fn may_apply(&self, prune: bool) -> Result<(), AdministrationError> {
        self.must_hold_all(APPLY_SCOPES.into_iter().chain(PRUNE_SCOPES.into_iter().filter(|_| prune)))
    }

    /// May the secrets in `document` be compared with those that are there? A plan tells which of them are right: whoever may not
    /// touch the credentials of a client could try any number of secrets with it.
    pub(super) fn may_compare(
        &self,
        document: &Document,
        known: &Known,
        reader: &mut Reader,
    ) -> Result<(), AdministrationError> {
        if *self == Self::Host {
            return Ok(());
        }
        for entry in document.clients.iter().filter(|entry| !entry.secrets.is_empty()) {
            if let Some(client) = known.find_client(entry)? {
                self.may_touch_credentials(client, reader)?;
            }
        }
        Ok(())
    }
}

impl Administration {
    /// Everything that is configured, as a document with the hashes of all secrets. Blocks.
    ///
    /// # Errors
    /// If the caller lacks a right that reading it takes, or that a client has whose hashes it would see.
    pub fn export(&self, caller: &Caller) -> Result<Document, AdministrationError> {
        caller.rights.must_hold_all(EXPORT_SCOPES)?;
        let image = self.store.load_all()?;
        if let Some(management) = image.apis.iter().find(|api| api.is_system) {
            let granted = image.clients.iter().filter_map(|client| client.grant_for(management.id));
            let granted: ScopeSet = granted.flat_map(|grant| grant.scope.iter().cloned()).collect();
            caller.rights.must_hold(&granted)?;
        }
        Ok(export(&image))
    }
}

#[cfg(test)]
mod tests;
