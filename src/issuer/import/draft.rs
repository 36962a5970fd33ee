//! How does a document grow from what a product says? APIs by their audience, clients with their grants, and a note for
//! everything that does not fit.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Imported;
use super::reading::Object;
use super::report::{NoteKind, Report};
use crate::issuer::apis::turns_text;
use crate::issuer::document::{ApiEntry, ClientEntry, Document, GrantEntry, ScopeEntry, SecretEntry};
use crate::oauth::client::ClientId;
use crate::oauth::resource::Audience;
use crate::oauth::scope::ScopeValue;
use crate::secret::{SecretHash, WeakSecrets, validate_brought};

/// Longest text for people, in characters.
const MAX_TEXT: usize = 1000;

/// A document in the making.
pub(super) struct Draft {
    document: Document,
    api_places: HashMap<String, usize>,
    scopes: Vec<HashSet<String>>,
    /// How long the tokens of each client lived, by API.
    lifetimes: Vec<Vec<(String, i64)>>,
    members: BTreeMap<(&'static str, String), usize>,
    pub(super) report: Report,
}

impl Draft {
    pub(super) fn new(product: &'static str) -> Self {
        Self {
            document: Document::default(),
            api_places: HashMap::new(),
            scopes: Vec::new(),
            lifetimes: Vec::new(),
            members: BTreeMap::new(),
            report: Report::new(product),
        }
    }

    pub(super) fn has_api(&self, audience: &str) -> bool {
        self.api_places.contains_key(audience)
    }

    /// The scopes of each API.
    pub(super) fn scopes_by_api(&self) -> HashMap<String, Vec<String>> {
        let scopes = |api: &ApiEntry| api.scopes.iter().map(|scope| scope.value.clone()).collect();
        self.document.apis.iter().map(|api| (api.identifier.clone(), scopes(api))).collect()
    }

    /// Adds an API without scopes, unless it is there; `false` where none can have that identifier.
    pub(super) fn add_api(&mut self, audience: &str, make: impl FnOnce(ApiEntry) -> ApiEntry) -> bool {
        if self.has_api(audience) {
            return true;
        }
        if let Err(error) = audience.parse::<Audience>() {
            self.report.note_because(NoteKind::ApiLeftOut, audience, error.to_string());
            return false;
        }
        let mut api = make(ApiEntry::new(audience));
        api.name = api.name.map(|name| self.text_for_people(audience, &name));
        self.api_places.insert(audience.to_owned(), self.document.apis.len());
        self.document.apis.push(api);
        self.scopes.push(HashSet::new());
        self.lifetimes.push(Vec::new());
        true
    }

    /// Defines a scope of an API that is there; `false` where it cannot be one.
    pub(super) fn define_scope(&mut self, audience: &str, value: &str, description: Option<&str>) -> bool {
        let Some(place) = self.api_places.get(audience).copied() else { return false };
        if self.scopes.get(place).is_some_and(|scopes| scopes.contains(value)) {
            return true;
        }
        if let Err(error) = value.parse::<ScopeValue>() {
            self.report.note_because(NoteKind::ScopeLeftOut, value, format!("of {audience}: {error}"));
            return false;
        }
        let description = description.filter(|text| !text.is_empty()).map(|text| self.text_for_people(value, text));
        let (Some(api), Some(scopes)) = (self.document.apis.get_mut(place), self.scopes.get_mut(place)) else {
            return false;
        };
        scopes.insert(value.to_owned());
        api.scopes.push(ScopeEntry { value: value.to_owned(), description });
        true
    }

    /// Gives `client` scopes of an API, beside those that it has; scopes that are not defined yet are.
    pub(super) fn grant<'s>(
        &mut self,
        client: &mut ClientEntry,
        audience: &str,
        scope: impl IntoIterator<Item = &'s str>,
    ) {
        let scope: Vec<_> = scope.into_iter().filter(|value| self.define_scope(audience, value, None)).collect();
        let place = client.grants.iter().position(|grant| grant.audience == audience).unwrap_or_else(|| {
            client.grants.push(GrantEntry::new(audience, Vec::new()));
            client.grants.len() - 1
        });
        let Some(grant) = client.grants.get_mut(place) else { return };
        let mut granted: HashSet<String> = grant.scope.iter().cloned().collect();
        grant.scope.extend(scope.into_iter().filter(|value| granted.insert((*value).to_owned())).map(str::to_owned));
    }

