//! What of a request may be shown? Everything but secrets, assertions, tokens and passwords.

use std::collections::BTreeMap;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, PROXY_AUTHORIZATION, REFERER};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::secret_text::{REDACTED, holds_secret, letters, names_secret, percent_decoded, shown};

/// Longest header value that is kept, in bytes.
const LONGEST_VALUE: usize = 1024;

/// The authentication schemes that are named.
const SCHEMES: [&str; 3] = ["basic", "bearer", "dpop"];

/// The private members of a JWK (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// What a secret is called and when it lives: all that is shown of one.
const SHOWN_OF_SECRETS: [&str; 5] = ["label", "created_at", "expires_at", "expires_in", "last_used_at"];

/// What the members around a value are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// Anything: a name tells what is secret.
    Anything,
    /// A secret: next to everything is.
    Secrets,
}

impl About {
    /// What a body sent to `path` is about.
    pub(super) fn body_of(path: &str) -> Self {
        let is_secrets = percent_decoded(path).split('/').any(|part| part == "secrets");
        if is_secrets { Self::Secrets } else { Self::Anything }
    }
}

/// The path, without what is secret in it.
pub(super) fn path(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(shown).collect();
    shown(&segments.join("/"))
}

/// The headers, by lower-case names.
pub(super) fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = if name == AUTHORIZATION || name == PROXY_AUTHORIZATION {
            credentials(&text)
        } else if names_secret(name.as_str()) {
            REDACTED.to_owned()
        } else if name == REFERER {
            let before = text.split(['?', '#']).next().unwrap_or_default();
            let cut = if before.len() < text.len() { format!("?{REDACTED}") } else { String::new() };
            let before = if holds_secret(before) { REDACTED } else { before };
            format!("{}{cut}", before.chars().take(LONGEST_VALUE).collect::<String>())
        } else {
            // Whole, before it is cut: half a token is not seen to be one.
            shown(&text).chars().take(LONGEST_VALUE).collect()
        };
        seen.entry(shown(name.as_str()))
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(&text);
            })
            .or_insert(text);
    }
    seen
}

/// The scheme if it is a known one, and of Basic who it is.
fn credentials(value: &str) -> String {
    let (scheme, payload) = value.split_once(' ').unwrap_or((value, ""));
    if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return REDACTED.to_owned();
    }
    match basic_user(value) {
        Some(user) => format!("{scheme} {}:{REDACTED}", shown(&user)),
        None if payload.is_empty() => scheme.to_owned(),
        None => format!("{scheme} {REDACTED}"),
    }
}

/// The user of Basic credentials, as it was sent.
pub(super) fn basic_user(value: &str) -> Option<String> {
    let (scheme, payload) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(payload.trim()).ok()?).ok()?;
    let user = decoded.split_once(':')?.0;
    // Half a secret is not seen to be one.
    (user.len() <= LONGEST_VALUE).then(|| user.to_owned())
}

/// A query or a form, as an object; what came twice is an array. None if it is something else, such as JSON that says it is a form.
pub(super) fn form(text: &str, about: About) -> Option<Map<String, Value>> {
    let mut seen = Map::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        if name.trim_start().starts_with(['{', '[', '"']) {
            return None;
        }
        let is_secret = names_secret(&name) || (about == About::Secrets && letters(&name) == "value");
        let value = Value::String(if is_secret { REDACTED.to_owned() } else { shown(&value) });
        let name = shown(&name);
        match seen.get_mut(&name) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => drop(seen.insert(name, value)),
        }
    }
    Some(seen)
}

