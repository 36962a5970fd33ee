//! What stands around every page: who may send a form, how an error becomes a page, and what browsers are told.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, web};
use url::Url;

use super::error::ConsoleError;
use super::error_page::error_page;
use crate::http::IssuerEndpoints;
use crate::oauth::metadata::Issuer;

/// Everything is this server's own, nothing stands in the page itself, and no other page frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Lets forms through that were sent from a page of this console, and dresses every answer.
///
/// # Errors
/// None of its own: refusals are answers.
pub(super) async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let origin = request.app_data::<web::Data<IssuerEndpoints>>().map(|endpoints| origin_of(endpoints.issuer_name()));
    let only_reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let may_pass = only_reads || origin.is_some_and(|origin| is_sent_from(&origin, request.headers()));
    let mut response = if may_pass {
        next.call(request).await?.map_into_boxed_body()
    } else {
        // Not `request.into_response`, which would forget the error, and with it the page that tells it.
        let (request, _) = request.into_parts();
        ServiceResponse::new(request, HttpResponse::from_error(ConsoleError::CrossSite))
    };
    if let Some(page) = page_of_error(&response) {
        response = response.into_response(page);
    }
    dress(response.headers_mut());
    Ok(response)
}

/// Browsers name the origin of every form that is posted, and nothing in a page of another origin can change what they say.
fn is_sent_from(origin: &str, headers: &HeaderMap) -> bool {
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name);
        let value = values.next().map(|value| value.to_str().unwrap_or_default());
        if values.next().is_some() { Some("") } else { value }
    };
    let site = one(&HeaderName::from_static("sec-fetch-site"));
    one(&ORIGIN) == Some(origin) && site.is_none_or(|site| site == "same-origin")
}

/// As browsers write it.
fn origin_of(issuer: &Issuer) -> String {
    Url::parse(issuer.as_str()).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

fn page_of_error(response: &ServiceResponse) -> Option<HttpResponse> {
    let request: &HttpRequest = response.request();
    // The routes answer a method that they do not know without a word.
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && response.response().error().is_none() {
        return Some(error_page(request, &ConsoleError::Method));
    }
    let error = response.response().error()?.as_error::<ConsoleError>()?;
    let mut page = error_page(request, error);
    if let Some(seconds) = error.retry_after() {
        page.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Some(page)
}

fn dress(headers: &mut HeaderMap) {
    let fixed = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: browsers would then call the origin of a form `null`.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_consoles_own_forms_pass() {
        let sent = |lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            is_sent_from("https://auth.example.com", &headers)
        };
        let own = ("origin", "https://auth.example.com");
        assert!(sent(&[own]) && sent(&[own, ("sec-fetch-site", "same-origin")]));
        for refused in [
            vec![],
            vec![("sec-fetch-site", "same-origin")],
            vec![("origin", "null")],
            vec![("origin", "https://evil.example")],
            vec![("origin", "https://auth.example.com.evil.example")],
            vec![("origin", "http://auth.example.com")],
            vec![("origin", "https://auth.example.com:8443")],
            vec![own, own],
            vec![own, ("sec-fetch-site", "same-site")],
            vec![own, ("sec-fetch-site", "cross-site")],
            vec![own, ("sec-fetch-site", "none")],
            vec![own, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(!sent(&refused), "{refused:?}");
        }
        assert_eq!(origin_of(&Issuer::new("https://auth.example.com:443/tenant/")), "https://auth.example.com");
        assert_eq!(origin_of(&Issuer::new("http://localhost:8080/")), "http://localhost:8080");
    }
}
