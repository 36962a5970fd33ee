//! What every request passes through before its endpoint.

pub mod head_limit;
pub mod peer;
pub mod target;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, Version};
use actix_web::middleware::Next;

use super::client_address::PeerRules;
use super::pace::Pace;

/// Refuses heads of more than `head_bytes` bytes, those that name two hosts, and peers that `peers` do not serve; leaves the client's address with the
/// others. Tells the connection when its request is being answered, and when it has been.
///
/// One layer for all: each layer costs every request its own boxes.
///
/// # Errors
/// Those of the service behind it.
pub async fn screen<B: MessageBody + 'static>(
    head_bytes: usize,
    peers: PeerRules,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let pace = Pace::current();
    if let Some(pace) = &pace {
        pace.begin().await;
    }
    let is_last = request.head().connection_type() == ConnectionType::Close;
    let refusal = head_limit::refuse_long_head(&request, head_bytes);
    let refusal = refusal.or_else(|| target::refuse_other_host(&request));
    let mut answer = match refusal.or_else(|| peer::identify_client(&request, &peers)) {
        Some(refusal) => Ok(request.into_response(refusal).map_into_right_body()),
        None => next.call(request).await.map(ServiceResponse::map_into_left_body),
    };
    if let Some(pace) = pace {
        let response = answer.as_mut().ok().map(ServiceResponse::response_mut);
        let size = response.as_ref().map_or(BodySize::None, |response| response.body().size());
        pace.answered(if let BodySize::Sized(bytes) = size { bytes } else { 0 });
        if is_last || response.is_some_and(closes) {
            pace.done();
        }
    }
    answer
}

/// Does the endpoint close the connection with this answer?
fn closes<B>(response: &mut HttpResponse<B>) -> bool {
    let head = response.head_mut();
    // actix uses heads again, with the version of the answer before; what is sent has that of its request, whichever stands here.
    head.version = Version::HTTP_11;
    head.connection_type() == ConnectionType::Close
}
