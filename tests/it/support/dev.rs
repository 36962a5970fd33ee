//! `tokenhouse dev` on free ports, ended when dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use tempfile::TempDir;

use super::answer::{Answer, client};
use super::program::command;

/// A running `tokenhouse dev`.
pub struct Dev {
    child: Child,
    pub directory: TempDir,
    pub ready: Value,
}

/// The credentials of one of its clients, and the API that it may call.
#[derive(Clone, Debug)]
pub struct Partner {
    pub client_id: String,
    pub client_secret: String,
    pub audience: String,
}

impl Dev {
    /// Starts it with further arguments.
    pub fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        Self::start_in(directory, arguments)
    }

    /// Starts it with a configuration document.
    pub fn seeded(document: &Value, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        std::fs::write(directory.path().join("seed.yaml"), document.to_string()).expect("the seed is written");
        Self::start_in(directory, &[&["--seed", "seed.yaml"], arguments].concat())
    }

    fn start_in(directory: TempDir, arguments: &[&str]) -> Self {
        let fixed = ["dev", "--json", "--port", "0", "--resource-port", "0", "--ready-file", "ready.json"];
        let log = std::fs::File::create(directory.path().join("log")).expect("a log");
        let child = command(directory.path(), &[&fixed, arguments].concat())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let mut dev = Self { child, directory, ready: Value::Null };
        let deadline = Instant::now() + Duration::from_secs(30);
        while dev.ready.is_null() {
            if let Ok(text) = std::fs::read_to_string(dev.directory.path().join("ready.json")) {
                dev.ready = serde_json::from_str(&text).expect("the ready file is whole");
            } else if dev.child.try_wait().expect("a status").is_some() || Instant::now() > deadline {
                panic!("dev is not ready: {}", dev.log());
            } else {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        dev
    }

    /// What it wrote to standard error.
    pub fn log(&self) -> String {
        super::log::settled(&self.log_file())
    }

    pub fn log_file(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Sends SIGTERM and waits for the exit code.
    pub fn terminate(&mut self) -> i32 {
        super::serve::signal(self.child.id(), "TERM");
        self.child.wait().expect("it ends").code().unwrap_or(-1)
    }

    /// The whole standard output, after it has ended.
    pub fn stdout(&mut self) -> String {
        let pipe = self.child.stdout.take().expect("a pipe");
        std::io::read_to_string(pipe).expect("text")
    }

    /// A URL under the issuer.
    pub fn issuer(&self, path: &str) -> String {
        format!("{}{path}", self.text("issuer").trim_end_matches('/'))
    }

    /// A URL under the resource API.
    pub fn api(&self, path: &str) -> String {
        format!("{}{path}", self.text("resource_api").trim_end_matches('/'))
    }

    /// A member of the ready line.
    pub fn text(&self, member: &str) -> String {
        self.ready[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.ready)).to_owned()
    }

    /// One of its clients.
    pub fn partner(&self, index: usize) -> Partner {
        let text = |member: &str| self.ready["clients"][index][member].as_str().unwrap_or_default().to_owned();
        Partner { client_id: text("client_id"), client_secret: text("client_secret"), audience: text("audience") }
    }

    /// The management client.
    pub fn management(&self) -> Partner {
        let text = |member: &str| self.ready["management"][member].as_str().expect("management").to_owned();
        Partner { client_id: text("client_id"), client_secret: text("client_secret"), audience: text("audience") }
    }

    /// A token request of the first partner, with `changes` to its form: a value replaces, `None` removes.
    pub async fn token(&self, changes: &[(&str, Option<&str>)]) -> Answer {
        self.token_with(changes, &[]).await
    }

    /// The same with headers.
    pub async fn token_with(&self, changes: &[(&str, Option<&str>)], headers: &[(&str, &str)]) -> Answer {
        let partner = self.partner(0);
        let mut form: Vec<(&str, &str)> = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &partner.client_id),
            ("client_secret", &partner.client_secret),
            ("audience", &partner.audience),
        ];
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.extend(value.map(|value| (*name, value)));
        }
        let mut request = client().post(self.text("token_endpoint")).form(&form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::to(request).await
    }

    /// A token request with a body as it is.
    pub async fn token_body(&self, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = client().post(self.text("token_endpoint")).header("content-type", content_type).body(body);
        Answer::to(request).await
    }

    /// A token of `partner`.
    pub async fn token_of(&self, partner: &Partner) -> String {
        let changes = [
            ("client_id", Some(partner.client_id.as_str())),
            ("client_secret", Some(partner.client_secret.as_str())),
            ("audience", Some(partner.audience.as_str())),
        ];
        self.token(&changes).await.access_token()
    }

    /// A request to the resource API with a token.
    pub async fn call(&self, method: &str, path: &str, token: &str) -> Answer {
        let method = method.parse().expect("a method");
        Answer::to(client().request(method, self.api(path)).bearer_auth(token)).await
    }

    /// A GET.
    pub async fn get(&self, url: &str) -> Answer {
        Answer::to(client().get(url)).await
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        super::log::check(&self.log_file());
    }
}

/// The value of an `Authorization` header with Basic credentials, as they are.
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

/// Every octet percent-encoded.
pub fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| encoded + &format!("%{byte:02X}"))
}

/// A part of a token, decoded: 0 is the header, 1 the claims.
pub fn token_part(token: &str, part: usize) -> Value {
    let encoded = token.split('.').nth(part).expect("the part");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(encoded).expect("base64url")).expect("JSON")
}
