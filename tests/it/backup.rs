//! `tokenhouse backup` and `restore`: a state of the database in one file, and back.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{Output, run, run_with};
use crate::support::{Answer, Serve};

/// A folder with a database, a master key and a client `c`, of which `backup.db` is a backup.
fn backed_up() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["client", "create", "--id", "c"]).success();
    run(folder.path(), &["backup", "backup.db"]).success();
    folder
}

fn raw(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

/// The names and contents of everything in a folder.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap_or_default()))
        .collect()
}

fn client_ids(folder: &Path) -> Vec<String> {
    let listed = run(folder, &["client", "list", "--output", "json"]).success().json();
    listed.as_array().unwrap().iter().map(|client| client["client_id"].as_str().unwrap().to_owned()).collect()
}

fn assert_refused(output: &Output, code: i32, told: &str) {
    assert!(output.code == code && output.stderr.contains(told), "{code} {told}: {output:?}");
}

#[tokio::test]
async fn a_backup_is_one_state_of_the_database_whoever_writes_meanwhile() {
    let serve = Serve::start(&[]).await;
    let (done, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let backups: Vec<Value> = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0.. {
                serve.cli(&["client", "create", "--id", &format!("c{number:03}")]).success();
                made.store(number + 1, Ordering::Relaxed);
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let backups = (0..4).map(|number| {
            let before = made.load(Ordering::Relaxed);
            while made.load(Ordering::Relaxed) == before && !writer.is_finished() {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            serve.cli(&["backup", &format!("backup-{number}.db"), "--output", "json"]).success().json()
        });
        let backups = backups.collect();
        done.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        backups
    });
    let mut before = 0;
    for (number, told) in backups.iter().enumerate() {
        let file = serve.path().join(format!("backup-{number}.db"));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(json!(fs::metadata(&file).unwrap().len()), told["bytes"]);
        // A SQLite database as any other.
        let database = format!("database.url=sqlite:{}", file.display());
        let verified = serve.cli(&["audit", "verify", "--output", "json", "--set", &database]).success().json();
        assert_eq!((&verified["events"], &verified["last_hash"]), (&told["audit_events"], &told["last_hash"]));
        let listed = serve.cli(&["client", "list", "--output", "json", "--set", &database]).success().json();
        let listed: Vec<_> = listed.as_array().unwrap().iter().map(|client| client["client_id"].clone()).collect();
        let expected: Vec<_> = (0..listed.len()).map(|number| json!(format!("c{number:03}"))).collect();
        assert!(listed == expected && listed.len() > before, "{listed:?}");
        assert_eq!(told["clients"], json!(listed.len()));
        before = listed.len();
    }
    let left: Vec<_> = contents(serve.path()).into_keys().filter(|name| name.contains(".part")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_restored_server_verifies_old_tokens_and_goes_on() {
    let mut old = Serve::start(&[]).await;
    let secret = old.set_up();
    let token = old.token_within_a_second("c", &secret, |answer| answer.status == 200).await.access_token();
    let published = old.jwk_set().await;
    let made = old.cli(&["backup", "backup.db"]).success();
    assert!(made.stderr.contains("keys/master.key"), "what else is needed: {made:?}");
    old.cli(&["client", "create", "--id", "after-the-backup"]).success();
    assert_eq!(old.terminate(), 0);

    // Another machine: nothing but the backup and the master key.
    let mut new = Serve::start(&[]).await;
    assert_eq!(new.terminate(), 0);
    for name in ["tokenhouse.db", "keys/master.key"] {
        fs::remove_file(new.path().join(name)).unwrap();
    }
    let backup = old.path().join("backup.db");
    let backup = backup.to_str().unwrap();
    assert_refused(&new.cli(&["restore", backup]), 1, "put the file back");
    fs::copy(old.path().join("keys/master.key"), new.path().join("keys/master.key")).unwrap();
    let restored = new.cli(&["restore", backup, "--output", "json"]).success().json();
    assert_eq!((&restored["clients"], &restored["kept"]), (&json!(1), &Value::Null));
    new.port = old.port;
    new.start_again(&[]).await;

    assert_eq!(new.jwk_set().await["keys"], published["keys"], "the same keys");
    let issuer = new.url("/");
    run(new.path(), &["verify", &token, "--issuer", &issuer, "--audience", "https://api/"]).success();
    assert_eq!(new.token("c", &secret).await.status, 200);
    assert_eq!(client_ids(new.path()), ["c"], "that moment's clients");
    new.cli(&["client", "create", "--id", "later"]).success();
    new.cli(&["audit", "verify"]).success();
    let trail = new.cli(&["audit", "export"]).success().stdout;
    let event = trail.lines().find(|line| line.contains(r#""action":"restore""#)).expect("an audit event");
    assert!(event.contains(r#""actor":"tester""#), "{event}");
}

#[test]
fn a_restored_database_is_told_from_what_it_was() {
    use diesel::prelude::*;
    diesel::table! { meta (id) { id -> Text, revision -> BigInt, } }
    let folder = backed_up();
    let position = |name: &str| {
        let row = meta::table.select((meta::id, meta::revision)).first(&mut raw(&folder.path().join(name)));
        let row: (String, i64) = row.unwrap();
        row
    };
    let (id, revision) = position("backup.db");
    run(folder.path(), &["restore", "backup.db", "--force"]).success();
    let (first_id, first_revision) = position("tokenhouse.db");
    run(folder.path(), &["restore", "backup.db", "--force"]).success();
    let (second_id, second_revision) = position("tokenhouse.db");
    assert!(id != first_id && first_id != second_id, "each a database of its own: {first_id}");
    assert_eq!((first_revision, second_revision), (revision + 1, revision + 1));
    assert_eq!(position("backup.db"), (id, revision), "the backup is as it was");
}

#[test]
fn nobody_is_signed_in_and_no_link_is_good_in_a_copy() {
    use diesel::prelude::*;
    const TABLES: [&str; 3] = ["console_sessions", "one_time_links", "servers"];
    diesel::table! { console_sessions (id_hash) { id_hash -> Text, } }
    diesel::table! { one_time_links (token_hash) { token_hash -> Text, } }
    diesel::table! { servers (id) { id -> Text, } }
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path();
    run(directory, &["client", "create", "--id", "c"]).success();
    raw(&directory.join("tokenhouse.db"))
        .batch_execute(
            "INSERT INTO console_sessions SELECT 'hash-of-a-session', id, 'link', NULL, 1, 1, 1 FROM clients;
             INSERT INTO one_time_links SELECT 'hash-of-a-link', 'sign_in', id, NULL, 1, 99999999999999 FROM clients;
             INSERT INTO servers VALUES ('018bcfe5-6800-7000-8000-000000000000', 'host-of-a-server', '1', 1, 'issuing', 1, 1)",
        )
        .unwrap();
    let rows = |name: &str| {
        let mut database = raw(&directory.join(name));
        let sessions: i64 = console_sessions::table.count().get_result(&mut database).unwrap();
        let links: i64 = one_time_links::table.count().get_result(&mut database).unwrap();
        let servers: i64 = servers::table.count().get_result(&mut database).unwrap();
        [sessions, links, servers]
    };
    run(directory, &["backup", "backup.db"]).success();
    assert_eq!((rows("tokenhouse.db"), rows("backup.db")), ([1; 3], [0; 3]));
    let backup = fs::read(directory.join("backup.db")).unwrap();
    for left_out in ["hash-of-a-session", "hash-of-a-link", "host-of-a-server"] {
        let is_there = backup.windows(left_out.len()).any(|window| window == left_out.as_bytes());
        assert!(!is_there, "{left_out} lies in what was set free");
    }

    // A copy that somebody else made holds them, and restoring it revives nobody.
    fs::copy(directory.join("tokenhouse.db"), directory.join("copy.db")).unwrap();
    run(directory, &["restore", "copy.db", "--force"]).success();
    assert_eq!((rows("copy.db"), rows("tokenhouse.db")), ([1; 3], [0; 3]));

    // Of a database that an earlier version made, which has no such tables, there is a backup too.
    let mut earlier = raw(&directory.join("tokenhouse.db"));
    for table in TABLES {
        earlier.batch_execute(&format!("DROP TABLE {table}")).unwrap();
    }
    earlier.batch_execute("DELETE FROM __diesel_schema_migrations WHERE version = '20261201000000'").unwrap();
    drop(earlier);
    run(directory, &["backup", "earlier.db"]).success();
    run(directory, &["restore", "earlier.db", "--force"]).success();
    assert_eq!((rows("tokenhouse.db"), client_ids(directory)), ([0; 3], vec!["c".to_owned()]));
}

#[test]
fn what_is_replaced_is_kept() {
    let folder = backed_up();
    let directory = folder.path();
    run(directory, &["client", "create", "--id", "later"]).success();
    assert_refused(&run(directory, &["restore", "backup.db"]), 3, "--force");
    assert_eq!(client_ids(directory), ["c", "later"]);
    let restored = run(directory, &["restore", "backup.db", "--force", "--output", "json"]).success().json();
    assert_eq!(client_ids(directory), ["c"]);
    let kept = restored["kept"].as_str().unwrap();
    assert_eq!(fs::metadata(directory.join("tokenhouse.db")).unwrap().permissions().mode() & 0o777, 0o600);
    run(directory, &["restore", kept, "--force"]).success();
    assert_eq!(client_ids(directory), ["c", "later"], "and can be restored itself");
}

#[tokio::test]
async fn neither_a_log_nor_damage_that_a_crash_left_gets_into_what_is_restored() {
    let mut serve = Serve::start(&[]).await;
    serve.cli(&["client", "create", "--id", "c"]).success();
    serve.cli(&["backup", "backup.db"]).success();
    serve.cli(&["client", "create", "--id", "later"]).success();
    serve.kill();
    let directory = serve.path();
    assert!(fs::metadata(directory.join("tokenhouse.db-wal")).unwrap().len() > 0, "the log of who was killed");
    let log = fs::read(directory.join("tokenhouse.db-wal")).unwrap();
    serve.cli(&["restore", "backup.db", "--force"]).success();
    assert_eq!(client_ids(directory), ["c"]);

    // A database that nobody can open, with a log beside it.
    fs::write(directory.join("tokenhouse.db"), "no database any more, whatever happened to it".repeat(100)).unwrap();
    fs::write(directory.join("tokenhouse.db-wal"), &log).unwrap();
    let restored = serve.cli(&["restore", "backup.db", "--force", "--output", "json"]).success().json();
    assert_eq!(client_ids(directory), ["c"]);
    // As it was, or as SQLite could mend it from the log.
    assert!(directory.join(restored["kept"].as_str().unwrap()).exists());

    // Without a log it is kept to the byte.
    let damaged = "no database any more, whatever happened to it".repeat(100);
    fs::write(directory.join("tokenhouse.db"), &damaged).unwrap();
    let restored = serve.cli(&["restore", "backup.db", "--force", "--output", "json"]).success().json();
    assert_eq!(fs::read_to_string(directory.join(restored["kept"].as_str().unwrap())).unwrap(), damaged);
    assert_eq!(client_ids(directory), ["c"]);

    // Only the log is left.
    fs::remove_file(directory.join("tokenhouse.db")).unwrap();
    fs::write(directory.join("tokenhouse.db-wal"), &log).unwrap();
    serve.cli(&["restore", "backup.db"]).success();
    assert_eq!(client_ids(directory), ["c"]);
    let kept = contents(directory).into_iter().find(|(name, bytes)| name.ends_with("-wal") && *bytes == log);
    assert!(kept.is_some_and(|(name, _)| name.contains(".before-")), "the log is kept, out of the way");
    serve.cli(&["audit", "verify"]).success();
}

#[tokio::test]
async fn a_database_that_is_in_use_is_not_replaced() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    serve.cli(&["backup", "backup.db"]).success();
    serve.cli(&["client", "create", "--id", "later"]).success();
    let before = fs::metadata(serve.path().join("tokenhouse.db")).unwrap().ino();
    assert_refused(&serve.cli(&["restore", "backup.db", "--force"]), 3, "is in use");
    assert_eq!(fs::metadata(serve.path().join("tokenhouse.db")).unwrap().ino(), before);
    assert_eq!(client_ids(serve.path()), ["c", "later"]);
    assert!(contents(serve.path()).keys().all(|name| !name.contains("restor")), "{:?}", contents(serve.path()).keys());
    assert_eq!(serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await.status, 200);
    let ready = Answer::to(serve.client().get(serve.url("/readyz"))).await;
    assert_eq!(ready.json()["status"], "ready", "{ready:?}");
}

#[test]
fn a_backup_that_cannot_be_made_is_refused_and_leaves_nothing() {
    let folder = backed_up();
    let directory = folder.path();
    fs::create_dir(directory.join("folder")).unwrap();
    std::os::unix::fs::symlink("elsewhere.db", directory.join("link.db")).unwrap();
    let before = contents(directory);
    for (file, code, told) in [
        ("backup.db", 3, "--force"),
        ("tokenhouse.db", 3, "is the database itself"),
        ("folder", 3, "no ordinary file"),
        ("link.db", 3, "no ordinary file"),
        ("no/such/folder/backup.db", 1, "cannot be written"),
        ("-", 2, "name one"),
    ] {
        assert_refused(&run(directory, &["backup", file]), code, told);
        assert_eq!(contents(directory), before, "{file}");
    }
    assert_refused(&run(directory, &["backup", "tokenhouse.db", "--force"]), 3, "is the database itself");
    let empty = tempfile::tempdir().unwrap();
    assert_refused(&run(empty.path(), &["backup", "backup.db"]), 1, "there is no database");
    assert_eq!(contents(empty.path()).len(), 0);

    run(directory, &["client", "create", "--id", "later"]).success();
    run(directory, &["backup", "backup.db", "--force"]).success();
    assert_ne!(fs::read(directory.join("backup.db")).unwrap(), before["backup.db"]);

    let kept = fs::read(directory.join("backup.db")).unwrap();
    let mut bytes = fs::read(directory.join("tokenhouse.db")).unwrap();
    bytes[100..4096].fill(0xA5);
    fs::write(directory.join("tokenhouse.db"), bytes).unwrap();
    assert_refused(&run(directory, &["backup", "backup.db", "--force"]), 1, "is damaged");
    assert_eq!(fs::read(directory.join("backup.db")).unwrap(), kept, "the last good one stays");
}

#[test]
fn a_backup_that_is_not_in_order_changes_nothing() {
    let folder = backed_up();
    let directory = folder.path();
    let whole = fs::read(directory.join("backup.db")).unwrap();
    let spoil = |name: &str, sql: &str| {
        fs::write(directory.join(name), &whole).unwrap();
        raw(&directory.join(name)).batch_execute(sql).unwrap();
    };
    fs::create_dir(directory.join("folder")).unwrap();
    fs::write(directory.join("letter.db"), "Dear database, ".repeat(400)).unwrap();
    fs::write(directory.join("empty.db"), "").unwrap();
    fs::write(directory.join("cut.db"), &whole[..whole.len() / 2]).unwrap();
    raw(&directory.join("foreign.db")).batch_execute("CREATE TABLE songs (title TEXT)").unwrap();
    spoil(
        "newer.db",
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000'); UPDATE meta SET works_from = '29991231000000'",
    );
    spoil("altered.db", "UPDATE audit_events SET actor = 'someone else' WHERE position = 2");
    spoil("cut-trail.db", "DELETE FROM audit_events WHERE revision = (SELECT revision FROM meta)");
    spoil("dangling.db", "PRAGMA foreign_keys = OFF; UPDATE client_secrets SET client_row_id = 'nobody'");
    let before = contents(directory);
    for (file, code, told) in [
        ("missing.db", 3, "there is no file missing.db"),
        ("folder", 3, "no ordinary file"),
        ("tokenhouse.db", 3, "is the database itself"),
        ("letter.db", 1, "is not a SQLite database"),
        ("empty.db", 1, "is empty"),
        ("cut.db", 1, "is damaged"),
        ("foreign.db", 1, "of another program"),
        ("newer.db", 1, "for a newer Tokenhouse"),
        ("altered.db", 3, "was altered at event 2 (the event was changed)"),
        ("cut-trail.db", 3, "the event is missing"),
        ("dangling.db", 1, "a row of client_secrets refers to one that is not there"),
        ("-", 2, "name its file"),
    ] {
        assert_refused(&run(directory, &["restore", file, "--force"]), code, told);
        assert_eq!(contents(directory), before, "{file}");
    }
    let other = [("TOKENHOUSE__KEYS__MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
    let output = run_with(directory, &["restore", "backup.db", "--force"], &other, "");
    assert_refused(&output, 1, "put the master key in place that belongs to this backup");
    assert_eq!(contents(directory), before);

    // What stands in the place is somebody else's.
    let settings = ["--set", "database.url=sqlite:foreign.db"];
    assert_refused(
        &run(directory, &[&["restore", "backup.db", "--force"], &settings[..]].concat()),
        1,
        "of another program",
    );
    assert_eq!(contents(directory), before);
}

#[test]
fn a_backup_of_an_earlier_version_is_taken_and_brought_up_to_date() {
    let folder = backed_up();
    let directory = folder.path();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/issuer");
    let mut names: Vec<_> = fs::read_dir(&migrations).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let last = names.last().unwrap();
    let undo = fs::read_to_string(migrations.join(last).join("down.sql")).unwrap();
    let mut database = raw(&directory.join("tokenhouse.db"));
    database.batch_execute(&undo).unwrap();
    let version: String = last.to_str().unwrap().chars().take(17).filter(char::is_ascii_digit).collect();
    database.batch_execute(&format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'")).unwrap();
    drop(database);
    assert_refused(&run(directory, &["client", "list"]), 1, "must be migrated");
    run(directory, &["backup", "earlier.db"]).success();
    run(directory, &["restore", "earlier.db", "--force"]).success();
    assert_eq!(client_ids(directory), ["c"]);
}
