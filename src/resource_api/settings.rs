//! What must the operator tell the resource API?

use std::path::PathBuf;

use tokenhouse_verifier::AccessTokenDialect;

/// Where the users are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In memory, gone with the process.
    InMemory,
    /// In an SQLite file, made if there is none.
    File(PathBuf),
}

/// The settings of the resource API.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The issuer identifier, compared byte for byte with `iss`.
    pub issuer: String,
    /// The audience that stands for this API.
    pub audience: String,
    /// The forms of access token that are accepted.
    pub dialects: Vec<AccessTokenDialect>,
    /// Where the users are kept.
    pub database: Database,
    /// The URL under which callers reach this API, ending in a slash.
    pub public_url: String,
    /// CA certificates (PEM) to trust in place of the system's when fetching the issuer's keys.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// Where the issuer's keys are, if its metadata should not be asked.
    pub jwks_uri: Option<String>,
    /// The realm named in challenges (RFC 9110 §11.5).
    pub realm: String,
}
