//! What does the authorization server tell about itself? (RFC 8414 §2, OpenID Connect Discovery 1.0 §3)

use serde::Serialize;
use tokenhouse_verifier::Algorithm;

use crate::keys::SigningAlg;

/// The issuer identifier, byte for byte as configured, and the URLs that follow from it (RFC 8414 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    identifier: String,
    base: String,
    path: String,
}

impl Issuer {
    /// An issuer from its configured identifier, an absolute URL that the configuration has validated.
    pub fn new(identifier: &str) -> Self {
        let base = format!("{}/", identifier.trim_end_matches('/'));
        let after_scheme = base.split_once("://").map_or(base.as_str(), |(_, rest)| rest);
        let path = after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or("/");
        let path = path.trim_end_matches('/').to_owned();
        Self { identifier: identifier.to_owned(), base, path }
    }

    /// The identifier, as it stands in `iss`.
    pub fn as_str(&self) -> &str {
        &self.identifier
    }

    /// The path under which every endpoint stands, without a closing slash; empty at the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The URL of an endpoint, for example `oauth/token`.
    pub fn endpoint(&self, relative: &str) -> String {
        format!("{}{relative}", self.base)
    }

    /// The identifier of the Management API: the issuer with exactly one closing slash, then `api/v2/`.
    pub fn management_audience(&self) -> String {
        self.endpoint("api/v2/")
    }
}

/// RFC 8414 §3.2: what has no value is left out.
#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    response_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: &'a [SigningAlg],
    grant_types_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    token_endpoint_auth_signing_alg_values_supported: [&'static str; Algorithm::ALL.len()],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes_supported: &'a [&'a str],
}

/// Renders the metadata document.
///
/// `signing_algs` are those that sign access tokens now, `scopes` those that the APIs define.
///
/// # Errors
/// Only if the members cannot be written as JSON, which no value of theirs can cause.
pub fn render_metadata(
    issuer: &Issuer,
    signing_algs: &[SigningAlg],
    scopes: &[&str],
) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Metadata {
        issuer: issuer.as_str(),
        // Strict OpenID Connect libraries refuse a document without it; it answers every request with 400.
        authorization_endpoint: issuer.endpoint("authorize"),
        token_endpoint: issuer.endpoint("oauth/token"),
        jwks_uri: issuer.endpoint(".well-known/jwks.json"),
        response_types_supported: ["token"],
        subject_types_supported: ["public"],
        // express-oauth2-jwt-bearer takes from here which algorithms an *access* token may have.
        id_token_signing_alg_values_supported: signing_algs,
        grant_types_supported: ["client_credentials"],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported: Algorithm::ALL.map(Algorithm::name),
        scopes_supported: scopes,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://localhost:8080/", "", "http://localhost:8080/oauth/token")]
    #[case("https://id.example.com", "", "https://id.example.com/oauth/token")]
    #[case("http://[::1]:8080/", "", "http://[::1]:8080/oauth/token")]
    #[case("https://example.com/auth", "/auth", "https://example.com/auth/oauth/token")]
    #[case("https://example.com/a/b/", "/a/b", "https://example.com/a/b/oauth/token")]
    fn endpoints_stand_under_the_issuer(#[case] identifier: &str, #[case] path: &str, #[case] token_endpoint: &str) {
        let issuer = Issuer::new(identifier);
        assert_eq!(issuer.as_str(), identifier);
        assert_eq!(issuer.path(), path);
        assert_eq!(issuer.endpoint("oauth/token"), token_endpoint);
    }

    #[test]
    fn the_management_audience_has_exactly_one_slash_before_api() {
        assert_eq!(Issuer::new("https://id.example.com").management_audience(), "https://id.example.com/api/v2/");
        assert_eq!(Issuer::new("https://id.example.com/").management_audience(), "https://id.example.com/api/v2/");
    }

    #[test]
    fn the_document_offers_no_none_and_keeps_the_issuer_byte_for_byte() {
        let document = render_metadata(&Issuer::new("https://x"), &[SigningAlg::Rs256], &["a"]).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
        assert_eq!(document["issuer"], "https://x");
        assert_eq!(document["id_token_signing_alg_values_supported"], serde_json::json!(["RS256"]));
        assert!(!document.to_string().contains("none"));
    }
}
