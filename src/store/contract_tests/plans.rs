//! Does anything that is done again and again walk through a table that grows with the clients? SQLite tells beforehand.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use diesel::connection::{Connection as _, Instrumentation, InstrumentationEvent};
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::fixtures::{api, client_key, context, entry, full_client, grant, scope, secret, try_write};
use crate::clock::UnixMillis;
use crate::oauth::resource::Api;
use crate::store::clients::{for_each, for_each_changed};
use crate::store::connection::AnyConnection;
use crate::store::{
    AuditFilter, CountedHour, Counts, Database, GrantFilter, Hours, Migrate, Page, Revision, Store, StoreError,
    StoreSettings, Transaction, UnixHour,
};

// Sessions and links last hours, and servers are few.
const SMALL: [&str; 8] = [
    "meta",
    "apis",
    "api_scopes",
    "signing_keys",
    "unattributed_refusals",
    "console_sessions",
    "one_time_links",
    "servers",
];

/// Every statement that was sent, without its values.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<BTreeSet<String>>>);

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let statement = query.to_string();
            let sql = statement.split(" -- binds").next().unwrap_or_default();
            self.0.lock().unwrap().insert(sql.to_owned());
        }
    }
}

#[derive(Debug, QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// What SQLite would do for `sql`, step by step.
#[cfg_attr(
    not(feature = "postgres"),
    expect(clippy::infallible_destructuring_match, reason = "there may be another engine")
)]
#[expect(clippy::disallowed_methods, reason = "EXPLAIN is no query of the DSL")]
fn plan(connection: &mut AnyConnection, sql: &str) -> Vec<String> {
    let sqlite = match connection {
        AnyConnection::Sqlite(sqlite) => sqlite,
        #[cfg(feature = "postgres")]
        AnyConnection::Postgresql(_) => panic!("the plan of another engine"),
    };
    let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(sqlite).unwrap();
    steps.into_iter().map(|step| step.detail).collect()
}

fn read_what_is_read_often(store: &Store, known: &Api) {
    let stored = full_client("partner", &[known]);
    store.position().unwrap();
    store.find_console_session("hash").unwrap();
    store.load_changes_since(Revision(1)).unwrap();
    store
        .read(|reader| {
            let page = Page { after: Some(stored.id), offset: 0, limit: 50 };
            reader.find_client(&stored.client_id)?;
            reader.find_clients(&["partner", "other"])?;
            reader.find_clients_named(&["Partner"])?;
            let found = reader.find_client_by_id(stored.id)?;
            reader.client_revision(stored.id)?;
            reader.list_clients(page)?;
            for (client_row_id, api_id) in [(None, None), (Some(stored.id), None), (None, Some(known.id))] {
                reader.list_grants(&GrantFilter { client_row_id, api_id }, page)?;
            }
            reader.find_grant(stored.id)?;
            reader.find_secret(stored.id)?;
            reader.expiring_secrets(UnixMillis(1), UnixMillis(2), page)?;
            let hours = Hours { from: UnixHour(1), until: UnixHour(2) };
            reader.usage_of_client(stored.id, hours)?;
            reader.last_seen(stored.id)?;
            reader.list_audit_events(&AuditFilter { before: Some(5), ..AuditFilter::default() }, page)?;
            reader.attempt(|connection| for_each_changed(connection, Revision(1), |_| ()))?;
            reader.attempt(|connection| for_each(connection, 1, |_| ()))?;
            Ok::<_, StoreError>(found)
        })
        .unwrap();
}

