//! How does the bundled resource API run? Section `resource_api`, read only by `tokenhouse resource-api`.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

use super::error::ConfigErrors;
use super::issuer_identifier::{IssuerIdentifier, parse_http_url};
use super::layers::Layers;
use super::log::LogSettings;
use super::reader::{Choice, Read, Reader};
use super::server::{TlsFiles, is_loopback, parse_address};
use super::sources::Sources;
use super::tracing::TracingSettings;
use crate::oauth::resource::TokenDialect;

/// Section `resource_api`, and how it logs and traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceApiSettings {
    /// Where it listens; beyond loopback only with TLS or `resource_api.behind_proxy`.
    pub bind: SocketAddr,
    /// Its certificate; plain HTTP without.
    pub tls: Option<TlsFiles>,
    /// The issuer whose tokens it accepts.
    pub issuer: IssuerIdentifier,
    /// Its own identifier, expected in `aud`: visible ASCII, not empty.
    pub audience: String,
    /// Token dialects it accepts; not empty.
    pub dialects: Vec<TokenDialect>,
    /// Its own SQLite file.
    pub database: PathBuf,
    /// Its URL as callers see it; from `bind` when unset.
    pub public_url: Option<Url>,
    /// Certificates that may vouch for the issuer, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// The issuer's JWK Set; from the issuer's metadata when unset.
    pub jwks_uri: Option<Url>,
    /// Section `log`.
    pub log: LogSettings,
    /// Section `tracing`.
    pub tracing: TracingSettings,
}

impl Choice for TokenDialect {
    const CHOICES: &'static [Self] = Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl ResourceApiSettings {
    /// Reads the settings of the resource API alone; mistakes in the issuer's sections do not matter to it, unknown names do.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        let mut mistakes = Vec::new();
        let layers = Layers::merge(sources, &mut mistakes);
        let settings = Self::read(&mut Reader::new(&layers, sources.files.as_ref(), &mut mistakes));
        match settings {
            Ok(settings) if mistakes.is_empty() => Ok(settings),
            _ => Err(ConfigErrors(mistakes)),
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let bind = from.required("resource_api.bind", parse_address);
        let behind_proxy = from.boolean("resource_api.behind_proxy");
        let tls = TlsFiles::read(from, "resource_api.tls_certificate_file", "resource_api.tls_key_file");
        let issuer = from.required("resource_api.issuer", IssuerIdentifier::parse);
        let audience = from.required("resource_api.audience", parse_audience);
        let dialects = from.choices("resource_api.dialects");
        let database = from.path("resource_api.database");
        let public_url = from.optional("resource_api.public_url", parse_http_url);
        let ca_file = from.optional_path("resource_api.ca_file");
        let jwks_uri = from.optional("resource_api.jwks_uri", parse_http_url);
        let log = LogSettings::read(from);
        let tracing = TracingSettings::read(from);
        if let (Ok(bind), Ok(false), Ok(None)) = (&bind, &behind_proxy, &tls)
            && !is_loopback(*bind)
        {
            from.conflict(
                "resource_api.bind",
                "listens beyond loopback without TLS; give resource_api.tls_certificate_file and \
                 resource_api.tls_key_file, or set resource_api.behind_proxy = true if a proxy in front ends TLS",
            );
        }
        Ok(Self {
            bind: bind?,
            tls: tls?,
            issuer: issuer?,
            audience: audience?,
            dialects: dialects?,
            database: database?,
            public_url: public_url?,
            ca_file: ca_file?,
            jwks_uri: jwks_uri?,
            log: log?,
            tracing: tracing?,
        })
    }
}

fn parse_audience(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("is not an audience: visible ASCII characters, no blanks".to_owned())
    }
}
