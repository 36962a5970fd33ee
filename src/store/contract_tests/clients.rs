//! How are clients kept, with all that belongs to them?

use super::engines::each_engine;
use super::fixtures::{CHANGED, api, client, full_client, grant, id, shape, tamper, try_write, write};
use crate::oauth::client::{AuthenticationMethod, Client, Quota};
use crate::store::clients::for_each;
use crate::store::{ClientSearch, Conflict, ObjectKind, Page, Reader, StoreError};

#[test]
fn a_client_is_found_as_it_was_inserted() {
    each_engine(|store| {
        let (first, second) = (api("urn:a", "one two three"), api("urn:b", "four"));
        let plain = Client { authentication_methods: Vec::new(), ..client("plain") };
        let full = full_client("full", &[&first, &second]);
        write(store, |transaction| {
            transaction.insert_api(&first)?;
            transaction.insert_api(&second)?;
            transaction.insert_client(&full)?;
            transaction.insert_client(&plain)
        });
        for client in [&plain, &full] {
            let found = store.read(|reader| reader.find_client(&client.client_id)).unwrap().unwrap();
            assert_eq!(shape(&found), shape(client));
            let found = store.read(|reader| reader.find_client_by_id(client.id)).unwrap().unwrap();
            assert_eq!(shape(&found), shape(client));
            let named = store.read(|reader| reader.find_clients_named(&["nobody", &client.name])).unwrap();
            assert!(named.iter().map(shape).any(|found| found == shape(client)));
        }
        let mut found = store.read(|reader| reader.find_clients(&["full", "other", "plain"])).unwrap();
        found.sort_by(|one, other| one.client_id.cmp(&other.client_id));
        assert_eq!(found.iter().map(shape).collect::<Vec<_>>(), [shape(&full), shape(&plain)]);
        assert!(store.read(|reader| reader.find_client(&"other".parse().unwrap())).unwrap().is_none());
        assert!(store.read(|reader| reader.find_client_by_id(id())).unwrap().is_none());
    });
}

#[test]
fn client_ids_are_case_sensitive_and_taken_once() {
    each_engine(|store| {
        write(store, |transaction| {
            transaction.insert_client(&client("partner"))?;
            transaction.insert_client(&client("Partner"))
        });
        let error = try_write(store, |transaction| transaction.insert_client(&client("partner"))).unwrap_err();
        assert_eq!(error, StoreError::Conflict { what: Conflict::ClientId });
        let twin = Client { id: id(), client_id: "twin".parse().unwrap(), ..client("x") };
        write(store, |transaction| transaction.insert_client(&twin));
        let same_id = Client { client_id: "other".parse().unwrap(), ..twin };
        let error = try_write(store, |transaction| transaction.insert_client(&same_id)).unwrap_err();
        assert_eq!(error, StoreError::Conflict { what: Conflict::Id });
    });
}

#[test]
fn clients_are_listed_in_pages_oldest_first() {
    each_engine(|store| {
        let api = api("urn:a", "one two three");
        let mut clients: Vec<_> = (0..5).map(|number| full_client(&format!("c{number}"), &[&api])).collect();
        clients.sort_by_key(|client| client.id);
        write(store, |transaction| {
            transaction.insert_api(&api)?;
            clients.iter().try_for_each(|client| transaction.insert_client(client))
        });
        let page = |offset, limit| {
            let listed = store.read(|reader| reader.list_clients(Page { offset, limit, ..Page::ALL })).unwrap();
            listed.iter().map(shape).collect::<Vec<_>>()
        };
        let expected: Vec<_> = clients.iter().map(shape).collect();
        assert_eq!(page(0, 2), expected[..2]);
        assert_eq!(page(2, 2), expected[2..4]);
        assert_eq!(page(4, 2), expected[4..]);
        assert!(page(9, 2).is_empty());
        assert_eq!(page(0, u32::MAX), expected);
        for at_once in 1..7 {
            let mut streamed = Vec::new();
            store
                .read(|reader| {
                    reader.attempt(|connection| for_each(connection, at_once, |client| streamed.push(shape(&client))))
                })
                .unwrap();
            assert_eq!(streamed, expected, "{at_once} at a time");
        }
        assert_eq!(store.read(Reader::count_clients).unwrap(), 5);
    });
}

