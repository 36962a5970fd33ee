//! What of a request may be shown? Everything but secrets, assertions, tokens and passwords.

use std::collections::BTreeMap;

use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, PROXY_AUTHORIZATION};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

/// What stands in place of a secret.
pub(super) const REDACTED: &str = "[redacted]";

/// Longest header value that is kept, in bytes.
const LONGEST_VALUE: usize = 1024;

/// Parameters and members whose values are secret, wherever they stand.
const SECRET_NAMES: [&str; 15] = [
    "access_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "hash",
    "id_token",
    "password",
    "previous_client_secret",
    "private_key",
    "refresh_token",
    "secret",
    "subject_token",
    "token",
];

fn is_secret(name: &str) -> bool {
    SECRET_NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// The headers, by lower-case names.
pub(super) fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = if name == AUTHORIZATION || name == PROXY_AUTHORIZATION {
            credentials(&text)
        } else if name == COOKIE {
            REDACTED.to_owned()
        } else {
            text.chars().take(LONGEST_VALUE).collect()
        };
        shown
            .entry(name.as_str().to_owned())
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(&text);
            })
            .or_insert(text);
    }
    shown
}

/// The scheme, and of Basic who it is.
fn credentials(value: &str) -> String {
    let Some((scheme, payload)) = value.split_once(' ') else { return REDACTED.to_owned() };
    match basic_user(value) {
        Some(user) => format!("{scheme} {user}:{REDACTED}"),
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
    let user: String = decoded.split_once(':')?.0.chars().take(LONGEST_VALUE).collect();
    Some(user)
}

/// A query or a form, as an object; what came twice is an array.
pub(super) fn form(text: &str) -> Map<String, Value> {
    let mut shown = Map::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let value = if is_secret(&name) { REDACTED.to_owned() } else { value.into_owned() };
        let value = Value::String(value);
        match shown.get_mut(name.as_ref()) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => drop(shown.insert(name.into_owned(), value)),
        }
    }
    shown
}

/// A JSON value without what is secret in it, at any depth.
pub(super) fn json(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if is_secret(name) && !matches!(member, Value::Array(_) | Value::Object(_)) {
                    *member = Value::String(REDACTED.to_owned());
                } else {
                    json(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(json),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    #[test]
    fn headers_show_who_but_not_with_what() {
        let mut map = HeaderMap::new();
        let basic = format!("Basic {}", BASE64_STANDARD.encode("partner-a:s3cret"));
        map.append(AUTHORIZATION, HeaderValue::from_str(&basic).unwrap());
        map.append(AUTHORIZATION, HeaderValue::from_static("Bearer s3cret"));
        map.append(PROXY_AUTHORIZATION, HeaderValue::from_static("s3cret"));
        map.append(COOKIE, HeaderValue::from_static("session=s3cret"));
        map.append(HeaderName::from_static("x-test"), HeaderValue::from_static("seen"));
        let shown = headers(&map);
        assert_eq!(shown["authorization"], "Basic partner-a:[redacted], Bearer [redacted]");
        assert_eq!(shown["x-test"], "seen");
        assert!(!format!("{shown:?}").contains("s3cret"), "{shown:?}");
    }

    #[test]
    fn forms_keep_what_came_twice() {
        let shown =
            form("scope=a%20b&scope=c&client_secret=s3cret&Client_Secret=s3cret&client_assertion=s3cret&empty=");
        assert_eq!(shown["scope"], json!(["a b", "c"]));
        assert_eq!((&shown["client_secret"], &shown["empty"]), (&json!(REDACTED), &json!("")));
        assert!(!Value::Object(shown).to_string().contains("s3cret"));
    }

    #[test]
    fn json_is_redacted_at_any_depth() {
        let mut body = json!({
            "client_secret": "s3cret", "name": "kept", "secrets": [{"Secret": "s3cret", "label": "kept"}],
            "scopes": [{"value": "list:users"}], "credentials": [{"pem": "kept", "token": 1}],
        });
        json(&mut body);
        assert!(!body.to_string().contains("s3cret"), "{body}");
        assert_eq!(body["scopes"][0]["value"], "list:users");
        assert_eq!(body["secrets"][0]["label"], "kept");
        assert_eq!(body["credentials"][0]["token"], REDACTED);
    }
}
