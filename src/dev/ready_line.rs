//! Which addresses and credentials has an issuer of `dev`? The ready line, for programs.

use std::path::Path;

use serde::Serialize;

use super::demo::Demo;
use super::memory_issuer::ManagementClient;
use crate::oauth::metadata::Issuer;

/// The ready line. Not `Debug`: it holds secrets.
#[derive(Serialize)]
pub struct ReadyLine {
    /// The issuer identifier.
    pub issuer: String,
    /// Where tokens are got.
    pub token_endpoint: String,
    /// Where the keys are.
    pub jwks_uri: String,
    /// The bundled resource API, where there is one.
    pub resource_api: Option<String>,
    /// The certificate that vouches for both, where they speak TLS.
    pub ca_file: Option<String>,
    /// The clients, in the order of the seed.
    pub clients: Vec<ReadyClient>,
    /// The client that may manage the issuer.
    pub management: ReadyManagement,
    /// The control API, where it is served.
    pub control: Option<ReadyControl>,
}

/// A client. Not `Debug`.
#[derive(Serialize)]
pub struct ReadyClient {
    /// Its id.
    pub client_id: Option<String>,
    /// Its secret, where it is known.
    pub client_secret: Option<String>,
    /// The API of its first grant.
    pub audience: Option<String>,
    /// The scopes of its first grant.
    pub scope: Option<String>,
    /// A scope of that API that it was not granted.
    pub ungranted_scope: Option<String>,
}

/// The client that may manage the issuer. Not `Debug`.
#[derive(Serialize)]
pub struct ReadyManagement {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The identifier of the Management API.
    pub audience: String,
}

/// Where the control API is. Not `Debug`.
#[derive(Clone, Serialize)]
pub struct ReadyControl {
    /// Its URL, with a closing slash.
    pub url: String,
    /// The bearer key that opens it.
    pub key: String,
}

/// What a ready line is made of.
#[derive(Clone, Copy)]
pub struct Ready<'a> {
    /// The issuer.
    pub issuer: &'a Issuer,
    /// What it started with.
    pub demo: &'a Demo,
    /// The client that may manage it.
    pub management: &'a ManagementClient,
    /// The bundled resource API.
    pub resource_api: Option<&'a str>,
    /// The certificate that vouches for both.
    pub ca_file: Option<&'a Path>,
    /// The control API.
    pub control: Option<&'a ReadyControl>,
}

impl From<Ready<'_>> for ReadyLine {
    fn from(ready: Ready<'_>) -> Self {
        let Ready { issuer, demo, management, resource_api, ca_file, control } = ready;
        let clients = demo.document.clients.iter().map(|client| {
            let grant = client.grants.first();
            let known = client.secrets.iter().find_map(|secret| secret.value.clone());
            ReadyClient {
                client_id: client.client_id.clone(),
                client_secret: known,
                audience: grant.map(|grant| grant.audience.clone()),
                scope: grant.map(|grant| grant.scope.join(" ")),
                ungranted_scope: grant
                    .and_then(|grant| demo.ungranted_scope(&grant.audience, &grant.scope))
                    .map(str::to_owned),
            }
        });
        Self {
            issuer: issuer.as_str().to_owned(),
            token_endpoint: issuer.endpoint("oauth/token"),
            jwks_uri: issuer.endpoint(".well-known/jwks.json"),
            resource_api: resource_api.map(str::to_owned),
            ca_file: ca_file.map(|path| path.display().to_string()),
            clients: clients.collect(),
            management: ReadyManagement {
                client_id: management.client_id.clone(),
                client_secret: management.secret.expose().to_owned(),
                audience: issuer.management_audience(),
            },
            control: control.cloned(),
        }
    }
}
