//! What does Keycloak export of a realm? Clients are both what asks for tokens and what tokens are for.
//!
//! A realm file of `kc.sh export` holds secrets and service accounts; the console's partial export masks the former and
//! lacks the latter (<https://www.keycloak.org/server/importExport>, `ClientRepresentation`, `UserRepresentation`).

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::Imported;
use super::draft::Draft;
use super::hydra::some_scopes;
use super::keycloak_scopes::{
    BUILT_IN_SCOPES, ClientScope, Roles, ServiceAccount, read_accounts, read_audiences, read_client_scopes,
};
use super::reading::{Object, is_empty};
use super::report::NoteKind;
use super::source::{ImportError, SourceFile};
use crate::issuer::document::{ApiEntry, ClientEntry};
use crate::oauth::client::AuthenticationMethod;

/// Clients that every realm has.
const BUILT_IN_CLIENTS: &[&str] =
    &["account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"];

/// Keycloak's lifetime of an access token where the realm does not say, in seconds.
const DEFAULT_LIFESPAN: i64 = 300;

/// What is read of a realm; of the rest, what holds many objects is told.
const REALM_READ: &[&str] = &["clients", "clientScopes", "roles", "users"];

const READ: &[&str] = &[
    "alwaysDisplayInConsole",
    "attributes",
    "bearerOnly",
    "clientAuthenticatorType",
    "clientId",
    "defaultClientScopes",
    "description",
    "enabled",
    "fullScopeAllowed",
    "id",
    "name",
    "nodeReRegistrationTimeout",
    "optionalClientScopes",
    "protocol",
    "protocolMappers",
    "publicClient",
    "secret",
    "serviceAccountsEnabled",
];

struct Realm<'a> {
    audience: Option<&'a str>,
    lifespan: i64,
    roles: Roles,
    scopes: HashMap<String, ClientScope>,
    accounts: Option<HashMap<String, ServiceAccount>>,
    lost: Vec<Vec<String>>,
}

/// Imports the clients of a realm; scopes of clients that reach no API become those of `audience`.
///
/// # Errors
/// If the file is broken, or `audience` is needed and not given.
pub fn import_keycloak(file: &SourceFile, audience: Option<&str>) -> Result<Imported, ImportError> {
    let value = file.json()?;
    let top = match &value {
        Value::Array(realms) if realms.len() == 1 => realms.first().and_then(|realm| Object::top(realm, &file.name)),
        other => Object::top(other, &file.name),
    };
    let top = top.filter(|top| top.value("clients").is_some()).ok_or_else(|| ImportError::NotAnExport {
        file: file.name.clone(),
        product: "Keycloak",
        expected: "one realm with clients, as `kc.sh export --realm NAME --users same_file` writes it",
    })?;
    let mut draft = Draft::new("keycloak");
    let mut realm = Realm {
        audience,
        lifespan: top.integer("accessTokenLifespan")?.unwrap_or(DEFAULT_LIFESPAN),
        roles: Roles::read(&top)?,
        scopes: read_client_scopes(&top)?,
        accounts: read_accounts(&top)?,
        lost: Vec::new(),
    };
    note_sections(&top, &realm, &mut draft);
    let objects = top.objects("clients")?;
    let mut kept = Vec::new();
    for object in &objects {
        let id = object.required("clientId")?;
        if BUILT_IN_CLIENTS.contains(&id)
            || object.filled("protocol")?.is_some_and(|protocol| protocol != "openid-connect")
        {
            draft.report.note_because(NoteKind::ClientLeftOut, id, "Keycloak's own, or of another protocol");
            continue;
        }
        add_api_of_client(object, id, &realm, &mut draft)?;
        kept.push((id, object));
    }
    for (id, object) in kept {
        if object.flag("bearerOnly")? != Some(true)
            && draft.takes_client(id)
            && let Some(client) = read_client(object, id, &mut realm, &mut draft)?
        {
            draft.add_client(client);
        }
    }
    if realm.lost.is_empty() {
        return Ok(draft.finish());
    }
    Err(ImportError::AudienceNeeded {
        clients: realm.lost.len(),
        scopes: some_scopes(realm.lost.iter().flatten()),
        hint: "; their client scopes have no audience mapper",
    })
}

