//! `tokenhouse serve` on a free port, on a database of its own, ended when dropped.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::answer::{Answer, client};
use super::certificates::Ca;
use super::exposition::Exposition;
use super::program::{Output, command, run};

/// A folder with a database and a key, and perhaps a server on them.
pub struct Serve {
    pub directory: TempDir,
    pub port: u16,
    metrics_port: u16,
    /// Who vouches for the certificate, if the server has one.
    ca: Option<Ca>,
    child: Option<Child>,
}

impl Serve {
    /// Starts a server in a fresh folder.
    pub async fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let mut serve = Self { directory, port: free_port(), metrics_port: free_port(), ca: None, child: None };
        serve.start_again(arguments).await;
        serve
    }

    /// Starts a server in a fresh folder, with a certificate of `ca` in its folder `tls`, a link to `tls-1`.
    pub async fn start_tls(ca: Ca, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        ca.write_pair(&directory.path().join("tls-1"));
        std::os::unix::fs::symlink("tls-1", directory.path().join("tls")).expect("a link");
        let mut serve = Self { directory, port: free_port(), metrics_port: free_port(), ca: Some(ca), child: None };
        serve.start_again(arguments).await;
        serve
    }

    /// Starts the server again, in the same folder and on the same port, and waits until it is ready.
    pub async fn start_again(&mut self, arguments: &[&str]) {
        let bind = format!("127.0.0.1:{}", self.port);
        let issuer = self.url("/");
        let metrics = format!("metrics.bind=127.0.0.1:{}", self.metrics_port);
        let fixed = ["serve", "--bind", &bind, "--issuer", &issuer, "--set", &metrics];
        let files = ["--set", "tls.certificate_file=tls/cert.pem", "--set", "tls.key_file=tls/key.pem"];
        let tls: &[&str] = if self.ca.is_some() { &files } else { &[] };
        let log = std::fs::File::options().create(true).append(true).open(self.path().join("log")).expect("a log");
        let child = command(self.path(), &[&fixed, tls, arguments].concat())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        self.child = Some(child);
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let ready = self.client().get(self.url("/readyz")).send().await;
            if ready.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("a status"));
            assert!(ended.is_none() && Instant::now() < deadline, "serve is not ready: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What it wrote to standard error.
    pub fn log(&self) -> String {
        super::log::settled(&self.path().join("log"))
    }

    /// A URL of the server.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}{path}", self.port)
    }

    /// A URL of its metrics listener.
    pub fn metrics_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.metrics_port)
    }

    /// The port of its metrics listener.
    pub const fn metrics_port(&self) -> u16 {
        self.metrics_port
    }

    /// Its metrics as they are now.
    pub async fn scrape(&self) -> Exposition {
        let answer = Answer::to(client().get(self.metrics_url("/metrics"))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Exposition::parse(&answer.text)
    }

    /// A client that reaches the server.
    pub fn client(&self) -> reqwest::Client {
        self.ca.as_ref().map_or_else(|| client().clone(), Ca::client)
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Waits until the log holds `text`, for 15 seconds at most.
    pub async fn wait_for_log(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(15);
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline, "no {text} in {}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Runs a command on the same database.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        let issuer = format!("issuer={}", self.url("/"));
        run(self.path(), &[arguments, &["--set", &issuer]].concat())
    }

    /// Creates the API `https://api/` with the scopes `a b` and the client `c` with a grant for `a`; returns its secret.
    pub fn set_up(&self) -> String {
        self.cli(&["api", "create", "https://api/", "--scope", "a", "--scope", "b"]).success();
        self.set_up_beside()
    }

    /// The same where the API is there already.
    pub fn set_up_beside(&self) -> String {
        let created = self.cli(&["client", "create", "--id", "c", "--output", "json"]).success();
        self.cli(&["grant", "create", "c", "https://api/", "--scope", "a"]).success();
        created.json()["client_secret"].as_str().expect("a secret").to_owned()
    }

    /// A token request of `client_id`.
    pub async fn token(&self, client_id: &str, secret: &str) -> Answer {
        let form = [("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", secret)];
        Answer::to(self.client().post(self.url("/oauth/token")).form(&form)).await
    }

    /// Asks again until the answer satisfies `wanted`, for a second at most: the longest that a change may take.
    pub async fn token_within_a_second(&self, client_id: &str, secret: &str, wanted: fn(&Answer) -> bool) -> Answer {
        let deadline = Instant::now() + Duration::from_secs(1);
        loop {
            let answer = self.token(client_id, secret).await;
            if wanted(&answer) || Instant::now() > deadline {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The JWK Set.
    pub async fn jwk_set(&self) -> Value {
        Answer::to(client().get(self.url("/.well-known/jwks.json"))).await.json()
    }

    /// Ends the server as a power cut would.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
    }

    /// Sends SIGTERM and waits for the exit code.
    pub fn terminate(&mut self) -> i32 {
        let mut child = self.child.take().expect("it runs");
        signal(child.id(), "TERM");
        child.wait().expect("it ends").code().unwrap_or(-1)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        super::log::check(&self.path().join("log"));
    }
}

/// Sends a signal.
pub fn signal(pid: u32, name: &str) {
    Command::new("kill").args(["-s", name, &pid.to_string()]).status().expect("kill runs");
}

/// A port that is free, and that no other test is given: below the range from which the system takes ports by itself.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 8_000).expect("less than 8000");
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
