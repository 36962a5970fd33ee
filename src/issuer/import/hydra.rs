//! What does Ory Hydra export? Clients, with audiences and scopes that are not tied to each other.
//!
//! `hydra list clients --format json` and the admin API name no secrets; the table `hydra_client` holds their hashes, so
//! its rows are read too (<https://www.ory.sh/docs/hydra/reference/api>, `client/client.go`).

use jiff::Timestamp;
use serde_json::Value;

use super::Imported;
use super::draft::Draft;
use super::reading::{Object, shown};
use super::report::NoteKind;
use super::source::{ImportError, SourceFile};
use crate::issuer::document::{ApiEntry, ClientEntry};
use crate::oauth::client::AuthenticationMethod;
use crate::oauth::resource::DefaultScope;

/// Scopes of OpenID Connect that ask for things that the client credentials grant does not give.
const NOT_FOR_APIS: &[&str] = &["openid", "offline", "offline_access"];

const READ: &[&str] = &[
    "access_token_strategy",
    "audience",
    "client_credentials_grant_access_token_lifespan",
    "client_id",
    "client_name",
    "client_secret",
    "client_secret_expires_at",
    "created_at",
    "grant_types",
    "id",
    "jwks",
    "jwks_uri",
    "nid",
    "pk",
    "registration_client_uri",
    "response_types",
    "rotated_secrets",
    "scope",
    "subject_type",
    "token_endpoint_auth_method",
    "updated_at",
    "userinfo_signed_response_alg",
];

/// Imports clients of Hydra; those without an audience get their scopes at `audience`.
///
/// # Errors
/// If the file is broken, or `audience` is needed and not given.
pub fn import_hydra(file: &SourceFile, audience: Option<&str>) -> Result<Imported, ImportError> {
    let value = file.json_or_lines()?;
    let mut draft = Draft::new("hydra");
    let mut without_audience = Vec::new();
    let mut clients = Vec::new();
    for object in client_objects(&value, file)? {
        if let Some(client) = read_client(&object, audience, &mut draft, &mut without_audience)? {
            clients.push(client);
        }
    }
    if !without_audience.is_empty() {
        return Err(ImportError::AudienceNeeded {
            clients: without_audience.len(),
            scopes: some_scopes(without_audience.iter().flat_map(|(_, scope)| scope)),
            hint: "; Hydra leaves aud empty for them",
        });
    }
    for client in clients {
        draft.add_client(client);
    }
    Ok(draft.finish())
}

/// Some of the scopes, for a message.
pub(super) fn some_scopes<'s>(scopes: impl Iterator<Item = &'s String>) -> String {
    let mut named: Vec<String> = Vec::new();
    for scope in scopes.map(|scope| shown(scope)) {
        if named.len() == 5 {
            named.push("…".to_owned());
            break;
        }
        if !named.contains(&scope) {
            named.push(scope);
        }
    }
    named.join(" ")
}

fn client_objects<'v>(value: &'v Value, file: &SourceFile) -> Result<Vec<Object<'v>>, ImportError> {
    let objects = match value {
        Value::Array(_) => Object::items(value, &file.name, false)?,
        Value::Object(members) => {
            let top = Object::top(value, &file.name).into_iter();
            if members.contains_key("items") {
                top.map(|top| top.objects("items")).collect::<Result<Vec<_>, _>>()?.concat()
            } else {
                top.collect()
            }
        }
        _ => Vec::new(),
    };
    let is_client = |object: &Object<'_>| object.value("client_id").is_some() || object.value("id").is_some();
    if objects.iter().all(is_client) && (value.is_array() || value.is_object()) {
        return Ok(objects);
    }
    Err(ImportError::NotAnExport {
        file: file.name.clone(),
        product: "Ory Hydra",
        expected: "OAuth 2.0 clients with a client_id: a list, an object with items, one client, or rows of the table hydra_client",
    })
}

fn read_client(
    object: &Object<'_>,
    fallback: Option<&str>,
    draft: &mut Draft,
    without_audience: &mut Vec<(String, Vec<String>)>,
) -> Result<Option<ClientEntry>, ImportError> {
    let id = object.filled("client_id")?.map_or_else(|| object.required("id"), Ok)?;
    if !draft.takes_client(id) {
        return Ok(None);
    }
    let name = object.filled("client_name")?.unwrap_or(id);
    let mut client = ClientEntry::new(Some(id.to_owned()), Some(name.to_owned()));
    let method = object.filled("token_endpoint_auth_method")?.unwrap_or("client_secret_basic");
    client.authentication_methods = method.parse::<AuthenticationMethod>().into_iter().collect();
    let grant_types = listed(object, "grant_types")?;
    client.client_credentials_allowed = method != "none" && grant_types.iter().any(|one| one == "client_credentials");
    if !client.client_credentials_allowed {
        draft.report.note(NoteKind::ClientRefused, id);
    }
    read_secrets(object, id, method, &mut client, draft)?;
    let scope = read_scope(object, id, draft)?;
    let mut audiences = listed(object, "audience")?;
    if audiences.is_empty() && !scope.is_empty() && client.client_credentials_allowed {
        match fallback {
            Some(audience) => audiences.push(audience.to_owned()),
            None => without_audience.push((id.to_owned(), scope.clone())),
        }
    }
    for audience in audiences {
        let is_new = !draft.has_api(&audience);
        // Hydra grants no scope that is not asked for.
        if !draft.add_api(&audience, |api| ApiEntry { default_scope: DefaultScope::None, ..api }) {
            continue;
        }
        if is_new {
            draft.report.note(NoteKind::ApiMade, &audience);
        }
        draft.grant(&mut client, &audience, scope.iter().map(String::as_str));
        if let Some(lifetime) = read_lifetime(object)? {
            draft.lifetime(&audience, id, lifetime);
        }
    }
    if object.filled("access_token_strategy")? == Some("opaque") {
        draft.report.note_because(NoteKind::TokenDiffers, id, "its tokens were opaque; here they are JWTs");
    }
    draft.leave_members("clients", object, READ);
    Ok(Some(client))
}

