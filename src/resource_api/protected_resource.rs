//! What does the API say about itself: which issuer's tokens it takes, and how? (RFC 9728 §2 and §3)

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use thiserror::Error;
use url::Url;

use super::scopes;

/// What stands between host and path of the metadata's URL (RFC 9728 §3).
pub(super) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// A text that cannot be where callers find the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an absolute http or https URL without query and fragment")]
pub(super) struct InvalidPublicUrl;

/// The URL under which callers see the API; it ends in a slash.
#[derive(Clone, Debug)]
pub(super) struct PublicUrl(Url);

impl PublicUrl {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        let mut url = Url::parse(text).map_err(|_| InvalidPublicUrl)?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !plain || url.password().is_some() || !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidPublicUrl);
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self(url))
    }

    /// The URL of `relative`, a path without a slash in front.
    pub(super) fn join(&self, relative: &str) -> String {
        format!("{}{relative}", self.0)
    }

    /// The path under which the API stands, without a closing slash: empty if it has a host to itself.
    pub(super) fn path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }

    /// Where the metadata is: the path of the identifier comes last (RFC 9728 §3.1).
    pub(super) fn metadata_url(&self) -> String {
        let mut url = self.0.clone();
        url.set_path(&format!("{WELL_KNOWN}{}", if self.path().is_empty() { "" } else { self.0.path() }));
        url.to_string()
    }
}

/// The metadata (RFC 9728 §2).
#[derive(Clone, Debug, Serialize)]
pub(super) struct ProtectedResource {
    resource: String,
    authorization_servers: [String; 1],
    scopes_supported: [&'static str; 4],
    bearer_methods_supported: [&'static str; 1],
}

impl ProtectedResource {
    pub(super) fn new(public_url: &PublicUrl, issuer: &str) -> Self {
        Self {
            resource: public_url.join(""),
            authorization_servers: [issuer.to_owned()],
            scopes_supported: scopes::ALL,
            bearer_methods_supported: ["header"],
        }
    }
}

/// `GET /.well-known/oauth-protected-resource`
pub(super) async fn metadata(resource: web::Data<ProtectedResource>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(resource.get_ref())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://localhost:8081/", "http://localhost:8081/.well-known/oauth-protected-resource", "")]
    #[case("http://localhost:8081", "http://localhost:8081/.well-known/oauth-protected-resource", "")]
    #[case("https://a.example/p/q/", "https://a.example/.well-known/oauth-protected-resource/p/q/", "/p/q")]
    #[case("https://a.example/p/q", "https://a.example/.well-known/oauth-protected-resource/p/q/", "/p/q")]
    fn the_metadata_stands_before_the_path(#[case] public_url: &str, #[case] metadata: &str, #[case] path: &str) {
        let public_url = PublicUrl::parse(public_url).unwrap();
        assert_eq!((public_url.metadata_url().as_str(), public_url.path()), (metadata, path));
        assert!(public_url.join("users/").ends_with("/users/"));
    }

    #[rstest]
    #[case("localhost:8081")]
    #[case("/")]
    #[case("ftp://a.example/")]
    #[case("https://a.example/?x")]
    #[case("https://a.example/#x")]
    #[case("https://user@a.example/")]
    fn anything_else_is_refused(#[case] public_url: &str) {
        assert_eq!(PublicUrl::parse(public_url).unwrap_err(), InvalidPublicUrl);
    }
}
