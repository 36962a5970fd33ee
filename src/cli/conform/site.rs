//! What does the API under test find here: an issuer's metadata and keys, and a trap for who fetches what a token names?

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::dev::ServerHandle;
use actix_web::{HttpRequest, HttpResponse, web};
use anyhow::Context as _;
use serde_json::{Value, json};
use url::Url;

use crate::cli::exit::CliError;
use crate::cli::http_client::check_url;
use crate::cli::running;
use crate::http::server::{ServerSettings, start};
use crate::keys::render_jwk_set;
use crate::specimen::{KeyRing, SpecimenKey};

/// Where the traps lie.
const TRAP: &str = "/trap/";

/// The site, which runs until it is stopped.
pub struct Site {
    shared: Arc<Shared>,
    handle: ServerHandle,
}

struct Shared {
    issuer: String,
    /// The path of the issuer, without a closing slash; none where another is the issuer.
    path: Option<String>,
    jwks_uri: String,
    jwks: Vec<u8>,
    alg: &'static str,
    /// The URL of the traps, and what lies in each.
    trap: String,
    trap_jwks: Vec<u8>,
    trap_certificate: String,
    trapped: Mutex<HashMap<String, usize>>,
    metadata_fetches: AtomicUsize,
    key_fetches: AtomicUsize,
}

impl Site {
    /// Starts it. `issuer` is its identifier, or that of `dev`; empty means the address that it listens on.
    ///
    /// # Errors
    /// If the address is taken, or the issuer is no URL.
    pub fn start(
        listen: SocketAddr,
        issuer: &str,
        of_dev: bool,
        run_id: &str,
        keys: &KeyRing,
    ) -> Result<Self, CliError> {
        let listener = running::listen(listen, "--listen")?;
        let port = listener.local_addr().context("cannot tell the port")?.port();
        let own = format!("http://localhost:{port}/");
        let issuer = if issuer.is_empty() { own.clone() } else { issuer.to_owned() };
        check_url(&issuer)?;
        let url = Url::parse(&issuer).map_err(CliError::usage)?;
        // The API reaches the traps by the name by which it reaches the issuer; those beside `dev` are here.
        let origin = if of_dev { own.trim_end_matches('/').to_owned() } else { url.origin().ascii_serialization() };
        let shared = Arc::new(Shared {
            path: (!of_dev).then(|| url.path().trim_end_matches('/').to_owned()),
            jwks_uri: format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/')),
            issuer,
            jwks: render_jwk_set([keys.genuine.public_jwk()]),
            alg: keys.genuine.alg().as_str(),
            trap: format!("{origin}{TRAP}{run_id}/"),
            trap_jwks: render_jwk_set([SpecimenKey::public_jwk(&keys.attacker)]),
            trap_certificate: keys.attacker.certificate_pem(),
            trapped: Mutex::default(),
            metadata_fetches: AtomicUsize::new(0),
            key_fetches: AtomicUsize::new(0),
        });
        let data = web::Data::from(shared.clone());
        let settings = ServerSettings { workers: 1, ..ServerSettings::default() };
        let server = start(listener, &settings, move |routes: &mut web::ServiceConfig| {
            routes.app_data(data.clone()).default_service(web::to(answer));
        });
        let server = server.context("cannot start the issuer")?;
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Ok(Self { shared, handle })
    }

    /// The issuer identifier that valid tokens name.
    pub fn issuer(&self) -> &str {
        &self.shared.issuer
    }

    /// Where the keys are.
    pub fn jwks_uri(&self) -> &str {
        &self.shared.jwks_uri
    }

    /// The URL of the trap of one case.
    pub fn trap(&self, case: &str) -> String {
        format!("{}{case}", self.shared.trap)
    }

    /// How often something was fetched from the trap of one case.
    pub fn trapped(&self, case: &str) -> usize {
        self.shared.traps().get(case).copied().unwrap_or_default()
    }

    /// How often metadata and keys were fetched; none can be told where another is the issuer.
    pub fn fetches(&self) -> Option<(usize, usize)> {
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        self.shared.path.as_ref().map(|_| (count(&self.shared.metadata_fetches), count(&self.shared.key_fetches)))
    }

    /// Stops it.
    pub async fn stop(&self) {
        self.handle.stop(false).await;
    }
}

impl Shared {
    fn traps(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.trapped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a fetch from a trap, and says what lies there: whoever fell into it must get what he came for.
    fn sprung(&self, path: &str) -> Option<HttpResponse> {
        // RFC 8414 §3.1 puts the well-known part before the path of the issuer.
        let at = self.trap.find(TRAP)?;
        let prefix = self.trap.get(at..)?;
        let (_, rest) = path.split_once(prefix)?;
        let case = rest.split('/').next().unwrap_or_default();
        *self.traps().entry(case.to_owned()).or_default() += 1;
        let here = format!("{}{case}", self.trap);
        Some(if path.contains("/.well-known/") {
            HttpResponse::Ok().json(metadata(&format!("{here}/"), &format!("{here}/jwks.json"), self.alg))
        } else if path.rsplit('.').next() == Some("pem") {
            HttpResponse::Ok().content_type("application/x-pem-file").body(self.trap_certificate.clone())
        } else {
            HttpResponse::Ok().content_type("application/json").body(self.trap_jwks.clone())
        })
    }
}

async fn answer(request: HttpRequest, site: web::Data<Shared>) -> HttpResponse {
    let path = request.path();
    if let Some(sprung) = site.sprung(path) {
        return sprung;
    }
    let Some(own) = &site.path else { return HttpResponse::NotFound().finish() };
    let well_known = [
        format!("{own}/.well-known/openid-configuration"),
        format!("{own}/.well-known/oauth-authorization-server"),
        format!("/.well-known/oauth-authorization-server{own}"),
        format!("/.well-known/openid-configuration{own}"),
    ];
    if well_known.iter().any(|known| known == path) {
        site.metadata_fetches.fetch_add(1, Ordering::Relaxed);
        return HttpResponse::Ok().json(metadata(&site.issuer, &site.jwks_uri, site.alg));
    }
    if path == format!("{own}/.well-known/jwks.json") {
        site.key_fetches.fetch_add(1, Ordering::Relaxed);
        return HttpResponse::Ok().content_type("application/json").body(site.jwks.clone());
    }
    HttpResponse::NotFound().finish()
}

/// Metadata with all that strict libraries insist on (RFC 8414 §2, OpenID Connect Discovery §3).
fn metadata(issuer: &str, jwks_uri: &str, alg: &str) -> Value {
    let base = issuer.trim_end_matches('/');
    json!({
        "issuer": issuer,
        "jwks_uri": jwks_uri,
        "token_endpoint": format!("{base}/oauth/token"),
        "authorization_endpoint": format!("{base}/authorize"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [alg],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    })
}
