//! What does IdentityServer (4, or Duende's) know of its clients? In `appsettings.json`, or in the tables of its Entity
//! Framework store.
//!
//! <https://docs.duendesoftware.com/identityserver/reference/models/client/>: scopes belong to API resources, which are
//! the audiences; a secret is the base64 of a SHA-256 or SHA-512 digest.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::{Map, Value};

use super::Imported;
use super::draft::Draft;
use super::hydra::some_scopes;
use super::identityserver_tables::{Tables, canonical, joined};
use super::reading::Object;
use super::report::NoteKind;
use super::source::{ImportError, SourceFile};
use crate::issuer::document::{ApiEntry, ClientEntry, SecretEntry};
use crate::keys::SigningAlg;
use crate::oauth::resource::TokenDialect;

/// What IdentityServer takes where a client does not say, in seconds.
const DEFAULT_LIFETIME: i64 = 3600;

/// Scopes of identity resources, which are about users.
const NOT_FOR_APIS: &[&str] = &["openid", "profile", "email", "address", "phone", "offline_access"];

const READ: &[&str] = &[
    "AccessTokenLifetime",
    "AccessTokenType",
    "AllowedGrantTypes",
    "AllowedScopes",
    "Claims",
    "ClientClaimsPrefix",
    "ClientId",
    "ClientName",
    "ClientSecrets",
    "Created",
    "Enabled",
    "Id",
    "IncludeJwtId",
    "LastAccessed",
    "ProtocolType",
    "RequireClientSecret",
    "Updated",
];

/// Imports IdentityServer's configuration or tables; scopes of no API resource become those of `audience`.
///
/// # Errors
/// If a file is broken, or `audience` is needed and not given.
pub fn import_identityserver(files: &[SourceFile], audience: Option<&str>) -> Result<Imported, ImportError> {
    let mut draft = Draft::new("identityserver");
    let mut tables = Tables::new();
    for file in files {
        gather(file, &mut tables, &mut draft)?;
    }
    let name = files.first().map_or("", |file| file.name.as_str());
    if tables.get("Clients").is_none() {
        return Err(ImportError::NotAnExport {
            file: name.to_owned(),
            product: "IdentityServer",
            expected: "Clients, in the section IdentityServer of appsettings.json, at the top, or as a table",
        });
    }
    let sections = Value::Object(joined(tables));
    let Some(top) = Object::top(&sections, name).map(Object::ignoring_case) else { return Ok(draft.finish()) };
    let mut scopes = Scopes { audience, ..Scopes::default() };
    scopes.read(&top, &mut draft)?;
    for object in top.objects("Clients")? {
        if let Some(client) = read_client(&object, &mut scopes, &mut draft)? {
            draft.add_client(client);
        }
    }
    if scopes.lost.is_empty() {
        return Ok(draft.finish());
    }
    Err(ImportError::AudienceNeeded {
        clients: scopes.lost.len(),
        scopes: some_scopes(scopes.lost.iter().flatten()),
        hint: "; IdentityServer issues no aud for them, or ISSUER/resources",
    })
}

/// Puts the sections or tables of `file` into `tables`.
fn gather(file: &SourceFile, tables: &mut Tables, draft: &mut Draft) -> Result<(), ImportError> {
    let stem = std::path::Path::new(&file.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let sections = match file.json_or_lines()? {
        rows @ Value::Array(_) => Map::from_iter([(stem.to_owned(), rows)]),
        Value::Object(mut members) => {
            let key = members.keys().find(|key| key.eq_ignore_ascii_case("IdentityServer")).cloned();
            match key.and_then(|key| members.remove(&key)) {
                Some(Value::Object(section)) => section,
                _ => members,
            }
        }
        _ => Map::new(),
    };
    for (name, value) in sections {
        let Some(known) = canonical(&name) else {
            if stem.starts_with("appsettings") || super::reading::is_empty(&value) {
                continue;
            }
            draft.report.note(NoteKind::SectionLeftOut, &name);
            continue;
        };
        let Value::Array(mut rows) = value else {
            let place = file.name.clone();
            return Err(ImportError::Member { place, member: known.to_owned(), expected: "a list of objects" });
        };
        match tables.entry(known).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(all) => all.append(&mut rows),
            other => *other = Value::Array(rows),
        }
    }
    Ok(())
}

/// Which API does each scope belong to?
#[derive(Default)]
struct Scopes<'a> {
    audience: Option<&'a str>,
    /// The APIs of each scope; none for those that belong to no API resource.
    apis: HashMap<String, Vec<String>>,
    descriptions: HashMap<String, String>,
    /// The scopes of each client that no API takes.
    lost: Vec<Vec<String>>,
}

