//! What does it take to make the store say what a document says? A plan, carried out whole or not at all.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::entries::{ApiEntry, Document};
pub use super::plan::{Plan, PlanAction, PlanStep};
use crate::issuer::administration::{Administration, AdministrationError, Change};
use crate::issuer::rights::Caller;
use crate::oauth::client::ClientId;
use crate::oauth::resource::Audience;
use crate::store::Page;

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

/// What is looked up once for all clients of a document.
pub(super) struct Known {
    /// The identifier of each API, those of the document among them.
    pub(super) audiences: HashMap<Uuid, Audience>,
    /// The clients that an entry without an id may mean: none that another entry names by its id.
    pub(super) clients_by_name: HashMap<String, Vec<ClientId>>,
}

impl Administration {
    /// Applies `document`, whose secrets have been fetched: all of it or nothing.
    ///
    /// # Errors
    /// The first thing in it that cannot be stored.
    pub fn apply(
        &self,
        caller: &Caller,
        document: &Document,
        options: ApplyOptions,
    ) -> Result<Plan, AdministrationError> {
        if options.dry_run {
            // The steps are taken, so the plan is exact; then they are taken back.
            self.rehearse(caller, |change| change.apply(document, options))
        } else {
            self.change(caller, |change| change.apply(document, options))
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
        let known = self.look_up_for(document)?;
        let mut named = HashSet::new();
        for entry in &document.clients {
            named.insert(self.apply_client(entry, &known, options, &mut plan)?);
        }
        if options.prune {
            self.prune_clients(&named, &mut plan)?;
            self.prune_apis(document, &mut plan)?;
        }
        Ok(plan)
    }

    fn look_up_for(&mut self, document: &Document) -> Result<Known, AdministrationError> {
        let apis = self.transaction.list_apis()?;
        let mut clients_by_name: HashMap<String, Vec<ClientId>> = HashMap::new();
        if document.clients.iter().any(|entry| entry.client_id.is_none()) {
            let ids: HashSet<_> = document.clients.iter().filter_map(|entry| entry.client_id.as_deref()).collect();
            for client in self.transaction.list_clients(Page::ALL)? {
                if !ids.contains(client.client_id.as_str()) {
                    clients_by_name.entry(client.name).or_default().push(client.client_id);
                }
            }
        }
        let audiences = apis.into_iter().map(|api| (api.id, api.identifier)).collect();
        Ok(Known { audiences, clients_by_name })
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
            self.update_api(&entry.identifier, |edited| {
                *edited = wanted;
                Ok(())
            })?;
            plan.note(PlanAction::Update, "api", &entry.identifier);
        }
        Ok(())
    }
}

/// Is one object written down twice? A client is meant by its id, or else by its name.
fn refuse_duplicates(document: &Document) -> Result<(), AdministrationError> {
    let mut apis = HashSet::new();
    if let Some(twice) = document.apis.iter().find(|api| !apis.insert(api.identifier.as_str())) {
        return Err(AdministrationError::Invalid(format!("the API {} stands twice in the document", twice.identifier)));
    }
    let mut clients = HashSet::new();
    for client in &document.clients {
        let by_id = client.client_id.is_some();
        let meant = client.client_id.as_deref().or(client.name.as_deref()).unwrap_or_default();
        if !clients.insert((by_id, meant)) {
            return Err(AdministrationError::Invalid(format!("the client {meant} stands twice in the document")));
        }
        let mut audiences = HashSet::new();
        if let Some(twice) = client.grants.iter().find(|grant| !audiences.insert(grant.audience.as_str())) {
            return Err(AdministrationError::Invalid(format!(
                "the client {meant} has two grants for {}: write one with all its scopes",
                twice.audience
            )));
        }
    }
    Ok(())
}
