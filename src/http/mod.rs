//! The issuer's HTTP endpoints: each takes apart a request, calls a use case and writes the answer, without a rule of
//! its own.

pub mod authorize;
pub mod cached_document;
pub mod client_address;
pub mod console;
pub mod discovery;
pub mod error;
pub mod health;
pub mod loading;
pub mod management;
pub mod metrics;
pub mod middleware;
pub mod redirect;
pub mod secret;
pub mod server;
pub mod tls;
pub mod token;

mod forwarded;
mod pace;
mod store_turns;
mod whole_body;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};

use self::cached_document::DocumentAge;
use self::health::Stopping;
use self::management::ManagementEndpoints;
use self::tls::ServedCertificate;
use crate::issuer::console::ConsoleSessions;
use crate::issuer::{Administration, TokenIssuer};
use crate::oauth::metadata::Issuer;

/// The bounds of what is read from a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestLimits {
    /// Bytes of a body.
    pub body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// Parameters of a body.
    pub parameters: usize,
}

/// What the endpoints share.
#[derive(Clone, Debug)]
pub struct IssuerEndpoints {
    /// The use case behind the token endpoint.
    pub issuer: Arc<TokenIssuer>,
    /// The use cases that change what is stored.
    pub administration: Arc<Administration>,
    /// Who is signed in to the console.
    pub console: Arc<ConsoleSessions>,
    /// What the Management API needs besides.
    pub management: Arc<ManagementEndpoints>,
    /// The bounds of requests.
    pub limits: RequestLimits,
    /// How long discovery documents and the JWK Set may be cached.
    pub document_age: DocumentAge,
    /// The certificate that the server presents, if it ends TLS itself and the certificate can expire under it.
    pub certificate: Option<Arc<ServedCertificate>>,
    /// Has the server been told to stop?
    pub stopping: Stopping,
}

impl IssuerEndpoints {
    /// The issuer.
    fn issuer_name(&self) -> &Issuer {
        &self.issuer.served().context().issuer
    }

    /// Registers every endpoint under the issuer's path.
    pub fn configure(&self, config: &mut ServiceConfig) {
        let issuer = &self.issuer.served().context().issuer;
        let path = issuer.path();
        let at = |relative: &str| format!("{path}{relative}");
        config.app_data(web::Data::new(self.clone())).default_service(web::to(error::not_found));
        for path in health_paths(path) {
            let resource = if path.ends_with("/livez") {
                health::resource(&path, health::livez)
            } else {
                health::resource(&path, health::readyz)
            };
            config.service(error::only("GET, HEAD", resource));
        }
        loading::configure(config, path, self.issuer.served());
        // Requests try the endpoints in this order: those that are asked most come first.
        for relative in ["/oauth/token", "/connect/token"] {
            config.service(error::only("POST", web::resource(at(relative)).route(web::post().to(token::token))));
        }
        for relative in ["/.well-known/jwks.json", "/.well-known/openid-configuration/jwks"] {
            config.service(cached_document::resource(&at(relative), discovery::jwk_set));
        }
        for name in ["openid-configuration", "oauth-authorization-server"] {
            // The doubled slash comes from clients that join the issuer, with its slash, and the path, with its own.
            for prefix in [at("/.well-known/"), at("//.well-known/")] {
                config.service(cached_document::resource(&format!("{prefix}{name}"), discovery::metadata));
            }
            if !path.is_empty() {
                // RFC 8414 §3.1: the well-known part goes before the path of the issuer.
                config.service(cached_document::resource(&format!("/.well-known/{name}{path}"), discovery::metadata));
            }
        }
        config.service(error::only("POST", web::resource(at("/oauth/secret")).route(web::post().to(secret::replace))));
        management::configure(config, path);
        console::configure(config, &self.issuer.served().context().issuer);
        config.service(web::resource(at("/authorize")).to(authorize::refuse));
    }
}

/// The paths of the health checks of an issuer with this path.
pub fn health_paths(issuer_path: &str) -> Vec<String> {
    let prefixes = if issuer_path.is_empty() { vec![""] } else { vec![issuer_path, ""] };
    prefixes.iter().flat_map(|prefix| ["/livez", "/readyz"].map(|name| format!("{prefix}{name}"))).collect()
}