impl Scopes<'_> {
    fn read(&mut self, top: &Object<'_>, draft: &mut Draft) -> Result<(), ImportError> {
        for scope in top.objects("ApiScopes")? {
            let name = scope.required("Name")?;
            if let Some(text) = scope.filled("Description")?.or(scope.filled("DisplayName")?) {
                self.descriptions.insert(name.to_owned(), text.to_owned());
            }
            if scope.flag("Enabled")? == Some(false) {
                draft.report.note_because(NoteKind::ScopeLeftOut, name, "it is disabled");
            } else {
                self.apis.entry(name.to_owned()).or_default();
            }
        }
        for resource in top.objects("ApiResources")? {
            self.read_resource(&resource, draft)?;
        }
        Ok(())
    }

    fn read_resource(&mut self, resource: &Object<'_>, draft: &mut Draft) -> Result<(), ImportError> {
        const READ: &[&str] = &[
            "AllowedAccessTokenSigningAlgorithms",
            "Created",
            "Description",
            "DisplayName",
            "Enabled",
            "Id",
            "LastAccessed",
            "Name",
            "Scopes",
            "ShowInDiscoveryDocument",
            "Updated",
        ];
        let name = resource.required("Name")?;
        if resource.flag("Enabled")? == Some(false) {
            draft.report.note_because(NoteKind::ApiLeftOut, name, "it is disabled");
            return Ok(());
        }
        let shown = resource.filled("DisplayName")?.unwrap_or(name).to_owned();
        let algorithms = algorithms(resource)?;
        let signing_alg =
            algorithms.iter().find_map(|name| SigningAlg::ALL.into_iter().find(|alg| alg.as_str() == name));
        let make = |api| ApiEntry {
            name: Some(shown),
            signing_alg: signing_alg.unwrap_or(SigningAlg::Rs256),
            token_dialect: Some(TokenDialect::IdentityServer),
            ..api
        };
        if !draft.add_api(name, make) {
            return Ok(());
        }
        if signing_alg.is_none() && !algorithms.is_empty() {
            draft.report.note_because(NoteKind::SigningDiffers, name, "RS256 now");
        }
        for scope in resource.texts("Scopes")? {
            if draft.define_scope(name, scope, self.descriptions.get(scope).map(String::as_str)) {
                self.apis.entry(scope.to_owned()).or_default().push(name.to_owned());
            }
        }
        draft.leave_members("API resources", resource, READ);
        Ok(())
    }

    /// The APIs at which a client gets `scope`.
    fn apis_of(&mut self, scope: &str, draft: &mut Draft) -> Option<Vec<String>> {
        let apis = self.apis.get(scope)?;
        if !apis.is_empty() {
            return Some(apis.clone());
        }
        let audience = self.audience?;
        if !draft.has_api(audience)
            && draft.add_api(audience, |api| ApiEntry { token_dialect: Some(TokenDialect::IdentityServer), ..api })
        {
            draft.report.note(NoteKind::ApiMade, audience);
        }
        draft.define_scope(audience, scope, self.descriptions.get(scope).map(String::as_str));
        Some(vec![audience.to_owned()])
    }
}

/// A list, or the text with commas in which the table keeps it.
fn algorithms(resource: &Object<'_>) -> Result<Vec<String>, ImportError> {
    const NAME: &str = "AllowedAccessTokenSigningAlgorithms";
    let Some(text) = resource.value(NAME).and_then(Value::as_str) else {
        return Ok(resource.texts(NAME)?.into_iter().map(str::to_owned).collect());
    };
    Ok(text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect())
}

