//! What does Auth0's deploy CLI export? `tenant.yaml`, or folders with an object in each file.
//!
//! <https://github.com/auth0/auth0-deploy-cli/tree/master/docs>: a grant's `client_id` is the client's name, and ids and
//! secrets stand in the export with `AUTH0_EXPORT_IDENTIFIERS` and `INCLUDED_PROPS`.

use std::collections::HashMap;

use serde_json::Value;

use super::Imported;
use super::auth0_client::read_client;
use super::draft::Draft;
use super::keywords::{KeywordMappings, left_keywords};
use super::reading::{Object, is_empty};
use super::report::NoteKind;
use super::source::{ImportError, SourceFile};
use crate::issuer::document::{ApiEntry, ClientEntry, GrantEntry};
use crate::keys::SigningAlg;
use crate::oauth::resource::{ScopePolicy, TokenDialect};

/// Longest JSON of the fields that are kept of one object.
const MAX_FIELDS: usize = 16 * 1024;

/// The two forms of an export.
#[derive(Debug)]
pub enum Auth0Export {
    /// `tenant.yaml`.
    Tenant(SourceFile),
    /// The files of the folders, each an object; `tenant.json` if it is there.
    Folder {
        /// `tenant.json`
        tenant: Option<SourceFile>,
        /// `resource-servers/*.json`
        resource_servers: Vec<SourceFile>,
        /// `clients/*.json`
        clients: Vec<SourceFile>,
        /// `grants/*.json`
        grants: Vec<SourceFile>,
        /// The names of the other folders.
        others: Vec<String>,
    },
}

/// A kind of object: its objects, each with the file that it stands in.
type Parsed = Vec<(String, Value)>;

#[derive(Default)]
struct Sections {
    tenant: Option<Value>,
    resource_servers: Parsed,
    clients: Parsed,
    grants: Parsed,
}

/// Imports an export of the deploy CLI.
///
/// # Errors
/// If it is broken, or a keyword has no value.
pub fn import_auth0(export: &Auth0Export, mappings: &KeywordMappings) -> Result<Imported, ImportError> {
    let mut draft = Draft::new("auth0");
    let sections = read_sections(export, mappings, &mut draft)?;
    refuse_keywords(&sections)?;
    let default_audience = default_audience(&sections)?;
    let mut systems = Vec::new();
    for object in objects(&sections.resource_servers)? {
        read_resource_server(&object, &mut draft, &mut systems)?;
    }
    let mut clients = Vec::new();
    for object in objects(&sections.clients)? {
        clients.extend(read_client(&object, &mut draft)?);
    }
    let index = ClientIndex::of(&clients);
    // As the export has them: a grant may define another one.
    let defined = draft.scopes_by_api();
    for object in objects(&sections.grants)? {
        read_grant(&object, &index, (&systems, &defined), &mut clients, &mut draft)?;
    }
    for mut client in clients {
        if default_audience.is_some_and(|audience| client.grants.iter().any(|grant| grant.audience == audience)) {
            client.default_audience = default_audience.map(str::to_owned);
        }
        draft.add_client(client);
    }
    Ok(draft.finish())
}

fn read_sections(export: &Auth0Export, mappings: &KeywordMappings, draft: &mut Draft) -> Result<Sections, ImportError> {
    let replaced = |file: &SourceFile| SourceFile::new(&file.name, mappings.replace(&file.text));
    match export {
        Auth0Export::Tenant(file) => {
            let Value::Object(members) = replaced(file).yaml()? else {
                return Err(ImportError::NotAnExport {
                    file: file.name.clone(),
                    product: "Auth0's deploy CLI",
                    expected: "tenant.yaml with resourceServers, clients and clientGrants",
                });
            };
            let mut sections = Sections::default();
            let mut found = false;
            for (name, value) in members {
                let section = match name.as_str() {
                    "resourceServers" => &mut sections.resource_servers,
                    "clients" => &mut sections.clients,
                    "clientGrants" => &mut sections.grants,
                    "tenant" => {
                        sections.tenant = Some(value);
                        continue;
                    }
                    _ if is_empty(&value) => continue,
                    _ => {
                        draft.report.note(NoteKind::SectionLeftOut, &name);
                        continue;
                    }
                };
                found = true;
                let Value::Array(items) = value else {
                    if value.is_null() {
                        continue;
                    }
                    let place = file.name.clone();
                    return Err(ImportError::Member { place, member: name, expected: "a list of objects" });
                };
                let place = |index| format!("{}: {name}[{index}]", file.name);
                *section = items.into_iter().enumerate().map(|(index, item)| (place(index), item)).collect();
            }
            if found {
                return Ok(sections);
            }
            Err(ImportError::NotAnExport {
                file: file.name.clone(),
                product: "Auth0's deploy CLI",
                expected: "at least one of resourceServers, clients and clientGrants",
            })
        }
        Auth0Export::Folder { tenant, resource_servers, clients, grants, others } => {
            let parsed = |files: &[SourceFile]| {
                files.iter().map(|file| Ok((file.name.clone(), replaced(file).json()?))).collect::<Result<Parsed, _>>()
            };
            for name in others {
                draft.report.note(NoteKind::SectionLeftOut, name);
            }
            Ok(Sections {
                tenant: tenant.as_ref().map(|file| replaced(file).json()).transpose()?,
                resource_servers: parsed(resource_servers)?,
                clients: parsed(clients)?,
                grants: parsed(grants)?,
            })
        }
    }
}

