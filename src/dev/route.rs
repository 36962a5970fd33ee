//! How does a request find its issuer among many, and what happens to it on the way? Its path is made that of an issuer that is
//! alone; then it is recorded and, if a fault says so, spoilt.
//!
//! There is one set of routes, whatever the number of issuers: a request brings the data of its issuer with it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse, Url};
use actix_web::http::Uri;
use actix_web::http::uri::PathAndQuery;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpMessage as _, ResponseError as _};
use futures_util::StreamExt as _;

use super::control;
use super::drive_error::DriveError;
use super::driven_issuer::DrivenIssuer;
use super::endpoint::Endpoint;
use super::fault::FaultKind;
use super::issuers::Issuers;
use super::memory_issuer::StartError;
use super::path::IssuerPath;
use super::record::Recording;
use super::spoil::{instead, let_out};
use crate::clock::Clock as _;

/// How long the body of a request may take whose answer is scripted.
const BODY_TIME: Duration = Duration::from_secs(10);

/// The server that a request came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Issuer,
    ResourceApi,
}

/// The routes of all issuers, and of their control APIs.
pub fn issuer_routes(issuers: &Arc<Issuers>) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static + use<> {
    let issuers = issuers.clone();
    move |config| {
        let endpoints = issuers.root().endpoints();
        let issuers = issuers.clone();
        let scope = web::scope("")
            .configure(|config| endpoints.configure(config))
            .configure(control::configure)
            .wrap(from_fn(move |request, next| dispatch(Side::Issuer, issuers.clone(), request, next)));
        config.service(scope);
    }
}

/// The routes of the bundled resource APIs of all issuers. Blocks.
///
/// # Errors
/// If that of the issuer at the root cannot be started.
pub fn resource_api_routes(
    issuers: &Arc<Issuers>,
) -> Result<impl Fn(&mut ServiceConfig) + Clone + Send + 'static + use<>, StartError> {
    let register = issuers.root().bundled_api()?.map(|bundled| bundled.api.configure());
    let issuers = issuers.clone();
    Ok(move |config: &mut ServiceConfig| {
        let issuers = issuers.clone();
        let scope = web::scope("")
            .configure(|config| {
                if let Some(register) = &register {
                    register(config);
                }
            })
            .wrap(from_fn(move |request, next| dispatch(Side::ResourceApi, issuers.clone(), request, next)));
        config.service(scope);
    })
}

async fn dispatch(
    side: Side,
    issuers: Arc<Issuers>,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let whole = request.path().to_owned();
    let path = IssuerPath::of(&whole);
    let prepared = match find(&issuers, path.name).await {
        Ok(issuer) => data(side, &issuers, &issuer).await.map(|data| (issuer, data)),
        Err(refused) => Err(refused),
    };
    let (issuer, data) = match prepared {
        Ok(prepared) => prepared,
        Err(refused) => return Ok(request.into_response(refused.error_response())),
    };
    if path.name.is_some() {
        rewrite(&mut request, &path.rest);
    }
    request.add_data_container(Rc::new(data));
    // Decoded, as the routes match it: `/oauth/%74oken` is the token endpoint too.
    let matched = request.match_info().as_str();
    let endpoint = match side {
        Side::Issuer if control::is_control(matched) => None,
        Side::Issuer => Endpoint::of_issuer(matched),
        Side::ResourceApi => Endpoint::of_resource_api(matched),
    };
    match endpoint {
        Some(endpoint) => observe(&issuer, endpoint, request, next).await,
        None => next.call(request).await,
    }
}

async fn find(issuers: &Arc<Issuers>, name: Option<&str>) -> Result<Arc<DrivenIssuer>, DriveError> {
    let Some(name) = name else { return Ok(issuers.root().clone()) };
    if let Some(known) = issuers.find(name) {
        return Ok(known);
    }
    let (issuers, name) = (issuers.clone(), name.to_owned());
    off_the_workers(move || issuers.find_or_create(&name)).await
}

/// What the handlers look for: that of the issuer that is meant goes before that with which the routes were registered.
async fn data(side: Side, issuers: &Arc<Issuers>, issuer: &Arc<DrivenIssuer>) -> Result<Extensions, DriveError> {
    match side {
        Side::Issuer => {
            let mut data = Extensions::new();
            data.insert(issuer.endpoints());
            data.insert(web::Data::from(issuer.clone()));
            data.insert(web::Data::from(issuers.clone()));
            Ok(data)
        }
        Side::ResourceApi => {
            let bundled = match issuer.started_api() {
                Some(bundled) => Some(bundled),
                None => {
                    let issuer = issuer.clone();
                    off_the_workers(move || Ok(issuer.bundled_api()?)).await?
                }
            };
            Ok(bundled.map_or_else(Extensions::new, |bundled| bundled.api.data()))
        }
    }
}

/// Does `work`, which may block.
pub(super) async fn off_the_workers<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DriveError> + Send + 'static,
) -> Result<T, DriveError> {
    tokio::task::spawn_blocking(work).await.map_err(DriveError::internal)?
}

/// Gives `request` the path `rest`, and keeps its query.
fn rewrite(request: &mut ServiceRequest, rest: &str) {
    let mut parts = request.uri().clone().into_parts();
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    // Part of a path that was one before.
    parts.path_and_query = PathAndQuery::try_from(format!("{rest}{query}")).ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().set(Url::new(uri.clone()));
        request.head_mut().uri = uri;
    }
}

async fn observe(
    issuer: &Arc<DrivenIssuer>,
    endpoint: Endpoint,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let recording = Recording::begin(&mut request, endpoint);
    let fault = issuer.faults().take(endpoint);
    if let Some(delay) = fault.as_ref().map(|fault| fault.fault.delay()).filter(|delay| !delay.is_zero()) {
        tokio::time::sleep(delay).await;
    }
    let response = match fault.as_ref().and_then(|fault| instead(&fault.fault)) {
        Some(answer) => {
            let mut payload = request.take_payload();
            let read = async { while let Some(Ok(_)) = payload.next().await {} };
            // Whoever takes longer gets the answer all the same.
            let _ = tokio::time::timeout(BODY_TIME, read).await;
            request.into_response(answer)
        }
        None => next.call(request).await?,
    };
    let id = fault.as_ref().map(|fault| fault.id);
    let is_answered = fault.as_ref().is_none_or(|fault| fault.fault.kind != FaultKind::Drop);
    let (recorded, response) = recording.end(response, id, is_answered, issuer.clock().now());
    // Before anything is sent: whoever has the answer finds the request in the log.
    issuer.requests().add(recorded);
    Ok(match &fault {
        Some(fault) => response.map_body(|_, body| let_out(&fault.fault, body)),
        None => response,
    })
}
