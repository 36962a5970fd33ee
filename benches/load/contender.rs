//! How is Tokenhouse set up as a contender, with the floor and the bare signature beside it?

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokenhouse::entropy::SystemEntropy;
use tokenhouse::keys::{RsaBits, SigningAlg, generate_private_key};
use tokenhouse::secret::GeneratedSecret;

use super::generator::{fetch, request};
use super::process::{SERVER_CORE, Server, free_address, output, pinned};
use super::roles::floor::{Burden, ConstantAnswer};
use super::roles::signing::{Repeated, Work};
use super::statistics::number;

/// The audience of every token, unless a section needs several APIs.
pub(crate) const AUDIENCE: &str = "https://api.example.com/";
/// The scope of every token.
pub(crate) const SCOPE: &str = "list:users create:users";

/// Waits as long as it takes for a signature: on a machine that others use as well, a refusal would say nothing about the cost of a token.
pub(crate) const PATIENT: &str = "signing.queue_milliseconds=60000";

/// How long the spinning beside a bare signature alternates.
const SPIN_PERIOD: Duration = Duration::from_millis(2);

/// Where contenders live, and which executable they are.
pub(crate) struct Workshop {
    directory: PathBuf,
    executable: PathBuf,
}

/// An issuer with its database, not necessarily running.
pub(crate) struct Issuer {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where its database and keys lie.
    pub(crate) directory: PathBuf,
    settings: Vec<String>,
    executable: PathBuf,
}

impl Workshop {
    /// In this directory.
    ///
    /// # Errors
    /// If the directory cannot be made, or the executable is not told.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)?;
        Ok(Self { directory: directory.canonicalize()?, executable: std::env::current_exe()? })
    }

    /// An empty directory of this name.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn fresh(&self, name: &str) -> anyhow::Result<PathBuf> {
        let directory = self.directory.join(name);
        if directory.exists() {
            std::fs::remove_dir_all(&directory)?;
        }
        std::fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    /// An issuer that holds what `document` says.
    ///
    /// # Errors
    /// If the product does not take the document.
    pub(crate) fn issuer(&self, name: &str, settings: &[&str], document: &Value) -> anyhow::Result<Issuer> {
        let issuer = self.issuer_in(self.fresh(name)?, settings)?;
        std::fs::write(issuer.directory.join("document.json"), serde_json::to_vec(document)?)?;
        issuer.run(&["apply", "-f", "document.json"]).context("cannot apply the document")?;
        Ok(issuer)
    }

    /// The issuer that an earlier run made under this name, if there is one.
    ///
    /// # Errors
    /// If no address is free.
    pub(crate) fn kept_issuer(&self, name: &str, settings: &[&str]) -> anyhow::Result<Option<Issuer>> {
        let directory = self.directory.join(name);
        directory.exists().then(|| self.issuer_in(directory, settings)).transpose()
    }

    fn issuer_in(&self, directory: PathBuf, settings: &[&str]) -> anyhow::Result<Issuer> {
        let address = free_address()?;
        // Many servers run side by side: only those of which metrics are asked answer them, each at an address of its own.
        let metrics =
            (!settings.iter().any(|setting| setting.starts_with("metrics.bind="))).then_some("metrics.bind=off");
        let settings = settings.iter().copied().chain(metrics);
        let settings = settings.flat_map(|setting| ["--set".to_owned(), setting.to_owned()]).collect();
        Ok(Issuer { address, directory, settings, executable: self.executable.clone() })
    }

    /// Starts another role of this executable.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn start(&self, directory: &Path, args: &[String], address: SocketAddr) -> anyhow::Result<Server> {
        Server::spawn(&self.executable, args, directory, address)
    }

    /// A server that answers as the product did to these requests, without doing anything for it. `role` is `floor`, with the
    /// product's middleware, or `bare`, without.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn constant(&self, role: &str, name: &str, answers: &[ConstantAnswer]) -> anyhow::Result<Server> {
        let directory = self.fresh(&format!("{role}-{name}"))?;
        std::fs::write(directory.join("answers.json"), serde_json::to_vec(answers)?)?;
        let address = free_address()?;
        let mut server =
            self.start(&directory, &[role.to_owned(), address.to_string(), "answers.json".to_owned()], address)?;
        let first = answers.first().context("a constant server needs an answer")?;
        let request =
            if first.method == "POST" { request::post_form(&first.path, &[]) } else { request::get(&first.path, None) };
        server.wait_until_ok(&request)?;
        Ok(server)
    }

    /// Seconds of CPU for one bare signature, or with the role `verify` for checking one, while the other core is busy for the
    /// share `busy` of the time.
    ///
    /// # Errors
    /// If the key cannot be made or used.
    pub(crate) fn bare(&self, role: &str, key: Key, seconds: f64, busy: f64) -> anyhow::Result<f64> {
        let file = self.key_file(key)?;
        let mut command = pinned(&self.executable, SERVER_CORE);
        command.arg(role).arg(key.alg.as_str()).arg(file).arg(seconds.to_string());
        let printed = beside_spinning(&mut command, busy)?;
        let done: Repeated = serde_json::from_str(&printed)?;
        Ok(done.cpu_seconds / number(done.operations))
    }

    /// A constant `answer`, but with a signature, or its verification, for each.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn burdened(&self, name: &str, answer: &ConstantAnswer, work: Work, key: Key) -> anyhow::Result<Server> {
        let burden = Burden { work, alg: key.alg.as_str().to_owned(), key: self.key_file(key)? };
        self.constant(
            "floor",
            &format!("burdened-{name}"),
            &[ConstantAnswer { burden: Some(burden), ..answer.clone() }],
        )
    }

    fn key_file(&self, key: Key) -> anyhow::Result<PathBuf> {
        let file = self.directory.join(format!("{}.pkcs8", key.name()));
        if !file.exists() {
            let made = generate_private_key(key.alg, key.bits, &SystemEntropy)?;
            std::fs::write(&file, made.expose_pkcs8())?;
        }
        Ok(file)
    }
}