fn change_what_is_changed_often(store: &Store, known: &Api) {
    let other = api("urn:other", "x");
    let stored = full_client("partner", &[known]);
    let change = |steps: &dyn Fn(&mut Transaction) -> Result<(), StoreError>| {
        try_write(store, |transaction| steps(transaction)).unwrap();
    };
    change(&|transaction| {
        transaction.insert_api(&other)?;
        transaction.insert_client(&stored)
    });
    let (one_secret, one_key, one_grant) = (secret(), client_key("k"), grant(&other, "x"));
    change(&|transaction| transaction.update_client(&stored));
    change(&|transaction| transaction.insert_secret(stored.id, &one_secret));
    change(&|transaction| transaction.update_secret_expiry(one_secret.id, None));
    change(&|transaction| transaction.delete_secret(one_secret.id));
    change(&|transaction| transaction.insert_client_key(stored.id, &one_key));
    change(&|transaction| transaction.delete_client_key(one_key.id));
    change(&|transaction| transaction.insert_grant(stored.id, &one_grant));
    let narrowed = crate::oauth::client::ClientGrant { scope: scope(""), ..one_grant.clone() };
    change(&|transaction| transaction.update_grant(&narrowed));
    change(&|transaction| transaction.delete_grant(one_grant.id));
    let at = UnixMillis(1);
    store.flush_last_used(&[(stored.secrets[0].id, at)]).unwrap();
    let counts = Counts { issued: 1, refused: 0 };
    let hour = CountedHour { client_row_id: stored.id, hour: UnixHour(1), counts, last_seen_at: Some(at) };
    for _ in 0..2 {
        store.add_usage(&[hour]).unwrap();
    }
    store.delete_usage_before(UnixHour(1)).unwrap();
    store.forget_client_assertions(at).unwrap();
    store.end_console_sessions_of(stored.id).unwrap();
    store.forget_console_sessions(at, at).unwrap();
    store.forget_links(at).unwrap();
    change(&|transaction| transaction.delete_client(stored.id));
}

#[test]
fn nothing_that_is_done_often_walks_through_a_table_that_grows() {
    let store = Store::open(&StoreSettings { database: Database::InMemory, pool_size: 1 }, Migrate::Always).unwrap();
    let recorder = Recorder::default();
    store.pools.reader().unwrap().set_instrumentation(recorder.clone());
    store.pools.writer().unwrap().set_instrumentation(recorder.clone());
    let known = api("urn:known", "one two");
    store
        .write(&context(), |transaction| {
            transaction.insert_api(&known)?;
            transaction.insert_client(&full_client("known", &[&known]))?;
            transaction.record(entry())
        })
        .unwrap();
    read_what_is_read_often(&store, &known);
    change_what_is_changed_often(&store, &known);

    let sent = recorder.0.lock().unwrap().clone();
    let explained = |sql: &&String| ["SELECT", "UPDATE", "DELETE"].iter().any(|verb| sql.starts_with(verb));
    let mut connection = store.pools.reader().unwrap();
    let plans: Vec<_> = sent.iter().filter(explained).map(|sql| (sql, plan(&mut connection, sql))).collect();
    assert!(plans.len() > 50, "{} statements", plans.len());
    let walking: Vec<_> = plans.iter().filter(|(sql, steps)| grows(sql, steps)).collect();
    assert!(walking.is_empty(), "{walking:#?}");
}

/// Does the effort grow with the number of clients, or of what was deleted?
fn grows(sql: &str, steps: &[String]) -> bool {
    // In the order of an index, and ended by the limit.
    let ends = sql.contains(" LIMIT ") && !sql.contains(" WHERE ");
    let walks = |step: &String| {
        let walked = step.strip_prefix("SCAN ").filter(|table| !SMALL.contains(table));
        walked.is_some_and(|walk| !(ends && walk.contains(" USING INDEX ")))
    };
    // What is sorted must be few: what one client has, or what is few in all.
    let few = |step: &String| step.contains("(client_row_id=?)") || step.split(' ').any(|word| SMALL.contains(&word));
    let sorts = steps.iter().any(|step| step.contains("TEMP B-TREE")) && !steps.iter().any(few);
    let rereads_the_dead = sql.contains("revision") && steps.iter().any(|step| step.ends_with("tombstones_1 (kind=?)"));
    steps.iter().any(walks) || sorts || rereads_the_dead
}
