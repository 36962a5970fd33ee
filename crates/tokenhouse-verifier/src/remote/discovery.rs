//! Where are an issuer's metadata, and its keys? (RFC 8414 §3, OpenID Connect Discovery 1.0 §4)

use serde_json::Value;
use url::Url;

use super::FetchError;
use crate::json_object::parse_json_object;

/// The places to look, in this order: the one nearly every issuer has, then RFC 8414's, which goes between host and
/// path.
pub(super) fn metadata_urls(issuer: &Url) -> [Url; 2] {
    // OpenID Connect Discovery 1.0 §4.1 and RFC 8414 §3.1: a closing slash of the issuer is left out first.
    let path = issuer.path().trim_end_matches('/').to_owned();
    [format!("{path}/.well-known/openid-configuration"), format!("/.well-known/oauth-authorization-server{path}")].map(
        |path| {
            let mut url = issuer.clone();
            url.set_path(&path);
            url
        },
    )
}

/// The `jwks_uri` in `metadata`, if the metadata are those of `issuer`.
pub(super) fn jwks_uri(metadata: &[u8], issuer: &str, url: &Url) -> Result<String, FetchError> {
    let not_metadata = || FetchError::NotMetadata { url: url.clone() };
    let document = parse_json_object(metadata).map_err(|_| not_metadata())?;
    // RFC 8414 §3.3: identical, else one issuer could pass for another.
    match document.get("issuer") {
        Some(Value::String(found)) if found == issuer => {}
        Some(Value::String(found)) => {
            return Err(FetchError::WrongIssuer { expected: issuer.to_owned(), found: found.clone() });
        }
        _ => return Err(not_metadata()),
    }
    match document.get("jwks_uri") {
        Some(Value::String(jwks_uri)) => Ok(jwks_uri.clone()),
        _ => Err(not_metadata()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_part_goes_after_or_before_the_path() {
        for (issuer, oidc, oauth) in [
            ("https://i.example/", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
            ("https://i.example", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"),
            (
                "https://i.example/t/1/",
                "/t/1/.well-known/openid-configuration",
                "/.well-known/oauth-authorization-server/t/1",
            ),
        ] {
            let urls = metadata_urls(&issuer.parse().unwrap());
            assert_eq!(urls.each_ref().map(Url::path), [oidc, oauth]);
        }
    }

    #[test]
    fn metadata_of_another_issuer_are_refused() {
        let url = Url::parse("https://i.example/m").unwrap();
        let found = |text: &str| jwks_uri(text.as_bytes(), "https://i.example/", &url);
        let good = r#"{"issuer":"https://i.example/","jwks_uri":"https://i.example/jwks"}"#;
        assert_eq!(found(good).unwrap(), "https://i.example/jwks");
        for issuer in ["https://i.example", "https://I.example/", "https://evil.example/"] {
            let refusal = found(&good.replace("\"https://i.example/\"", &format!("{issuer:?}"))).unwrap_err();
            assert!(matches!(refusal, FetchError::WrongIssuer { .. }), "{issuer}");
        }
        for text in ["", "[]", "{}", r#"{"issuer":["https://i.example/"]}"#, r#"{"issuer":"https://i.example/"}"#] {
            assert!(matches!(found(text).unwrap_err(), FetchError::NotMetadata { .. }), "{text}");
        }
    }
}
