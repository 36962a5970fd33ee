//! What does it take to make one client what its entry says, with its grants?

use super::apply::{ApplyOptions, Known};
use super::entries::{ClientEntry, GrantEntry, without_repeats};
use super::plan::{Plan, PlanAction};
use crate::issuer::administration::{AdministrationError, Change};
use crate::issuer::clients::IdRule;
use crate::oauth::client::Client;

impl Change<'_> {
    /// Returns the id of the client that the entry meant.
    pub(super) fn apply_client(
        &mut self,
        entry: &ClientEntry,
        known: &Known,
        options: ApplyOptions,
        plan: &mut Plan,
    ) -> Result<String, AdministrationError> {
        let client = match self.find_meant(entry, known)? {
            Some(current) => self.apply_existing(entry, &current, plan)?,
            None => {
                let created = self.create_client(entry, IdRule::Imported)?;
                plan.note(PlanAction::Create, "client", created.client_id.as_str());
                created
            }
        };
        self.apply_secrets(entry, &client, options, plan)?;
        self.apply_keys(entry, &client, options, plan)?;
        self.apply_grants(entry, &client, known, plan)?;
        Ok(client.client_id.to_string())
    }

    /// The client with that id; without an id the one with that name, if it is the only one.
    fn find_meant(&mut self, entry: &ClientEntry, known: &Known) -> Result<Option<Client>, AdministrationError> {
        match (&entry.client_id, &entry.name) {
            (Some(id), _) => {
                let id = id.parse().map_err(AdministrationError::invalid)?;
                Ok(self.transaction.find_client(&id)?)
            }
            (None, Some(name)) => match known.clients_by_name.get(name).map(Vec::as_slice) {
                None | Some([]) => Ok(None),
                Some([id]) => Ok(self.transaction.find_client(id)?),
                Some(_) => Err(AdministrationError::Conflict(format!(
                    "several clients are named {}: give client_id to say which is meant",
                    name.escape_debug()
                ))),
            },
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
            authentication_methods: without_repeats(&entry.authentication_methods),
            secrets: Vec::new(),
            jwks: None,
            grants: Vec::new(),
            ..entry.clone()
        };
        if wanted == before {
            return Ok(current.clone());
        }
        plan.note(PlanAction::Update, "client", &id);
        self.update_client(&id, |edited| {
            *edited = wanted;
            Ok(())
        })
    }

    fn apply_grants(
        &mut self,
        entry: &ClientEntry,
        client: &Client,
        known: &Known,
        plan: &mut Plan,
    ) -> Result<(), AdministrationError> {
        let id = client.client_id.as_str();
        let current: Vec<_> = client
            .grants
            .iter()
            .filter_map(|grant| Some(GrantEntry::of(known.audiences.get(&grant.api_id)?.as_str(), grant)))
            .collect();
        for wanted in &entry.grants {
            let name = format!("{id} for {}", wanted.audience);
            match current.iter().find(|grant| grant.audience == wanted.audience) {
                None => {
                    self.create_grant(id, wanted)?;
                    plan.note(PlanAction::Create, "grant", name);
                }
                Some(same) if *same == GrantEntry { scope: without_repeats(&wanted.scope), ..wanted.clone() } => {}
                Some(_) => {
                    self.update_grant(id, &wanted.audience, |edited| {
                        *edited = wanted.clone();
                        Ok(())
                    })?;
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
}
