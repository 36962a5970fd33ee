//! Where are traces sent, and of how many requests? Section `tracing`.

use std::path::PathBuf;

use url::Url;

use super::issuer_identifier::{is_loopback, parse_url};
use super::reader::{Read, Reader};
use super::secret::Secret;

/// What is added to the collector's URL (OTLP 1.x, "OTLP/HTTP Request").
const TRACES: &str = "v1/traces";

/// Section `tracing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracingSettings {
    /// Who takes the traces; there are none without.
    pub collector: Option<Collector>,
    /// Of how many in a thousand requests that come without a decision about it.
    pub sampled_per_thousand: u16,
}

/// Who takes traces, by OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// Where they are posted to.
    pub url: Url,
    /// Headers that go along, name and value; often what lets the server in there.
    pub headers: Secret<Vec<(String, String)>>,
    /// Certificates that may vouch for it, in place of the system's.
    pub ca_file: Option<PathBuf>,
}

impl TracingSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let url = from.optional("tracing.otlp_endpoint", parse_endpoint);
        let headers = from.secret("tracing.otlp_headers", parse_headers);
        let ca_file = from.optional_path("tracing.otlp_ca_file");
        let sampled_per_thousand = from.integer("tracing.sampled_per_thousand");
        let (url, headers, ca_file) = (url?, headers?, ca_file?);
        if let (Some(url), Some(_)) = (&url, &headers)
            && url.scheme() == "http"
            && !is_loopback(url)
        {
            return Err(from.conflict("tracing.otlp_endpoint", "would carry tracing.otlp_headers in clear; use https"));
        }
        let sampled_per_thousand = sampled_per_thousand?;
        let collector = url.map(|url| Collector {
            url,
            headers: Secret::new(headers.map(|headers| headers.expose().clone()).unwrap_or_default()),
            ca_file,
        });
        Ok(Self { collector, sampled_per_thousand })
    }
}

fn parse_endpoint(text: &str) -> Result<Url, String> {
    let mut url = parse_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment".to_owned());
    }
    let path = format!("{}/{TRACES}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// `name=value`, with commas between. No reason repeats a value.
fn parse_headers(text: &str) -> Result<Secret<Vec<(String, String)>>, String> {
    const EXPECTED: &str = "is not a list of headers: write name=value, with commas between";
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    let is_value = |value: &str| !value.is_empty() && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let headers: Option<Vec<_>> = text
        .split(',')
        .map(|item| {
            let (name, value) = item.split_once('=')?;
            let (name, value) = (name.trim(), value.trim());
            (is_name(name) && is_value(value)).then(|| (name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect();
    headers.map(Secret::new).ok_or_else(|| EXPECTED.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces")]
    #[case("http://collector:4318/", "http://collector:4318/v1/traces")]
    #[case("https://otlp.example.com/tenant", "https://otlp.example.com/tenant/v1/traces")]
    fn the_path_of_traces_is_added(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(parse_endpoint(text).unwrap().as_str(), expected);
    }

    #[rstest]
    #[case("collector:4318", "does not start")]
    #[case("https://user:word@collector/", "user")]
    #[case("https://collector/?key=1", "query")]
    fn other_endpoints_are_refused(#[case] text: &str, #[case] reason: &str) {
        let refused = parse_endpoint(text).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }

    #[test]
    fn headers_are_names_and_values() {
        let headers = parse_headers("authorization=Bearer a=b, X-Scope=one").unwrap();
        let expected = [("authorization", "Bearer a=b"), ("x-scope", "one")];
        assert_eq!(headers.expose().as_slice(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(format!("{headers:?}"), "***");
        for wrong in ["", "canary", "=canary", "a=", "a b=canary", "a=can\nary", "a=1,,b=2"] {
            let refused = parse_headers(wrong).unwrap_err();
            assert!(!refused.contains("canary"), "{refused}");
        }
    }
}
