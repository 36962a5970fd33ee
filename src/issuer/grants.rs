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
        if api.is_system {
            self.withdraw_links_of(&client)?;
        }
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
        if api.is_system {
            self.withdraw_links_of(&client)?;
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::clock::{ManualClock, UnixMillis};
    use crate::entropy::SystemEntropy;
    use crate::issuer::administration::{Administration, AdministrationPolicy};
    use crate::issuer::bootstrap::ManagementApi;
    use crate::issuer::clients::IdRule;
    use crate::issuer::document::{ApiEntry, ClientEntry, ScopeEntry};
    use crate::issuer::rights::{Caller, Rights};
    use crate::keys::MasterKey;
    use crate::keys::lifecycle::KeyState;
    use crate::keys::public_test_keys::PublicTestKey;
    use crate::oauth::metadata::Issuer;
    use crate::store::{Actor, Database, Migrate, Store, StoreSettings};

    const API: &str = "urn:api";
    const MANAGEMENT: &str = "http://localhost/api/v2/";

    /// Two clients, an API with two scopes, and the Management API.
    fn fixture() -> (Administration, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(UnixMillis(1_000)));
        let store = StoreSettings { database: Database::InMemory, pool_size: 2 };
        let administration = Administration::new(
            Store::open(&store, Migrate::Always).unwrap(),
            Arc::new(MasterKey::generate(&SystemEntropy).into()),
            clock.clone(),
            Arc::new(SystemEntropy),
            AdministrationPolicy::of_dev(Issuer::new("http://localhost/")),
        );
        let installed = administration.change(&Caller::system(), |change| {
            change.install_key(&PublicTestKey::Rs256Active.load(), KeyState::Active)
        });
        installed.unwrap();
        administration.bootstrap(ManagementApi::BringUpToDate).unwrap();
        let scope = |value: &str| ScopeEntry { value: value.to_owned(), description: None };
        let made = administration.change(&Caller::system(), |change| {
            for id in ["a", "b"] {
                change.create_client(&ClientEntry::new(Some(id.to_owned()), None), IdRule::Chosen)?;
            }
            change.create_api(&ApiEntry { scopes: vec![scope("read"), scope("write")], ..ApiEntry::new(API) })
        });
        made.unwrap();
        (administration, clock)
    }

    fn entry(audience: &str, scope: &[&str]) -> GrantEntry {
        GrantEntry::new(audience, scope.iter().map(|value| (*value).to_owned()).collect())
    }

    fn grant(
        administration: &Administration,
        audience: &str,
        scope: &[&str],
    ) -> Result<ClientGrant, AdministrationError> {
        administration.change(&Caller::system(), |change| change.create_grant("a", &entry(audience, scope)))
    }

    fn update(
        administration: &Administration,
        caller: &Caller,
        audience: &str,
        edit: impl FnOnce(&mut GrantEntry),
    ) -> Result<ClientGrant, AdministrationError> {
        administration.change(caller, |change| {
            change.update_grant("a", audience, |entry| {
                edit(entry);
                Ok(())
            })
        })
    }

    #[test]
    fn a_grant_holds_what_the_api_defines_and_stands_once() {
        let (administration, _) = fixture();
        let undefined = grant(&administration, API, &["read", "purge"]).unwrap_err();
        assert_eq!(undefined.to_string(), "the API urn:api does not define purge; it defines: read write");
        let made = grant(&administration, API, &["write", "read", "write"]).unwrap();
        assert_eq!(made.scope.to_string(), "write read");
        assert!(matches!(grant(&administration, API, &["read"]).unwrap_err(), AdministrationError::Conflict(_)));
        let found = administration.change(&Caller::system(), |change| Ok(change.grant_by_id(made.id)?.grant)).unwrap();
        assert_eq!(found, made);
        let other = administration.change(&Caller::system(), |change| change.delete_grant("b", API)).unwrap_err();
        assert_eq!(other.to_string(), "there is no grant b for urn:api");
        administration.change(&Caller::system(), |change| change.delete_grant("a", API)).unwrap();
        let gone = administration.change(&Caller::system(), |change| change.grant_by_id(made.id).map(drop));
        assert!(matches!(gone.unwrap_err(), AdministrationError::NotFound { .. }));
    }

    #[test]
    fn a_grant_is_changed_in_all_but_its_api() {
        let (administration, clock) = fixture();
        let made = grant(&administration, API, &["read"]).unwrap();
        clock.advance(1);
        let revision = administration.store().revision().unwrap();
        let same = update(&administration, &Caller::system(), API, |entry| entry.scope = vec!["read".to_owned(); 2]);
        assert_eq!((same.unwrap(), administration.store().revision().unwrap()), (made.clone(), revision), "no trace");
        let moved = update(&administration, &Caller::system(), API, |entry| entry.audience = MANAGEMENT.to_owned());
        assert!(matches!(moved.unwrap_err(), AdministrationError::Refused(_)));
        let changed = update(&administration, &Caller::system(), API, |entry| {
            entry.scope = vec!["write".to_owned()];
            entry.auth0_fields.insert("organization_usage".to_owned(), json!("deny"));
        });
        let changed = changed.unwrap();
        assert_eq!((changed.id, changed.scope.to_string().as_str()), (made.id, "write"));
        assert_eq!(changed.auth0_fields["organization_usage"], "deny");
        assert_eq!((changed.created_at, changed.updated_at), (UnixMillis(1_000), UnixMillis(2_000)));
        let stored = administration.change(&Caller::system(), |change| Ok(change.grant_by_id(made.id)?.grant));
        assert_eq!(stored.unwrap(), changed);
    }

    /// As the client `a` itself, with these rights.
    fn itself(scope: &[&str]) -> Caller {
        let actor = Actor::Client { client_id: "a".to_owned() };
        Caller { actor, request_id: None, rights: Rights::Scopes(ScopeSet::parse(&scope.join(" ")).unwrap()) }
    }

    #[test]
    fn a_client_does_not_take_its_own_way_to_the_management_api() {
        let (administration, _) = fixture();
        let rights = ["read:clients", "update:clients"];
        grant(&administration, MANAGEMENT, &rights).unwrap();
        grant(&administration, API, &["read", "write"]).unwrap();
        let caller = itself(&rights);
        let taken = update(&administration, &caller, MANAGEMENT, |entry| drop(entry.scope.pop())).unwrap_err();
        assert!(taken.to_string().contains("the client a is the one that calls"), "{taken}");
        let deleted = administration.change(&caller, |change| change.delete_grant("a", MANAGEMENT)).unwrap_err();
        assert!(matches!(deleted, AdministrationError::Refused(_)), "{deleted}");
        let kept = update(&administration, &caller, MANAGEMENT, |entry| {
            entry.auth0_fields.insert("organization_usage".to_owned(), json!("deny"));
        });
        assert!(kept.is_ok(), "nothing is taken away");
        assert!(update(&administration, &caller, API, |entry| drop(entry.scope.pop())).is_ok());
        let more = update(&administration, &caller, MANAGEMENT, |entry| entry.scope.push("delete:clients".to_owned()));
        assert_eq!(more.unwrap_err().to_string(), "Insufficient scope, expected all of: delete:clients");
        assert!(update(&administration, &Caller::system(), MANAGEMENT, |entry| drop(entry.scope.pop())).is_ok());
    }
}
