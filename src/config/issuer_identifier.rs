//! What may the issuer identifier be? An absolute URL that clients compare byte for byte (RFC 8414 §2, RFC 9207 §2.4).

use std::fmt;
use std::sync::Arc;

use url::{Host, Url};

/// The issuer identifier as the operator wrote it. https, or http on a loopback host; a path is allowed; no query, fragment or user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IssuerIdentifier(Arc<str>);

impl IssuerIdentifier {
    /// Parses `text`.
    ///
    /// # Errors
    /// Says in words that follow the value what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = parse_http_url(text)?;
        if text.contains(['?', '#']) {
            return Err("has a query or a fragment (RFC 8414 §2 allows neither)".to_owned());
        }
        // What the URL parser would rewrite, such as `/a/../b`, routes would never match.
        let after_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
        let written_path = after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or("/");
        if written_path != url.path() || written_path.contains("//") || written_path.contains('%') {
            return Err("has a path with dot segments, doubled slashes or escapes".to_owned());
        }
        Ok(Self(Arc::from(text)))
    }

    /// The identifier, byte for byte.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IssuerIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An absolute http or https URL without user; http only on a loopback host, since tokens and keys must not travel in the open.
pub(super) fn parse_http_url(text: &str) -> Result<Url, String> {
    let url = parse_url(text)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("is http on a host that is not loopback; use https".to_owned());
    }
    Ok(url)
}

/// An absolute http or https URL without user.
pub(super) fn parse_url(text: &str) -> Result<Url, String> {
    // The URL parser silently drops blanks and line breaks and repairs `http:/host`.
    if !text.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'\\') {
        return Err("has a character that no URL has".to_owned());
    }
    if !text.starts_with("https://") && !text.starts_with("http://") {
        return Err("does not start with https:// or http://".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() || authority_has_user(text) {
        return Err("has a user or password".to_owned());
    }
    Ok(url)
}

fn authority_has_user(text: &str) -> bool {
    let after_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
    after_scheme.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

/// Does `url` lead to this machine only, by its name or address alone?
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // RFC 6761 §6.3: names under `localhost` are loopback.
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn this_machine_is_told_by_its_name() {
        for (url, here) in [
            ("http://localhost/", true),
            ("http://LOCALHOST:3000/", true),
            ("http://api.localhost/", true),
            ("http://127.0.0.1:1/", true),
            ("http://127.9.9.9/", true),
            ("http://2130706433/", true),
            ("http://[::1]/", true),
            ("http://localhost.example.com/", false),
            ("http://10.0.0.1/", false),
            ("http://0.0.0.0/", false),
            ("https://api.example.com/", false),
            ("http://[::ffff:10.0.0.1]/", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), here, "{url}");
        }
    }

    #[rstest]
    #[case("http://localhost:8080/")]
    #[case("http://127.0.0.1:8080")]
    #[case("http://[::1]:8080/")]
    #[case("http://auth.localhost/")]
    #[case("https://auth.example.com/tenant-1")]
    #[case("https://auth.example.com/a/b/")]
    fn an_issuer_is_kept_byte_for_byte(#[case] text: &str) {
        assert_eq!(IssuerIdentifier::parse(text).unwrap().as_str(), text);
    }

    #[rstest]
    #[case("http://auth.example.com/", "not loopback")]
    #[case("http://10.0.0.1/", "not loopback")]
    #[case("http://localhost.example.com/", "not loopback")]
    #[case("https://a.example/?q", "query")]
    #[case("https://a.example/#f", "fragment")]
    #[case("https://user@a.example/", "user")]
    #[case("https://@a.example/", "user")]
    #[case("https://a.example/x/../y", "dot segments")]
    #[case("https://a.example//", "doubled slashes")]
    #[case("https://a.example/%41", "escapes")]
    #[case("https:/a.example/", "does not start")]
    #[case("ftp://a.example/", "does not start")]
    #[case("auth.example.com", "does not start")]
    #[case(" https://a.example/", "character")]
    #[case("https://a.example/\n", "character")]
    #[case("https://a.example\\x", "character")]
    #[case("https://ä.example/", "character")]
    #[case("https://", "not a URL")]
    #[case("", "does not start")]
    fn anything_else_is_refused(#[case] text: &str, #[case] reason: &str) {
        let refused = IssuerIdentifier::parse(text).unwrap_err();
        assert!(refused.contains(reason), "{text}: {refused}");
    }
}
