//! How is a document served that every verifier fetches again and again? Rendered before, cached, revalidated.
//! (RFC 9110 §13.1.2, RFC 9111 §5.2)

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH,
};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, web};
use bytes::Bytes;

use super::error::only;
use crate::issuer::snapshot::RenderedDocument;

/// How long such documents may be cached.
#[derive(Clone, Debug)]
pub struct DocumentAge {
    seconds: u32,
    cache_control: Bytes,
}

impl DocumentAge {
    /// So many seconds.
    pub fn new(seconds: u32) -> Self {
        Self { seconds, cache_control: format!("public, max-age={seconds}").into() }
    }

    /// In seconds.
    pub const fn seconds(&self) -> u32 {
        self.seconds
    }
}

/// The endpoint of such a document.
pub fn resource<H, A>(path: &str, handler: H) -> Resource
where
    H: Handler<A>,
    A: FromRequest + 'static,
    H::Output: Responder + 'static,
{
    only("GET, HEAD", web::resource(path).route(web::get().to(handler.clone())).route(web::head().to(handler)))
}

/// The answer to a request for `document`: 304 if the caller has it.
pub fn respond(request: &HttpRequest, document: &RenderedDocument, age: &DocumentAge) -> HttpResponse {
    let has_it = has_it(request, &document.etag);
    let mut response = if has_it { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((CACHE_CONTROL, age.cache_control.clone()))
        .insert_header((ETAG, document.etag.clone()))
        // Public keys and addresses: a page of any origin may read them (no other endpoint sends this).
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")));
    if has_it {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json"))).body(document.body.clone())
}

/// Does `If-None-Match` name `etag`? Compared weakly, as RFC 9110 §13.1.2 says for it.
fn has_it(request: &HttpRequest, etag: &[u8]) -> bool {
    let headers = request.headers().get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    headers
        .flat_map(|list| list.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag.as_bytes() == etag)
}
