//! Scope (RFC 6749 §3.3) and the other names in requests and settings: API identifiers, client ids, key ids, URLs.

use std::collections::HashSet;

use crate::config::IssuerIdentifier;
use crate::oauth::client::{ClientId, MAX_CLIENT_ID_LENGTH};
use crate::oauth::client_key::{JwksUri, KeyId};
use crate::oauth::resource::{Audience, MAX_AUDIENCE_LENGTH};
use crate::oauth::scope::{MAX_SCOPE_VALUE_LENGTH, ScopeSet, ScopeValue};

/// What is accepted is exactly what its grammar describes, and is the same when it is written and read again.
pub fn scope(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    scope_set(text);
    names(text);
}

fn is_scope_token(value: &str) -> bool {
    (1..=MAX_SCOPE_VALUE_LENGTH).contains(&value.len()) && tokenhouse_verifier::is_scope_token(value)
}

fn scope_set(text: &str) {
    let given: Vec<&str> = text.split(' ').filter(|value| !value.is_empty()).collect();
    let Ok(set) = ScopeSet::parse(text) else {
        return assert!(!given.iter().all(|value| is_scope_token(value)), "{text:?}");
    };
    assert!(given.iter().all(|value| is_scope_token(value)), "{text:?}");
    let mut seen = HashSet::new();
    let unique: Vec<&str> = given.into_iter().filter(|value| seen.insert(*value)).collect();
    let values: Vec<&str> = set.iter().map(ScopeValue::as_str).collect();
    assert_eq!(values, unique);
    assert_eq!(ScopeSet::parse(&set.to_string()).as_ref(), Ok(&set));

    // Divided by every other one of its values, it falls into those and the rest.
    let known: Vec<&ScopeValue> = set.iter().step_by(2).collect();
    let (among, others) = set.divided_by(known.iter().copied());
    assert_eq!(among.iter().collect::<Vec<_>>(), known);
    assert_eq!(others.iter().collect::<Vec<_>>(), set.iter().skip(1).step_by(2).collect::<Vec<_>>());
    assert!(among.iter().all(|value| set.contains(value) && !others.contains(value)));
}

fn names(text: &str) {
    let is = |byte: fn(u8) -> bool, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(byte);
    let audience = text.parse::<Audience>();
    assert_eq!(audience.is_ok(), is_scope_token_bytes(text, MAX_AUDIENCE_LENGTH) && !text.contains('#'), "{text:?}");
    let client = text.parse::<ClientId>();
    assert_eq!(client.is_ok(), is(|byte| byte.is_ascii_graphic(), MAX_CLIENT_ID_LENGTH), "{text:?}");
    assert_eq!(text.parse::<KeyId>().is_ok(), is(|byte| byte.is_ascii_graphic(), 128), "{text:?}");
    assert!(audience.is_ok_and(|audience| audience.to_string() == text) || text.parse::<Audience>().is_err());
    if ClientId::parse_chosen(text).is_ok() {
        // What is chosen can be stored, quoted, and means the same form-encoded.
        assert!(client.is_ok_and(|client| client.is_quotable() && client.as_str() == text));
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        assert_eq!(encoded.replace("%7E", "~"), text);
    }
    if let Ok(uri) = text.parse::<JwksUri>() {
        assert!(
            uri.as_str() == text
                && text.to_ascii_lowercase().starts_with("https://")
                && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'),
            "{text:?}"
        );
    }
    if let Ok(issuer) = IssuerIdentifier::parse(text) {
        assert_eq!(issuer.as_str(), text);
        assert!(text.starts_with("https://") || text.starts_with("http://"), "{text:?}");
        assert!(!text.contains(['?', '#', ' ', '\\']) && text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
    }
}

fn is_scope_token_bytes(text: &str, most: usize) -> bool {
    text.len() <= most && tokenhouse_verifier::is_scope_token(text)
}
