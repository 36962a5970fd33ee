//! Which paths are there, and which methods does each answer to? (RFC 9110 §9.3 and §15.5.6)

use actix_web::web::{self, PayloadConfig, ServiceConfig};
use actix_web::{FromRequest, Handler, Resource, Responder};
use tokenhouse_verifier::actix::OneBearerMethod;

use super::error::ApiError;
use super::json_body::MAX_BODY_BYTES;
use super::protected_resource::{WELL_KNOWN, metadata};
use super::{health, openapi, users, whoami};

/// A path of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Users,
    User,
    Whoami,
    Health,
    ProtectedResource,
    OpenApi,
}

impl Endpoint {
    /// All of them. Requests try them in this order, and a path with a part to find is dear to try.
    pub(super) const ALL: [Self; 6] =
        [Self::Users, Self::Whoami, Self::Health, Self::ProtectedResource, Self::OpenApi, Self::User];

    /// The path, as the OpenAPI document and the router write it.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Users => "/users",
            Self::User => "/users/{id}",
            Self::Whoami => "/whoami",
            Self::Health => "/healthz",
            Self::ProtectedResource => WELL_KNOWN,
            Self::OpenApi => "/openapi.json",
        }
    }

    /// The methods, as `Allow` lists them.
    pub(super) const fn allow(self) -> &'static str {
        match self {
            Self::Users => "GET, HEAD, POST",
            Self::User => "GET, HEAD, PATCH, DELETE",
            Self::Whoami | Self::Health | Self::ProtectedResource | Self::OpenApi => "GET, HEAD",
        }
    }

    /// Puts the endpoint at `path`.
    pub(super) fn serve_at(self, path: &str, config: &mut ServiceConfig) {
        let resource = web::resource(path);
        let resource = match self {
            Self::Users => readable(resource, users::list).route(web::post().to(users::create)),
            Self::User => readable(resource, users::show)
                .route(web::patch().to(users::update))
                .route(web::delete().to(users::delete)),
            Self::Whoami => readable(resource, whoami::whoami),
            Self::Health => readable(resource, health::healthz),
            Self::ProtectedResource => readable(resource, metadata),
            Self::OpenApi => readable(resource, openapi::document),
        };
        let allow = self.allow();
        let refuse = move || async move { Err::<&str, _>(ApiError::MethodNotAllowed { allow }) };
        config.service(
            resource
                .default_service(web::to(refuse))
                .app_data(PayloadConfig::new(MAX_BODY_BYTES))
                .wrap(OneBearerMethod),
        );
    }
}

/// What answers GET answers HEAD (RFC 9110 §9.3.2); the server leaves out the content.
fn readable<F, A>(resource: Resource, handler: F) -> Resource
where
    F: Handler<A> + Clone,
    A: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    resource.route(web::get().to(handler.clone())).route(web::head().to(handler))
}
