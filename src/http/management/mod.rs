//! The Management API, `/api/v2/…`: the machine-to-machine part of Auth0's, wire-compatible, and Tokenhouse's additions.
//!
//! | file | question |
//! |---|---|
//! | `admit` | who calls, may it call now, and which headers does every answer carry? |
//! | `call` | how does a handler read and change what is stored, off the workers? |
//! | `answer_counts` | how were calls answered? |
//! | `body`, `query`, `listing`, `selection`, `precondition` | what did the caller send, and which part of the answer does it want? |
//! | `error` | how is an error written? |
//! | `kept_members` | what is kept without being acted upon? |
//! | `clients`, `client_body`, `client_view`; `resource_server…`, `client_grant…`, `signing_key…` | one endpoint each: its handlers, what it takes, what it shows |

mod admit;
mod answer_counts;
mod audit_events;
mod body;
mod call;
mod client_body;
mod client_grant_body;
mod client_grant_view;
mod client_grants;
mod client_secrets;
mod client_view;
mod clients;
mod credentials;
mod error;
mod explain;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod kept_members;
mod listing;
pub mod openapi;
mod precondition;
mod query;
mod resource_server_body;
mod resource_server_view;
mod resource_servers;
mod selection;
mod signing_key_view;
mod signing_keys;
mod usage;

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

pub use admit::ManagementLimits;
pub use answer_counts::AnswerCounts;
pub use call::ManagementEndpoints;
pub(super) use error::still_loading;

/// Where the Management API is.
pub(super) fn root(issuer_path: &str) -> String {
    format!("{issuer_path}/api/v2")
}

/// Registers the Management API under the issuer's path.
pub fn configure(config: &mut ServiceConfig, issuer_path: &str) {
    let base = root(issuer_path);
    openapi::configure(config, &base);
    let scope = web::scope(&base)
        .configure(audit_events::configure)
        .configure(client_grants::configure)
        .configure(client_secrets::configure)
        .configure(clients::configure)
        .configure(credentials::configure)
        .configure(explain::configure)
        .configure(resource_servers::configure)
        .configure(signing_keys::configure)
        .configure(usage::configure)
        .default_service(web::to(error::no_such_endpoint))
        .wrap(from_fn(admit::admit));
    config.service(scope);
}
