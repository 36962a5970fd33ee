//! `tokenhouse serve`: the first start, restarts, changes while it runs, and what it refuses.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::dev::token_part;
use crate::support::program::{run, run_with};
use crate::support::serve::signal;
use crate::support::{Answer, Serve};

fn issued(answer: &Answer) -> bool {
    answer.status == 200
}

fn refused(answer: &Answer) -> bool {
    answer.status != 200
}

#[tokio::test]
async fn a_first_start_makes_private_files_and_says_what_to_do_next() {
    let serve = Serve::start(&[]).await;
    let mode = |path: &str| std::fs::metadata(serve.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("keys/master.key"), 0o600);
    assert_eq!(mode("keys"), 0o700);
    assert_eq!(mode("tokenhouse.db"), 0o600);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", serve.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "no dumps of its memory");
    serve.wait_for_log("--management").await;
    let log = serve.log();
    for hint in [
        "No client yet",
        "tokenhouse api create",
        "tokenhouse client create",
        "tokenhouse grant create",
        "--management",
    ] {
        assert!(log.contains(hint), "no {hint} in {log}");
    }
    let text = log[log.find("No client yet").unwrap()..].lines().take_while(|line| !line.starts_with('{')).count();
    assert_eq!(text, 5, "five lines: {log}");
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let mut serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let before = serve.token_within_a_second("c", &secret, issued).await.access_token();
    let keys = serve.jwk_set().await;
    assert_eq!(serve.terminate(), 0);
    // The file alone, as somebody copies it who has stopped the server.
    for beside in ["tokenhouse.db-wal", "tokenhouse.db-shm"] {
        let _ = std::fs::remove_file(serve.path().join(beside));
    }
    serve.start_again(&[]).await;
    let after = serve.token("c", &secret).await.access_token();
    assert_eq!(token_part(&before, 0)["kid"], token_part(&after, 0)["kid"]);
    assert_eq!(serve.jwk_set().await["keys"][0], keys["keys"][0]);
}

#[tokio::test]
async fn who_is_told_to_stop_first_serves_on_without_being_ready() {
    let mut serve = Serve::start(&["--set", "server.drain_seconds=300"]).await;
    let secret = serve.set_up();
    serve.token_within_a_second("c", &secret, issued).await.access_token();
    signal(serve.pid(), "TERM");
    serve.wait_for_log("not ready any more").await;
    // A new connection, as one that a load balancer makes.
    let get = async |path: &str| Answer::to(reqwest::Client::new().get(serve.url(path))).await;
    let ready = get("/readyz").await;
    assert_eq!((ready.status, ready.json()["status"].as_str()), (503, Some("stopping")), "{ready:?}");
    assert_eq!(serve.scrape().await.count("tokenhouse_ready", &[]), 0);
    assert_eq!(get("/livez").await.status, 200);
    serve.token("c", &secret).await.access_token();
    assert_eq!(serve.terminate(), 0, "a second signal does not wait for the rest of the time");

    serve.start_again(&["--set", "server.drain_seconds=1"]).await;
    assert_eq!(serve.terminate(), 0);
    assert!(serve.log().contains("no new connections"), "{}", serve.log());
}

#[tokio::test]
async fn changes_by_the_command_line_are_served_within_a_second() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let answer = serve.token_within_a_second("c", &secret, issued).await;
    assert_eq!(answer.json()["scope"], "a");

    serve.cli(&["grant", "update", "c", "https://api/", "--scope", "a", "--scope", "b"]).success();
    let answer = serve.token_within_a_second("c", &secret, |answer| answer.json()["scope"] == "a b").await;
    assert_eq!(answer.json()["scope"], "a b");

    serve.cli(&["client", "update", "c", "--enabled", "false"]).success();
    let answer = serve.token_within_a_second("c", &secret, refused).await;
    assert_eq!(answer.error(), (401, "invalid_client".to_owned()), "although the secret is remembered");
    serve.cli(&["client", "update", "c", "--enabled", "true"]).success();
    assert_eq!(serve.token_within_a_second("c", &secret, issued).await.status, 200);

    let added = serve.cli(&["client", "secret", "add", "c", "--label", "second", "--output", "json"]).success().json();
    let second = added["client_secret"].as_str().unwrap();
    assert_eq!(serve.token_within_a_second("c", second, issued).await.status, 200, "two secrets at a time");
    assert_eq!(serve.token("c", &secret).await.status, 200);
    serve.cli(&["client", "secret", "retire", "c", &secret[..12]]).success();
    assert_eq!(serve.token_within_a_second("c", &secret, refused).await.status, 401);
    assert_eq!(serve.token("c", second).await.status, 200);

    serve.cli(&["api", "update", "https://api/", "--remove-scope", "b"]).success();
    let answer = serve.token_within_a_second("c", second, |answer| answer.json()["scope"] == "a").await;
    assert_eq!(answer.json()["scope"], "a", "a scope that is gone is granted no more");

    serve.cli(&["client", "delete", "c"]).success();
    assert_eq!(serve.token_within_a_second("c", second, refused).await.status, 401);
}

