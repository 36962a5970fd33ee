//! How is usage added up, by several servers at once, read and forgotten?

use std::thread;

use uuid::Uuid;

use super::engines::{each_engine, each_lasting_engine};
use super::fixtures::{client, tamper, write};
use crate::clock::UnixMillis;
use crate::oauth::client::Client;
use crate::store::{CountedHour, Counts, Hours, Store, StoreError, UnixHour};

const ALL: Hours = Hours { from: UnixHour(0), until: UnixHour(i64::MAX) };

fn stored(store: &Store, client_id: &str) -> Client {
    let client = client(client_id);
    write(store, |transaction| transaction.insert_client(&client));
    client
}

fn counted(client_row_id: Uuid, hour: i64, issued: u64, refused: u64, seen: Option<i64>) -> CountedHour {
    let counts = Counts { issued, refused };
    CountedHour { client_row_id, hour: UnixHour(hour), counts, last_seen_at: seen.map(UnixMillis) }
}

fn usage(store: &Store, client: &Client, hours: Hours) -> Vec<(i64, u64, u64)> {
    let rows = store.read(|reader| reader.usage_of_client(client.id, hours)).unwrap();
    rows.into_iter().map(|(hour, counts)| (hour.0, counts.issued, counts.refused)).collect()
}

#[test]
fn counts_add_up_by_the_hour_and_are_no_change() {
    each_engine(|store| {
        let (client, never_seen) = (stored(store, "partner"), stored(store, "other"));
        let revision = store.revision().unwrap();
        let last_seen = || store.read(|reader| reader.last_seen(client.id)).unwrap();
        assert_eq!(last_seen(), None);
        store.add_usage(&[counted(client.id, 10, 0, 4, None)]).unwrap();
        assert_eq!(last_seen(), None, "somebody only claimed to be the client");
        store
            .add_usage(&[counted(client.id, 10, 3, 0, Some(2_000)), counted(client.id, 11, 1, 1, Some(3_000))])
            .unwrap();
        store.add_usage(&[counted(client.id, 10, 2, 1, Some(1_000))]).unwrap();
        store.add_usage(&[]).unwrap();
        assert_eq!(usage(store, &client, ALL), [(10, 5, 5), (11, 1, 1)]);
        assert_eq!(last_seen(), Some(UnixMillis(3_000)));
        let seen = store.read(|reader| reader.last_seen_of(&[client.id, never_seen.id])).unwrap();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(client.id, UnixMillis(3_000))]);
        let hours = |from, until| Hours { from: UnixHour(from), until: UnixHour(until) };
        assert_eq!(usage(store, &client, hours(10, 11)), [(10, 5, 5)], "the end is left out");
        assert_eq!(usage(store, &client, hours(12, 99)), []);
        assert_eq!(store.revision().unwrap(), revision);
        assert!(store.load_changes_since(revision).unwrap().clients.is_empty());
    });
}

#[test]
fn a_time_only_moves_forward_within_its_hour() {
    each_engine(|store| {
        let client = stored(store, "partner");
        for seen in [Some(5_000), Some(4_000), None] {
            store.add_usage(&[counted(client.id, 10, 1, 0, seen)]).unwrap();
        }
        assert_eq!(store.read(|reader| reader.last_seen(client.id)).unwrap(), Some(UnixMillis(5_000)));
    });
}

#[test]
fn a_client_takes_its_counters_along_and_one_that_is_gone_gets_none() {
    each_engine(|store| {
        let (gone, other) = (stored(store, "gone"), stored(store, "other"));
        store.add_usage(&[counted(gone.id, 10, 1, 0, None), counted(other.id, 10, 2, 0, None)]).unwrap();
        write(store, |transaction| transaction.delete_client(gone.id));
        assert_eq!(usage(store, &gone, ALL), []);
        store.add_usage(&[counted(gone.id, 10, 1, 0, None), counted(other.id, 10, 2, 0, None)]).unwrap();
        assert_eq!((usage(store, &gone, ALL), usage(store, &other, ALL)), (vec![], vec![(10, 4, 0)]));
    });
}