/// Takes what is secret out of a JSON value, at any depth.
pub(super) fn json(value: &mut Value, about: About) {
    match value {
        Value::Object(members) => {
            let is_key = members.contains_key("kty");
            for (name, mut member) in std::mem::take(members) {
                redact_member(&name, &mut member, is_key, about);
                members.insert(shown(&name), member);
            }
        }
        Value::Array(items) => {
            for item in items {
                // In an array about secrets, what has no name is one.
                if about == About::Secrets && !matches!(item, Value::Array(_) | Value::Object(_)) {
                    *item = REDACTED.into();
                } else {
                    json(item, about);
                }
            }
        }
        Value::String(text) if holds_secret(text) => *value = REDACTED.into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn redact_member(name: &str, member: &mut Value, is_key: bool, about: About) {
    if member.is_null() {
        return;
    }
    let is_list = |member: &Value| member.as_array().is_some_and(|items| items.iter().all(Value::is_object));
    if letters(name) == "secrets" && is_list(member) {
        json(member, About::Secrets);
        return;
    }
    let is_private = is_key && PRIVATE_MEMBERS.contains(&name);
    let is_value = about == About::Secrets
        && matches!(member, Value::String(_) | Value::Number(_))
        && !SHOWN_OF_SECRETS.contains(&name);
    if is_private || is_value || names_secret(name) {
        *member = REDACTED.into();
    } else {
        json(member, about);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{COOKIE, HeaderName, HeaderValue};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn headers_show_who_but_not_with_what() {
        let mut map = HeaderMap::new();
        let basic = format!("Basic {}", BASE64_STANDARD.encode("partner-a:s3cret"));
        map.append(AUTHORIZATION, HeaderValue::from_str(&basic).unwrap());
        for credentials in ["Bearer s3cret", "DPoP s3cret", "s3cret x", "Digest s3cret", "s3cret"] {
            map.append(AUTHORIZATION, HeaderValue::from_static(credentials));
        }
        map.append(PROXY_AUTHORIZATION, HeaderValue::from_static("s3cret"));
        map.append(COOKIE, HeaderValue::from_static("session=s3cret"));
        map.append(REFERER, HeaderValue::from_static("https://shop/x?q=s3cret"));
        for name in ["x-api-key", "x-client-secret", "x-auth-token"] {
            map.append(HeaderName::from_static(name), HeaderValue::from_static("s3cret"));
        }
        map.append(HeaderName::from_static("x-test"), HeaderValue::from_static("seen"));
        map.append(HeaderName::from_static("x-url"), HeaderValue::from_static("/?access_token=s3cret"));
        let shown = headers(&map);
        assert_eq!(
            shown["authorization"],
            "Basic partner-a:[redacted], Bearer [redacted], DPoP [redacted], [redacted], [redacted], [redacted]"
        );
        assert_eq!((shown["x-test"].as_str(), shown["referer"].as_str()), ("seen", "https://shop/x?[redacted]"));
        assert!(!format!("{shown:?}").contains("s3cret"), "{shown:?}");
    }

    #[test]
    fn forms_keep_what_came_twice() {
        let text = "scope=a%20b&scope=c&client_secret=s3cret&Client_Secret=s3cret&client_assertion=s3cret&empty=";
        let shown = form(text, About::Anything).unwrap();
        assert_eq!(shown["scope"], json!(["a b", "c"]));
        assert_eq!((&shown["client_secret"], &shown["empty"]), (&json!(REDACTED), &json!("")));
        assert!(!Value::Object(shown).to_string().contains("s3cret"));
    }

    #[rstest]
    #[case("client_secret[]=s3cret")]
    #[case("client-secret=s3cret")]
    #[case("clientSecret=s3cret")]
    #[case("client_secret%20=s3cret")]
    #[case("api_key=s3cret")]
    #[case("client_id=a;client_secret=s3cret")]
    #[case("client_id=a%26client_secret=s3cret")]
    #[case("client_id=a%2526client_secret%253Ds3cret")]
    #[case("note=%22client_secret%22:%22s3cret%22")]
    #[case("ths_s3cretAAAAAAAAAAAAAAAAAAAAAAAA=1")]
    fn forms_hide_what_is_spelt_otherwise(#[case] text: &str) {
        let shown = Value::Object(form(text, About::Anything).unwrap()).to_string();
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn json_is_no_form() {
        assert_eq!(form(r#"{"client_secret":"s3cret"}"#, About::Anything), None);
        assert_eq!(form(" [\"s3cret\"]", About::Anything), None);
        assert_eq!(form("\"s3cret\"", About::Anything), None);
    }

    #[test]
    fn json_is_redacted_at_any_depth() {
        let mut body = json!({
            "client_secret": "s3cret", "name": "kept", "secrets": [{"Secret": "s3cret", "value": "s3cret", "label": "kept"}],
            "scopes": [{"value": "list:users"}], "credentials": [{"pem": "kept", "token": 1}],
            "jwks": {"keys": [{"kty": "RSA", "n": "kept", "d": "s3cret", "p": "s3cret", "q": "s3cret"}, {"kty": "oct", "k": "s3cret"}]},
            "pem": "-----BEGIN PRIVATE KEY-----\ns3cret", "token_lifetime": 60,
            "more": [{"client_secret": ["s3cret"]}, {"client_secret": {"value": "s3cret"}}, {"secrets": ["s3cret"]}],
            "ths_s3cretAAAAAAAAAAAAAAAAAAAA": 1,
        });
        json(&mut body, About::Anything);
        assert!(!body.to_string().contains("s3cret"), "{body}");
        assert_eq!((&body["scopes"][0]["value"], &body["token_lifetime"]), (&json!("list:users"), &json!(60)));
        assert_eq!((&body["secrets"][0]["label"], &body["jwks"]["keys"][0]["n"]), (&json!("kept"), &json!("kept")));
        assert_eq!(body["credentials"][0]["token"], REDACTED);
    }

    #[test]
    fn what_is_sent_to_secrets_is_one() {
        let about = About::body_of("/api/v2/clients/a/%73ecrets");
        let mut body = json!({"label": "kept", "value": "s3cret", "expires_at": "2100-01-01T00:00:00Z"});
        json(&mut body, about);
        assert_eq!(body, json!({"label": "kept", "value": REDACTED, "expires_at": "2100-01-01T00:00:00Z"}));
        assert_eq!(About::body_of("/api/v2/clients"), About::Anything);
    }

    #[test]
    fn a_path_may_hold_one() {
        assert_eq!(path("/users/ths_AAAAAAAAAAAAAAAAAAAAAAAA/x"), "/users/[redacted]/x");
        assert_eq!(path("/users/e30.e30.x"), "/users/[redacted]");
        assert_eq!(path("/api/v2/clients"), "/api/v2/clients");
    }
}
