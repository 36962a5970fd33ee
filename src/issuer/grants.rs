//! Which client may ask which API for what: grants, created, changed and deleted.

use uuid::Uuid;

use super::administration::{AdministrationError, Change, audited, validated_auth0_fields};
use super::document::GrantEntry;
use super::document::entries::without_repeats;
use crate::oauth::client::{Client, ClientGrant};
use crate::oauth::resource::Api;
use crate::oauth::scope::{ScopeSet, ScopeValue};
use crate::store::{AuditAction, ObjectKind, OwnedGrant};

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
        let grant = self.new_grant(&api, entry)?;
        self.transaction.insert_grant(client.id, &grant)?;
        self.record_new_grant(&client, &api, &grant)?;
        Ok(grant)
    }

    /// The grant of `api` to store.
    pub(super) fn new_grant(&self, api: &Api, entry: &GrantEntry) -> Result<ClientGrant, AdministrationError> {
        let scope = validated_scope(api, &entry.scope)?;
        self.may_grant(api, &scope)?;
        Ok(ClientGrant {
            id: self.new_id(),
            api_id: api.id,
            scope,
            auth0_fields: validated_auth0_fields(&entry.auth0_fields)?,
            created_at: self.now,
            updated_at: self.now,
        })
    }

    pub(super) fn record_new_grant(
        &mut self,
        client: &Client,
        api: &Api,
        grant: &ClientGrant,
    ) -> Result<(), AdministrationError> {
        let after = GrantEntry::of(api.identifier.as_str(), grant);
        self.record(AuditAction::Create, ObjectKind::Grant, &object_id(client, api), None, audited(&after))
    }

    /// Changes the grant of the client `client_id` for the API `audience` as `edit` does.
    ///
    /// # Errors
    /// If there is no such grant, or the API does not define a scope.
    pub fn update_grant(
        &mut self,
        client_id: &str,
        audience: &str,
        edit: impl FnOnce(&mut GrantEntry) -> Result<(), AdministrationError>,
    ) -> Result<ClientGrant, AdministrationError> {
        let (client, api) = self.client_and_api(client_id, audience)?;
        let grant = existing_grant(&client, &api)?;
        let before = GrantEntry::of(api.identifier.as_str(), &grant);
        let mut entry = before.clone();
        edit(&mut entry)?;
        entry.scope = without_repeats(&entry.scope);
        if entry.audience != before.audience {
            return Err(AdministrationError::Refused(
                "the API of a grant cannot change: make another grant".to_owned(),
            ));
        }
        if entry == before {
            return Ok(grant);
        }
        let scope = validated_scope(&api, &entry.scope)?;
        self.may_grant(&api, &scope.divided_by(grant.scope.iter()).1)?;
        if api.is_system && !grant.scope.divided_by(scope.iter()).1.is_empty() {
            self.must_not_be_caller(&client, "take its scopes away")?;
        }
        let auth0_fields = validated_auth0_fields(&entry.auth0_fields)?;
        let updated = ClientGrant { scope, auth0_fields, updated_at: self.now, ..grant };
        self.transaction.update_grant(&updated)?;
        let after = GrantEntry::of(api.identifier.as_str(), &updated);
        let name = object_id(&client, &api);
        self.record(AuditAction::Update, ObjectKind::Grant, &name, audited(&before), audited(&after))?;
        Ok(updated)
    }

    /// Deletes a grant.
    ///
    /// # Errors
    /// If there is no such grant.
    pub fn delete_grant(&mut self, client_id: &str, audience: &str) -> Result<(), AdministrationError> {
        let (client, api) = self.client_and_api(client_id, audience)?;
        let grant = existing_grant(&client, &api)?;
        if api.is_system {
            self.must_not_be_caller(&client, "delete its grant")?;
        }
        self.transaction.delete_grant(grant.id)?;
        let before = GrantEntry::of(api.identifier.as_str(), &grant);
        self.record(AuditAction::Delete, ObjectKind::Grant, &object_id(&client, &api), audited(&before), None)
    }

    /// The grant with our own id, its client and its API.
    ///
    /// # Errors
    /// If there is none.
    pub fn grant_by_id(&mut self, id: Uuid) -> Result<OwnedGrant, AdministrationError> {
        let missing = || AdministrationError::not_found("grant", id.to_string());
        self.transaction.find_grant(id)?.ok_or_else(missing)
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
    let (_, undefined) = scope.divided_by(api.scopes.iter().map(|scope| &scope.value));
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
