//! How are APIs kept, and what happens to grants when they change?

use super::engines::each_engine;
use super::fixtures::{CHANGED, api, client, full_client, grant, id, scope, shape, try_write, write};
use crate::oauth::resource::{Api, DefaultScope, Lifetime, ScopeFormat, ScopePolicy, TokenDialect};
use crate::store::{Conflict, ObjectKind, Reader, Revision, StoreError};

#[test]
fn an_api_is_found_as_it_was_inserted() {
    each_engine(|store| {
        let plain = api("https://api.example.com/", "write:users read:users read:reports");
        let full = Api {
            token_dialect: Some(TokenDialect::IdentityServer),
            default_scope: DefaultScope::Error,
            scope_policy: ScopePolicy::WholeGrant,
            scope_format: Some(ScopeFormat::Array),
            token_lifetime: Lifetime::try_from(i64::from(Lifetime::MAX_SECONDS)).unwrap(),
            token_reuse_seconds: u32::MAX,
            is_system: true,
            auth0_fields: serde_json::Map::new(),
            ..api("urn:other", "")
        };
        for api in [&plain, &full] {
            write(store, |transaction| transaction.insert_api(api));
            let found = store.read(|reader| reader.find_api_by_identifier(&api.identifier)).unwrap();
            assert_eq!(found.as_ref(), Some(api));
            assert_eq!(store.read(|reader| reader.find_api_by_id(api.id)).unwrap().as_ref(), Some(api));
        }
        let mut all = [plain, full];
        all.sort_by_key(|api| api.id);
        assert_eq!(store.read(Reader::list_apis).unwrap(), all);
        assert_eq!(store.read(|reader| reader.find_api_by_id(id())).unwrap(), None);
        assert_eq!(store.read(|reader| reader.find_api_by_identifier(&"no".parse().unwrap())).unwrap(), None);
    });
}

#[test]
fn an_identifier_is_taken_once() {
    each_engine(|store| {
        write(store, |transaction| transaction.insert_api(&api("urn:a", "")));
        let error = try_write(store, |transaction| transaction.insert_api(&api("urn:a", ""))).unwrap_err();
        assert_eq!(error, StoreError::Conflict { what: Conflict::ApiIdentifier });
        let doubled = api("urn:b", "read read");
        let error = try_write(store, |transaction| transaction.insert_api(&doubled)).unwrap_err();
        assert_eq!(error, StoreError::Conflict { what: Conflict::ScopeValue });
    });
}

#[test]
fn an_update_replaces_every_field_and_the_scopes() {
    each_engine(|store| {
        let before = Api { token_dialect: Some(TokenDialect::AccessToken), ..api("urn:a", "one two three") };
        write(store, |transaction| transaction.insert_api(&before));
        let scopes = api("urn:x", "three four one").scopes;
        let after = Api { name: "New".to_owned(), token_dialect: None, scopes, ..before };
        write(store, |transaction| transaction.update_api(&after));
        let found = store.read(|reader| reader.find_api_by_id(after.id)).unwrap().unwrap();
        assert_eq!(found, Api { updated_at: CHANGED, ..after });
    });
}

#[test]
fn a_scope_that_an_api_loses_leaves_its_grants_and_only_those_clients_change() {
    each_engine(|store| {
        let (first, second) = (api("urn:a", "one two three"), api("urn:b", "one two"));
        let holder = crate::oauth::client::Client {
            grants: vec![grant(&first, "one two three"), grant(&second, "one two")],
            ..client("holder")
        };
        let other = crate::oauth::client::Client { grants: vec![grant(&first, "three")], ..client("other") };
        let before = write(store, |transaction| {
            transaction.insert_api(&first)?;
            transaction.insert_api(&second)?;
            transaction.insert_client(&holder)?;
            transaction.insert_client(&other)
        });
        let fewer = Api { scopes: api("urn:x", "three").scopes, ..first.clone() };
        write(store, |transaction| transaction.update_api(&fewer));

        let changes = store.load_changes_since(before.revision).unwrap();
        let affected: Vec<_> = changes.clients.iter().map(|client| client.client_id.as_str()).collect();
        assert_eq!(affected, ["holder"]);
        let held = &changes.clients[0];
        assert_eq!(held.updated_at, CHANGED);
        assert_eq!(held.grant_for(first.id).unwrap().scope, scope("three"));
        assert_eq!(held.grant_for(first.id).unwrap().updated_at, CHANGED);
        assert_eq!(held.grant_for(second.id), holder.grant_for(second.id));
    });
}

#[test]
fn deleting_an_api_deletes_its_grants_and_changes_their_clients() {
    each_engine(|store| {
        let (first, second) = (api("urn:a", "one"), api("urn:b", "two"));
        let holder = full_client("holder", &[&first, &second]);
        let other = full_client("other", &[&second]);
        let before = write(store, |transaction| {
            transaction.insert_api(&first)?;
            transaction.insert_api(&second)?;
            transaction.insert_client(&holder)?;
            transaction.insert_client(&other)
        });
        write(store, |transaction| transaction.delete_api(first.id));

        let changes = store.load_changes_since(before.revision).unwrap();
        assert_eq!(changes.removed_api_ids, [first.id]);
        assert_eq!(changes.clients.len(), 1);
        assert_eq!(changes.clients[0].client_id, holder.client_id);
        assert_eq!(changes.clients[0].grants, holder.grants[1..]);
        let image = store.load_all().unwrap();
        assert_eq!(image.apis, [second]);
        let untouched = image.clients.iter().find(|client| client.id == other.id).unwrap();
        assert_eq!(shape(untouched), shape(&other));
    });
}

#[test]
fn what_is_not_there_is_not_changed() {
    each_engine(|store| {
        let missing = StoreError::NotFound { what: ObjectKind::Api };
        let stranger = api("urn:a", "one");
        assert_eq!(try_write(store, |transaction| transaction.update_api(&stranger)).unwrap_err(), missing);
        assert_eq!(try_write(store, |transaction| transaction.delete_api(stranger.id)).unwrap_err(), missing);
        assert_eq!(store.revision().unwrap(), Revision(0));
    });
}
