//! What does a caller see that is not let through? (RFC 6750 §3 and §3.1)

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use serde_json::json;
use thiserror::Error;

use crate::challenge::{BearerErrorCode, Challenge};
use crate::error::VerifyError;
use crate::key_source::KeysUnavailable;
use crate::resource_server::ResourceServer;

/// Why a request was not let through.
#[derive(Debug, Error)]
pub enum Reason {
    /// No Bearer token came.
    #[error("no access token came with the request")]
    NoToken,
    /// The request is malformed; the text is public.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The token is not valid here.
    #[error(transparent)]
    InvalidToken(VerifyError),
    /// The token lacks this scope.
    #[error("the access token lacks the scope {0}")]
    InsufficientScope(&'static str),
    /// The issuer's keys are not to be had, so nothing can be said about the token.
    #[error(transparent)]
    KeysUnavailable(KeysUnavailable),
    /// The program has put no `ResourceServer` into `web::Data`.
    #[error("there is no ResourceServer in the application's data")]
    NotConfigured,
}

/// The answer to a request that is not let through: status, challenge and a JSON body with `error` and
/// `error_description`.
#[derive(Debug, Error)]
#[error("{reason}")]
pub struct Refusal {
    reason: Reason,
    challenge: Challenge,
}

impl Refusal {
    pub(super) fn new(request: &HttpRequest, reason: Reason) -> Self {
        // Logged here, once: whoever renders the answer sees the public text only.
        match &reason {
            Reason::KeysUnavailable(error) => {
                tracing::error!(error = error as &dyn std::error::Error, "cannot verify access tokens");
            }
            Reason::NotConfigured => tracing::error!(%reason, "cannot verify access tokens"),
            _ => tracing::debug!(%reason, "request refused"),
        }
        let resource_server = request.app_data::<web::Data<ResourceServer>>();
        let challenge = resource_server.map_or_else(|| Challenge::new(""), |server| server.challenge());
        Self { reason, challenge }
    }

    /// Why.
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The error code and the description, where RFC 6750 has one.
    const fn bearer_error(&self) -> Option<(BearerErrorCode, &'static str)> {
        match &self.reason {
            Reason::InvalidRequest(description) => Some((BearerErrorCode::InvalidRequest, *description)),
            Reason::InvalidToken(error) => Some((BearerErrorCode::InvalidToken, error.public_text())),
            Reason::InsufficientScope(_) => Some((
                BearerErrorCode::InsufficientScope,
                "The access token lacks the scope that this resource requires",
            )),
            Reason::NoToken | Reason::KeysUnavailable(_) | Reason::NotConfigured => None,
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match (&self.reason, self.bearer_error()) {
            (_, Some((code, _))) => StatusCode::from_u16(code.status()).unwrap_or(StatusCode::UNAUTHORIZED),
            (Reason::KeysUnavailable(_), None) => StatusCode::SERVICE_UNAVAILABLE,
            (Reason::NotConfigured, None) => StatusCode::INTERNAL_SERVER_ERROR,
            (_, None) => StatusCode::UNAUTHORIZED,
        }
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut answer = HttpResponse::build(self.status_code());
        answer.insert_header((CACHE_CONTROL, "no-store"));
        let mut challenge = self.challenge.clone();
        let body = match (&self.reason, self.bearer_error()) {
            (reason, Some((code, description))) => {
                challenge = challenge.error(code, description);
                let mut body = json!({"error": code.name(), "error_description": description});
                if let (Reason::InsufficientScope(scope), Some(members)) = (reason, body.as_object_mut()) {
                    challenge = challenge.scope(scope);
                    members.insert("scope".to_owned(), (*scope).into());
                }
                body
            }
            (Reason::KeysUnavailable(_), None) => {
                answer.insert_header((RETRY_AFTER, "5"));
                json!({
                    "error": "temporarily_unavailable",
                    "error_description": "Access tokens cannot be verified at the moment; try again later",
                })
            }
            (Reason::NotConfigured, None) => {
                json!({"error": "server_error", "error_description": "The server has met an internal fault"})
            }
            // RFC 6750 §3.1: who has sent no token learns no error code, only what is wanted.
            (_, None) => json!({"error_description": "Send an access token as Authorization: Bearer <token>"}),
        };
        if self.status_code().is_client_error() {
            answer.insert_header((WWW_AUTHENTICATE, challenge.to_string()));
        }
        answer.json(body)
    }
}
