//! How is an error of the Management API written? In Auth0's form, which its SDKs and its deploy CLI read.

use std::fmt::{self, Display, Formatter};

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, Resource, ResponseError, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::error::uncached;
use crate::http::loading::LOADING;
use crate::http::store_turns::Unheard;
use crate::issuer::AdministrationError;
use crate::one_line::on_one_line;
use crate::store::StoreError;

/// How long a caller should wait when the store is busy or away, in seconds.
const RETRY_AFTER_SECONDS: u32 = 1;

/// An error as it is written.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// The HTTP status.
    #[serde(rename = "statusCode")]
    status_code: u16,
    /// The HTTP status in words.
    error: String,
    /// What is wrong and what to do.
    message: String,
    /// For programs.
    #[serde(rename = "errorCode")]
    error_code: &'static str,
}

/// Why a call is refused.
#[derive(Debug)]
pub(super) struct ManagementError {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<u32>,
    /// How to authenticate, where that is what is missing (RFC 6750 §3).
    challenge: Option<&'static str>,
}

impl ManagementError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        // serde's words quote what the caller sent, and whoever shows the message need not escape it.
        let message = on_one_line(&message.into());
        Self { status, code, message, retry_after: None, challenge: None }
    }

    /// 400: the query cannot be understood.
    pub(super) fn query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_query_string", message)
    }

    /// 400: the body cannot be stored.
    pub(super) fn body(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_body", message)
    }

    /// 401: the token is not valid here.
    pub(super) fn invalid_token(message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::UNAUTHORIZED, "invalid_token", message);
        Self { challenge: Some(r#"Bearer realm="management", error="invalid_token""#), ..error }
    }

    /// 401: there is no token (RFC 6750 §3.1: then no error is named).
    pub(super) fn no_token() -> Self {
        let message = "send exactly one header Authorization: Bearer ACCESS_TOKEN";
        let error = Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
        Self { challenge: Some(r#"Bearer realm="management""#), ..error }
    }

    /// 403: the token lacks every scope of `any_of`. Auth0's deploy CLI reads the scopes out of this very text.
    pub(super) fn insufficient_scope(any_of: &[&str]) -> Self {
        let message = format!("Insufficient scope, expected any of: {}", any_of.join(","));
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", message)
    }

    /// 403: the caller has other rights than when it began to call.
    pub(super) fn rights_changed() -> Self {
        let message = "the scopes of this client were changed while the call was sent; nothing was changed; repeat it";
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", message)
    }

    /// 404: there is no such object.
    pub(super) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 429: too many calls.
    pub(super) fn too_many(retry_after: u32) -> Self {
        let message = format!("too many calls of this client: wait {retry_after} seconds");
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message);
        Self { retry_after: Some(retry_after), ..error }
    }

    /// 500: a fault of ours, whose cause is in the log.
    pub(super) fn internal(cause: &dyn Display) -> Self {
        tracing::error!(%cause, "a call of the Management API failed");
        let message = "an error on our side; nothing was changed; the log has the cause under this X-Request-Id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message)
    }

    /// 503: the database does not answer, so nobody was asked and nothing was changed.
    pub(super) fn store_silent() -> Self {
        Self::unavailable("the database does not answer at present; nothing was changed; try again")
    }

    /// 503: the database has stopped answering in the middle of the call.
    pub(super) fn store_fell_silent() -> Self {
        Self::unavailable("the database has stopped answering; look whether a change was made before repeating it")
    }

    /// 503: the database cannot do it now.
    fn unavailable(message: &str) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", message);
        Self { retry_after: Some(RETRY_AFTER_SECONDS), ..error }
    }
}

impl From<Unheard> for ManagementError {
    fn from(unheard: Unheard) -> Self {
        match unheard {
            Unheard::StoreFellSilent => Self::store_fell_silent(),
            Unheard::Fault(cause) => Self::internal(&cause),
        }
    }
}

impl From<StoreError> for ManagementError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Conflict { .. } => Self::new(StatusCode::CONFLICT, "conflict", message),
            StoreError::NotFound { .. } | StoreError::DanglingReference => {
                Self::not_found("inexistent_object", message)
            }
            // The connection may have broken before the change was saved or right after.
            StoreError::ConnectionLost { .. } => {
                tracing::error!(cause = %error, "a call of the Management API lost the store");
                Self::unavailable("the database cannot be reached; look whether a change was made before repeating it")
            }
            _ if error.is_unavailable() => {
                tracing::error!(cause = %error, "a call of the Management API could not reach the store");
                Self::unavailable("the database is busy or cannot be used; nothing was changed; try again")
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<AdministrationError> for ManagementError {
    fn from(error: AdministrationError) -> Self {
        let message = error.to_string();
        match error {
            AdministrationError::NotFound { kind, .. } => Self::not_found(inexistent(kind), message),
            AdministrationError::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", message),
            AdministrationError::Refused(_) => Self::new(StatusCode::BAD_REQUEST, "operation_not_supported", message),
            AdministrationError::Invalid(_) => Self::body(message),
            AdministrationError::InsufficientScope(_) => {
                Self::new(StatusCode::FORBIDDEN, "insufficient_scope", message)
            }
            AdministrationError::Outdated => Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", message),
            AdministrationError::TooEarly { .. } => {
                Self::new(StatusCode::CONFLICT, "too_early", format!("{message} with {{\"force\":true}}"))
            }
            AdministrationError::KeyInUse { .. } => {
                Self::new(StatusCode::CONFLICT, "key_in_use", format!("{message} with {{\"force\":true}}"))
            }
            AdministrationError::Store(error) => error.into(),
            AdministrationError::Key(_) => Self::internal(&error),
        }
    }
}

/// Auth0's error code for a missing object of this kind.
fn inexistent(kind: &str) -> &'static str {
    match kind {
        "client" => "inexistent_client",
        "API" => "inexistent_resource_server",
        "grant" => "inexistent_client_grant",
        "secret" => "inexistent_secret",
        "key" => "inexistent_credential",
        "signing key" => "inexistent_signing_key",
        _ => "inexistent_object",
    }
}

impl Display for ManagementError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl ResponseError for ManagementError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = uncached(self.status);
        if let Some(challenge) = self.challenge {
            response.insert_header((WWW_AUTHENTICATE, challenge));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        response.json(ErrorBody {
            status_code: self.status.as_u16(),
            error: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            message: self.message.clone(),
            error_code: self.code,
        })
    }
}

/// The answer where the Management API has no endpoint.
pub(super) async fn no_such_endpoint() -> Result<HttpResponse, ManagementError> {
    let message = "the Management API of this server has no such endpoint: openapi.json beside it names them all";
    Err(ManagementError::not_found("not_found", message))
}

/// The answer while the server does not know yet who may call.
pub(in crate::http) fn still_loading() -> HttpResponse {
    ManagementError::unavailable(LOADING).error_response()
}

/// Answers every other method than those of `resource` with 405, naming the `allowed` ones (RFC 9110 §15.5.6).
pub(super) fn only(allowed: &'static str, resource: Resource) -> Resource {
    resource.default_service(web::to(move || async move {
        let message = format!("this endpoint answers to {allowed} only");
        let error = ManagementError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
        let mut response = error.error_response();
        response.headers_mut().insert(ALLOW, actix_web::http::header::HeaderValue::from_static(allowed));
        response
    }))
}
