//! What the program writes is its owner's alone, whatever the one who starts it lets others do.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::answer::client;
use crate::support::program::{BINARY, command};
use crate::support::serve::{free_port, signal};

/// Every file and folder below `directory` with its permissions.
fn modes(directory: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let metadata = entry.metadata().unwrap();
        found.push((entry.path().display().to_string(), metadata.permissions().mode() & 0o777));
        if metadata.is_dir() {
            found.extend(modes(&entry.path()));
        }
    }
    found
}

#[tokio::test]
async fn nobody_else_may_read_what_is_written_under_any_umask() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let (bind, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}/"));
    let shell = |arguments: &[&str]| {
        let fixed = ["-c", "umask 000; exec \"$0\" \"$@\"", BINARY];
        let mut shell = Command::new("/bin/sh");
        shell.args(fixed).args(arguments).current_dir(directory.path()).env("TOKENHOUSE__METRICS__BIND", "off");
        shell
    };
    let mut serve = shell(&["serve", "--bind", &bind, "--issuer", &url]);
    let mut child = serve.stderr(std::process::Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !client().get(format!("{url}readyz")).send().await.is_ok_and(|answer| answer.status() == 200) {
        assert!(Instant::now() < deadline, "not there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let umask = status.lines().find(|line| line.starts_with("Umask:")).unwrap();
    assert_eq!(umask.split_whitespace().nth(1), Some("0077"));
    assert!(shell(&["backup", "backup.db"]).output().unwrap().status.success());
    let written = modes(directory.path());
    signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    for name in ["tokenhouse.db", "tokenhouse.db-wal", "keys/master.key", "backup.db"] {
        assert!(written.iter().any(|(path, _)| path.ends_with(name)), "{name}: {written:?}");
    }
    for (path, mode) in written.iter().chain(&modes(directory.path())) {
        assert_eq!(mode & 0o077, 0, "{path} has {mode:03o}");
    }
}

#[test]
fn a_master_key_of_another_user_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| command(directory.path(), arguments).output().unwrap();
    assert!(run(&["client", "create", "--id", "c"]).status.success());
    let key = directory.path().join("keys/master.key");
    // Only root can give a file away; for anybody else the rule has a test beside it.
    if std::os::unix::fs::chown(&key, Some(12_345), None).is_ok() {
        let refused = run(&["key", "rotate", "--now"]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && told.contains("12345") && told.contains("chown 0"), "{told}");
    }
}
