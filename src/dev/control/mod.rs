//! The control API of `dev`: how does a test, in any language, drive an issuer? `docs/testing.md` describes each call.
//!
//! | file | question |
//! |---|---|
//! | `admit` | who calls? |
//! | `body` | what did the caller send? |
//! | `answer` | how are answers and errors written? |
//! | `state`, `tokens`, `clock`, `keys`, `faults`, `requests`, `document`, `issuers` | one part of an issuer each |

mod admit;
mod answer;
mod body;
mod clock;
mod document;
mod faults;
mod issuers;
mod keys;
mod requests;
mod state;
mod tokens;

use actix_web::Resource;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

/// Where it is, relative to the issuer.
const ROOT: &str = "/_control";

/// Does `path` lead to it?
pub(super) fn is_control(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Registers it.
pub(super) fn configure(config: &mut ServiceConfig) {
    let scope = web::scope(ROOT)
        .configure(state::configure)
        .configure(tokens::configure)
        .configure(clock::configure)
        .configure(keys::configure)
        .configure(faults::configure)
        .configure(requests::configure)
        .configure(document::configure)
        .configure(issuers::configure)
        .default_service(web::to(answer::no_such_path))
        .wrap(from_fn(admit::require_key));
    config.service(scope);
}

/// Answers other methods than the `allowed` ones with 405.
fn only(allowed: &'static str, resource: Resource) -> Resource {
    resource.default_service(web::to(move || async move { answer::method_not_allowed(allowed) }))
}
