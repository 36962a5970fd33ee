//! What did the operator ask for? Settings from defaults, file, environment and flags, checked as a whole before anything starts.
//!
//! `settings::SETTINGS` is the one table of settings; `layers` merges the sources, `reader` turns values into types, and one
//! file per subject holds the resulting settings.

mod client_assertions;
mod database;
mod effective;
mod error;
#[cfg(test)]
mod generated;
mod issuance;
mod issuer_identifier;
mod keys;
mod layers;
mod limits;
mod log;
mod metrics;
mod network;
mod pools;
mod proxies;
mod reader;
mod reference;
mod resource_api;
mod secret;
mod server;
mod setting;
mod settings;
mod sources;
#[cfg(test)]
mod tests;
mod tracing;

pub use client_assertions::{ClientAssertionSettings, KnownHosts};
pub use database::{DatabaseSettings, DatabaseUrl};
pub use error::{ConfigError, ConfigErrors};
pub use issuance::{SecretSettings, StoreSettings, TokenSettings};
pub use issuer_identifier::{IssuerIdentifier, is_loopback};
pub use keys::{JwksSettings, KeySettings, MasterKeySource};
pub use layers::DEFAULTS;
pub use limits::{LimitMode, LimitSettings};
pub use log::{LogFormat, LogLevel, LogSettings};
pub use metrics::MetricsSettings;
pub use network::{InvalidNetwork, Network};
pub use pools::{HashingSettings, SigningSettings};
pub use proxies::{ForwardedHeader, ProxySettings};
pub use reader::Threads;
pub use reference::docs;
pub use resource_api::ResourceApiSettings;
pub use secret::Secret;
pub use server::{ServerSettings, TlsFiles};
pub use settings::secret_variables;
pub use sources::{ConfigFile, DEFAULT_FILE, FileSystem, Flag, ReadFile, Sources};
pub use tracing::{Collector, TracingSettings};

use layers::Layers;
use reader::{Read, Reader};

use crate::oauth::resource::Compat;

/// Everything the issuer runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The issuer identifier.
    pub issuer: IssuerIdentifier,
    /// Whose errors and default token dialect are followed.
    pub compat: Compat,
    /// Section `server`.
    pub server: ServerSettings,
    /// Section `tls`; plain HTTP without.
    pub tls: Option<TlsFiles>,
    /// Section `database`.
    pub database: DatabaseSettings,
    /// Section `keys`.
    pub keys: KeySettings,
    /// Section `token`.
    pub token: TokenSettings,
    /// Section `jwks`.
    pub jwks: JwksSettings,
    /// Section `limits`.
    pub limits: LimitSettings,
    /// Section `hashing`.
    pub hashing: HashingSettings,
    /// Section `signing`.
    pub signing: SigningSettings,
    /// Section `secrets`.
    pub secrets: SecretSettings,
    /// Section `client_assertions`.
    pub client_assertions: ClientAssertionSettings,
    /// Section `store`.
    pub store: StoreSettings,
    /// Section `log`.
    pub log: LogSettings,
    /// Section `metrics`.
    pub metrics: MetricsSettings,
    /// Section `tracing`.
    pub tracing: TracingSettings,
    printed: String,
}

impl Config {
    /// Reads and checks the issuer's settings.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        let mut mistakes = Vec::new();
        let layers = Layers::merge(sources, &mut mistakes);
        let mut reader = Reader::new(&layers, sources.files.as_ref(), &mut mistakes);
        let config = Self::read(&mut reader, effective::render(&layers));
        match config {
            Ok(config) if mistakes.is_empty() => Ok(config),
            _ => Err(ConfigErrors(mistakes)),
        }
    }

    /// The settings in force as TOML, the origin of each as a comment, secrets as `"***"`.
    pub fn print(&self) -> &str {
        &self.printed
    }

    /// Reads every section before giving up on one, so that all mistakes are noted.
    fn read(from: &mut Reader<'_>, printed: String) -> Read<Self> {
        let issuer = from.required("issuer", IssuerIdentifier::parse);
        let compat = from.choice("compat");
        let server = ServerSettings::read(from);
        let tls = TlsFiles::read(from, "tls.certificate_file", "tls.key_file");
        let database = DatabaseSettings::read(from);
        let keys = KeySettings::read(from);
        let token = TokenSettings::read(from);
        let jwks = JwksSettings::read(from);
        let limits = LimitSettings::read(from);
        let hashing = HashingSettings::read(from);
        let signing = SigningSettings::read(from);
        let secrets = SecretSettings::read(from);
        let client_assertions = ClientAssertionSettings::read(from);
        let store = StoreSettings::read(from);
        let log = LogSettings::read(from);
        let metrics = MetricsSettings::read(from);
        let tracing = TracingSettings::read(from);
        if let (Ok(server), Ok(tls)) = (&server, &tls) {
            server.refuse_open_plaintext(tls.as_ref(), from);
            server.refuse_hsts_without_tls(tls.as_ref(), from);
        }
        if let (Ok(server), Ok(issuer)) = (&server, &issuer) {
            server.refuse_redirect_to_plaintext(issuer, from);
        }
        Ok(Self {
            issuer: issuer?,
            compat: compat?,
            server: server?,
            tls: tls?,
            database: database?,
            keys: keys?,
            token: token?,
            jwks: jwks?,
            limits: limits?,
            hashing: hashing?,
            signing: signing?,
            secrets: secrets?,
            client_assertions: client_assertions?,
            store: store?,
            log: log?,
            metrics: metrics?,
            tracing: tracing?,
            printed,
        })
    }
}