fn objects(parsed: &Parsed) -> Result<Vec<Object<'_>>, ImportError> {
    let mut all = Vec::with_capacity(parsed.len());
    for (place, value) in parsed {
        let entry = Object::top(value, place);
        all.push(entry.ok_or_else(|| ImportError::Member {
            place: place.clone(),
            member: "the whole".to_owned(),
            expected: "an object",
        })?);
    }
    Ok(all)
}

/// Every keyword must have got its value, in what is read.
fn refuse_keywords(sections: &Sections) -> Result<(), ImportError> {
    let (mut keywords, mut first) = (Vec::new(), None);
    let read = [&sections.resource_servers, &sections.clients, &sections.grants];
    for (place, value) in read.into_iter().flatten() {
        left_keywords(value, &mut keywords);
        if !keywords.is_empty() {
            first.get_or_insert(place);
        }
    }
    match first {
        Some(place) => Err(ImportError::MissingKeywords { place: place.clone(), keywords }),
        None => Ok(()),
    }
}

/// The API that a request means that names none.
fn default_audience(sections: &Sections) -> Result<Option<&str>, ImportError> {
    match sections.tenant.as_ref().and_then(|tenant| Object::top(tenant, "tenant")) {
        Some(tenant) => tenant.filled("default_audience"),
        None => Ok(None),
    }
}

fn read_resource_server(object: &Object<'_>, draft: &mut Draft, systems: &mut Vec<String>) -> Result<(), ImportError> {
    const READ: &[&str] =
        &["id", "identifier", "name", "is_system", "scopes", "token_lifetime", "token_dialect", "signing_alg"];
    let identifier = object.required("identifier")?;
    let name = object.filled("name")?;
    if object.flag("is_system")? == Some(true) || name == Some("Auth0 Management API") {
        systems.push(identifier.to_owned());
        draft.report.note_because(NoteKind::ApiLeftOut, identifier, "it is a system API of Auth0");
        return Ok(());
    }
    let dialect = match object.text("token_dialect")? {
        None => TokenDialect::AccessToken,
        Some(dialect) => dialect.parse().map_err(|_| object.wrong("token_dialect", "a token dialect of Auth0"))?,
    };
    let signing = object.filled("signing_alg")?.unwrap_or("RS256");
    let lifetime = object.integer("token_lifetime")?;
    let fields = auth0_fields(object, READ, identifier, draft);
    let added = draft.add_api(identifier, |api| ApiEntry {
        name: name.map(str::to_owned),
        token_lifetime: lifetime,
        signing_alg: SigningAlg::ALL.into_iter().find(|alg| alg.as_str() == signing).unwrap_or(SigningAlg::Rs256),
        // What Auth0 does: any scope that is granted gets all that are.
        scope_policy: ScopePolicy::WholeGrant,
        token_dialect: Some(dialect),
        auth0_fields: fields,
        ..api
    });
    if added && SigningAlg::ALL.iter().all(|alg| alg.as_str() != signing) {
        let detail = "Auth0's algorithm is not offered here: its tokens are signed with RS256 now";
        draft.report.note_because(NoteKind::SigningDiffers, identifier, detail);
    }
    for scope in object.objects("scopes")? {
        draft.define_scope(identifier, scope.required("value")?, scope.text("description")?);
    }
    Ok(())
}

