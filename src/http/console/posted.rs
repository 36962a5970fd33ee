//! What was sent in a form, and may whoever sent it still do so when all of it has arrived?

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, web};
use url::form_urlencoded;

use super::error::ConsoleError;
use super::form::Form;
use super::kept;
use super::visit::still_signed_in;
use crate::http::whole_body::whole_body;

/// Longest form in bytes, but for those that hold a document.
const FORM_BYTES: usize = 256 * 1024;

/// Longest form in bytes that holds a configuration document: some tens of thousands of clients.
const DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// A form.
pub(super) struct Posted(pub(super) Form);

/// A form that may hold a configuration document.
pub(super) struct PostedDocument(pub(super) Form);

type Read<T> = Pin<Box<dyn Future<Output = Result<T, ConsoleError>>>>;

impl FromRequest for Posted {
    type Error = ConsoleError;
    type Future = Read<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read(request, payload, FORM_BYTES);
        Box::pin(async move { read.await.map(Self) })
    }
}

impl FromRequest for PostedDocument {
    type Error = ConsoleError;
    type Future = Read<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read(request, payload, DOCUMENT_BYTES);
        Box::pin(async move { read.await.map(Self) })
    }
}

fn read(request: &HttpRequest, payload: &mut Payload, limit: usize) -> Read<Form> {
    kept::expect(request);
    let request = request.clone();
    let payload = web::Payload::from_request(&request, payload).into_inner();
    Box::pin(async move {
        let payload = payload.map_err(|error| ConsoleError::fault(&error))?;
        if !is_form(&request) {
            return Err(ConsoleError::NotAForm);
        }
        let body = whole_body(&request, payload, limit).await?;
        let form = Form::of(form_urlencoded::parse(&body).into_owned().collect());
        kept::keep(&request, &form, body.len());
        still_signed_in(&request).await?;
        Ok(form)
    })
}

fn is_form(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
