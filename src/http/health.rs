//! Is the server alive, and can it do its work?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::StatusCode;
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, web};
use serde_json::json;

use super::IssuerEndpoints;
use super::error::uncached;
use super::loading::LOADING;
use super::tls::CertificateState;
use crate::issuer::freshness::Freshness;
use crate::issuer::servers::ServerState;

/// What is said of a database that was away when the server started, and still is.
const AWAITED: &str = "cannot be reached, which is tried again: the log says why";

/// Whether the server has been told to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// From now on the server stops.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Has it begun?
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The endpoint of a health check.
pub fn resource<H, A>(path: &str, handler: H) -> Resource
where
    H: Handler<A>,
    A: FromRequest + 'static,
    H::Output: Responder + 'static,
{
    web::resource(path).route(web::get().to(handler.clone())).route(web::head().to(handler))
}

/// The process runs and answers.
pub async fn livez() -> HttpResponse {
    uncached(StatusCode::OK).json(json!({ "status": "ok" }))
}

/// The parts that token requests need, each with its state.
pub async fn readyz(endpoints: web::Data<IssuerEndpoints>) -> HttpResponse {
    if !endpoints.issuer.served().is_loaded() {
        let store = if endpoints.issuer.served().awaits_store() { AWAITED } else { LOADING };
        let parts = json!({ "store": store });
        return uncached(StatusCode::SERVICE_UNAVAILABLE).json(json!({ "status": "loading", "parts": parts }));
    }
    let readiness = Readiness::of(&endpoints);
    let Readiness { stopping, signs, freshness, takes_changes, keys_usable, certificate } = readiness;
    let degraded = readiness.degraded().iter().any(|(_, degraded)| *degraded);
    let (code, status) = match (stopping, signs && freshness != Freshness::Stale, degraded) {
        (true, ..) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (false, true, false) => (StatusCode::OK, "ready"),
        (false, true, true) => (StatusCode::OK, "degraded, still issuing"),
        (false, false, _) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    let mut parts = json!({
        "store": match freshness {
            Freshness::Followed if !takes_changes => "takes no changes, since its disk is full or fails: see the log",
            Freshness::Followed => "ok",
            Freshness::Silent => "does not answer: changes are not followed",
            Freshness::Stale => "has not answered for longer than store.max_staleness_seconds: no tokens are issued",
        },
        "signing_keys": match (signs, keys_usable) {
            (true, true) => "ok",
            (true, false) => "a key cannot be opened: see the log",
            (false, _) => "no active key",
        },
    });
    if let (Some(state), Some(parts)) = (certificate, parts.as_object_mut()) {
        parts.insert("tls_certificate".to_owned(), state.told().into());
    }
    let revision = endpoints.issuer.served().snapshot().revision.0;
    uncached(code).json(json!({ "status": status, "parts": parts, "revision": revision }))
}

/// What the server tells the others of itself.
pub fn state(endpoints: &IssuerEndpoints) -> ServerState {
    if !endpoints.issuer.served().is_loaded() {
        return ServerState::Loading;
    }
    let readiness = Readiness::of(endpoints);
    let is_degraded = readiness.degraded().iter().any(|(_, degraded)| *degraded);
    match (readiness.stopping, readiness.freshness, readiness.signs) {
        (true, ..) => ServerState::Stopping,
        (false, Freshness::Stale, _) => ServerState::Stale,
        (false, _, false) => ServerState::NotIssuing,
        (false, _, true) if is_degraded => ServerState::Degraded,
        (false, _, true) => ServerState::Issuing,
    }
}

/// What token requests need, and whether it is there.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of its own")]
pub(super) struct Readiness {
    /// Has the server been told to stop? It still serves, but should get no new requests.
    stopping: bool,
    /// Is there a key that signs? Without one the server is not ready.
    signs: bool,
    pub(super) freshness: Freshness,
    takes_changes: bool,
    keys_usable: bool,
    certificate: Option<CertificateState>,
}

impl Readiness {
    pub(super) fn of(endpoints: &IssuerEndpoints) -> Self {
        let issuer = &endpoints.issuer;
        let snapshot = issuer.served().snapshot();
        Self {
            stopping: endpoints.stopping.has_begun(),
            signs: !snapshot.keys.active_algs().is_empty(),
            freshness: issuer.served().judge_freshness(),
            takes_changes: !issuer.served().store().refuses_changes(),
            keys_usable: snapshot.keys.unusable().is_empty(),
            certificate: endpoints.certificate.as_ref().map(|certificate| certificate.state()),
        }
    }

    /// Does `/readyz` answer 200?
    pub(super) const fn is_ready(&self) -> bool {
        self.signs && !self.stopping && !matches!(self.freshness, Freshness::Stale)
    }

    /// Each part of a server that still issues, and whether something is wrong with it.
    pub(super) fn degraded(&self) -> [(&'static str, bool); 3] {
        // A certificate that clients refuse is no reason to answer 503: balancers that do not look at it still get tokens.
        let certified = self.certificate.is_none_or(|state| state == CertificateState::Valid);
        [
            ("store", self.freshness != Freshness::Followed || !self.takes_changes),
            ("signing_keys", !self.keys_usable),
            ("tls_certificate", !certified),
        ]
    }
}
