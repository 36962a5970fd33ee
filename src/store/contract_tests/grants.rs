//! How are grants kept and changed?

use super::engines::each_engine;
use super::fixtures::{CHANGED, api, client, grant, id, scope, try_write, write};
use crate::oauth::client::{Client, ClientGrant};
use crate::oauth::resource::Api;
use crate::store::{Conflict, GrantFilter, ObjectKind, OwnedGrant, Page, Revision, Store, StoreError};

/// Stores two APIs and a client without grants.
fn setting(store: &Store) -> (Api, Api, Client) {
    let (first, second, client) = (api("urn:a", "one two three"), api("urn:b", "four"), client("partner"));
    write(store, |transaction| {
        transaction.insert_api(&first)?;
        transaction.insert_api(&second)?;
        transaction.insert_client(&client)
    });
    (first, second, client)
}

fn owned(client: &Client, api: &Api, grant: ClientGrant) -> OwnedGrant {
    let (client_id, audience) = (client.client_id.clone(), api.identifier.clone());
    OwnedGrant { client_row_id: client.id, client_id, audience, grant }
}

#[test]
fn a_grant_comes_changes_and_goes_and_its_client_changes() {
    each_engine(|store| {
        let (first, _, client) = setting(store);
        let given = grant(&first, "two one");
        let find = || store.read(|reader| reader.find_grant(given.id)).unwrap();
        let changed_at = |revision: Revision| {
            let changes = store.load_changes_since(Revision(revision.0 - 1)).unwrap();
            assert_eq!(changes.clients.len(), 1);
            assert_eq!(changes.clients[0].updated_at, CHANGED);
            changes.clients[0].grants.clone()
        };

        let written = write(store, |transaction| transaction.insert_grant(client.id, &given));
        assert_eq!(find(), Some(owned(&client, &first, given.clone())));
        assert_eq!(changed_at(written.revision), std::slice::from_ref(&given));

        let auth0_fields = serde_json::Map::new();
        let after = ClientGrant { scope: scope("three two"), auth0_fields, updated_at: CHANGED, ..given.clone() };
        let written = write(store, |transaction| transaction.update_grant(&after));
        assert_eq!(changed_at(written.revision), [after]);

        write(store, |transaction| transaction.update_grant(&ClientGrant { scope: scope(""), ..given.clone() }));
        assert!(find().unwrap().grant.scope.is_empty());

        let written = write(store, |transaction| transaction.delete_grant(given.id));
        assert_eq!((find(), changed_at(written.revision)), (None, Vec::new()));
    });
}

#[test]
fn grants_are_counted_by_api_and_by_scope() {
    each_engine(|store| {
        let (first, second, one) = setting(store);
        let other = client("other");
        write(store, |transaction| {
            transaction.insert_client(&other)?;
            transaction.insert_grant(one.id, &grant(&first, "one two"))?;
            transaction.insert_grant(one.id, &grant(&second, "four"))?;
            transaction.insert_grant(other.id, &grant(&first, "two"))
        });
        let counts = store.read(|reader| reader.count_grants_by_api(&[first.id, id()])).unwrap();
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(first.id, 2)]);
        let holders = store.read(|reader| reader.count_scope_holders(first.id)).unwrap();
        let mut holders: Vec<_> = holders.iter().map(|(value, count)| (value.as_str(), *count)).collect();
        holders.sort_unstable();
        assert_eq!(holders, [("one", 1), ("two", 2)]);
    });
}

#[test]
fn a_client_has_one_grant_per_api() {
    each_engine(|store| {
        let (first, second, client) = setting(store);
        write(store, |transaction| {
            transaction.insert_grant(client.id, &grant(&first, "one"))?;
            transaction.insert_grant(client.id, &grant(&second, "four"))
        });
        let error = try_write(store, |transaction| transaction.insert_grant(client.id, &grant(&first, "two")));
        assert_eq!(error.unwrap_err(), StoreError::Conflict { what: Conflict::Grant });
    });
}

#[test]
fn grants_are_listed_by_client_and_by_api() {
    each_engine(|store| {
        let (first, second, one) = setting(store);
        let other = client("other");
        let mut owned: Vec<_> = [(&one, &first), (&one, &second), (&other, &first)]
            .map(|(client, api)| owned(client, api, grant(api, "one")))
            .into();
        write(store, |transaction| {
            transaction.insert_client(&other)?;
            owned.iter().try_for_each(|owned| transaction.insert_grant(owned.client_row_id, &owned.grant))
        });
        owned.sort_by_key(|owned| owned.grant.id);
        for (client, api) in
            [(None, None), (Some(one.id), None), (None, Some(first.id)), (Some(other.id), Some(second.id))]
        {
            let filter = GrantFilter { client_row_id: client, api_id: api };
            let matches = |owned: &&OwnedGrant| {
                client.is_none_or(|id| owned.client_row_id == id) && api.is_none_or(|id| owned.grant.api_id == id)
            };
            let expected: Vec<_> = owned.iter().filter(matches).cloned().collect();
            let (listed, count) = store
                .read(|reader| {
                    Ok::<_, StoreError>((reader.list_grants(&filter, Page::ALL)?, reader.count_grants(&filter)?))
                })
                .unwrap();
            assert_eq!((listed, count), (expected.clone(), expected.len() as u64));
        }
        let second_page = Page { offset: 1, limit: 1, ..Page::ALL };
        let listed = store.read(|reader| reader.list_grants(&GrantFilter::default(), second_page)).unwrap();
        assert_eq!(listed, owned[1..2]);
    });
}

#[test]
fn what_is_not_there_is_not_changed() {
    each_engine(|store| {
        let (first, _, client) = setting(store);
        let missing = StoreError::NotFound { what: ObjectKind::Grant };
        let attempts = [
            (try_write(store, |transaction| transaction.delete_grant(id())), missing.clone()),
            (try_write(store, |transaction| transaction.update_grant(&grant(&first, "one"))), missing),
            (
                try_write(store, |transaction| transaction.insert_grant(id(), &grant(&first, "one"))),
                StoreError::NotFound { what: ObjectKind::Client },
            ),
            (
                try_write(store, |transaction| transaction.insert_grant(client.id, &grant(&api("urn:c", ""), "one"))),
                StoreError::DanglingReference,
            ),
        ];
        for (attempt, error) in attempts {
            assert_eq!(attempt.unwrap_err(), error);
        }
    });
}