fn read_secrets(
    object: &Object<'_>,
    id: &str,
    method: &str,
    client: &mut ClientEntry,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    if method == "private_key_jwt" {
        // The database keeps the set as text.
        let text = object.value("jwks").and_then(Value::as_str);
        let parsed = text.filter(|text| !text.is_empty()).map(serde_json::from_str).transpose();
        let parsed: Option<Value> = parsed.map_err(|_| object.wrong("jwks", "a JWK Set"))?;
        if let Some(set) = parsed.as_ref().or(object.value("jwks")) {
            draft.add_key_set(id, client, set);
        }
        if let Some(uri) = object.filled("jwks_uri")? {
            draft.set_jwks_uri(id, client, uri);
        }
    }
    if let Some(secret) = object.filled("client_secret")? {
        // In the table, a hash; where somebody put it there, the secret.
        let entry =
            if secret.starts_with('$') { draft.hashed_secret(id, secret) } else { draft.plain_secret(id, secret) };
        client.secrets.extend(entry);
    }
    if let Some(expiry) = object.integer("client_secret_expires_at")?.filter(|seconds| *seconds != 0) {
        let at = Timestamp::from_second(expiry).map_err(|_| object.wrong("client_secret_expires_at", "a time"))?;
        client.secrets.iter_mut().for_each(|secret| secret.expires_at = Some(at));
    }
    if !listed(object, "rotated_secrets")?.is_empty() {
        draft.report.note_because(
            NoteKind::SecretLeftOut,
            id,
            "the secrets before the last rotation (rotated_secrets)",
        );
    }
    Ok(())
}

fn read_scope(object: &Object<'_>, id: &str, draft: &mut Draft) -> Result<Vec<String>, ImportError> {
    let text = object.text("scope")?.unwrap_or_default();
    let (kept, left): (Vec<&str>, Vec<&str>) =
        text.split([' ', '|']).filter(|value| !value.is_empty()).partition(|value| !NOT_FOR_APIS.contains(value));
    for value in left {
        draft.report.note_because(NoteKind::ScopeLeftOut, value, format!("of {id}: it is for users"));
    }
    for value in kept.iter().filter(|value| value.contains('*')) {
        let detail = format!("of {id}: Hydra took it for a pattern; here only the same text fits, so grant each scope");
        draft.report.note_because(NoteKind::ScopeLeftOut, value, detail);
    }
    Ok(kept.into_iter().filter(|value| !value.contains('*')).map(str::to_owned).collect())
}

/// A list, or the text in which a database keeps it: JSON, or values between bars.
fn listed(object: &Object<'_>, name: &str) -> Result<Vec<String>, ImportError> {
    let Some(text) = object.value(name).and_then(Value::as_str) else {
        return Ok(object.texts(name)?.into_iter().map(str::to_owned).collect());
    };
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(|_| object.wrong(name, "a list of texts"));
    }
    Ok(text.split('|').filter(|value| !value.is_empty()).map(str::to_owned).collect())
}

fn read_lifetime(object: &Object<'_>) -> Result<Option<i64>, ImportError> {
    const NAME: &str = "client_credentials_grant_access_token_lifespan";
    match object.value(NAME) {
        None => Ok(None),
        // As the database keeps it: nanoseconds.
        Some(Value::Number(number)) => {
            Ok(number.as_i64().map(|nanos| nanos / 1_000_000_000).filter(|seconds| *seconds > 0))
        }
        Some(_) => {
            let text = object.text(NAME)?.unwrap_or_default();
            let seconds = go_duration(text).ok_or_else(|| object.wrong(NAME, "a duration such as 1h30m"))?;
            Ok(Some(seconds).filter(|seconds| *seconds > 0))
        }
    }
}

/// Whole seconds of a Go duration such as `1h0m0s`.
fn go_duration(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit_length = after.find(|character: char| character.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_length);
        let factor = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = next;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float stops at the ends of the range")]
    Some(seconds as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gos_durations_are_read() {
        assert_eq!(go_duration("1h30m0s"), Some(5400));
        assert_eq!(go_duration("1.5h"), Some(5400));
        assert_eq!(go_duration("900ms"), Some(0));
        for wrong in ["1", "1x", "h", "-1h", "1h-"] {
            assert_eq!(go_duration(wrong), None, "{wrong}");
        }
    }
}
