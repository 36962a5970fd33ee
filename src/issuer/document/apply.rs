//! What does it take to make the store say what a document says? A plan, carried out whole or not at all.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::entries::{ApiEntry, ClientEntry, Document, GrantEntry, SecretEntry};
use crate::clock::UnixMillis;
use crate::issuer::administration::{Administration, AdministrationError, Change};
use crate::issuer::clients::IdRule;
use crate::issuer::secrets::SecretTerms;
use crate::oauth::client::Client;
use crate::secret::{SecretHash, StoredSecret, WeakSecrets};
use crate::store::{Actor, Page};

/// How a document is applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyOptions {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Delete what the document lacks.
    pub prune: bool,
    /// Take secrets that are short enough to be guessed: for tests, or for what is in use elsewhere already.
    pub weak_secrets: bool,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanStep {
    /// What happens.
    pub action: PlanAction,
    /// To what kind of object.
    pub kind: &'static str,
    /// To which.
    pub id: String,
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PlanAction {
    Create,
    Update,
    Delete,
}

/// What is done, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<PlanStep>,
}

impl Plan {
    fn note(&mut self, action: PlanAction, kind: &'static str, id: impl Into<String>) {
        self.steps.push(PlanStep { action, kind, id: id.into() });
    }
}

impl Display for Plan {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return formatter.write_str("nothing to change");
        }
        for (index, step) in self.steps.iter().enumerate() {
            let sign = match step.action {
                PlanAction::Create => '+',
                PlanAction::Update => '~',
                PlanAction::Delete => '-',
            };
            let end = if index + 1 == self.steps.len() { "" } else { "\n" };
            write!(formatter, "{sign} {} {}{end}", step.kind, step.id)?;
        }
        Ok(())
    }
}

impl Administration {
    /// Applies `document`, whose secrets have been fetched: all of it or nothing.
    ///
    /// # Errors
    /// The first thing in it that cannot be stored.
    pub fn apply(
        &self,
        actor: &Actor,
        document: &Document,
        options: ApplyOptions,
    ) -> Result<Plan, AdministrationError> {
        let applied = self.change(actor, |change| {
            let plan = change.apply(document, options)?;
            // The steps have been taken, so the plan is exact; the error takes them back.
            if options.dry_run { Err(AdministrationError::DryRun(plan)) } else { Ok(plan) }
        });
        match applied {
            Err(AdministrationError::DryRun(plan)) => Ok(plan),
            other => other,
        }
    }
}

