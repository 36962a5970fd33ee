//! What does it take to make one client what its entry says, with its grants?

use super::apply::{Applying, Origin};
use super::entries::{ClientEntry, GrantEntry, without_repeats};
use super::known::Known;
use super::plan::{Plan, PlanAction};
use crate::issuer::administration::{AdministrationError, Change};
use crate::oauth::client::Client;

impl Change<'_> {
    /// Returns the id of the client that the entry at `place` meant.
    pub(super) fn apply_client(
        &mut self,
        place: usize,
        entry: &ClientEntry,
        known: &Known,
        applying: &Applying<'_>,
        plan: &mut Plan,
    ) -> Result<String, AdministrationError> {
        let Some(current) = known.find_client(entry)? else {
            return self.create_whole_client(place, entry, known, applying, plan);
        };
        let client = self.apply_existing(entry, current, plan)?;
        self.apply_secrets(place, entry, &client, applying, plan)?;
        self.apply_keys(entry, &client, applying.options, plan)?;
        self.apply_grants(entry, &client, known, applying.options.origin, plan)?;
        Ok(client.client_id.to_string())
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
        origin: Origin,
        plan: &mut Plan,
    ) -> Result<(), AdministrationError> {
        let id = client.client_id.as_str();
        let current: Vec<_> = client
            .grants
            .iter()
            .filter_map(|grant| Some(GrantEntry::of(known.api(grant.api_id)?.identifier.as_str(), grant)))
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
        // A document is the whole truth about each object it names, an import is not.
        for surplus in &current {
            if origin == Origin::Document && !entry.grants.iter().any(|wanted| wanted.audience == surplus.audience) {
                self.delete_grant(id, &surplus.audience)?;
                plan.note(PlanAction::Delete, "grant", format!("{id} for {}", surplus.audience));
            }
        }
        Ok(())
    }
}
