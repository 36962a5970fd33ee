//! The body of a token request, and of a request for a new secret: form (RFC 6749 Appendix B) or JSON.

use std::collections::HashSet;

use serde_json::Value;
use url::form_urlencoded;

use super::told::within_rfc_6749;
use crate::oauth::client_auth::PresentedCredentials;
use crate::oauth::form::{Endpoint, MalformedBody, TokenParameters, parse_form};
use crate::oauth::json_body::parse_json;
use crate::oauth::resource::Compat;
use crate::oauth::secret_request::parse_secret_request;
use crate::oauth::token_request::{RawTokenRequest, parse_token_request};

/// As many parameters as the server allows by default.
const LIMIT: usize = 64;
const ENDPOINTS: [Endpoint; 2] = [Endpoint::Token, Endpoint::Secret];

/// A form: what is accepted says what another parser reads, stays the same when it is written and read again, and holds no known
/// parameter twice.
pub fn form(body: &[u8]) {
    judge_requests("application/x-www-form-urlencoded", body);
    for endpoint in ENDPOINTS {
        let Ok(parameters) = parse_form(body, LIMIT, endpoint) else { continue };
        let listed = listed(&parameters);
        assert_eq!(listed, read_by_url(body, endpoint));
        assert_no_repetition(&listed);
        assert_survives(&listed, endpoint);
    }
}

/// JSON: the same, and what is no object for us is none for serde.
pub fn json(body: &[u8]) {
    judge_requests("application/json", body);
    let by_serde: Option<Value> = serde_json::from_slice(body).ok();
    for endpoint in ENDPOINTS {
        let parsed = parse_json(body, LIMIT, endpoint);
        if let (Err(MalformedBody::NotJsonObject | MalformedBody::NotUtf8), Some(value)) = (&parsed, &by_serde) {
            assert!(!value.is_object(), "{value}");
        }
        let Ok(parameters) = parsed else { continue };
        let listed = listed(&parameters);
        assert_no_repetition(&listed);
        assert_survives(&listed, endpoint);
        // A number beyond all bounds in a member that is ignored is passed over here.
        let Some(value) = &by_serde else { continue };
        for (name, text) in &listed {
            match &value[*name] {
                Value::String(expected) => assert_eq!(text, expected),
                Value::Array(items) => assert!(items.iter().any(|item| item == text.as_str()), "{value}"),
                Value::Number(_) => assert_eq!(*name, "overlap_seconds"),
                other => panic!("{name} was {text:?}, and is {other}"),
            }
        }
    }
}

fn judge_requests(content_type: &str, body: &[u8]) {
    let raw = RawTokenRequest {
        content_type: Some(content_type.as_bytes()),
        authorization: &[],
        body,
        parameter_limit: LIMIT,
    };
    match parse_token_request(&raw) {
        Ok(request) => judge_credentials(&request.credentials),
        Err(error) => [Compat::Standard, Compat::Auth0, Compat::IdentityServer]
            .iter()
            .for_each(|compat| within_rfc_6749(&error.render(*compat), *compat)),
    }
    match parse_secret_request(&raw) {
        Ok(request) => judge_credentials(&request.credentials),
        Err(error) => within_rfc_6749(&error.render(Compat::Standard), Compat::Standard),
    }
}

fn judge_credentials(credentials: &PresentedCredentials) {
    match credentials {
        PresentedCredentials::Secret(secret) => {
            assert_eq!(secret.candidates.len(), 1, "in a body there is one reading");
            assert!(secret.candidates.iter().all(|one| !one.client_id.is_empty() && !one.secret.is_empty()));
        }
        PresentedCredentials::Assertion(presented) => assert!(!presented.assertion.is_empty()),
    }
}

/// The parameters that are there, by name.
fn listed(parameters: &TokenParameters) -> Vec<(&'static str, String)> {
    let text = |name, value: &Option<String>| value.clone().map(|value| (name, value));
    let secret =
        |name, value: &Option<zeroize::Zeroizing<String>>| value.as_deref().cloned().map(|value| (name, value));
    let single = [
        text("grant_type", &parameters.grant_type),
        text("client_id", &parameters.client_id),
        secret("client_secret", &parameters.client_secret),
        secret("client_assertion", &parameters.client_assertion),
        text("client_assertion_type", &parameters.client_assertion_type),
        text("audience", &parameters.audience),
        text("scope", &parameters.scope),
        text("organization", &parameters.organization),
        text("label", &parameters.label),
        text("overlap_seconds", &parameters.overlap_seconds),
    ];
    let resources = parameters.resource.iter().map(|resource| ("resource", resource.clone()));
    single.into_iter().flatten().chain(resources).collect()
}

/// What the parser of the URL standard reads, in the order of [`listed`].
fn read_by_url(body: &[u8], endpoint: Endpoint) -> Vec<(&'static str, String)> {
    const TOKEN: [&str; 9] = [
        "grant_type",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "audience",
        "scope",
        "organization",
        "resource",
    ];
    const SECRET: [&str; 6] =
        ["client_id", "client_secret", "client_assertion", "client_assertion_type", "label", "overlap_seconds"];
    let names: &[&'static str] = if endpoint == Endpoint::Token { &TOKEN } else { &SECRET };
    let pairs: Vec<_> = form_urlencoded::parse(body).filter(|(_, value)| !value.is_empty()).collect();
    let named = |name: &'static str| {
        pairs.iter().filter(move |(found, _)| found == name).map(move |(_, value)| (name, value.clone().into_owned()))
    };
    names.iter().flat_map(|name| named(name)).collect()
}

fn assert_no_repetition(listed: &[(&str, String)]) {
    let mut seen = HashSet::new();
    assert!(listed.iter().all(|(name, _)| *name == "resource" || seen.insert(*name)), "{listed:?}");
}

/// Written as a form and as JSON, they are read as they were.
fn assert_survives(before: &[(&'static str, String)], endpoint: Endpoint) {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(before).finish();
    let again = parse_form(form.as_bytes(), LIMIT, endpoint).ok().map(|parameters| listed(&parameters));
    assert_eq!(again.as_deref(), Some(before), "{form}");

    let mut members: serde_json::Map<String, Value> =
        before.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    if members.contains_key("resource") {
        let resources = before.iter().filter(|(name, _)| *name == "resource").map(|(_, value)| value.clone());
        members.insert("resource".to_owned(), resources.collect::<Vec<_>>().into());
    }
    let json = Value::Object(members).to_string();
    let again = parse_json(json.as_bytes(), LIMIT, endpoint).ok().map(|parameters| listed(&parameters));
    assert_eq!(again.as_deref(), Some(before), "{json}");
}