impl Change<'_> {
    fn apply(&mut self, document: &Document, options: ApplyOptions) -> Result<Plan, AdministrationError> {
        let mut plan = Plan::default();
        refuse_duplicates(document)?;
        for entry in &document.apis {
            self.apply_api(entry, &mut plan)?;
        }
        let mut named = HashSet::new();
        for entry in &document.clients {
            named.insert(self.apply_client(entry, options, &mut plan)?);
        }
        if options.prune {
            self.prune_clients(&named, &mut plan)?;
            let kept: HashSet<_> = document.apis.iter().map(|api| api.identifier.as_str()).collect();
            for api in self.transaction.list_apis()? {
                if !api.is_system && !kept.contains(api.identifier.as_str()) {
                    self.delete_api(api.identifier.as_str())?;
                    plan.note(PlanAction::Delete, "api", api.identifier.as_str());
                }
            }
        }
        Ok(plan)
    }

    fn apply_api(&mut self, entry: &ApiEntry, plan: &mut Plan) -> Result<(), AdministrationError> {
        let identifier = entry.identifier.parse().map_err(AdministrationError::invalid)?;
        let Some(current) = self.transaction.find_api_by_identifier(&identifier)? else {
            self.create_api(entry)?;
            plan.note(PlanAction::Create, "api", &entry.identifier);
            return Ok(());
        };
        let before = ApiEntry::from(&current);
        let wanted = ApiEntry {
            name: entry.name.clone().or_else(|| Some(entry.identifier.clone())),
            token_lifetime: entry.token_lifetime.or_else(|| Some(i64::from(self.admin.policy.default_token_lifetime))),
            ..entry.clone()
        };
        if wanted != before {
            self.update_api(&entry.identifier, |edited| *edited = wanted)?;
            plan.note(PlanAction::Update, "api", &entry.identifier);
        }
        Ok(())
    }

    /// Returns the id of the client that the entry meant.
    fn apply_client(
        &mut self,
        entry: &ClientEntry,
        options: ApplyOptions,
        plan: &mut Plan,
    ) -> Result<String, AdministrationError> {
        let client = match self.find_meant(entry)? {
            Some(current) => self.apply_existing(entry, &current, plan)?,
            None => {
                let created = self.create_client(entry, IdRule::Imported)?;
                plan.note(PlanAction::Create, "client", created.client_id.as_str());
                created
            }
        };
        self.apply_secrets(entry, &client, options, plan)?;
        self.apply_grants(entry, &client, plan)?;
        Ok(client.client_id.to_string())
    }

    /// The client with that id; without an id the one with that name, if it is the only one.
    fn find_meant(&mut self, entry: &ClientEntry) -> Result<Option<Client>, AdministrationError> {
        match (&entry.client_id, &entry.name) {
            (Some(id), _) => {
                let id = id.parse().map_err(AdministrationError::invalid)?;
                Ok(self.transaction.find_client(&id)?)
            }
            (None, Some(name)) => {
                let every = self.transaction.list_clients(Page::ALL)?;
                let mut same = every.into_iter().filter(|client| client.name == *name);
                match (same.next(), same.next()) {
                    (first, None) => Ok(first),
                    (_, Some(_)) => Err(AdministrationError::Conflict(format!(
                        "several clients are named {}: give client_id to say which is meant",
                        name.escape_debug()
                    ))),
                }
            }
            (None, None) => Err(AdministrationError::Invalid("a client needs client_id or name".to_owned())),
        }
    }

    fn apply_existing(
        &mut self,
        entry: &ClientEntry,
        current: &Client,
        plan: &mut Plan,
    ) -> Result<Client, AdministrationError> {
        let id = current.client_id.to_string();
        let before = ClientEntry::without_secrets_and_grants(current);
        let wanted = ClientEntry {
            client_id: Some(id.clone()),
            name: entry.name.clone().or_else(|| Some(id.clone())),
            secrets: Vec::new(),
            grants: Vec::new(),
            ..entry.clone()
        };
        if wanted == before {
            return Ok(current.clone());
        }
        plan.note(PlanAction::Update, "client", &id);
        self.update_client(&id, |edited| *edited = wanted)
    }

    fn apply_secrets(
        &mut self,
        entry: &ClientEntry,
        client: &Client,
        options: ApplyOptions,
        plan: &mut Plan,
    ) -> Result<(), AdministrationError> {
        let weak = if options.weak_secrets { WeakSecrets::Allow } else { WeakSecrets::Refuse };
        let mut matched = HashSet::new();
        for wanted in &entry.secrets {
            let terms = SecretTerms { label: wanted.label.clone(), expires_at: wanted.expires_at };
            let current = self.existing_client(client.client_id.as_str())?;
            if let Some(stored) = self.find_secret(wanted, &current, &matched) {
                matched.insert(stored.id);
                let expires_at = terms.expires_at.map(|at| UnixMillis(at.as_millisecond()));
                if stored.label != terms.label || stored.expires_at != expires_at {
                    self.change_secret(&current, &stored, terms.label, expires_at)?;
                    plan.note(PlanAction::Update, "client_secret", secret_name(&current, &stored));
                }
                continue;
            }
            let added = match (&wanted.value, &wanted.hash) {
                (Some(value), _) => self.add_brought_secret(&current, value, weak, terms)?,
                (None, Some(hash)) => self.add_hashed_secret(&current, hash, terms)?,
                (None, None) => {
                    return Err(AdministrationError::Invalid(format!(
                        "client {}: a secret needs a value or a hash",
                        client.client_id
                    )));
                }
            };
            matched.insert(added.id);
            plan.note(PlanAction::Create, "client_secret", secret_name(&current, &added));
        }
        if options.prune {
            for stored in client.secrets.iter().filter(|stored| !matched.contains(&stored.id)) {
                self.retire_secret(client.client_id.as_str(), &stored.id.to_string())?;
                plan.note(PlanAction::Delete, "client_secret", secret_name(client, stored));
            }
        }
        Ok(())
    }

    /// The stored secret that `wanted` is: by its hash, or by its value verifying.
    fn find_secret(
        &mut self,
        wanted: &SecretEntry,
        client: &Client,
        matched: &HashSet<uuid::Uuid>,
    ) -> Option<StoredSecret> {
        let memory = &mut self.memory;
        let mut free = client.secrets.iter().filter(|stored| !matched.contains(&stored.id));
        let found = match (&wanted.hash, &wanted.value) {
            (Some(hash), _) => free.find(|stored| stored.hash.as_str() == hash.trim()),
            (None, Some(value)) => {
                free.find(|stored| could_be(&stored.hash, value) && stored.hash.verify(value.as_bytes(), memory))
            }
            (None, None) => None,
        };
        found.cloned()
    }

    fn apply_grants(
        &mut self,
        entry: &ClientEntry,
        client: &Client,
        plan: &mut Plan,
    ) -> Result<(), AdministrationError> {
        let id = client.client_id.as_str();
        let apis = self.transaction.list_apis()?;
        let current: Vec<_> = client
            .grants
            .iter()
            .filter_map(|grant| apis.iter().find(|api| api.id == grant.api_id).map(|api| (api, grant)))
            .map(|(api, grant)| GrantEntry::new(api.identifier.as_str(), &grant.scope))
            .collect();
        for wanted in &entry.grants {
            let name = format!("{id} for {}", wanted.audience);
            match current.iter().find(|grant| grant.audience == wanted.audience) {
                None => {
                    self.create_grant(id, wanted)?;
                    plan.note(PlanAction::Create, "grant", name);
                }
                Some(same) if same == wanted => {}
                Some(_) => {
                    self.update_grant(id, wanted)?;
                    plan.note(PlanAction::Update, "grant", name);
                }
            }
        }
        // The document is the whole truth about each object it names.
        for surplus in &current {
            if !entry.grants.iter().any(|wanted| wanted.audience == surplus.audience) {
                self.delete_grant(id, &surplus.audience)?;
                plan.note(PlanAction::Delete, "grant", format!("{id} for {}", surplus.audience));
            }
        }
        Ok(())
    }

    /// Deletes the clients that are not named, but never the last one that can manage this server.
    fn prune_clients(&mut self, named: &HashSet<String>, plan: &mut Plan) -> Result<(), AdministrationError> {
        let system: HashSet<_> =
            self.transaction.list_apis()?.into_iter().filter(|api| api.is_system).map(|api| api.id).collect();
        let clients = self.transaction.list_clients(Page::ALL)?;
        let manages = |client: &Client| client.grants.iter().any(|grant| system.contains(&grant.api_id));
        let mut managing = clients.iter().filter(|client| manages(client)).count();
        for client in clients.iter().filter(|client| !named.contains(client.client_id.as_str())) {
            if manages(client) {
                if managing == 1 {
                    continue;
                }
                managing -= 1;
            }
            self.delete_client(client.client_id.as_str())?;
            plan.note(PlanAction::Delete, "client", client.client_id.as_str());
        }
        Ok(())
    }
}