#[tokio::test]
async fn a_rotated_secret_overlaps_with_the_one_before() {
    let serve = Serve::start(&[]).await;
    let old = serve.set_up();
    let rotated =
        serve.cli(&["client", "rotate-secret", "c", "--overlap-seconds", "2", "--output", "json"]).success().json();
    let new = rotated["client_secret"].as_str().unwrap();
    assert_eq!(serve.token_within_a_second("c", new, issued).await.status, 200);
    assert_eq!(serve.token("c", &old).await.status, 200, "within the overlap");
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    assert_eq!(serve.token("c", &old).await.error(), (401, "invalid_client".to_owned()), "after it");
    assert_eq!(serve.token("c", new).await.status, 200);
}

#[tokio::test]
async fn imported_hashes_are_upgraded_at_the_first_success() {
    let serve = Serve::start(&[]).await;
    let document = r#"{"apis":[{"identifier":"https://api/"}],"clients":[{"client_id":"ids","secrets":[{"hash":"8vuBXTnTHUm974K++paE3MoT1TWqmLpwkZr0OnsCRRs="}],"grants":[{"audience":"https://api/"}]}]}"#;
    std::fs::write(serve.path().join("document.json"), document).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    assert_eq!(serve.token_within_a_second("ids", "a secret that was brought", issued).await.status, 200);
    let mut exported = String::new();
    for _ in 0..100 {
        exported = serve.cli(&["export", "--format", "json"]).success().stdout;
        if exported.contains("$argon2id$") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(exported.contains("$argon2id$v=19$m=19456,t=2,p=1$"), "{exported}");
    assert_eq!(serve.token("ids", "a secret that was brought").await.status, 200);
    assert_eq!(serve.token("ids", "another").await.status, 401);

    for document in ["document.json", "exported.json"] {
        std::fs::write(serve.path().join("exported.json"), &exported).unwrap();
        let again = serve.cli(&["apply", "-f", document, "--prune", "--output", "json"]).success().json();
        assert_eq!(again["steps"], serde_json::json!([]), "{document} still names the secret, by its hash then or now");
    }
    for lists in [&["client", "secret", "list", "ids"][..], &["client", "show", "ids"], &["export"]] {
        assert!(!serve.cli(lists).success().stdout.contains("8vuBXTnTHUm"), "{lists:?}");
    }
}

#[tokio::test]
async fn secrets_upgraded_one_right_after_the_other_share_a_salt() {
    let serve = Serve::start(&[]).await;
    let document = r#"{"apis":[{"identifier":"https://api/"}],"clients":[{"client_id":"ids","secrets":[{"hash":"8vuBXTnTHUm974K++paE3MoT1TWqmLpwkZr0OnsCRRs="},{"hash":"9MrYBSwnBSBaAfRKuoqs+quCKhhV7P1eBkdMJW14yBI="}],"grants":[{"audience":"https://api/"}]}]}"#;
    std::fs::write(serve.path().join("document.json"), document).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    assert_eq!(serve.token_within_a_second("ids", "a secret that was brought", issued).await.status, 200);
    assert_eq!(serve.token("ids", "an imported legacy secret").await.status, 200);
    let mut salts = Vec::new();
    for _ in 0..100 {
        let exported = serve.cli(&["export", "--format", "json"]).success().json();
        let secrets = exported["clients"][0]["secrets"].as_array().unwrap().clone();
        let salt = |secret: &serde_json::Value| secret["hash"].as_str().unwrap().split('$').nth(4).map(str::to_owned);
        salts = secrets.iter().filter_map(salt).collect();
        if salts.len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(salts.len() == 2 && salts[0] == salts[1], "one slow computation checks both: {salts:?}");
}

#[tokio::test]
async fn the_last_use_of_a_secret_is_written() {
    let mut serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    assert_eq!(serve.token_within_a_second("c", &secret, issued).await.status, 200);
    assert_eq!(serve.terminate(), 0);
    let listed = serve.cli(&["client", "secret", "list", "c", "--output", "json"]).success().json();
    assert!(listed[0]["last_used_at"].is_string(), "{listed}");
    assert_eq!(listed[0]["hint"], secret[..12]);
    assert!(!listed.to_string().contains(&secret));
}

#[tokio::test]
async fn a_missing_wrong_or_open_master_key_is_refused() {
    let mut serve = Serve::start(&[]).await;
    assert_eq!(serve.terminate(), 0);
    let key = serve.path().join("keys/master.key");
    let kept = std::fs::read(&key).unwrap();
    let start = || run(serve.path(), &["serve", "--bind", &format!("127.0.0.1:{}", serve.port)]);

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = start();
    assert!(output.code == 1 && output.stderr.contains("chmod 600"), "{output:?}");

    std::fs::remove_file(&key).unwrap();
    let output = start();
    assert!(output.code == 1 && output.stderr.contains("put the file back"), "{output:?}");
    assert!(!key.exists(), "no new key is made beside sealed ones");

    let elsewhere = serve.path().join("elsewhere");
    std::fs::write(&elsewhere, &kept).unwrap();
    std::fs::set_permissions(&elsewhere, std::fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&elsewhere, &key).unwrap();
    let output = start();
    assert!(output.code == 1 && output.stderr.contains("not an ordinary file"), "{output:?}");
    std::fs::remove_file(&key).unwrap();

    let variables = [("TOKENHOUSE__KEYS__MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
    let bind = format!("127.0.0.1:{}", serve.port);
    let output = run_with(serve.path(), &["serve", "--bind", &bind], &variables, "");
    assert!(output.code == 1 && output.stderr.contains("master key"), "{output:?}");
    assert!(!output.stderr.contains("AAAAAAAA"), "{output:?}");
}

#[tokio::test]
async fn a_broken_newer_or_locked_away_database_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let start = |database: &str| run(directory.path(), &["serve", "--bind", "127.0.0.1:0", "--database", database]);
    std::fs::write(directory.path().join("broken.db"), "this is no database, but text that goes on and on").unwrap();
    let output = start("sqlite:broken.db");
    assert!(output.code == 1 && output.stderr.contains("broken.db"), "{output:?}");
    let output = start("sqlite:no/such/folder/x.db");
    assert!(output.code == 1 && output.stderr.contains("no/such/folder"), "{output:?}");
    let output = start("mysql://x");
    assert!(output.code == 2 && output.stderr.contains("database.url"), "{output:?}");
}

#[test]
fn every_mistake_in_the_configuration_is_told_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let text = "isuer = 'x'\ncompat = 'okta'\n[server]\nbnd = '1'\n[limits]\nbody_bytes = 'many'\n";
    std::fs::write(directory.path().join("tokenhouse.toml"), text).unwrap();
    let variables = [("TOKENHOUSE__SERVER__WORKRES", "3")];
    for command in [&["config", "check"][..], &["serve"]] {
        let output = run_with(directory.path(), command, &variables, "");
        assert_eq!(output.code, 2, "{output:?}");
        for told in ["isuer", "did you mean issuer?", "compat", "bnd", "body_bytes", "TOKENHOUSE__SERVER__WORKRES"] {
            assert!(output.stderr.contains(told), "no {told} in {output:?}");
        }
    }
    std::fs::write(directory.path().join("tokenhouse.toml"), "issuer = \n").unwrap();
    let output = run(directory.path(), &["serve"]);
    assert!(output.code == 2 && output.stderr.contains("line 1"), "{output:?}");
    let output = run(directory.path(), &["serve", "--config", "gone.toml"]);
    assert!(output.code == 2 && output.stderr.contains("gone.toml"), "{output:?}");
}

#[test]
fn it_listens_beyond_loopback_only_with_tls_or_behind_a_proxy() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["serve", "--bind", "0.0.0.0:0"]);
    assert!(output.code == 2 && output.stderr.contains("behind_proxy"), "{output:?}");
}