#[test]
fn all_clients_are_summed_up_counted_and_ranked() {
    each_engine(|store| {
        let clients = ["a", "b", "c", "refused"].map(|id| stored(store, id));
        let [a, b, c, refused] = &clients;
        let batch = [
            counted(a.id, 10, 1, 0, Some(1_000)),
            counted(b.id, 10, 5, 1, Some(2_000)),
            counted(b.id, 11, 5, 0, Some(3_000)),
            counted(c.id, 40, 3, 0, None),
            counted(refused.id, 10, 0, 7, None),
        ];
        store.add_usage(&batch).unwrap();
        let hours = Hours { from: UnixHour(10), until: UnixHour(40) };
        store
            .read(|reader| {
                let sums: Vec<_> = reader.usage_of_all(hours)?;
                assert_eq!(
                    sums,
                    [
                        (UnixHour(10), Counts { issued: 6, refused: 8 }),
                        (UnixHour(11), Counts { issued: 5, refused: 0 })
                    ]
                );
                assert_eq!(reader.count_active_clients(hours)?, 2, "one that was only refused is not active");
                assert_eq!(reader.count_active_clients(ALL)?, 3);
                let busiest = reader.busiest_clients(ALL, 2)?;
                let shown: Vec<_> = busiest
                    .iter()
                    .map(|busy| (busy.client_id.as_str(), busy.counts.issued, busy.last_seen_at))
                    .collect();
                assert_eq!(shown, [("b", 10, Some(UnixMillis(3_000))), ("c", 3, None)]);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    });
}

#[test]
fn refusals_of_nobody_add_up_and_old_hours_are_forgotten() {
    each_engine(|store| {
        let client = stored(store, "partner");
        store.add_usage(&[counted(client.id, 10, 1, 0, None), counted(client.id, 20, 2, 0, None)]).unwrap();
        for (hour, refused) in [(10, 1), (20, 2), (20, 3)] {
            store.add_unattributed_refusals(UnixHour(hour), refused).unwrap();
        }
        let refused = || store.read(|reader| reader.unattributed_refusals(ALL)).unwrap();
        assert_eq!(refused(), 6);
        store.delete_usage_before(UnixHour(20)).unwrap();
        assert_eq!((refused(), usage(store, &client, ALL)), (5, vec![(20, 2, 0)]));
    });
}

#[test]
fn servers_that_count_the_same_hour_at_once_lose_nothing() {
    each_lasting_engine(|engine| {
        let first = engine.open();
        let client = stored(&first, "partner");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let store = engine.open();
                    for number in 0..25 {
                        store.add_usage(&[counted(client.id, number % 3, 2, 1, Some(number))]).unwrap();
                        store.add_unattributed_refusals(UnixHour(1), 1).unwrap();
                    }
                });
            }
        });
        let sums = usage(&first, &client, ALL).into_iter().fold((0, 0), |sum, (_, i, r)| (sum.0 + i, sum.1 + r));
        assert_eq!(sums, (200, 100));
        assert_eq!(first.read(|reader| reader.unattributed_refusals(ALL)).unwrap(), 100);
    });
}

#[test]
fn a_batch_that_fails_leaves_nothing() {
    each_engine(|store| {
        let client = stored(store, "partner");
        tamper(store, "CREATE UNIQUE INDEX each_count_once ON client_usage (issued)");
        assert!(store.add_usage(&[counted(client.id, 10, 1, 0, None), counted(client.id, 11, 1, 0, None)]).is_err());
        assert_eq!(usage(store, &client, ALL), []);
        tamper(store, "DROP INDEX each_count_once");
        store.add_usage(&[counted(client.id, 10, 1, 0, None), counted(client.id, 11, 1, 0, None)]).unwrap();
        assert_eq!(usage(store, &client, ALL), [(10, 1, 0), (11, 1, 0)]);
    });
}
