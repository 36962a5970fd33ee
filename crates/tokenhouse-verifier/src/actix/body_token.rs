//! Does the request bring a second token in its body? (RFC 6750 §2 and §2.2)

use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::middleware::Next;
use actix_web::rt::time::timeout;
use actix_web::{Error, ResponseError as _, web};

use super::refusal::{Reason, Refusal};

/// Who sends an octet of its form now and then does not keep a connection for ever.
const FORM_TIME: Duration = Duration::from_secs(10);

/// Middleware that answers 400 `invalid_request` to a request with a token in the `Authorization` field and another in
/// a form body, as RFC 6750 §2 demands; use it with `actix_web::middleware::from_fn`. A token in the body alone is
/// ignored.
///
/// Form bodies are read within the limit of `web::PayloadConfig` and ten seconds, and handed on unchanged; other bodies are not
/// touched.
pub async fn one_bearer_method<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if request.headers().contains_key(AUTHORIZATION) && is_form(&request) {
        let reason = match timeout(FORM_TIME, request.extract::<web::Bytes>()).await {
            Err(_elapsed) => Some("The form in the body does not arrive in time"),
            Ok(Ok(body)) if url::form_urlencoded::parse(&body).any(|(name, _)| name == "access_token") => {
                Some("There is an access token in the header and another in the body")
            }
            Ok(Ok(body)) => {
                request.set_payload(Payload::from(body));
                None
            }
            Ok(Err(_)) => Some("The form in the body is too large or cannot be read"),
        };
        if let Some(reason) = reason {
            let refusal = Refusal::new(request.request(), Reason::InvalidRequest(reason));
            // An answer, not an error: middleware around this one sees it pass like any other.
            return Ok(request.into_response(refusal.error_response()).map_into_right_body());
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}

fn is_form(request: &ServiceRequest) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|field| field.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