#[tokio::test]
async fn a_taken_port_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let output = run(directory.path(), &["serve", "--bind", &bind]);
    assert!(output.code == 1 && output.stderr.contains("something listens there already"), "{output:?}");
}

#[tokio::test]
async fn a_command_with_another_issuer_leaves_the_management_api_alone() {
    let serve = Serve::start(&[]).await;
    serve.set_up();
    run(serve.path(), &["client", "create", "--id", "made-with-the-default-issuer"]).success();
    let apis = serve.cli(&["api", "list", "--output", "json"]).success().stdout;
    assert!(apis.contains(&serve.url("/api/v2/")), "{apis}");
}

#[test]
fn a_reading_command_in_the_wrong_folder_makes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [&["client", "list"][..], &["api", "show", "https://x/"], &["key", "list"], &["export"]] {
        let output = run(directory.path(), arguments);
        assert!(output.code == 1 && output.stderr.contains("there is no database"), "{arguments:?}: {output:?}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    std::fs::write(directory.path().join("tokenhouse.db"), "").unwrap();
    let output = run(directory.path(), &["client", "list"]);
    assert!(output.code == 1 && output.stderr.contains("is empty"), "{output:?}");
}

#[tokio::test]
async fn a_reading_command_does_not_wait_for_one_that_writes() {
    use diesel::connection::SimpleConnection as _;
    use diesel::{Connection as _, SqliteConnection};
    let serve = Serve::start(&[]).await;
    serve.set_up();
    let path = serve.path().join("tokenhouse.db");
    let mut writer = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    writer.batch_execute("BEGIN IMMEDIATE").unwrap();
    // If it needed the lock, it would give up after five seconds.
    serve.cli(&["client", "list"]).success();
    writer.batch_execute("ROLLBACK").unwrap();
}

#[test]
fn a_closed_standard_output_is_no_fault() {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), &["migrate"]).success();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut create = crate::support::program::command(directory.path(), &["client", "create", "--id", "x"]);
    let output = create.stdout(full).stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && told.contains("could not be shown: retire it"), "{told}");
}

