//! How does a spoilt answer go out? (RFC 9112 §6.3: what is shorter than its `Content-Length` is incomplete)

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde_json::json;
use tokio::time::{Sleep, sleep};

use super::fault::{Fault, FaultKind};

/// How long half an answer is given to get out before the connection is closed.
const FLUSH: Duration = Duration::from_millis(50);

/// The answer of `fault` where the real endpoint is not asked; none where it is.
pub(super) fn instead(fault: &Fault) -> Option<HttpResponse> {
    match fault.kind {
        FaultKind::Status => {
            let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok());
            let mut response = HttpResponse::build(status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE));
            if let Some(seconds) = fault.retry_after {
                response.insert_header((RETRY_AFTER, seconds.to_string()));
            }
            Some(with_body(response, fault))
        }
        FaultKind::Drop => Some(HttpResponse::Ok().body(Piecemeal::nothing())),
        FaultKind::EmptyJwks => {
            Some(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(json!({ "keys": [] })))
        }
        FaultKind::Truncate | FaultKind::Slow if fault.body.is_some() => Some(with_body(HttpResponse::Ok(), fault)),
        FaultKind::Delay | FaultKind::Truncate | FaultKind::Slow => None,
    }
}

fn with_body(mut response: HttpResponseBuilder, fault: &Fault) -> HttpResponse {
    response.insert_header((CACHE_CONTROL, "no-store"));
    if fault.is_bodiless() {
        return response.finish();
    }
    let given = fault.given_body().unwrap_or_else(|| {
        let status = fault.status.unwrap_or(503);
        let error = if status >= 500 { "temporarily_unavailable" } else { "invalid_request" };
        let body = if status < 400 {
            json!({})
        } else {
            json!({ "error": error, "error_description": "a fault that was scripted with the control API" })
        };
        (body.to_string(), true)
    });
    let (text, is_json) = given;
    let content_type = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static(content_type))).body(text)
}

/// `body` as `fault` lets it out.
pub(super) fn let_out(fault: &Fault, body: BoxBody) -> BoxBody {
    let pieces = match fault.kind {
        FaultKind::Truncate => Piecemeal::cut_short,
        FaultKind::Slow => Piecemeal::dripping,
        FaultKind::Status | FaultKind::Delay | FaultKind::Drop | FaultKind::EmptyJwks => return body,
    };
    match body.try_into_bytes() {
        Ok(whole) => BoxBody::new(pieces(&whole, fault)),
        // Nothing here streams; what would is sent as it is.
        Err(body) => body,
    }
}

/// A body that goes out in pieces, with pauses, and perhaps not to its end.
struct Piecemeal {
    announced: usize,
    left: Bytes,
    piece: usize,
    pause: Duration,
    ending: Ending,
    waiting: Option<Pin<Box<Sleep>>>,
    has_begun: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Whole,
    /// The connection is closed.
    Broken,
}

/// The server closes the connection for it.
#[derive(Debug, thiserror::Error)]
#[error("cut off, as a fault that was scripted with the control API says")]
struct CutOff;

impl Piecemeal {
    /// Broken before anything was sent: the head, which waits for the body, is not sent either.
    fn nothing() -> Self {
        Self {
            announced: 1,
            left: Bytes::new(),
            piece: 1,
            pause: Duration::ZERO,
            ending: Ending::Broken,
            waiting: None,
            has_begun: false,
        }
    }

    fn cut_short(whole: &Bytes, _fault: &Fault) -> Self {
        let half = whole.len() / 2;
        let announced = whole.len().max(1);
        Self { announced, left: whole.slice(..half), piece: half.max(1), pause: FLUSH, ..Self::nothing() }
    }

    fn dripping(whole: &Bytes, fault: &Fault) -> Self {
        Self {
            announced: whole.len(),
            piece: whole.len().div_ceil(fault.pieces()).max(1),
            left: whole.clone(),
            pause: fault.pause(),
            ending: Ending::Whole,
            ..Self::nothing()
        }
    }
}

impl MessageBody for Piecemeal {
    type Error = CutOff;

    fn size(&self) -> BodySize {
        BodySize::Sized(u64::try_from(self.announced).unwrap_or(u64::MAX))
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, CutOff>>> {
        let pausing = self.has_begun && !self.pause.is_zero();
        if pausing && (!self.left.is_empty() || self.ending == Ending::Broken) {
            let pause = self.pause;
            let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(pause)));
            if waiting.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.waiting = None;
        }
        self.has_begun = true;
        if self.left.is_empty() {
            return Poll::Ready((self.ending == Ending::Broken).then_some(Err(CutOff)));
        }
        let next = self.piece.min(self.left.len());
        Poll::Ready(Some(Ok(self.left.split_to(next))))
    }
}