fn note_sections(top: &Object<'_>, realm: &Realm<'_>, draft: &mut Draft) {
    for (name, value) in top.others(REALM_READ) {
        if value.is_array() || matches!(name.as_str(), "components") && !is_empty(value) {
            draft.report.note(NoteKind::SectionLeftOut, name);
        }
    }
    let users = top.value("users").and_then(Value::as_array).map_or(0, Vec::len);
    let accounts = realm.accounts.as_ref().map_or(0, HashMap::len);
    if users > accounts {
        draft.report.note_because(
            NoteKind::SectionLeftOut,
            "users",
            format!("{} that are no service accounts", users - accounts),
        );
    }
    if realm.accounts.is_none() {
        let detail = "they are not in this export, so no roles of service accounts are imported: use `kc.sh export`";
        draft.report.note_because(NoteKind::SectionLeftOut, "users", detail);
    }
}

/// A client that only takes tokens, or that owns roles, is an API.
fn add_api_of_client(object: &Object<'_>, id: &str, realm: &Realm<'_>, draft: &mut Draft) -> Result<(), ImportError> {
    let roles = realm.roles.of_clients.iter().find(|(client, _)| client == id).map(|(_, roles)| roles.as_slice());
    // Made by Keycloak for its own authorization services.
    let roles: Vec<_> = roles.unwrap_or_default().iter().filter(|(role, _)| role != "uma_protection").collect();
    if object.flag("bearerOnly")? != Some(true) && roles.is_empty() {
        return Ok(());
    }
    let name = object.filled("name")?.unwrap_or(id).to_owned();
    if draft.add_api(id, |api| ApiEntry { name: Some(name), token_lifetime: Some(realm.lifespan), ..api }) {
        for (role, description) in roles {
            draft.define_scope(id, role, description.as_deref());
        }
    }
    Ok(())
}

fn read_client(
    object: &Object<'_>,
    id: &str,
    realm: &mut Realm<'_>,
    draft: &mut Draft,
) -> Result<Option<ClientEntry>, ImportError> {
    let mut client = ClientEntry::new(Some(id.to_owned()), Some(object.filled("name")?.unwrap_or(id).to_owned()));
    client.enabled = object.flag("enabled")?.unwrap_or(true);
    let is_public = object.flag("publicClient")? == Some(true);
    client.client_credentials_allowed = object.flag("serviceAccountsEnabled")? == Some(true) && !is_public;
    if client.client_credentials_allowed {
        read_grants(object, id, &mut client, realm, draft)?;
    } else {
        draft.report.note(NoteKind::ClientRefused, id);
    }
    if !is_public {
        read_secrets(object, id, &mut client, draft)?;
    }
    draft.leave_members("clients", object, READ);
    Ok(Some(client))
}

fn read_secrets(object: &Object<'_>, id: &str, client: &mut ClientEntry, draft: &mut Draft) -> Result<(), ImportError> {
    if object.filled("clientAuthenticatorType")? == Some("client-jwt") {
        return read_keys(object, id, client, draft);
    }
    if let Some(kind) = object.filled("clientAuthenticatorType")?.filter(|kind| *kind != "client-secret") {
        draft.report.note_because(NoteKind::CredentialLeftOut, id, super::reading::shown(kind));
        return Ok(());
    }
    let attributes = object.object("attributes")?;
    let expiry = |name: &str| match &attributes {
        Some(attributes) => {
            let seconds = attributes.integer(name)?.filter(|seconds| *seconds > 0);
            seconds.map(|at| Timestamp::from_second(at).map_err(|_| attributes.wrong(name, "a time"))).transpose()
        }
        None => Ok(None),
    };
    let rotated = attributes.as_ref().map(|all| all.filled("client.secret.rotated")).transpose()?.flatten();
    let given = [
        (object.filled("secret")?, expiry("client.secret.expiration.time")?),
        (rotated, expiry("client.secret.rotated.expiration.time")?),
    ];
    for (value, expires_at) in given {
        let Some(value) = value else { continue };
        if value.bytes().all(|byte| byte == b'*') {
            draft.report.note_because(NoteKind::SecretLeftOut, id, "it is masked: `kc.sh export` writes it");
        } else if value.starts_with("${vault.") {
            draft.report.note_because(NoteKind::SecretLeftOut, id, "it is in Keycloak's vault");
        } else if let Some(mut secret) = draft.plain_secret(id, value) {
            secret.expires_at = expires_at;
            client.secrets.push(secret);
        }
    }
    Ok(())
}