    /// Notes how long the tokens of a client lived that now has a grant for `audience`.
    pub(super) fn lifetime(&mut self, audience: &str, client: &str, seconds: i64) {
        if let Some(lifetimes) = self.api_places.get(audience).and_then(|place| self.lifetimes.get_mut(*place)) {
            lifetimes.push((client.to_owned(), seconds));
        }
    }

    /// Whether `id` can be a client's; notes where it cannot.
    pub(super) fn takes_client(&mut self, id: &str) -> bool {
        let valid = id.parse::<ClientId>();
        if let Err(error) = &valid {
            self.report.note_because(NoteKind::ClientLeftOut, id, error.to_string());
        }
        valid.is_ok()
    }

    /// Adds a client; one that its id or name names already is a mistake that applying tells.
    pub(super) fn add_client(&mut self, mut client: ClientEntry) {
        let id = client.client_id.clone().or_else(|| client.name.clone()).unwrap_or_default();
        client.name = client.name.map(|name| self.text_for_people(&id, &name));
        if client.grants.len() > 1 && client.client_credentials_allowed && client.default_audience.is_none() {
            let audiences: Vec<_> = client.grants.iter().map(|grant| grant.audience.as_str()).collect();
            self.report.note_because(NoteKind::SeveralApis, &id, audiences.join(" "));
        }
        self.document.clients.push(client);
    }

    /// A secret in clear, if it can be one.
    pub(super) fn plain_secret(&mut self, client: &str, value: &str) -> Option<SecretEntry> {
        match validate_brought(value, WeakSecrets::Allow) {
            Ok(()) => Some(secret(Some(value), None)),
            Err(error) => {
                self.report.note_because(NoteKind::SecretLeftOut, client, error.to_string());
                None
            }
        }
    }

    /// A secret of which the product kept a hash, if it is one that can be checked here.
    pub(super) fn hashed_secret(&mut self, client: &str, hash: &str) -> Option<SecretEntry> {
        match SecretHash::parse(hash) {
            Ok(_) => Some(secret(None, Some(hash))),
            Err(error) => {
                self.report.note_because(NoteKind::SecretLeftOut, client, error.to_string());
                None
            }
        }
    }

    /// Counts the members of an object that are not `read` and say something.
    pub(super) fn leave_members(&mut self, kind: &'static str, object: &Object<'_>, read: &[&str]) {
        for (name, _) in object.others(read) {
            *self.members.entry((kind, name.clone())).or_default() += 1;
        }
    }

    /// `text` as it may be stored, and a note on `id` if it is not the same.
    pub(super) fn text_for_people(&mut self, id: &str, text: &str) -> String {
        let is_refused = |character: char| character.is_control() || turns_text(character);
        let printable = |character: char| if is_refused(character) { ' ' } else { character };
        let kept: String = text.chars().take(MAX_TEXT).map(printable).collect();
        if kept != text {
            self.report.note(NoteKind::TextChanged, id);
        }
        kept
    }

    /// The document, with the shortest of its clients' lifetimes at each API: nobody's tokens live longer than before.
    pub(super) fn finish(mut self) -> Imported {
        for (api, lifetimes) in self.document.apis.iter_mut().zip(self.lifetimes) {
            let Some(shortest) = lifetimes.iter().map(|(_, seconds)| *seconds).min() else { continue };
            api.token_lifetime = Some(shortest);
            for (client, seconds) in lifetimes.iter().filter(|(_, seconds)| *seconds != shortest) {
                let detail = format!("{seconds} s before, now {shortest} s for {}", api.identifier);
                self.report.note_because(NoteKind::LifetimeDiffers, client, detail);
            }
        }
        for ((kind, member), count) in &self.members {
            self.report.note_because(NoteKind::MembersLeftOut, member, format!("{kind}: {count}"));
        }
        self.report.count(&self.document);
        Imported { document: self.document, report: self.report }
    }
}

fn secret(value: Option<&str>, hash: Option<&str>) -> SecretEntry {
    SecretEntry {
        value: value.map(str::to_owned),
        value_env: None,
        value_file: None,
        hash: hash.map(str::to_owned),
        label: None,
        expires_at: None,
    }
}
