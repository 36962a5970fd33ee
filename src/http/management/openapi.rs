//! `openapi.json`: what the Management API takes and answers (OpenAPI 3.1), from the annotations of its handlers.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, Server};
use utoipa::{Modify, OpenApi};

use super::error::{ErrorBody, only};
use super::{
    audit_events, client_grants, client_secrets, clients, credentials, explain, resource_servers, signing_keys, usage,
};
use crate::http::error::uncached;
use crate::issuer::audit::AuditEventEntry;

/// Everything that is described.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tokenhouse Management API",
        description = "Clients, APIs, grants, secrets and signing keys. Compatible with the machine-to-machine part of Auth0's Management API v2; \
                       ask the token endpoint for a token with this API's URL, with closing slash, as audience.",
    ),
    paths(
        audit_events::list,
        client_grants::create,
        client_grants::delete,
        client_grants::list,
        client_grants::show,
        client_grants::update,
        client_secrets::add,
        client_secrets::list,
        client_secrets::retire,
        client_secrets::update,
        clients::create,
        clients::delete,
        clients::list,
        clients::rotate_secret,
        clients::show,
        clients::update,
        credentials::add,
        credentials::delete,
        credentials::list,
        credentials::show,
        credentials::update,
        explain::show,
        resource_servers::create,
        resource_servers::delete,
        resource_servers::list,
        resource_servers::show,
        resource_servers::update,
        signing_keys::list,
        signing_keys::revoke,
        signing_keys::rotate,
        signing_keys::show,
        usage::all,
        usage::client,
    ),
    components(schemas(AuditEventEntry, ErrorBody)),
    modifiers(&Bearer),
    security(("bearer" = [])),
)]
struct ManagementApi;

/// Adds the one way to authenticate.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// The description with the base URL `server`.
pub fn document(server: &str) -> Document {
    let mut document = ManagementApi::openapi();
    document.servers = Some(vec![Server::new(server)]);
    document
}

/// It is no secret what can be called: no token is needed to read it.
pub(super) fn configure(config: &mut ServiceConfig, base: &str) {
    let path = format!("{base}/openapi.json");
    config.service(only("GET", web::resource(path).route(web::get().to(show))));
}

async fn show(endpoints: web::Data<crate::http::IssuerEndpoints>) -> impl Responder {
    let server = endpoints.issuer.served().context().issuer.endpoint("api/v2");
    let answer: HttpResponse = uncached(StatusCode::OK).json(document(&server));
    answer
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(document("/api/v2")).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.values().flat_map(|methods| methods.as_object().unwrap().values());
        let mut ids: Vec<_> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn the_committed_description_is_that_of_the_code() {
        let expected = format!("{}\n", document("/api/v2").to_pretty_json().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        if std::fs::read_to_string(root.join("docs/openapi.json")).unwrap_or_default() != expected {
            std::fs::write(root.join("target/openapi.json"), expected).unwrap();
            panic!("stale: run `cp target/openapi.json docs/openapi.json`");
        }
    }
}
