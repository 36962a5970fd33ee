//! What is recorded, and is it noticed when somebody alters the record?

use serde_json::json;

use super::engines::each_engine;
use super::fixtures::{CHANGED, entry, tamper, write};
use crate::clock::UnixMillis;
use crate::store::{
    Actor, AuditAction, AuditEntry, AuditFilter, ChainFault, ChainVerdict, ChangeContext, ObjectKind, Page, Reader,
    Revision, Store, StoreError,
};

fn verify_events(store: &Store, positions: &[i64]) -> Option<(i64, ChainFault)> {
    store.read(|reader| reader.verify_events(positions)).unwrap()
}

fn verify(store: &Store) -> ChainVerdict {
    store.read(Reader::verify_chain).unwrap()
}

/// Stores three changes with five entries.
fn record_five(store: &Store) {
    for entries in [2, 1, 2] {
        write(store, |transaction| (1..entries).try_for_each(|_| transaction.record(entry())));
    }
}

#[test]
fn an_event_tells_who_changed_what_when_and_how() {
    each_engine(|store| {
        let context = ChangeContext {
            actor: Actor::Client { client_id: "manager".to_owned() },
            at: CHANGED,
            request_id: Some("request-1".to_owned()),
        };
        let entry = AuditEntry {
            action: AuditAction::Rotate,
            object_kind: ObjectKind::SigningKey,
            object_id: "kid".to_owned(),
            before: Some(json!({ "state": "next" })),
            after: Some(json!({ "state": "active" })),
        };
        store.write(&context, |transaction| transaction.record(entry.clone())).unwrap();
        let events = store.read(|reader| reader.list_audit_events(&AuditFilter::default(), Page::ALL)).unwrap();
        let [event] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((event.position, event.revision, event.at), (1, Revision(1), CHANGED));
        assert_eq!((event.actor_kind.as_str(), event.actor.as_deref()), ("client", Some("manager")));
        assert_eq!((event.action.as_str(), event.object_kind.as_str()), ("rotate", "signing_key"));
        assert_eq!((event.object_id.as_str(), event.request_id.as_deref()), ("kid", Some("request-1")));
        assert_eq!((&event.before, &event.after), (&entry.before, &entry.after));
        assert_eq!(verify(store), ChainVerdict::Intact { events: 1, last_hash: event.hash.clone() });
    });
}

#[test]
fn events_are_listed_newest_first_and_filtered() {
    each_engine(|store| {
        for (number, kind) in [(1, ObjectKind::Api), (2, ObjectKind::Client), (3, ObjectKind::Client)] {
            let actor = Actor::Cli { user: "anna".to_owned() };
            let context = ChangeContext { actor, at: UnixMillis(number * 1000), request_id: None };
            let entry = AuditEntry { object_kind: kind, object_id: number.to_string(), ..entry() };
            store.write(&context, |transaction| transaction.record(entry)).unwrap();
        }
        let positions = |filter: &AuditFilter, page| {
            let events = store.read(|reader| reader.list_audit_events(filter, page)).unwrap();
            events.iter().map(|event| event.position).collect::<Vec<_>>()
        };
        let all = AuditFilter::default();
        assert_eq!(positions(&all, Page::ALL), [3, 2, 1]);
        assert_eq!(positions(&all, Page { offset: 1, limit: 1, ..Page::ALL }), [2]);
        let clients = AuditFilter { object_kind: Some(ObjectKind::Client), ..all.clone() };
        assert_eq!(positions(&clients, Page::ALL), [3, 2]);
        assert_eq!(store.read(|reader| reader.count_audit_events(&clients)).unwrap(), 2);
        let one = AuditFilter { object_id: Some("2".to_owned()), ..all.clone() };
        assert_eq!(positions(&one, Page::ALL), [2]);
        let middle = AuditFilter { since: Some(UnixMillis(2000)), until: Some(UnixMillis(3000)), ..all };
        assert_eq!(positions(&middle, Page::ALL), [2]);
    });
}

#[test]
fn the_chain_is_whole_also_across_batches() {
    each_engine(|store| {
        assert!(matches!(verify(store), ChainVerdict::Intact { events: 0, .. }));
        record_five(store);
        write(store, |transaction| (0..2000).try_for_each(|_| transaction.record(entry())));
        assert!(matches!(verify(store), ChainVerdict::Intact { events: 2006, .. }), "{:?}", verify(store));
    });
}

#[test]
fn whatever_is_altered_is_found() {
    let changed = |position| ChainVerdict::Broken { position, fault: ChainFault::Changed };
    let unlinked = |position| ChainVerdict::Broken { position, fault: ChainFault::Unlinked };
    let missing = |position| ChainVerdict::Broken { position, fault: ChainFault::Missing };
    let cases = [
        ("UPDATE audit_events SET actor = 'someone' WHERE position = 3", changed(3)),
        ("UPDATE audit_events SET actor_kind = 'cli' WHERE position = 5", changed(5)),
        ("UPDATE audit_events SET after = NULL WHERE position = 1", changed(1)),
        ("UPDATE audit_events SET before = '' WHERE position = 2", changed(2)),
        ("UPDATE audit_events SET at = at + 1 WHERE position = 2", changed(2)),
        ("UPDATE audit_events SET revision = 1 WHERE position = 3", changed(3)),
        ("UPDATE audit_events SET object_id = '', action = 'updatetest' WHERE position = 4", changed(4)),
        ("UPDATE audit_events SET hash = previous_hash WHERE position = 2", changed(2)),
        ("UPDATE audit_events SET previous_hash = hash WHERE position = 4", unlinked(4)),
        ("DELETE FROM audit_events WHERE position = 2", missing(2)),
        ("DELETE FROM audit_events WHERE position = 1", missing(1)),
        ("DELETE FROM audit_events WHERE position >= 4", missing(4)),
        ("DELETE FROM audit_events", missing(1)),
    ];
    each_engine(|store| {
        record_five(store);
        assert!(matches!(verify(store), ChainVerdict::Intact { events: 5, .. }));
    });
    for (sql, verdict) in cases {
        each_engine(|store| {
            record_five(store);
            tamper(store, sql);
            assert_eq!(verify(store), verdict, "{sql}");
        });
    }
}

#[test]
fn a_few_events_are_checked_without_reading_the_others() {
    let changed = "UPDATE audit_events SET object_id = 'other' WHERE position = 3";
    let missing = "DELETE FROM audit_events WHERE position = 3";
    each_engine(|store| {
        record_five(store);
        assert_eq!((verify_events(store, &[]), verify_events(store, &[5, 1, 3])), (None, None));
        assert_eq!(verify_events(store, &[6]), Some((6, ChainFault::Missing)));
        tamper(store, changed);
        assert_eq!(verify_events(store, &[5, 3, 1]), Some((3, ChainFault::Changed)));
        assert_eq!(verify_events(store, &[5, 4, 2, 1]), None, "its own hash is as it was");
        tamper(store, missing);
        assert_eq!(verify_events(store, &[4, 3]), Some((3, ChainFault::Missing)));
        assert_eq!(verify_events(store, &[4]), Some((4, ChainFault::Missing)), "it follows nothing");
    });
}

#[test]
fn an_entry_of_an_undone_change_leaves_no_gap() {
    each_engine(|store| {
        record_five(store);
        let undone = store.write(&super::fixtures::context(), |transaction| {
            transaction.record(entry())?;
            Err::<(), _>(StoreError::DiskFull)
        });
        assert!(undone.is_err());
        record_five(store);
        assert!(matches!(verify(store), ChainVerdict::Intact { events: 10, .. }));
    });
}
