//! The token endpoint, `POST /oauth/token` (RFC 6749 §3.2): from HTTP to the use case and back.

use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;

use super::IssuerEndpoints;
use super::client_address::ClientAddress;
use super::error::{token_error, uncached};
use crate::issuer::issue_token::TokenDecision;
use crate::issuer::quota::QuotaLeft;
use crate::issuer::steps::Steps;
use crate::oauth::client_auth::{Mechanism, uses_basic};
use crate::oauth::error::{MalformedRequest, TokenError};
use crate::oauth::token_request::RawTokenRequest;
use crate::telemetry::traces;

/// How much of a body that is too large is read and thrown away, in bytes: a client that is still sending sees the
/// answer only after its request.
const DISCARDED_BYTES: usize = 8 * 1024 * 1024;

/// Answers a token request.
pub async fn token(request: HttpRequest, payload: web::Payload, endpoints: web::Data<IssuerEndpoints>) -> HttpResponse {
    let arrived = Instant::now();
    let mut decision = TokenDecision::about(ClientAddress::of(&request).map(|from| from.0));
    let is_traced = traces::is_recorded(&request);
    if is_traced {
        decision.steps = Steps::Noted(Vec::new());
    }
    let body = read_body(&request, payload, &endpoints).await;
    let authorization = authorization_of(&request);
    // By reference: what is moved here is kept twice while the token is made.
    let answer = match &body {
        Ok(body) => {
            let raw = RawTokenRequest {
                content_type: request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes),
                authorization: &authorization,
                body,
                parameter_limit: endpoints.limits.parameters,
            };
            endpoints.issuer.issue_token(&raw, &mut decision).await
        }
        Err(error) => Err(error.clone()),
    };
    note(&endpoints, &decision, answer.as_ref().err(), arrived);
    if is_traced {
        let outcome = if answer.is_ok() { "issued" } else { "refused" };
        let cause = answer.as_ref().err().map(|error| error.cause().as_str());
        traces::tell(&request, facts(&decision, outcome, cause));
    }
    let mut response = match answer {
        Ok(body) => uncached(StatusCode::OK).content_type("application/json").body(body),
        Err(error) => token_error(&error, endpoints.issuer.compat(), uses_basic(&authorization)),
    };
    tell_quota(&decision.quota_left, response.headers_mut());
    response
}

/// The values of the header in which a client may authenticate.
pub(super) fn authorization_of(request: &HttpRequest) -> Vec<&[u8]> {
    request.headers().get_all(AUTHORIZATION).map(HeaderValue::as_bytes).collect()
}

/// Counts and logs how a request was decided that `arrived` then.
pub(super) fn note(
    endpoints: &IssuerEndpoints,
    decision: &TokenDecision,
    refused: Option<&TokenError>,
    arrived: Instant,
) {
    endpoints.issuer.counts().request(decision, refused, arrived.elapsed());
    // Under overload the line would cost more than the refusal: those are counted, and told together each second.
    if !matches!(refused, Some(TokenError::Overloaded { .. })) {
        log(decision, refused);
    }
}

/// Says what is left of the client's rate and quota, if anything limits them (draft-ietf-httpapi-ratelimit-headers-10).
pub(super) fn tell_quota(left: &[QuotaLeft], headers: &mut HeaderMap) {
    if left.is_empty() {
        return;
    }
    let list =
        |item: fn(&QuotaLeft) -> String| HeaderValue::from_str(&left.iter().map(item).collect::<Vec<_>>().join(", "));
    let policy = list(|left| format!("\"{}\";q={};w={}", left.window, left.quota, left.seconds));
    let state = list(|left| format!("\"{}\";r={};t={}", left.window, left.remaining, left.resets_in));
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = value {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Writes the one line that each decision has in the log: no secret and no token, and only values that passed their
/// grammar.
fn log(decision: &TokenDecision, refused: Option<&TokenError>) {
    let TokenDecision { client_address, authenticated, mechanism, assertion_refusal, scope, jti, reused, .. } =
        decision;
    tracing::info!(
        target: "tokenhouse::token",
        outcome = if refused.is_none() { "issued" } else { "refused" },
        cause = refused.map(|error| error.cause().as_str()),
        client_id = decision.client_id(),
        authenticated,
        mechanism = mechanism.map(|mechanism| mechanism.as_str()),
        assertion = assertion_refusal.as_ref().map(tracing::field::display),
        audience = decision.audience(),
        scope = scope.as_deref(),
        jti,
        reused = reused.then_some(true),
        client_address = client_address.map(tracing::field::display),
        "token request"
    );
}

/// What the trace of the request tells of the decision.
pub(super) fn facts(decision: &TokenDecision, outcome: &'static str, cause: Option<&'static str>) -> traces::Facts {
    let mut facts = traces::Facts::default();
    facts.add("tokenhouse.outcome", outcome);
    facts.add_some("tokenhouse.cause", cause);
    facts.add_some("tokenhouse.client_id", decision.client_id().map(str::to_owned));
    facts.add("tokenhouse.authenticated", decision.authenticated);
    facts.add_some("tokenhouse.mechanism", decision.mechanism.map(Mechanism::as_str));
    facts.add_some("tokenhouse.audience", decision.audience().map(str::to_owned));
    facts.add("tokenhouse.reused", decision.reused);
    for step in decision.steps.noted() {
        facts.add_step(step.name.as_str(), step.began, step.took);
    }
    facts
}

/// Reads the body within its bounds of size and time.
pub(super) async fn read_body(
    request: &HttpRequest,
    mut payload: web::Payload,
    endpoints: &IssuerEndpoints,
) -> Result<Bytes, TokenError> {
    let limit = endpoints.limits.body_bytes;
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let too_large = announced.is_some_and(|length| length > u64::try_from(limit).unwrap_or(u64::MAX));
    let reading = async {
        if too_large {
            discard(&mut payload).await;
            return Err(TokenError::BodyTooLarge { limit });
        }
        collect(&mut payload, limit).await
    };
    tokio::time::timeout(endpoints.limits.body_time, reading)
        .await
        .unwrap_or_else(|_elapsed| Err(MalformedRequest::BodyTooSlow.into()))
}

async fn collect(payload: &mut web::Payload, limit: usize) -> Result<Bytes, TokenError> {
    let incomplete = |_| TokenError::from(MalformedRequest::BodyIncomplete);
    // Nearly every body arrives in one piece, which is then not copied.
    let first = payload.next().await.transpose().map_err(incomplete)?.unwrap_or_default();
    let Some(second) = payload.next().await.transpose().map_err(incomplete)? else {
        return if first.len() > limit { Err(TokenError::BodyTooLarge { limit }) } else { Ok(first) };
    };
    let mut body = BytesMut::from(first.as_ref());
    body.extend_from_slice(&second);
    loop {
        if body.len() > limit {
            discard(payload).await;
            return Err(TokenError::BodyTooLarge { limit });
        }
        match payload.next().await.transpose().map_err(incomplete)? {
            Some(piece) => body.extend_from_slice(&piece),
            None => return Ok(body.freeze()),
        }
    }
}

/// Reads on without keeping anything, so that the client gets to read the answer.
async fn discard(payload: &mut web::Payload) {
    let mut discarded = 0;
    let reading = async {
        while let Some(Ok(piece)) = payload.next().await {
            discarded += piece.len();
            if discarded > DISCARDED_BYTES {
                return;
            }
        }
    };
    // Time out: the client is slow as well as verbose; the connection is then closed under it.
    let _ = tokio::time::timeout(Duration::from_secs(2), reading).await;
}