impl Issuer {
    /// Runs a command of the product on its database, on the core of the servers: what it prints.
    ///
    /// # Errors
    /// If it fails.
    pub(crate) fn run(&self, args: &[&str]) -> anyhow::Result<String> {
        let mut command = pinned(&self.executable, SERVER_CORE);
        output(command.arg("tokenhouse").args(args).args(&self.settings).current_dir(&self.directory))
    }

    /// Starts `tokenhouse serve`; it may not answer yet.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn serve(&self) -> anyhow::Result<Server> {
        let mut args = vec!["tokenhouse".to_owned(), "serve".to_owned()];
        args.extend(["--bind".to_owned(), self.address.to_string(), "--issuer".to_owned(), self.url()]);
        args.extend(["--set".to_owned(), "server.workers=1".to_owned()]);
        args.extend(self.settings.iter().cloned());
        Server::spawn(&self.executable, &args, &self.directory, self.address)
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// If it does not.
    pub(crate) fn serve_until_ready(&self) -> anyhow::Result<Server> {
        let mut server = self.serve()?;
        server.wait_until_ok(&request::get("/readyz", None))?;
        Ok(server)
    }

    /// Its identifier.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// A kind of signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Its algorithm.
    pub(crate) alg: SigningAlg,
    /// Its length, for RSA.
    pub(crate) bits: RsaBits,
}

impl Key {
    /// The usual one.
    pub(crate) const RS256: Self = Self { alg: SigningAlg::Rs256, bits: RsaBits::Bits2048 };

    /// A name for tables.
    pub(crate) fn name(self) -> String {
        if self.alg.is_rsa() {
            format!("{}-{}", self.alg.as_str(), self.bits.get())
        } else {
            self.alg.as_str().to_owned()
        }
    }
}

/// A client with a secret and a grant.
pub(crate) struct Partner {
    /// Its id.
    pub(crate) client_id: String,
    /// Its secret.
    pub(crate) secret: String,
}

impl Partner {
    /// A client with a generated secret.
    pub(crate) fn new(client_id: impl Into<String>) -> Self {
        let secret = GeneratedSecret::generate(&SystemEntropy).expose().to_owned();
        Self { client_id: client_id.into(), secret }
    }

    /// Its entry in a document, with grants for these APIs.
    pub(crate) fn entry(&self, audiences: &[&str]) -> Value {
        let scope: Vec<&str> = SCOPE.split(' ').collect();
        let grants: Vec<Value> =
            audiences.iter().map(|audience| json!({ "audience": audience, "scope": scope })).collect();
        json!({ "client_id": self.client_id, "secrets": [{ "value": self.secret }], "grants": grants })
    }

    /// Its request for a token.
    pub(crate) fn token_request(&self, audience: &str) -> Vec<u8> {
        request::post_form(
            "/oauth/token",
            &[
                ("grant_type", "client_credentials"),
                ("client_id", &self.client_id),
                ("client_secret", &self.secret),
                ("audience", audience),
                ("scope", SCOPE),
            ],
        )
    }
}

/// An API in a document.
pub(crate) fn api(identifier: &str, alg: SigningAlg) -> Value {
    let scopes: Vec<Value> = SCOPE.split(' ').map(|value| json!({ "value": value })).collect();
    json!({ "identifier": identifier, "scopes": scopes, "signing_alg": alg.as_str() })
}

/// What the product answers to `bytes`, as an answer that never changes, with the header fields that its endpoint sets.
///
/// # Errors
/// If it does not answer with 200.
pub(crate) fn observed(
    server: &Server,
    method: &str,
    path: &str,
    bytes: &[u8],
    headers: &[(&str, &str)],
) -> anyhow::Result<ConstantAnswer> {
    let (status, body) = fetch(server.address, bytes)?;
    let body = String::from_utf8(body)?;
    anyhow::ensure!(status == 200, "{method} {path} was answered with {status}: {body}");
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(ConstantAnswer { method: method.to_owned(), path: path.to_owned(), headers, body, burden: None })
}

/// The header fields of a token response.
pub(crate) const TOKEN_HEADERS: &[(&str, &str)] =
    &[("content-type", "application/json"), ("cache-control", "no-store"), ("pragma", "no-cache")];

/// Runs a command while this core is busy for the share `busy` of the time: what the command prints.
///
/// # Errors
/// If it fails.
pub(crate) fn beside_spinning(command: &mut Command, busy: f64) -> anyhow::Result<String> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    while child.try_wait()?.is_none() {
        let began = Instant::now();
        let spin = SPIN_PERIOD.mul_f64(busy.clamp(0.0, 1.0));
        while began.elapsed() < spin {
            std::hint::spin_loop();
        }
        thread::sleep(SPIN_PERIOD.saturating_sub(began.elapsed()));
    }
    let done = child.wait_with_output()?;
    anyhow::ensure!(done.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