#[tokio::test]
async fn a_generated_secret_works_raw_for_an_id_that_needs_encoding() {
    let serve = Serve::start(&[]).await;
    serve.set_up();
    let document = r#"{"clients":[{"client_id":"svc+one","grants":[{"audience":"https://api/","scope":["a"]}]}]}"#;
    std::fs::write(serve.path().join("document.json"), document).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    let added = serve.cli(&["client", "secret", "add", "svc+one", "--output", "json"]).success().json();
    let secret = added["client_secret"].as_str().unwrap();
    assert_eq!(serve.token_within_a_second("svc+one", secret, issued).await.status, 200);
    for id in ["svc+one", "svc%2Bone"] {
        let request = crate::support::answer::client()
            .post(serve.url("/oauth/token"))
            .header("authorization", crate::support::dev::basic(id, secret))
            .form(&[("grant_type", "client_credentials")]);
        assert_eq!(Answer::to(request).await.status, 200, "{id}");
    }
}

#[tokio::test]
async fn a_database_that_is_deleted_under_the_server_is_told() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    assert_eq!(serve.token_within_a_second("c", &secret, issued).await.status, 200);
    std::fs::remove_file(serve.path().join("tokenhouse.db")).unwrap();
    let mut status = String::new();
    for _ in 0..60 {
        let answer = Answer::to(crate::support::answer::client().get(serve.url("/readyz"))).await;
        status = answer.json()["status"].as_str().unwrap().to_owned();
        if status != "ready" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(status, "degraded, still issuing");
    assert_eq!(serve.token("c", &secret).await.status, 200);
    assert!(serve.log().contains("deleted or replaced"), "{}", serve.log());
}

#[tokio::test]
async fn a_log_that_cannot_be_written_does_not_end_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let port = crate::support::serve::free_port();
    let bind = format!("127.0.0.1:{port}");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut child =
        crate::support::program::command(directory.path(), &["serve", "--bind", &bind]).stderr(full).spawn().unwrap();
    let url = format!("http://{bind}/oauth/token");
    let client = crate::support::answer::client();
    for _ in 0..500 {
        // It answers 503 while it loads.
        if client.get(&url).send().await.is_ok_and(|answer| answer.status() == 405) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for _ in 0..3 {
        assert_eq!(Answer::to(client.post(&url).form(&[("a", "b")])).await.status, 401);
    }
    crate::support::serve::signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_wrong_certificate_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let files = ["--set", "tls.certificate_file=nope.pem", "--set", "tls.key_file=nope.pem"];
    let output = run(directory.path(), &[&["serve", "--bind", "127.0.0.1:0"][..], &files].concat());
    assert!(output.code == 1 && output.stderr.contains("nope.pem"), "{output:?}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
