//! How is a document served that every verifier fetches again and again? Rendered before, cached, revalidated.
//! (RFC 9110 §13.1.2, RFC 9111 §5.2)

use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, web};

use super::error::only;
use crate::issuer::snapshot::RenderedDocument;

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
pub fn respond(request: &HttpRequest, document: &RenderedDocument, max_age: u32) -> HttpResponse {
    let mut response = if has_it(request, &document.etag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((CACHE_CONTROL, format!("public, max-age={max_age}")))
        .insert_header((ETAG, document.etag.as_str()))
        // Public keys and addresses: a page of any origin may read them (no other endpoint sends this).
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    if has_it(request, &document.etag) {
        return response.finish();
    }
    response.content_type("application/json").body(document.body.clone())
}

/// Does `If-None-Match` name `etag`? Compared weakly, as RFC 9110 §13.1.2 says for it.
fn has_it(request: &HttpRequest, etag: &str) -> bool {
    let headers = request.headers().get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    headers
        .flat_map(|list| list.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == etag)
}
