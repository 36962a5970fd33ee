//! What does plain HTTP get where an operator asks for it? A redirect to the issuer's https origin, or a refusal.
//!
//! The target is never taken from the request (`Host`). A request that may have carried credentials is not redirected:
//! its client would go on sending them in clear, and nobody would notice.

use actix_web::http::header::{AUTHORIZATION, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use url::{Origin, Url};

use super::client_address::ClientAddress;
use super::error::{plain_error, uncached};

/// The https origin of `issuer`, such as `https://auth.example.com`; none if it has none.
pub fn https_origin(issuer: &str) -> Option<String> {
    let origin = Url::parse(issuer).ok().filter(|url| url.scheme() == "https")?.origin();
    matches!(origin, Origin::Tuple(..)).then(|| origin.ascii_serialization())
}

/// The answers of the listener, for every path.
pub fn routes(origin: String) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    move |config| {
        let origin = origin.clone();
        config.default_service(web::to(move |request: HttpRequest| {
            let answer = answer(&origin, &request);
            async move { answer }
        }));
    }
}

fn answer(origin: &str, request: &HttpRequest) -> HttpResponse {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || request.headers().contains_key(AUTHORIZATION) {
        return refuse(origin, request);
    }
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    uncached(StatusCode::PERMANENT_REDIRECT).insert_header((LOCATION, format!("{origin}{target}"))).finish()
}

fn refuse(origin: &str, request: &HttpRequest) -> HttpResponse {
    let client_address = ClientAddress::of(request).map(|address| address.0.to_string());
    // Anybody can cause this line, so it is no warning.
    tracing::info!(
        client_address,
        method = request.method().as_str(),
        "a request that may hold credentials came over plain HTTP: they should be replaced"
    );
    let description = format!(
        "this request came over plain HTTP and was not processed: use {origin}, and replace every secret or token \
         that it carried, since anybody on the way may have read it"
    );
    let mut response = plain_error(StatusCode::BAD_REQUEST, "invalid_request", &description);
    // What else comes on this connection would be in clear too.
    response.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_that_of_the_issuer() {
        for (issuer, origin) in [
            ("https://auth.example.com/", Some("https://auth.example.com")),
            ("https://auth.example.com:8443/tenant", Some("https://auth.example.com:8443")),
            ("https://[2001:db8::1]/", Some("https://[2001:db8::1]")),
            ("http://localhost:8080/", None),
        ] {
            assert_eq!(https_origin(issuer).as_deref(), origin, "{issuer}");
        }
    }
}
