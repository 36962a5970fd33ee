//! Who calls the Management API, and may it call now? Every answer carries the state of the caller's rate limit.

use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, ResponseError as _, web};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use zeroize::Zeroizing;

use super::error::ManagementError;
use crate::http::IssuerEndpoints;
use crate::issuer::freshness::Freshness;
use crate::issuer::management_access::AccessRefused;
use crate::issuer::rights::Caller;
use crate::store::{Actor, Revision};
use crate::telemetry::request_id::RequestId;

/// Who was admitted, by which token, and when.
/// Not `Debug`: the token is in it.
#[derive(Clone)]
pub(super) struct Admission {
    pub(super) caller: Caller,
    token: Zeroizing<String>,
    /// The revision that was served then.
    revision: Revision,
}

/// The calls that a client may make.
#[derive(Clone, Copy, Debug)]
pub struct ManagementLimits {
    /// Calls per second in the long run.
    pub per_second: NonZeroU32,
    /// Calls that it may make at once.
    pub burst: NonZeroU32,
}

/// Counts the calls of each client. Only clients that have proved who they are get a counter of their own.
#[derive(Debug)]
pub(super) struct CallLimiter {
    limiter: RateLimiter<String, DashMapStateStore<String>, DefaultClock, StateInformationMiddleware>,
    limits: ManagementLimits,
}

/// The state of a caller's limit, for the headers that Auth0's SDKs read.
#[derive(Clone, Copy, Debug)]
struct LimitState {
    limit: u32,
    remaining: u32,
    /// Unix seconds.
    reset: i64,
}

impl CallLimiter {
    pub(super) fn new(limits: ManagementLimits) -> Self {
        let quota = Quota::per_second(limits.per_second).allow_burst(limits.burst);
        Self { limiter: RateLimiter::dashmap(quota).with_middleware(), limits }
    }

    pub(super) fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    /// Counts one call of `caller`; an error holds the seconds to wait.
    fn count(&self, caller: &str, now_seconds: i64) -> (LimitState, Result<(), u32>) {
        let limit = self.limits.burst.get();
        let per_second = f64::from(self.limits.per_second.get());
        match self.limiter.check_key(&caller.to_owned()) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let full_again = (f64::from(limit.saturating_sub(remaining)) / per_second).ceil();
                #[expect(clippy::cast_possible_truncation, reason = "at most the burst, in seconds")]
                let reset = now_seconds + full_again as i64;
                (LimitState { limit, remaining, reset }, Ok(()))
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now()).max(Duration::from_millis(1));
                let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
                (LimitState { limit, remaining: 0, reset: now_seconds + i64::from(seconds) }, Err(seconds))
            }
        }
    }
}

/// Finds out who calls, counts the call, and hands it on with its [`Admission`].
///
/// # Errors
/// None of its own: refusals are answers.
pub(super) async fn admit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(endpoints) = request.app_data::<web::Data<IssuerEndpoints>>().cloned() else {
        let refusal = ManagementError::internal(&"the endpoints are not set up");
        return Ok(request.into_response(refusal.error_response()));
    };
    // Who is unknown here may be known by now, and no call does without the database.
    if endpoints.issuer.served().freshness() != Freshness::Followed {
        let response = request.into_response(ManagementError::store_silent().error_response());
        endpoints.management.answers.count(response.status());
        return Ok(response);
    }
    let request_id = request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned());
    let admission = Admission::of(request.headers(), &endpoints, request_id);
    // Those without a valid token share one counter, so that guessing is slow and costs no memory.
    let counted_as = admission.as_ref().ok().and_then(|admission| client_id(&admission.caller)).unwrap_or("");
    let now = endpoints.issuer.clock().now().0 / 1000;
    let (state, admitted) = endpoints.management.limiter.count(counted_as, now);
    let refusal = match (admitted, admission) {
        (Ok(()), Ok(admission)) => {
            request.extensions_mut().insert(admission);
            None
        }
        (Ok(()), Err(refusal)) => Some(refusal),
        (Err(seconds), _) => {
            endpoints.management.answers.count_throttled();
            Some(ManagementError::too_many(seconds))
        }
    };
    let mut response = match refusal {
        None => next.call(request).await?.map_into_boxed_body(),
        Some(refusal) => request.into_response(refusal.error_response()),
    };
    state.write_to(response.headers_mut());
    endpoints.management.answers.count(response.status());
    Ok(response)
}

impl LimitState {
    fn write_to(self, headers: &mut HeaderMap) {
        let Self { limit, remaining, reset } = self;
        headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(limit));
        headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(remaining));
        headers.insert(HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(reset));
    }
}

impl Admission {
    fn of(
        headers: &HeaderMap,
        endpoints: &IssuerEndpoints,
        request_id: Option<String>,
    ) -> Result<Self, ManagementError> {
        let token = Zeroizing::new(bearer_token(headers).ok_or_else(ManagementError::no_token)?.to_owned());
        // Looked at before the rights are: what changes in between is noticed as a change.
        let revision = endpoints.issuer.served().snapshot().revision;
        let caller = authenticate(&token, endpoints, request_id)?;
        Ok(Self { caller, token, revision })
    }

    /// Makes sure that the caller still has the rights with which it was admitted: the body may have come slowly, and the
    /// client may have lost them meanwhile.
    ///
    /// # Errors
    /// If it has not.
    pub(super) fn must_hold_still(&self, endpoints: &IssuerEndpoints) -> Result<(), ManagementError> {
        if endpoints.issuer.served().snapshot().revision == self.revision {
            return Ok(());
        }
        let now = authenticate(&self.token, endpoints, self.caller.request_id.clone())?;
        if now.rights == self.caller.rights { Ok(()) } else { Err(ManagementError::rights_changed()) }
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

fn authenticate(
    token: &str,
    endpoints: &IssuerEndpoints,
    request_id: Option<String>,
) -> Result<Caller, ManagementError> {
    endpoints.management.access.authenticate(token, request_id).map_err(|refused| match refused {
        AccessRefused::Token(error) => {
            tracing::info!(cause = %error, "a token for the Management API was refused");
            let audience = endpoints.issuer.served().context().issuer.management_audience();
            let message = format!(
                "{}; ask this server's token endpoint for one with the audience {audience}",
                error.public_text()
            );
            ManagementError::invalid_token(message)
        }
        AccessRefused::ClientGone(_) => ManagementError::invalid_token(refused.to_string()),
        AccessRefused::Internal(cause) => ManagementError::internal(&cause),
    })
}

fn client_id(caller: &Caller) -> Option<&str> {
    match &caller.actor {
        Actor::Client { client_id } => Some(client_id),
        Actor::Cli { .. } | Actor::System => None,
    }
}
