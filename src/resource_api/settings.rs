//! What must the resource API be told? Whose tokens it takes, who it is, and where its data lie.

use std::path::PathBuf;

use tokenhouse_verifier::AccessTokenDialect;

/// The settings of a [`ResourceApi`](super::ResourceApi).
#[derive(Clone, Debug)]
pub struct Settings {
    /// The issuer identifier, compared byte for byte with `iss` (RFC 9068 §4).
    pub issuer: String,
    /// The API's own identifier, which `aud` must contain.
    pub audience: String,
    /// The forms of access token that are accepted; at least one.
    pub dialects: Vec<AccessTokenDialect>,
    /// Where the users lie.
    pub database: Database,
    /// The URL under which callers see the API: the start of every `Location`, and its resource identifier (RFC 9728
    /// §1.2). If it has a path, the routes stand under that path as well as at the root.
    pub public_url: String,
    /// CA certificates in PEM that vouch for the issuer, in place of the system's.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// The issuer's JWK Set; without it the issuer's metadata says where it is.
    pub jwks_uri: Option<String>,
    /// The realm in challenges (RFC 9110 §11.5).
    pub realm: String,
}

/// Where the users lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In this process, for as long as the API.
    InMemory,
    /// In this SQLite file, made if it does not exist.
    File(PathBuf),
}
