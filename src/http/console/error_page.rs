//! What does a page say that cannot be shown? Nobody who is not signed in sees more than the way in.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};
use askama::Template;

use super::answer::page_with;
use super::error::ConsoleError;
use super::frame::{Frame, Section};
use super::kept::{self, Kept};
use super::sign_in::sign_in_page;
use super::visit::{SignedIn, endpoints_of, frame, request_id_of};
use crate::one_line::on_one_line;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    text: String,
    request_id: String,
    kept: Option<Kept>,
}

/// The page for `error`.
pub(super) fn error_page(request: &HttpRequest, error: &ConsoleError) -> HttpResponse {
    let written = match error {
        ConsoleError::NotSignedIn => not_signed_in(request),
        _ => told(request, error),
    };
    // Then there is no page for anything: what is left is the status.
    written.unwrap_or_else(|error| error.error_response())
}

fn told(request: &HttpRequest, error: &ConsoleError) -> Result<HttpResponse, ConsoleError> {
    let endpoints = endpoints_of(request)?;
    let signed_in = request.extensions().get::<SignedIn>().cloned();
    let session = signed_in.as_ref().map(|signed_in| &signed_in.0);
    let frame = frame(endpoints.issuer_name(), session, error.title().to_owned(), Section::None);
    let kept = kept::of(request).and_then(|kept| match error {
        ConsoleError::SentBefore => Some(kept.renamed(&frame.once)),
        // What may well succeed after a while.
        error => error.retry_after().map(|_| kept),
    });
    let (text, request_id) = (on_one_line(&error.to_string()), request_id_of(request).unwrap_or_default());
    page_with(error.status_code(), &ErrorPage { frame, text, request_id, kept })
}

fn not_signed_in(request: &HttpRequest) -> Result<HttpResponse, ConsoleError> {
    let mut page = sign_in_page(request)?;
    // A part of a page that is fetched by itself: the whole page is to be fetched instead.
    if request.headers().contains_key("hx-request") {
        page.headers_mut().insert(HeaderName::from_static("hx-refresh"), HeaderValue::from_static("true"));
    }
    Ok(page)
}
