//! How is a page sent, and where does a form lead when it is done?

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use askama::Template;

use super::done::Done;
use super::error::ConsoleError;
use super::form::Form;
use crate::issuer::AdministrationError;
use crate::one_line::on_one_line;

/// `template` as a page.
///
/// # Errors
/// A fault of ours: no value can keep a template from being rendered.
pub(super) fn page(template: &impl Template) -> Result<HttpResponse, ConsoleError> {
    page_with(StatusCode::OK, template)
}

/// `template` as a page with another status.
///
/// # Errors
/// As [`page`].
pub(super) fn page_with(status: StatusCode, template: &impl Template) -> Result<HttpResponse, ConsoleError> {
    let text = template.render().map_err(|error| ConsoleError::fault(&error))?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(text))
}

/// Leads on to the page at `path`, so that reloading it repeats nothing.
pub(super) fn lead_to(path: &str) -> HttpResponse {
    HttpResponse::build(StatusCode::SEE_OTHER).insert_header((LOCATION, path)).finish()
}

/// The same, where the page says what was `done`.
pub(super) fn lead_on(path: &str, done: Done) -> HttpResponse {
    let joint = if path.contains('?') { '&' } else { '?' };
    lead_to(&format!("{path}{joint}done={}", done.code()))
}

impl Form {
    /// Takes a refusal that whoever sent the form can do something about, to be shown with it: beside `name_field` what is about
    /// a name that is taken, above the form all else.
    ///
    /// # Errors
    /// Every other error.
    pub(super) fn take(&mut self, error: ConsoleError, name_field: Option<&str>) -> Result<StatusCode, ConsoleError> {
        let status = actix_web::ResponseError::status_code(&error);
        let ConsoleError::Refused(refusal) = error else { return Err(error) };
        let text = match &refusal {
            AdministrationError::InsufficientScope(lacking) => {
                format!(
                    "This takes rights of the Management API that your client does not hold: {}.",
                    lacking.join(", ")
                )
            }
            refusal => on_one_line(&refusal.to_string()),
        };
        match (refusal, name_field) {
            (AdministrationError::Conflict(_), Some(field)) => self.fail(field, text),
            _ => self.fail_generally(text),
        }
        Ok(status)
    }
}
