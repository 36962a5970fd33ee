//! Which client may ask which API for what: grants, created, changed and deleted.

use super::administration::{AdministrationError, Change, audited};
use super::document::GrantEntry;
use crate::oauth::client::{Client, ClientGrant};
use crate::oauth::resource::Api;
use crate::oauth::scope::{ScopeSet, ScopeValue};
use crate::store::{AuditAction, ObjectKind};

impl Change<'_> {
    /// Grants `entry` to the client `client_id`.
    ///
    /// # Errors
    /// If client or API do not exist, the API does not define a scope, or there is a grant already.
    pub fn create_grant(&mut self, client_id: &str, entry: &GrantEntry) -> Result<ClientGrant, AdministrationError> {
        let (client, api) = self.client_and_api(client_id, &entry.audience)?;
        if client.grant_for(api.id).is_some() {
            return Err(AdministrationError::Conflict(format!(
                "the client {client_id} has a grant for {} already: update it",
                api.identifier
            )));
        }
        let scope = validated_scope(&api, &entry.scope)?;
        let grant =
            ClientGrant { id: self.new_id(), api_id: api.id, scope, created_at: self.now, updated_at: self.now };
        self.transaction.insert_grant(client.id, &grant)?;
        let after = GrantEntry::new(api.identifier.as_str(), &grant.scope);
        self.record(AuditAction::Create, ObjectKind::Grant, &object_id(&client, &api), None, audited(&after))?;
        Ok(grant)
    }

    /// Replaces the scopes of a grant.
    ///
    /// # Errors
    /// If there is no such grant, or the API does not define a scope.
    pub fn update_grant(&mut self, client_id: &str, entry: &GrantEntry) -> Result<ClientGrant, AdministrationError> {
        let (client, api) = self.client_and_api(client_id, &entry.audience)?;
        let grant = existing_grant(&client, &api)?;
        let scope = validated_scope(&api, &entry.scope)?;
        if scope == grant.scope {
            return Ok(grant);
        }
        self.transaction.replace_grant_scope(grant.id, &scope)?;
        let before = GrantEntry::new(api.identifier.as_str(), &grant.scope);
        let after = GrantEntry::new(api.identifier.as_str(), &scope);
        self.record(
            AuditAction::Update,
            ObjectKind::Grant,
            &object_id(&client, &api),
            audited(&before),
            audited(&after),
        )?;
        Ok(ClientGrant { scope, updated_at: self.now, ..grant })
    }

    /// Deletes a grant.
    ///
    /// # Errors
    /// If there is no such grant.
    pub fn delete_grant(&mut self, client_id: &str, audience: &str) -> Result<(), AdministrationError> {
        let (client, api) = self.client_and_api(client_id, audience)?;
        let grant = existing_grant(&client, &api)?;
        self.transaction.delete_grant(grant.id)?;
        let before = GrantEntry::new(api.identifier.as_str(), &grant.scope);
        self.record(AuditAction::Delete, ObjectKind::Grant, &object_id(&client, &api), audited(&before), None)
    }

    fn client_and_api(&mut self, client_id: &str, audience: &str) -> Result<(Client, Api), AdministrationError> {
        Ok((self.existing_client(client_id)?, self.existing_api(audience)?))
    }
}

fn existing_grant(client: &Client, api: &Api) -> Result<ClientGrant, AdministrationError> {
    client.grant_for(api.id).cloned().ok_or_else(|| AdministrationError::not_found("grant", object_id(client, api)))
}

fn object_id(client: &Client, api: &Api) -> String {
    format!("{} for {}", client.client_id, api.identifier)
}

/// The scopes to grant: each must be defined by the API, so that a typing error is found here and not at the first
/// refused request.
fn validated_scope(api: &Api, values: &[String]) -> Result<ScopeSet, AdministrationError> {
    let parsed: Result<ScopeSet, _> = values.iter().map(|value| value.parse::<ScopeValue>()).collect();
    let scope = parsed.map_err(AdministrationError::invalid)?;
    let undefined = scope.filtered(|value| !api.defines(value));
    if undefined.is_empty() {
        return Ok(scope);
    }
    let defined: Vec<_> = api.scopes.iter().map(|scope| scope.value.as_str()).collect();
    Err(AdministrationError::Invalid(format!(
        "the API {} does not define {undefined}; it defines: {}",
        api.identifier,
        if defined.is_empty() { "nothing".to_owned() } else { defined.join(" ") }
    )))
}
