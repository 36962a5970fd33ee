//! What does a caller see when the API cannot do what was asked? (RFC 9110 §15.5 and §15.6)

use std::borrow::Cow;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;
use thiserror::Error;

use super::users::UsersError;

/// An error of the API. The texts are public and say what to do; causes are logged, not told.
#[derive(Debug, Error)]
pub(super) enum ApiError {
    #[error("{0}")]
    InvalidRequest(Cow<'static, str>),
    #[error("There is no such user")]
    NoSuchUser,
    #[error("There is nothing at this address: see /openapi.json")]
    NoSuchRoute,
    #[error("This address has other methods: see the Allow header field")]
    MethodNotAllowed { allow: &'static str },
    #[error("The body did not come in within 10 seconds")]
    RequestTimeout,
    #[error("Another user has this email address")]
    EmailTaken,
    #[error("The body must be no larger than 64 KiB")]
    BodyTooLarge,
    #[error("Send the body as JSON, with Content-Type: application/json")]
    UnsupportedMediaType,
    #[error("The server has met an internal fault; the request id helps its operator to find it")]
    ServerError,
    #[error("The users cannot be reached at the moment; try again later")]
    TemporarilyUnavailable,
}

impl ApiError {
    const fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::NoSuchUser | Self::NoSuchRoute => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::EmailTaken => "conflict",
            Self::BodyTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::InvalidRequest(_) => StatusCode::BAD_REQUEST,
            Self::NoSuchUser | Self::NoSuchRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::EmailTaken => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut answer = HttpResponse::build(self.status_code());
        match self {
            // RFC 9110 §15.5.6: the methods there are must be told.
            Self::MethodNotAllowed { allow } => answer.insert_header((ALLOW, *allow)),
            Self::TemporarilyUnavailable => answer.insert_header((RETRY_AFTER, "1")),
            _ => &mut answer,
        };
        answer.json(json!({"error": self.code(), "error_description": self.to_string()}))
    }
}

impl From<UsersError> for ApiError {
    fn from(error: UsersError) -> Self {
        match error {
            UsersError::NoSuchUser => Self::NoSuchUser,
            UsersError::EmailTaken => Self::EmailTaken,
            UsersError::Busy => {
                tracing::error!("no connection to the users' database came free in time");
                Self::TemporarilyUnavailable
            }
            UsersError::Fault { detail } => {
                tracing::error!(detail, "the users' database failed");
                Self::ServerError
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cause_is_told() {
        let error = ApiError::from(UsersError::Fault { detail: "disk I/O error in /var/lib".to_owned() });
        assert_eq!(error.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!error.to_string().contains("disk"));
    }

    #[test]
    fn texts_keep_to_the_characters_of_rfc_6749() {
        for error in
            [ApiError::NoSuchRoute, ApiError::UnsupportedMediaType, ApiError::ServerError, ApiError::EmailTaken]
        {
            assert!(error.to_string().bytes().all(|octet| matches!(octet, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)));
        }
    }
}
