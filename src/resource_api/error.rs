//! How is an error told? Status, headers and JSON body, for everything but tokens (RFC 9110 §15.5 and §15.6)

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use thiserror::Error;

/// Why a request was not done. `Display` is the public text; what lies behind a fault is logged where it happens.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum ApiError {
    /// The request is wrong in the way the text says.
    #[error("{0}")]
    InvalidRequest(String),
    /// This client has no such user, whatever other clients have.
    #[error("there is no user with this id: GET /users lists those there are")]
    NoSuchUser,
    /// There is nothing at this path.
    #[error("there is nothing at this path: /openapi.json names what there is")]
    NoSuchPath,
    /// The resource has other methods.
    #[error("this path answers to {allow} only")]
    MethodNotAllowed {
        /// The methods, as `Allow` lists them.
        allow: &'static str,
    },
    /// The client has another user with that address.
    #[error("there is a user with this email already: change that one, or send another email")]
    EmailTaken,
    /// The body is longer than is read.
    #[error("the body is too large: send at most 64 KiB")]
    BodyTooLarge,
    /// The body takes too long to come.
    #[error("the body did not arrive within 10 seconds: send it again")]
    BodyTooSlow,
    /// The body is not said to be JSON.
    #[error("send the body as JSON, with Content-Type: application/json")]
    UnsupportedMediaType,
    /// The database cannot answer now.
    #[error("the users cannot be reached at the moment; try again later")]
    Unavailable,
    /// A fault of the program.
    #[error("the server has met an internal fault")]
    Internal,
}

impl ApiError {
    const fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::NoSuchUser | Self::NoSuchPath => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::EmailTaken => "conflict",
            Self::BodyTooLarge => "content_too_large",
            Self::BodyTooSlow => "request_timeout",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Unavailable => "temporarily_unavailable",
            Self::Internal => "server_error",
        }
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::InvalidRequest(_) => StatusCode::BAD_REQUEST,
            Self::NoSuchUser | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::EmailTaken => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        answer.insert_header((CACHE_CONTROL, "no-store"));
        match self {
            Self::MethodNotAllowed { allow } => {
                answer.insert_header((ALLOW, *allow));
            }
            Self::Unavailable => {
                answer.insert_header((RETRY_AFTER, "5"));
            }
            _ => {}
        }
        answer.json(ErrorBody { error: self.code(), error_description: &self.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case(ApiError::InvalidRequest("say \"what\"".to_owned()), 400, "invalid_request")]
    #[case(ApiError::NoSuchUser, 404, "not_found")]
    #[case(ApiError::NoSuchPath, 404, "not_found")]
    #[case(ApiError::MethodNotAllowed { allow: "GET, HEAD" }, 405, "method_not_allowed")]
    #[case(ApiError::BodyTooSlow, 408, "request_timeout")]
    #[case(ApiError::EmailTaken, 409, "conflict")]
    #[case(ApiError::BodyTooLarge, 413, "content_too_large")]
    #[case(ApiError::UnsupportedMediaType, 415, "unsupported_media_type")]
    #[case(ApiError::Internal, 500, "server_error")]
    #[case(ApiError::Unavailable, 503, "temporarily_unavailable")]
    #[actix_web::test]
    async fn each_error_has_its_status_code_and_headers(
        #[case] error: ApiError,
        #[case] status: u16,
        #[case] code: &str,
    ) {
        let response = error.error_response();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers().get(CACHE_CONTROL).unwrap(), "no-store");
        assert_eq!(response.headers().contains_key(RETRY_AFTER), status == 503);
        assert_eq!(response.headers().get(ALLOW).is_some_and(|allow| allow == "GET, HEAD"), status == 405);
        let body: Value = serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap();
        assert_eq!(body, json!({"error": code, "error_description": error.to_string()}));
    }
}
