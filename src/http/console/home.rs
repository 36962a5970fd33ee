//! Where does somebody begin who has just signed in? Where the console begins for its rights.

use actix_web::HttpResponse;

use super::answer::lead_to;
use super::error::ConsoleError;
use super::visit::Visit;

/// Leads to the first page that the rights of whoever is signed in allow.
pub(super) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    Ok(lead_to(&visit.path(if visit.session.is_operator() { "overview" } else { "own" })))
}
