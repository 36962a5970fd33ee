//! How does the control API answer, and how does it say no? In JSON, never to be stored.

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, ContentType, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;

use crate::dev::drive_error::DriveError;
use crate::http::error::{plain_error, uncached};

/// A successful answer.
pub(super) fn ok(body: &impl Serialize) -> HttpResponse {
    uncached(StatusCode::OK).json(body)
}

/// A successful answer that is JSON already.
pub(super) fn ok_json(text: String) -> HttpResponse {
    uncached(StatusCode::OK).content_type(ContentType::json()).body(text)
}

/// The answer to what was made.
pub(super) fn created(body: &impl Serialize) -> HttpResponse {
    uncached(StatusCode::CREATED).json(body)
}

/// The answer to what leaves nothing to say.
pub(super) fn nothing() -> HttpResponse {
    uncached(StatusCode::NO_CONTENT).finish()
}

/// The answer to a call without the key.
pub(super) fn invalid_key() -> HttpResponse {
    let description = "send Authorization: Bearer KEY, with the key under control in the ready line";
    let mut response = plain_error(StatusCode::UNAUTHORIZED, "invalid_key", description);
    response.headers_mut().insert(WWW_AUTHENTICATE, actix_web::http::header::HeaderValue::from_static("Bearer"));
    response
}

/// The answer where no call is.
pub(super) async fn no_such_path(request: HttpRequest) -> HttpResponse {
    let _ = request;
    let description = "the control API has no such path: docs/testing.md names those there are";
    plain_error(StatusCode::NOT_FOUND, "not_found", description)
}

/// The answer to another method.
pub(super) fn method_not_allowed(allowed: &'static str) -> HttpResponse {
    let description = format!("this path answers to {allowed} only");
    let mut response = plain_error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", &description);
    response.headers_mut().insert(ALLOW, actix_web::http::header::HeaderValue::from_static(allowed));
    response
}

impl ResponseError for DriveError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let error = match self {
            Self::Invalid(_) => "invalid_request",
            Self::NotFound(_) => "not_found",
            Self::Conflict(_) => "conflict",
            Self::TooLarge => "content_too_large",
            Self::Internal(_) => "server_error",
        };
        // The caller runs this very server for its tests: nothing is gained by hiding what went wrong in it.
        plain_error(self.status_code(), error, &self.to_string())
    }
}
