//! How is a client of a document made with all that belongs to it? In one piece, reading nothing back: a document may hold
//! a hundred thousand.

use super::apply::Applying;
use super::apply_secrets::secret_name;
use super::entries::ClientEntry;
use super::known::Known;
use super::plan::{Plan, PlanAction};
use crate::issuer::administration::{AdministrationError, Change};
use crate::issuer::clients::IdRule;
use crate::issuer::secrets::SecretTerms;

impl Change<'_> {
    /// Returns the id of the client.
    pub(super) fn create_whole_client(
        &mut self,
        place: usize,
        entry: &ClientEntry,
        known: &Known,
        applying: &Applying<'_>,
        plan: &mut Plan,
    ) -> Result<String, AdministrationError> {
        let mut client = self.new_client(entry, IdRule::Imported)?;
        let id = client.client_id.to_string();
        for (index, wanted) in entry.secrets.iter().enumerate() {
            let hash = self.wanted_hash((place, index), wanted, &client, applying)?;
            let secret = self.new_secret(&client, hash, SecretTerms::from(wanted))?;
            client.secrets.push(secret);
        }
        let mut apis = Vec::with_capacity(entry.grants.len());
        for wanted in &entry.grants {
            let api = known.api_by_identifier(&wanted.audience);
            let api = api.ok_or_else(|| AdministrationError::not_found("API", &wanted.audience))?;
            client.grants.push(self.new_grant(api, wanted)?);
            apis.push(api);
        }
        self.transaction.insert_client(&client)?;
        self.record_new_client(&client)?;
        if entry.client_id.is_none() {
            plan.make_up(&id);
        }
        plan.note(PlanAction::Create, "client", &id);
        for secret in &client.secrets {
            plan.make_up(&secret.id);
            self.record_new_secret(&client, secret)?;
            plan.note(PlanAction::Create, "client_secret", secret_name(&client, secret));
        }
        self.apply_keys(entry, &client, applying.options, plan)?;
        for (grant, api) in client.grants.iter().zip(apis) {
            self.record_new_grant(&client, api, grant)?;
            plan.note(PlanAction::Create, "grant", format!("{id} for {}", api.identifier));
        }
        Ok(id)
    }
}