/// What Auth0 documents and Tokenhouse has no member for: kept as it is, if it is not too long.
pub(super) fn auth0_fields(
    object: &Object<'_>,
    read: &[&str],
    id: &str,
    draft: &mut Draft,
) -> serde_json::Map<String, Value> {
    let mut fields = object.members().clone();
    fields.retain(|name, _| !read.contains(&name.as_str()));
    while serde_json::to_string(&fields).map_or(usize::MAX, |text| text.len()) > MAX_FIELDS {
        // The longest goes first, until the rest is short enough.
        let longest = fields.iter().max_by_key(|(_, value)| value.to_string().len()).map(|(name, _)| name.clone());
        let Some(name) = longest else { break };
        fields.remove(&name);
        let detail = format!("{}, because {MAX_FIELDS} bytes are kept at most", super::reading::shown(&name));
        draft.report.note_because(NoteKind::MembersLeftOut, id, detail);
    }
    fields
}

/// Where the clients stand, by id and by name.
struct ClientIndex {
    by_id: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

impl ClientIndex {
    fn of(clients: &[ClientEntry]) -> Self {
        let mut index = Self { by_id: HashMap::new(), by_name: HashMap::new() };
        for (place, client) in clients.iter().enumerate() {
            if let Some(id) = &client.client_id {
                index.by_id.insert(id.clone(), place);
            }
            if let Some(name) = &client.name {
                index.by_name.entry(name.clone()).or_default().push(place);
            }
        }
        index
    }

    fn find(&self, id_or_name: &str, object: &Object<'_>) -> Result<Option<usize>, ImportError> {
        if let Some(place) = self.by_id.get(id_or_name) {
            return Ok(Some(*place));
        }
        match self.by_name.get(id_or_name).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([place]) => Ok(Some(*place)),
            Some(_) => Err(ImportError::Ambiguous(format!(
                "{}: several clients are named {}: export with AUTH0_EXPORT_IDENTIFIERS and put the client's id into \
                 client_id",
                object.place(),
                super::reading::shown(id_or_name),
            ))),
        }
    }
}

fn read_grant(
    object: &Object<'_>,
    index: &ClientIndex,
    (systems, defined): (&[String], &HashMap<String, Vec<String>>),
    clients: &mut [ClientEntry],
    draft: &mut Draft,
) -> Result<(), ImportError> {
    const READ: &[&str] = &["id", "client_id", "audience", "scope", "subject_type", "allow_all_scopes"];
    let audience = object.required("audience")?;
    let Some(meant) = object.filled("client_id")? else {
        draft.report.note_because(NoteKind::GrantLeftOut, audience, "it is for a kind of clients, not for one");
        return Ok(());
    };
    let name = format!("{} for {}", super::reading::shown(meant), super::reading::shown(audience));
    let management = systems.iter().any(|system| system == audience) || audience.ends_with(".auth0.com/api/v2/");
    let why_not = if object.filled("subject_type")?.is_some_and(|subject| subject != "client") {
        Some("it is for users, not for the client itself")
    } else if object.filled("organization_usage")? == Some("require") {
        Some("it is only for requests with an organization, and there are none here")
    } else if management {
        Some("its API belongs to Auth0; for Tokenhouse's own Management API grant what is needed anew")
    } else if !draft.has_api(audience) {
        Some("its API is not imported")
    } else {
        None
    };
    let place = index.find(meant, object)?;
    let client = place.and_then(|place| clients.get_mut(place));
    let (Some(client), None) = (client, why_not) else {
        draft.report.note_because(NoteKind::GrantLeftOut, &name, why_not.unwrap_or("its client is not in the export"));
        return Ok(());
    };
    let defined = defined.get(audience).map(Vec::as_slice).unwrap_or_default();
    let all = object.flag("allow_all_scopes")? == Some(true);
    let scope = object.texts("scope")?;
    for value in scope.iter().filter(|value| !all && !defined.iter().any(|known| known == *value)) {
        draft.report.note_because(NoteKind::ScopeDefined, value, audience);
    }
    if all {
        draft.grant(client, audience, defined.iter().map(String::as_str));
    } else {
        draft.grant(client, audience, scope);
    }
    let fields = auth0_fields(object, READ, &name, draft);
    let of_this = |grant: &&mut GrantEntry| grant.audience == audience;
    if let Some(grant) = client.grants.iter_mut().find(of_this) {
        grant.auth0_fields = fields;
    }
    Ok(())
}