#[test]
fn clients_are_searched_by_what_stands_in_their_id_or_name() {
    each_engine(|store| {
        let named =
            |client_id: &str, name: &str, enabled| Client { name: name.to_owned(), enabled, ..client(client_id) };
        let mut all = [
            named("Acme-1", "Shipping", true),
            named("other", "The ACME company", false),
            named("50%_off", r"a\b", true),
            named("500off", "ab", true),
            named("\u{5c}id", "Ünder", true),
        ];
        all.sort_by_key(|client| client.id);
        write(store, |transaction| all.iter().try_for_each(|client| transaction.insert_client(client)));
        let found = |text: &str, enabled, page| {
            let search = ClientSearch { text: text.to_owned(), enabled };
            let total = store.read(|reader| reader.count_found_clients(&search)).unwrap();
            let clients = store.read(|reader| reader.search_clients(&search, page)).unwrap();
            let mut ids: Vec<_> = clients.iter().map(|client| client.client_id.to_string()).collect();
            if page == Page::ALL {
                assert_eq!(usize::try_from(total).unwrap(), ids.len(), "{text}");
            }
            ids.sort();
            ids
        };
        assert_eq!(found("acme", None, Page::ALL), ["Acme-1", "other"], "letters of either case, in id and name");
        assert_eq!(found("CME", Some(true), Page::ALL), ["Acme-1"]);
        assert_eq!(found("", Some(false), Page::ALL), ["other"]);
        assert_eq!(found("%", None, Page::ALL), ["50%_off"], "a character, not a pattern");
        assert_eq!(found("0%_o", None, Page::ALL), ["50%_off"]);
        assert_eq!(found("_", None, Page::ALL), ["50%_off"]);
        assert_eq!(found(r"\", None, Page::ALL), ["50%_off", r"\id"]);
        assert_eq!(found("Ünder", None, Page::ALL), [r"\id"]);
        assert_eq!(found("nobody", None, Page::ALL), Vec::<String>::new());
        let all_found = store.read(|reader| reader.search_clients(&ClientSearch::default(), Page::ALL)).unwrap();
        let newest_first: Vec<_> = all.iter().rev().map(shape).collect();
        assert_eq!(all_found.iter().map(shape).collect::<Vec<_>>(), newest_first);
        let two = Page { offset: 1, limit: 2, ..Page::ALL };
        let part = store.read(|reader| reader.search_clients(&ClientSearch::default(), two)).unwrap();
        assert_eq!(part.iter().map(shape).collect::<Vec<_>>(), newest_first[1..3]);
        let after = Page { after: Some(all[2].id), ..Page::ALL };
        let older = store.read(|reader| reader.search_clients(&ClientSearch::default(), after)).unwrap();
        assert_eq!(older.iter().map(shape).collect::<Vec<_>>(), newest_first[3..]);
    });
}

#[test]
fn an_update_replaces_every_field_but_not_secrets_and_grants() {
    each_engine(|store| {
        let api = api("urn:a", "one");
        let before = full_client("partner", &[&api]);
        write(store, |transaction| {
            transaction.insert_api(&api)?;
            transaction.insert_client(&before)
        });
        let after = Client {
            name: "New".to_owned(),
            enabled: false,
            client_credentials_allowed: false,
            default_audience: None,
            authentication_methods: vec![AuthenticationMethod::ClientSecretBasic],
            quota: Some(Quota::default()),
            claims: serde_json::Map::new(),
            updated_at: CHANGED,
            ..before
        };
        let unsaved = Client { secrets: Vec::new(), grants: Vec::new(), ..after.clone() };
        write(store, |transaction| transaction.update_client(&unsaved));
        let found = store.read(|reader| reader.find_client_by_id(after.id)).unwrap().unwrap();
        assert_eq!(shape(&found), shape(&after));
    });
}

#[test]
fn deleting_a_client_takes_all_that_belongs_to_it() {
    each_engine(|store| {
        let api = api("urn:a", "one");
        let (gone, stays) = (full_client("gone", &[&api]), full_client("stays", &[&api]));
        write(store, |transaction| {
            transaction.insert_api(&api)?;
            transaction.insert_client(&gone)?;
            transaction.insert_client(&stays)
        });
        let deleted = write(store, |transaction| transaction.delete_client(gone.id));
        assert!(store.read(|reader| reader.find_secret(gone.secrets[0].id)).unwrap().is_none());
        assert!(store.read(|reader| reader.find_grant(gone.grants[0].id)).unwrap().is_none());
        let image = store.load_all().unwrap();
        assert_eq!(image.clients.iter().map(shape).collect::<Vec<_>>(), [shape(&stays)]);

        // The same client once more, such as from an export.
        write(store, |transaction| transaction.insert_client(&gone));
        let changes = store.load_changes_since(deleted.revision).unwrap();
        assert!(changes.removed_client_ids.is_empty());
        assert_eq!(changes.clients.iter().map(shape).collect::<Vec<_>>(), [shape(&gone)]);
    });
}

#[test]
fn what_is_not_there_is_not_changed() {
    each_engine(|store| {
        let missing = StoreError::NotFound { what: ObjectKind::Client };
        let stranger = client("stranger");
        assert_eq!(try_write(store, |transaction| transaction.update_client(&stranger)).unwrap_err(), missing);
        assert_eq!(try_write(store, |transaction| transaction.delete_client(stranger.id)).unwrap_err(), missing);
        let for_nothing = Client { grants: vec![grant(&api("urn:a", "one"), "one")], ..stranger };
        let error = try_write(store, |transaction| transaction.insert_client(&for_nothing)).unwrap_err();
        assert_eq!(error, StoreError::DanglingReference);
    });
}

#[test]
fn a_value_outside_its_grammar_is_reported_with_its_row() {
    each_engine(|store| {
        let stored = client("partner");
        write(store, |transaction| transaction.insert_client(&stored));
        tamper(store, "UPDATE clients SET claims = 'no JSON'");
        let error = store.load_all().unwrap_err();
        assert!(matches!(&error, StoreError::Unreadable { table: "clients", id, .. } if *id == stored.id.to_string()));
        assert!(!error.is_unavailable());
    });
}

#[test]
fn more_clients_than_one_statement_can_name_are_loaded_whole() {
    each_engine(|store| {
        let api = api("urn:a", "one two");
        let before = write(store, |transaction| transaction.insert_api(&api));
        let clients: Vec<_> = (0..1100).map(|number| full_client(&format!("c{number:04}"), &[&api])).collect();
        write(store, |transaction| clients.iter().try_for_each(|client| transaction.insert_client(client)));
        let mut expected: Vec<_> = clients.iter().map(shape).collect();
        expected.sort();
        for loaded in [store.load_all().unwrap().clients, store.load_changes_since(before.revision).unwrap().clients] {
            let mut shapes: Vec<_> = loaded.iter().map(shape).collect();
            shapes.sort();
            assert!(shapes == expected, "{} of {}", shapes.len(), expected.len());
        }
    });
}
