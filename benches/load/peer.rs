//! Which other servers run beside it, and how are they installed and started?

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::contender::{AUDIENCE, SCOPE};
use super::generator::request;
use super::process::{Server, free_address, output};

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/load/peers");
const CLIENT_ID: &str = "bench";
const CLIENT_SECRET: &str = "bench-secret-0123456789abcdefghijklmnopqrstuv";

/// A server that an ordinary registry offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// npm `oidc-provider`.
    OidcProvider,
    /// npm `oauth2-mock-server`.
    OAuth2MockServer,
    /// Authlib with Flask under gunicorn.
    Authlib,
}

impl Peer {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::OidcProvider, Self::OAuth2MockServer, Self::Authlib];

    /// Its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OidcProvider => "oidc-provider (npm)",
            Self::OAuth2MockServer => "oauth2-mock-server (npm, checks no secret)",
            Self::Authlib => "Authlib + Flask (gunicorn)",
        }
    }
}

/// The token request for any of them: each is set to one client and one audience.
pub(crate) fn token_request() -> Vec<u8> {
    let parameters = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("scope", SCOPE),
    ];
    request::post_form("/token", &parameters)
}

/// Where the peers are installed.
pub(crate) struct Peers {
    directory: PathBuf,
}

impl Peers {
    /// In this directory.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)?;
        Ok(Self { directory: directory.canonicalize()? })
    }

    /// Installs what `peer` needs, unless that was done before.
    ///
    /// # Errors
    /// If its language or registry is missing.
    pub(crate) fn install(&self, peer: Peer) -> anyhow::Result<()> {
        match peer {
            Peer::OidcProvider | Peer::OAuth2MockServer => self.install_node(),
            Peer::Authlib => self.install_python(),
        }
    }

    /// Starts `peer`; it may not answer yet.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn start(&self, peer: Peer) -> anyhow::Result<Server> {
        let address = free_address()?;
        match peer {
            Peer::OidcProvider => self.start_node("oidc-provider.mjs", address),
            Peer::OAuth2MockServer => self.start_node("oauth2-mock-server.mjs", address),
            Peer::Authlib => self.start_python(address),
        }
    }

    fn node(&self) -> PathBuf {
        self.directory.join("node")
    }

    fn python(&self) -> PathBuf {
        self.directory.join("python")
    }

    fn install_node(&self) -> anyhow::Result<()> {
        let directory = self.node();
        let changed = copy(&directory, &["package.json", "oidc-provider.mjs", "oauth2-mock-server.mjs"])?;
        if !changed && directory.join("node_modules").exists() {
            return Ok(());
        }
        super::say("  installing the npm peers");
        let mut command = Command::new("npm");
        command.args(["install", "--omit=dev", "--no-audit", "--no-fund"]).current_dir(&directory);
        output(&mut command).context("npm")?;
        Ok(())
    }

    fn install_python(&self) -> anyhow::Result<()> {
        let directory = self.python();
        let changed = copy(&directory, &["requirements.txt", "authlib_server.py"])?;
        let environment = directory.join("venv");
        if !changed && environment.join("bin/gunicorn").exists() {
            return Ok(());
        }
        super::say("  installing the Python peer");
        output(Command::new("python3").args(["-m", "venv"]).arg(&environment)).context("python3 -m venv")?;
        let mut command = Command::new(environment.join("bin/pip"));
        command.args(["install", "--quiet", "--requirement", "requirements.txt"]).current_dir(&directory);
        output(&mut command).context("pip")?;
        Ok(())
    }

    fn start_node(&self, program: &str, address: SocketAddr) -> anyhow::Result<Server> {
        let node = PathBuf::from("node");
        let port = address.port().to_string();
        let run = self.directory.join("run").join(program);
        // Modules are looked for from the program's own place.
        let program = self.node().join(program).display().to_string();
        let args = [&program, &port, CLIENT_ID, CLIENT_SECRET, AUDIENCE, SCOPE].map(ToOwned::to_owned);
        Server::spawn(&node, &args, &run, address)
    }

    fn start_python(&self, address: SocketAddr) -> anyhow::Result<Server> {
        let settings = [
            ("BENCH_ISSUER", format!("http://{address}/")),
            ("BENCH_CLIENT_ID", CLIENT_ID.to_owned()),
            ("BENCH_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("BENCH_AUDIENCE", AUDIENCE.to_owned()),
            ("BENCH_SCOPE", SCOPE.to_owned()),
            ("AUTHLIB_INSECURE_TRANSPORT", "1".to_owned()),
        ];
        // One worker, as everybody has one core; threads, so that idle connections do not hold it.
        let words = [
            "--workers",
            "1",
            "--worker-class",
            "gthread",
            "--threads",
            "8",
            "--keep-alive",
            "75",
            "--no-control-socket",
            "--chdir",
        ];
        let python = self.python();
        let mut args: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        args.push(python.join("venv/bin/python").display().to_string());
        args.extend(["-m".to_owned(), "gunicorn".to_owned()]);
        args.extend(words.iter().map(|word| (*word).to_owned()));
        args.extend([python.display().to_string(), "--bind".to_owned(), address.to_string()]);
        args.push("authlib_server:app".to_owned());
        Server::spawn(Path::new("env"), &args, &self.directory.join("run/authlib"), address)
    }
}

/// Copies programs where they run: did anything change?
fn copy(directory: &Path, files: &[&str]) -> anyhow::Result<bool> {
    std::fs::create_dir_all(directory)?;
    let mut changed = false;
    for file in files {
        let source = std::fs::read(Path::new(PROGRAMS).join(file))?;
        let target = directory.join(file);
        if std::fs::read(&target).ok().as_ref() != Some(&source) {
            std::fs::write(&target, source)?;
            changed = true;
        }
    }
    Ok(changed)
}