/// The keys of a client that signs its assertions: at a URL, or as a set in the attributes.
fn read_keys(object: &Object<'_>, id: &str, client: &mut ClientEntry, draft: &mut Draft) -> Result<(), ImportError> {
    client.authentication_methods = vec![AuthenticationMethod::PrivateKeyJwt];
    let Some(attributes) = object.object("attributes")? else { return Ok(()) };
    if attributes.flag("use.jwks.url")? == Some(true)
        && let Some(uri) = attributes.filled("jwks.url")?
    {
        draft.set_jwks_uri(id, client, uri);
    } else if let Some(text) = attributes.filled("jwks.string")? {
        let set: Value = serde_json::from_str(text).map_err(|_| attributes.wrong("jwks.string", "a JWK Set"))?;
        draft.add_key_set(id, client, &set);
    } else if attributes.filled("jwt.credential.certificate")?.is_some() {
        draft.report.note_because(NoteKind::CredentialLeftOut, id, "a certificate");
    }
    Ok(())
}

fn read_grants(
    object: &Object<'_>,
    id: &str,
    client: &mut ClientEntry,
    realm: &mut Realm<'_>,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    let lifespan = object.object("attributes")?.map(|all| all.integer("access.token.lifespan")).transpose()?.flatten();
    let lifespan = lifespan.filter(|seconds| *seconds > 0).unwrap_or(realm.lifespan);
    for audience in read_audiences(object)? {
        reach(&audience, client, draft);
    }
    grant_roles(id, client, realm, draft);
    let named = [object.texts("defaultClientScopes")?, object.texts("optionalClientScopes")?].concat();
    let mut anywhere = Vec::new();
    for name in named.into_iter().filter(|name| !BUILT_IN_SCOPES.contains(name)) {
        let Some(scope) = realm.scopes.get(name) else {
            draft.report.note_because(NoteKind::ScopeLeftOut, name, format!("of {id}: no client scope has that name"));
            continue;
        };
        for audience in &scope.audiences {
            reach(audience, client, draft);
            if scope.in_token && draft.has_api(audience) {
                draft.define_scope(audience, name, scope.description.as_deref());
                draft.grant(client, audience, [name]);
            }
        }
        if scope.in_token && scope.audiences.is_empty() {
            anywhere.push(name);
        }
    }
    if client.grants.is_empty() && !anywhere.is_empty() {
        match realm.audience {
            Some(audience) => reach(audience, client, draft),
            None => realm.lost.push(anywhere.iter().map(|name| (*name).to_owned()).collect()),
        }
    }
    // A scope without an audience of its own stands in every token of the client, whichever API it is for.
    let audiences: Vec<_> = client.grants.iter().map(|grant| grant.audience.clone()).collect();
    for audience in &audiences {
        for name in &anywhere {
            draft.define_scope(audience, name, realm.scopes.get(*name).and_then(|scope| scope.description.as_deref()));
        }
        draft.grant(client, audience, anywhere.iter().copied());
        draft.lifetime(audience, id, lifespan);
    }
    Ok(())
}

/// Gives the client a grant for `audience`, which becomes an API where it is none yet.
fn reach(audience: &str, client: &mut ClientEntry, draft: &mut Draft) {
    let is_new = !draft.has_api(audience);
    if draft.add_api(audience, |api| api) {
        if is_new {
            draft.report.note(NoteKind::ApiMade, audience);
        }
        draft.grant(client, audience, []);
    }
}

/// The roles of the client's service account are scopes of the clients that own them.
fn grant_roles(id: &str, client: &mut ClientEntry, realm: &Realm<'_>, draft: &mut Draft) {
    let Some(account) = realm.accounts.as_ref().and_then(|accounts| accounts.get(id)) else { return };
    for (owner, role) in realm.roles.with_composites(account.client_roles.clone()) {
        if draft.has_api(&owner) {
            draft.grant(client, &owner, [role.as_str()]);
        } else if role != "uma_protection" {
            let detail = format!("it is a role of {owner}, which is not imported");
            draft.report.note_because(NoteKind::GrantLeftOut, &format!("{role} for {id}"), detail);
        }
    }
    for role in &account.realm_roles {
        let detail = "it is a role of the realm, which belongs to no API";
        draft.report.note_because(NoteKind::GrantLeftOut, &format!("{role} for {id}"), detail);
    }
    for group in &account.groups {
        draft.report.note_because(
            NoteKind::GrantLeftOut,
            &format!("group {group} for {id}"),
            "groups are not imported",
        );
    }
}
