//! What must be there before the first request: the Management API and a key that signs.

use super::administration::{Administration, AdministrationError, Change, audited};
use super::document::{ApiEntry, GrantEntry};
use super::rights::Caller;
use super::rotate_keys::of_state;
use crate::keys::SigningAlg;
use crate::keys::lifecycle::KeyState;
use crate::oauth::resource::{Api, ScopeDefinition};
use crate::store::{AuditAction, ObjectKind, StoreError};

/// Auth0's name for it: the deploy CLI knows by this name what it must not export or delete.
const MANAGEMENT_API_NAME: &str = "Auth0 Management API";

/// The rights of the Management API.
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

/// What becomes of a Management API that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManagementApi {
    /// It stays as it is: a command may have been called with another issuer by mistake.
    Keep,
    /// It moves to the issuer of this server and gets the scopes of this version.
    BringUpToDate,
}

impl Administration {
    /// Makes sure that there is a Management API and that a key signs.
    ///
    /// # Errors
    /// If the store does not take it or no key can be made.
    pub fn bootstrap(&self, moving: ManagementApi) -> Result<(), AdministrationError> {
        let audience = self.policy.issuer.management_audience();
        // Looked at first: who only starts does not wait for those who change something.
        let (apis, keys) =
            self.store.read(|reader| Ok::<_, StoreError>((reader.list_apis()?, reader.list_signing_keys()?)))?;
        let signs = of_state(&keys, SigningAlg::Rs256, KeyState::Active).is_some();
        if signs && apis.iter().find(|api| api.is_system).is_some_and(|api| stays(api, &audience, moving)) {
            return Ok(());
        }
        let made = if signs { Vec::new() } else { vec![self.make_key(SigningAlg::Rs256)?] };
        self.change_with_keys(&Caller::system(), made, |change| {
            change.ensure_management_api(moving)?;
            change.ensure_active_key(SigningAlg::Rs256)
        })
    }
}

impl Change<'_> {
    /// Grants the client `client_id` every right of the Management API.
    ///
    /// # Errors
    /// If there is no such client, or it has such a grant already.
    pub fn grant_management(&mut self, client_id: &str) -> Result<(), AdministrationError> {
        let system = self.transaction.list_apis()?.into_iter().find(|api| api.is_system);
        let api = system.ok_or_else(|| AdministrationError::not_found("API", "for management"))?;
        let scope = api.scopes.iter().map(|scope| scope.value.to_string()).collect();
        self.create_grant(client_id, &GrantEntry::new(api.identifier.as_str(), scope))?;
        Ok(())
    }

    /// Creates the Management API, or brings it up to date where `management` says so.
    fn ensure_management_api(&mut self, management: ManagementApi) -> Result<(), AdministrationError> {
        let audience = self.admin.policy.issuer.management_audience();
        let identifier = audience.parse().map_err(AdministrationError::invalid)?;
        let existing = self.transaction.list_apis()?.into_iter().find(|api| api.is_system);
        if existing.as_ref().is_some_and(|api| stays(api, &audience, management)) {
            return Ok(());
        }
        if self.transaction.find_api_by_identifier(&identifier)?.is_some_and(|api| !api.is_system) {
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
            Some(api) => Api { identifier, scopes, updated_at: self.now, ..api },
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

/// Is the Management API `api` as it should be?
fn stays(api: &Api, audience: &str, management: ManagementApi) -> bool {
    let defined = || api.scopes.iter().map(|scope| scope.value.as_str());
    management == ManagementApi::Keep || api.identifier.as_str() == audience && defined().eq(MANAGEMENT_SCOPES)
}
