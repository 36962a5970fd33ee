//! `POST /oauth/secret`, where a client replaces its own secret: from HTTP to the use case and back.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use serde::Serialize;

use super::IssuerEndpoints;
use super::client_address::ClientAddress;
use super::error::{secret_error, uncached};
use super::token::{authorization_of, facts, read_body, tell_quota};
use crate::clock::UnixMillis;
use crate::issuer::issue_token::TokenDecision;
use crate::issuer::steps::Steps;
use crate::oauth::client_auth::{Mechanism, uses_basic};
use crate::oauth::secret_error::SecretError;
use crate::oauth::token_request::RawTokenRequest;
use crate::telemetry::request_id::RequestId;
use crate::telemetry::traces;

#[derive(Serialize)]
struct NewSecret<'a> {
    client_secret: &'a str,
    expires_at: Option<Timestamp>,
    previous_expires_at: Option<Timestamp>,
}

/// Answers a client that wants a new secret.
pub async fn replace(
    request: HttpRequest,
    payload: web::Payload,
    endpoints: web::Data<IssuerEndpoints>,
) -> HttpResponse {
    let headers = request.headers();
    let authorization = authorization_of(&request);
    let request_id = request.extensions().get::<RequestId>().map(ToString::to_string);
    let mut decision = TokenDecision::about(ClientAddress::of(&request).map(|from| from.0));
    let is_traced = traces::is_recorded(&request);
    if is_traced {
        decision.steps = Steps::Noted(Vec::new());
    }
    let answer = match read_body(&request, payload, &endpoints).await {
        Ok(body) => {
            let raw = RawTokenRequest {
                content_type: headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes),
                authorization: &authorization,
                body: &body,
                parameter_limit: endpoints.limits.parameters,
            };
            endpoints.issuer.replace_secret(&endpoints.administration, &raw, request_id, &mut decision).await
        }
        Err(error) => Err(error.into()),
    };
    log(&decision, answer.as_ref().err());
    if is_traced {
        let outcome = if answer.is_ok() { "replaced" } else { "refused" };
        traces::tell(&request, facts(&decision, outcome, answer.as_ref().err().map(SecretError::cause)));
    }
    let time = |at: Option<UnixMillis>| at.and_then(|at| Timestamp::from_millisecond(at.0).ok());
    let mut response = match answer {
        Ok(added) => uncached(StatusCode::CREATED).json(NewSecret {
            client_secret: added.secret.expose(),
            expires_at: time(added.stored.expires_at),
            previous_expires_at: time(added.previous_expires_at),
        }),
        Err(error) => secret_error(&error, endpoints.issuer.compat(), uses_basic(&authorization)),
    };
    tell_quota(&decision.quota_left, response.headers_mut());
    response
}

/// Writes the one line that each decision has in the log, without any secret.
fn log(decision: &TokenDecision, refused: Option<&SecretError>) {
    tracing::info!(
        target: "tokenhouse::secret",
        outcome = if refused.is_none() { "replaced" } else { "refused" },
        cause = refused.map(SecretError::cause),
        client_id = decision.client_id(),
        authenticated = decision.authenticated,
        mechanism = decision.mechanism.map(Mechanism::as_str),
        "secret request"
    );
}