/// Spares the hashes that cannot match: a generated secret names its hash.
fn could_be(hash: &SecretHash, value: &str) -> bool {
    use crate::secret::PresentedForm;
    match (hash.secret_id(), PresentedForm::classify(value)) {
        (Some(stored), PresentedForm::Generated(presented)) => stored == presented,
        (None, PresentedForm::Other) => true,
        _ => false,
    }
}

fn secret_name(client: &Client, stored: &StoredSecret) -> String {
    let label = stored.label.as_deref().map_or_else(|| stored.id.to_string(), |label| format!("\"{label}\""));
    format!("{label} of {}", client.client_id)
}

fn refuse_duplicates(document: &Document) -> Result<(), AdministrationError> {
    let mut apis = HashSet::new();
    if let Some(twice) = document.apis.iter().find(|api| !apis.insert(api.identifier.as_str())) {
        return Err(AdministrationError::Invalid(format!("the API {} stands twice in the document", twice.identifier)));
    }
    let mut clients = HashSet::new();
    let ids = document.clients.iter().filter_map(|client| client.client_id.as_deref().or(client.name.as_deref()));
    for id in ids {
        if !clients.insert(id) {
            return Err(AdministrationError::Invalid(format!("the client {id} stands twice in the document")));
        }
    }
    for client in &document.clients {
        let mut audiences = HashSet::new();
        if let Some(twice) = client.grants.iter().find(|grant| !audiences.insert(grant.audience.as_str())) {
            let id = client.client_id.as_deref().or(client.name.as_deref()).unwrap_or_default();
            return Err(AdministrationError::Invalid(format!(
                "the client {id} has two grants for {}: write one with all its scopes",
                twice.audience
            )));
        }
    }
    Ok(())
}
