//! Secrets that a program is given in variables: they arrive, and lie nowhere for others to read.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Answer;
use crate::support::answer::client;
use crate::support::program::{BINARY, command, run_with};
use crate::support::serve::{free_port, signal};

const MASTER_KEY: (&str, &str) = ("TOKENHOUSE__KEYS__MASTER_KEY", "canaryEnvironmentCanaryEnvironmentCanaryEnA");
const PARTNER: (&str, &str) = ("PARTNER_SECRET", "canary-partner-5d2f7a91c3e8b604");

/// A program that runs until it is told to stop.
struct Running {
    child: Child,
    directory: tempfile::TempDir,
}

impl Running {
    /// Starts it and waits until `url` is answered.
    async fn start(arguments: &[&str], variables: &[(&str, &str)], files: &[(&str, &str)], url: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let mut started = command(directory.path(), arguments);
        let child = started.envs(variables.iter().copied()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let running = Self { child, directory };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !client().get(url).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(Instant::now() < deadline, "not there: {}", running.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        running
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// What others may read of the process.
    fn read(&self, name: &str) -> String {
        let bytes = std::fs::read(format!("/proc/{}/{name}", self.child.id())).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// No secret lies in the environment, the process is the one that was started, and it ends as it should.
    fn check_and_end(mut self, command: &str) {
        let environment = self.read("environ");
        assert!(environment.contains("PATH=/usr/bin:/bin\0"), "the rest is there: {environment:?}");
        assert!(!environment.contains("canary"), "{environment:?}");
        assert_eq!(self.read("comm").trim(), "tokenhouse");
        assert!(self.read("cmdline").starts_with(&format!("{BINARY}\0{command}\0")), "{}", self.read("cmdline"));
        assert!(!self.log().contains("canary"), "{}", self.log());
        signal(self.child.id(), "TERM");
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.log());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn document() -> String {
    json!({
        "apis": [{"identifier": "https://api/"}],
        "clients": [{
            "client_id": "p", "secrets": [{"value_env": PARTNER.0}], "grants": [{"audience": "https://api/"}]
        }]
    })
    .to_string()
}

#[tokio::test]
async fn serve_leaves_no_secret_in_its_environment() {
    let port = free_port();
    let (bind, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}/"));
    let arguments = ["serve", "--bind", &bind, "--issuer", &url];
    let database = ("TOKENHOUSE__DATABASE__URL", "sqlite:canary.db");
    let readyz = format!("{url}readyz");
    let serve = Running::start(&arguments, &[MASTER_KEY, database], &[], &readyz).await;
    assert!(!serve.directory.path().join("keys").exists(), "the given key is used");
    assert!(serve.directory.path().join("canary.db").exists(), "and the given database");
    serve.check_and_end("serve");
}

#[tokio::test]
async fn dev_leaves_no_secret_of_its_seed_in_its_environment() {
    let (port, resource_port) = (free_port().to_string(), free_port().to_string());
    let arguments = ["dev", "--json", "--port", &port, "--resource-port", &resource_port, "--seed", "seed.json"];
    let (livez, seed) = (format!("http://localhost:{port}/livez"), document());
    let dev = Running::start(&arguments, &[MASTER_KEY, PARTNER], &[("seed.json", &seed)], &livez).await;
    let form = [("grant_type", "client_credentials"), ("client_id", "p"), ("client_secret", PARTNER.1)];
    let answer = Answer::to(client().post(format!("http://localhost:{port}/oauth/token")).form(&form)).await;
    assert_eq!(answer.status, 200, "the secret arrived: {answer:?}");
    dev.check_and_end("dev");
}

#[tokio::test]
async fn the_resource_api_leaves_no_secret_in_its_environment() {
    let port = free_port();
    let bind = format!("127.0.0.1:{port}");
    let arguments = ["resource-api", "--bind", &bind, "--issuer", "http://localhost:1/", "--audience", "https://api/"];
    let headers = ("TOKENHOUSE__TRACING__OTLP_HEADERS", "authorization=canary-collector");
    let livez = format!("http://{bind}/healthz");
    Running::start(&arguments, &[MASTER_KEY, headers], &[], &livez).await.check_and_end("resource-api");
}

/// Standard input and the exit code are those of the one command, although it starts itself once more.
#[test]
fn a_command_takes_secrets_from_variables_and_the_rest_from_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let applied = run_with(directory.path(), &["apply", "-f", "-"], &[PARTNER, MASTER_KEY], &document()).success();
    assert!(!applied.stderr.contains("warning"), "{applied:?}");
    let without = run_with(directory.path(), &["apply", "-f", "-"], &[MASTER_KEY], &document());
    assert!(without.code == 2 && without.stderr.contains(PARTNER.0), "{without:?}");
}

#[test]
fn secrets_of_any_length_are_taken_and_a_file_that_is_not_ours_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let long = "x".repeat(100_000);
    run_with(directory.path(), &["config", "print"], &[(PARTNER.0, &long), ("GITHUB_TOKEN", &long)], "").success();
    for wrong in ["none", "0", "250"] {
        let output = run_with(directory.path(), &["config", "print"], &[("TOKENHOUSE_SECRETS_FD", wrong)], "");
        assert!(output.code == 1 && output.stderr.contains("TOKENHOUSE_SECRETS_FD"), "{output:?}");
    }
}
