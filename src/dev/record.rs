//! How does a request get into the log? Its head at once, its body as the endpoint reads it, its answer at the end.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::web::{Bytes, BytesMut};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::Stream;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::endpoint::Endpoint;
use super::redact::{self, About};
use super::request_log::RecordedRequest;
use super::secret_text::shown;
use crate::clock::UnixMillis;

/// Longest body that is kept, in bytes.
const LONGEST_BODY: usize = 16 * 1024;

/// Longest query that is kept, in bytes.
const LONGEST_QUERY: usize = 4 * 1024;

/// Longest path that is kept, in characters.
const LONGEST_PATH: usize = 1024;

/// Longest error code of an answer that is kept, in bytes.
const LONGEST_ERROR: usize = 256;

/// A request under way.
pub(super) struct Recording {
    request: RecordedRequest,
    content_type: String,
    about: About,
    authorization: Option<String>,
    body: Rc<RefCell<Body>>,
}

/// As much of a body as was read.
#[derive(Default)]
struct Body {
    bytes: BytesMut,
    length: usize,
}

impl Recording {
    /// Begins with the head of `request`, and listens to its body.
    pub(super) fn begin(request: &mut ServiceRequest, endpoint: Endpoint) -> Self {
        let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (content_type, authorization) = (text(CONTENT_TYPE), text(AUTHORIZATION));
        let sent_query = request.query_string();
        let query = if sent_query.len() > LONGEST_QUERY { None } else { redact::form(sent_query, About::Anything) };
        let recorded = RecordedRequest {
            number: 0,
            at: String::new(),
            method: request.method().to_string(),
            path: redact::path(request.path()).chars().take(LONGEST_PATH).collect(),
            query,
            query_bytes: sent_query.len(),
            endpoint,
            headers: redact::headers(request.headers()),
            body: None,
            body_bytes: 0,
            client_id: None,
            status: None,
            error: None,
            fault: None,
        };
        let body = Rc::new(RefCell::new(Body::default()));
        let payload = request.take_payload();
        let heard = Heard { payload, body: body.clone() };
        request.set_payload(Payload::Stream { payload: Box::pin(heard) });
        let (about, content_type) = (About::body_of(request.path()), content_type.unwrap_or_default());
        Self { request: recorded, content_type, about, authorization, body }
    }

    /// Ends with `response`, spoilt by the fault of this number; `None` where there was no answer.
    pub(super) fn end(
        mut self,
        response: ServiceResponse<BoxBody>,
        fault: Option<u64>,
        is_answered: bool,
        now: UnixMillis,
    ) -> (RecordedRequest, ServiceResponse<BoxBody>) {
        let status = response.status();
        self.request.status = is_answered.then_some(status.as_u16());
        self.request.fault = fault;
        self.request.at = Timestamp::from_millisecond(now.0).unwrap_or_default().to_string();
        let mut error = None;
        let response = if status.is_client_error() || status.is_server_error() {
            response.map_body(|_, body| match body.try_into_bytes() {
                Ok(bytes) => {
                    error = error_in(&bytes);
                    BoxBody::new(bytes)
                }
                Err(body) => body,
            })
        } else {
            response
        };
        self.request.error = error;
        self.read_body();
        (self.request, response)
    }

    fn read_body(&mut self) {
        let body = self.body.take();
        self.request.body_bytes = body.length;
        let media_type = self.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_whole = body.length == body.bytes.len();
        let read = std::str::from_utf8(&body.bytes).ok().filter(|text| is_whole && !text.is_empty());
        let read = match (read, media_type.as_str()) {
            (Some(text), "application/x-www-form-urlencoded") => Parsed::form(text, self.about),
            (Some(text), kind) if kind == "application/json" || kind.ends_with("+json") => {
                Parsed::json(text, self.about)
            }
            _ => None,
        };
        self.request.client_id = self.claimed_client(read.as_ref()).map(|id| shown(&id));
        self.request.body = read.map(|read| read.shown);
    }

    /// Whom the request claims to come from: nothing of it has been proven.
    fn claimed_client(&self, body: Option<&Parsed>) -> Option<String> {
        let authorization = self.authorization.as_deref();
        let bearer = authorization.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token)
        });
        authorization
            .and_then(redact::basic_user)
            .or_else(|| bearer.and_then(client_of_token))
            .or_else(|| body.and_then(|body| body.client_id.clone()))
            .or_else(|| body.and_then(|body| client_of_token(body.assertion.as_ref()?)))
    }
}

/// A body that could be read.
struct Parsed {
    shown: Value,
    client_id: Option<String>,
    assertion: Option<String>,
}

impl Parsed {
    fn form(text: &str, about: About) -> Option<Self> {
        let find = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(text.as_bytes());
            pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        };
        Some(Self {
            shown: Value::Object(redact::form(text, about)?),
            client_id: find("client_id").filter(|id| !id.is_empty()),
            assertion: find("client_assertion"),
        })
    }

    /// An object or an array: nothing tells whether another value is a secret.
    fn json(text: &str, about: About) -> Option<Self> {
        let mut body: Value = serde_json::from_str(text).ok()?;
        if !matches!(body, Value::Object(_) | Value::Array(_)) {
            return None;
        }
        let find = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let (client_id, assertion) = (find("client_id"), find("client_assertion"));
        redact::json(&mut body, about);
        Some(Self { shown: body, client_id, assertion })
    }
}

/// The client that a token or an assertion names.
fn client_of_token(token: &str) -> Option<String> {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Map<String, Value> = serde_json::from_slice(&claims).ok()?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let subject = || text("sub").map(|sub| sub.strip_suffix("@clients").unwrap_or(sub));
    text("client_id").or_else(|| text("azp")).or_else(subject).map(str::to_owned)
}

/// The `error` of an answer; the Management API calls it `errorCode`.
fn error_in(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let code = body.get("errorCode").or_else(|| body.get("error"))?;
    code.as_str().filter(|code| code.len() <= LONGEST_ERROR).map(shown)
}

/// A payload that is listened to as somebody reads it.
struct Heard {
    payload: Payload,
    body: Rc<RefCell<Body>>,
}

impl Stream for Heard {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.payload).poll_next(context);
        if let Poll::Ready(Some(Ok(piece))) = &next {
            let mut body = self.body.borrow_mut();
            body.length += piece.len();
            if body.length <= LONGEST_BODY {
                body.bytes.extend_from_slice(piece);
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_client() {
        let token = |claims: &str| format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(client_of_token(&token(r#"{"client_id":"a","sub":"b"}"#)).as_deref(), Some("a"));
        assert_eq!(client_of_token(&token(r#"{"azp":"a"}"#)).as_deref(), Some("a"));
        assert_eq!(client_of_token(&token(r#"{"sub":"a@clients"}"#)).as_deref(), Some("a"));
        assert_eq!(client_of_token(&token("[]")), None);
        assert_eq!(client_of_token("nonsense"), None);
    }

    #[test]
    fn an_error_has_one_of_two_names() {
        assert_eq!(error_in(br#"{"error":"invalid_client"}"#).as_deref(), Some("invalid_client"));
        assert_eq!(error_in(br#"{"error":"Bad Request","errorCode":"invalid_body"}"#).as_deref(), Some("invalid_body"));
        assert_eq!(error_in(b"nonsense"), None);
    }
}