fn read_client(
    object: &Object<'_>,
    scopes: &mut Scopes<'_>,
    draft: &mut Draft,
) -> Result<Option<ClientEntry>, ImportError> {
    let id = object.required("ClientId")?;
    if object.filled("ProtocolType")?.is_some_and(|protocol| protocol != "oidc") {
        draft.report.note_because(NoteKind::ClientLeftOut, id, "its protocol is another one");
        return Ok(None);
    }
    if !draft.takes_client(id) {
        return Ok(None);
    }
    let name = object.filled("ClientName")?.unwrap_or(id);
    let mut client = ClientEntry::new(Some(id.to_owned()), Some(name.to_owned()));
    client.enabled = object.flag("Enabled")?.unwrap_or(true);
    let has_grant_type = object.texts("AllowedGrantTypes")?.contains(&"client_credentials");
    client.client_credentials_allowed = has_grant_type && object.flag("RequireClientSecret")? != Some(false);
    if !client.client_credentials_allowed {
        draft.report.note(NoteKind::ClientRefused, id);
    }
    for secret in object.objects("ClientSecrets")? {
        if secret.filled("Type")? == Some("JWK") {
            let jwk = secret.required("Value").map(serde_json::from_str::<Map<String, Value>>)?;
            draft.add_key(id, &mut client, &jwk.map_err(|_| secret.wrong("Value", "a JWK as text"))?);
        } else {
            client.secrets.extend(read_secret(&secret, id, draft)?);
        }
    }
    read_scopes(object, id, &mut client, scopes, draft)?;
    client.claims = read_claims(object)?;
    if !client.claims.is_empty() && object.text("ClientClaimsPrefix")?.is_some_and(|prefix| prefix != "client_") {
        draft.report.note_because(NoteKind::TokenDiffers, id, "its claims have the prefix client_ here");
    }
    let reference = object.value("AccessTokenType").is_some_and(|kind| kind == 1 || kind == "1" || kind == "Reference");
    if reference {
        draft.report.note_because(NoteKind::TokenDiffers, id, "its tokens were references; here they are JWTs");
    }
    draft.leave_members("clients", object, READ);
    Ok(Some(client))
}

fn read_scopes(
    object: &Object<'_>,
    id: &str,
    client: &mut ClientEntry,
    scopes: &mut Scopes<'_>,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    let lifetime = object.integer("AccessTokenLifetime")?.unwrap_or(DEFAULT_LIFETIME);
    let mut lost = Vec::new();
    for scope in object.texts("AllowedScopes")? {
        match scopes.apis_of(scope, draft) {
            Some(apis) => {
                for audience in apis {
                    draft.grant(client, &audience, [scope]);
                }
            }
            None if scopes.apis.contains_key(scope) => lost.push(scope.to_owned()),
            None => {
                let why = if NOT_FOR_APIS.contains(&scope) { "it is about users" } else { "nothing defines it" };
                draft.report.note_because(NoteKind::ScopeLeftOut, scope, format!("of {id}: {why}"));
            }
        }
    }
    if !lost.is_empty() && client.client_credentials_allowed {
        scopes.lost.push(lost);
    }
    if client.client_credentials_allowed {
        for grant in &client.grants {
            draft.lifetime(&grant.audience, id, lifetime);
        }
    }
    Ok(())
}

fn read_secret(secret: &Object<'_>, id: &str, draft: &mut Draft) -> Result<Option<SecretEntry>, ImportError> {
    let kind = secret.filled("Type")?.unwrap_or("SharedSecret");
    if kind != "SharedSecret" {
        draft.report.note_because(NoteKind::CredentialLeftOut, id, super::reading::shown(kind));
        return Ok(None);
    }
    let Some(mut entry) = draft.hashed_secret(id, secret.required("Value")?) else { return Ok(None) };
    let label = secret.filled("Description")?.map(|text| draft.text_for_people(id, text));
    entry.label = label;
    let expiration = secret.filled("Expiration")?;
    entry.expires_at =
        expiration.map(|text| instant(text).ok_or_else(|| secret.wrong("Expiration", "a time"))).transpose()?;
    Ok(Some(entry))
}

/// A time with an offset, or, as the database keeps it, in UTC without one.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok())
}

fn read_claims(object: &Object<'_>) -> Result<Map<String, Value>, ImportError> {
    let mut claims = Map::new();
    for claim in object.objects("Claims")? {
        let (name, text) = (claim.required("Type")?, claim.text("Value")?.unwrap_or_default());
        let kind = claim.filled("ValueType")?.unwrap_or_default();
        let typed = ["integer", "integer32", "integer64", "boolean", "double", "json"];
        let is_typed =
            typed.iter().any(|name| kind.rsplit('#').next().is_some_and(|kind| kind.eq_ignore_ascii_case(name)));
        let text = if kind.ends_with("boolean") { text.to_ascii_lowercase() } else { text.to_owned() };
        let parsed = is_typed.then(|| serde_json::from_str(&text).ok()).flatten();
        let value = parsed.unwrap_or(Value::String(text));
        match claims.get_mut(name) {
            None => drop(claims.insert(name.to_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_databases_are_utc() {
        let expected = "2027-12-31T00:00:00Z".parse::<Timestamp>().unwrap();
        for text in
            ["2027-12-31T00:00:00", "2027-12-31 00:00:00.0000000", "2027-12-31T00:00:00Z", "2027-12-31T01:00:00+01:00"]
        {
            assert_eq!(instant(text), Some(expected), "{text}");
        }
        assert_eq!(instant("never"), None);
    }
}
