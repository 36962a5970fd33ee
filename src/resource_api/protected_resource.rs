//! How does the API describe itself to clients that do not know it yet? (RFC 9728 §2 and §3)

use serde_json::{Value, json};

use super::scopes::SCOPES_SUPPORTED;

/// Where the metadata stand, below the API's URL.
pub(super) const METADATA_PATH: &str = "/.well-known/oauth-protected-resource";

/// The API as the outside knows it.
#[derive(Debug)]
pub(super) struct ProtectedResource {
    /// Ends in a slash.
    url: String,
    issuer: String,
}

impl ProtectedResource {
    pub(super) fn new(public_url: &str, issuer: &str) -> Self {
        Self { url: format!("{}/", public_url.trim_end_matches('/')), issuer: issuer.to_owned() }
    }

    /// The URL of `path`, which begins with a slash.
    pub(super) fn url_of(&self, path: &str) -> String {
        format!("{}{}", self.url, path.trim_start_matches('/'))
    }

    /// The URL of the metadata, for challenges (RFC 9728 §5.1).
    pub(super) fn metadata_url(&self) -> String {
        self.url_of(METADATA_PATH)
    }

    /// RFC 9728 §2. `resource` is the URL that the metadata were asked for, not the audience (§3.3).
    pub(super) fn metadata(&self) -> Value {
        json!({
            "resource": self.url,
            "authorization_servers": [self.issuer],
            "scopes_supported": SCOPES_SUPPORTED,
            "bearer_methods_supported": ["header"],
            "resource_documentation": self.url_of("/openapi.json"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_one_slash_between_their_parts() {
        for public_url in ["https://api.example/v1/", "https://api.example/v1"] {
            let resource = ProtectedResource::new(public_url, "https://issuer.example/");
            assert_eq!(resource.url_of("/users/1"), "https://api.example/v1/users/1");
            assert_eq!(resource.metadata()["resource"], "https://api.example/v1/");
        }
    }
}
