//! Does a request bring more than one token? Also one in a form body counts (RFC 6750 §2 and §2.2)

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use tokenhouse_verifier::actix::one_bearer_method;

use super::error::ApiError;

/// Middleware: [`one_bearer_method`], with an answer of ours if the form is too large or breaks off.
pub(super) async fn one_token<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody + use<B>>, Error> {
    one_bearer_method(request, next).await.map_err(|error| match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => ApiError::BodyTooLarge.into(),
        Some(_) => ApiError::InvalidRequest("the body did not arrive whole: send it again".to_owned()).into(),
        None => error,
    })
}
