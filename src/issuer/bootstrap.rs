//! What must be there before the first request: the Management API and a key that signs.

use super::administration::{Administration, AdministrationError, Change, audited};
use super::document::ApiEntry;
use crate::keys::SigningAlg;
use crate::oauth::resource::{Api, ScopeDefinition};
use crate::store::{Actor, AuditAction, ObjectKind};

/// Auth0's name for it: the deploy CLI knows by this name what it must not export or delete.
const MANAGEMENT_API_NAME: &str = "Auth0 Management API";

/// The rights of the Management API (contract 2.5).
pub const MANAGEMENT_SCOPES: [&str; 22] = [
    "read:clients",
    "create:clients",
    "update:clients",
    "delete:clients",
    "update:client_keys",
    "read:client_credentials",
    "create:client_credentials",
    "update:client_credentials",
    "delete:client_credentials",
    "read:resource_servers",
    "create:resource_servers",
    "update:resource_servers",
    "delete:resource_servers",
    "read:client_grants",
    "create:client_grants",
    "update:client_grants",
    "delete:client_grants",
    "read:signing_keys",
    "create:signing_keys",
    "update:signing_keys",
    "read:audit_events",
    "read:stats",
];

impl Administration {
    /// Makes sure that the Management API stands under today's issuer and that a key signs.
    ///
    /// # Errors
    /// If the store does not take it or no key can be made.
    pub fn bootstrap(&self) -> Result<(), AdministrationError> {
        self.change(&Actor::System, |change| {
            change.ensure_management_api()?;
            change.ensure_active_key(SigningAlg::Rs256)
        })
    }
}

impl Change<'_> {
    /// Creates the Management API, or moves it when the issuer has changed.
    fn ensure_management_api(&mut self) -> Result<(), AdministrationError> {
        let audience = self.admin.policy.issuer.management_audience();
        let identifier = audience.parse().map_err(AdministrationError::invalid)?;
        let existing = self.transaction.list_apis()?.into_iter().find(|api| api.is_system);
        if existing.as_ref().is_some_and(|api| api.identifier == identifier) {
            return Ok(());
        }
        if self.transaction.find_api_by_identifier(&identifier)?.is_some() {
            return Err(AdministrationError::Conflict(format!(
                "the API {identifier} has the identifier of the Management API of this issuer: delete it, or change issuer"
            )));
        }
        let scopes: Result<Vec<_>, _> = MANAGEMENT_SCOPES
            .into_iter()
            .map(|value| value.parse().map(|value| ScopeDefinition { value, description: None }))
            .collect();
        let scopes = scopes.map_err(AdministrationError::invalid)?;
        let before = existing.as_ref().map(ApiEntry::from);
        let api = match existing {
            Some(api) => Api { identifier, updated_at: self.now, ..api },
            None => {
                let template = self.validated_api(&ApiEntry {
                    name: Some(MANAGEMENT_API_NAME.to_owned()),
                    ..ApiEntry::new(audience.clone())
                })?;
                Api { id: self.new_id(), scopes, is_system: true, ..template }
            }
        };
        if before.is_some() {
            self.transaction.update_api(&api)?;
        } else {
            self.transaction.insert_api(&api)?;
        }
        let action = if before.is_some() { AuditAction::Update } else { AuditAction::Create };
        self.record(
            action,
            ObjectKind::Api,
            &audience,
            before.and_then(|entry| audited(&entry)),
            audited(&ApiEntry::from(&api)),
        )
    }
}
