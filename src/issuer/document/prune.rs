//! What is deleted because the document lacks it, and what stays all the same?

use std::cmp::Reverse;
use std::collections::HashSet;

use super::entries::Document;
use super::plan::{Plan, PlanAction};
use crate::clock::UnixMillis;
use crate::issuer::administration::{AdministrationError, Change};
use crate::oauth::client::{Client, ClientId};
use crate::oauth::resource::Api;
use crate::store::Page;

impl Change<'_> {
    /// Deletes the clients that are not named, but never the last one that can manage this server.
    pub(super) fn prune_clients(
        &mut self,
        named: &HashSet<String>,
        plan: &mut Plan,
    ) -> Result<(), AdministrationError> {
        let management = self.transaction.list_apis()?.into_iter().find(|api| api.is_system);
        let clients = self.transaction.list_clients(Page::ALL)?;
        let is_named = |client: &Client| named.contains(client.client_id.as_str());
        let kept = management.and_then(|api| last_manager(&clients, is_named, &api, self.now));
        for client in clients.iter().filter(|client| !is_named(client) && Some(&client.client_id) != kept) {
            self.delete_client(client.client_id.as_str())?;
            plan.note(PlanAction::Delete, "client", client.client_id.as_str());
        }
        Ok(())
    }

    /// Deletes the APIs that the document lacks, but never the Management API.
    pub(super) fn prune_apis(&mut self, document: &Document, plan: &mut Plan) -> Result<(), AdministrationError> {
        let named: HashSet<_> = document.apis.iter().map(|api| api.identifier.as_str()).collect();
        for api in self.transaction.list_apis()? {
            if !api.is_system && !named.contains(api.identifier.as_str()) {
                self.delete_api(api.identifier.as_str())?;
                plan.note(PlanAction::Delete, "api", api.identifier.as_str());
            }
        }
        Ok(())
    }
}

/// The client to keep although it is not named, because no named one can manage this server: the one that can do most
/// for longest, and of equals the oldest.
fn last_manager<'c>(
    clients: &'c [Client],
    is_named: impl Fn(&Client) -> bool,
    management: &Api,
    now: UnixMillis,
) -> Option<&'c ClientId> {
    let managers = || clients.iter().filter_map(|client| Some((management_rights(client, management, now)?, client)));
    if managers().any(|(_, client)| is_named(client)) {
        return None;
    }
    let best = managers().max_by_key(|(rights, client)| (*rights, Reverse((client.created_at, &client.client_id))));
    best.map(|(_, client)| &client.client_id)
}

/// How many rights the client has on the Management API and until when, if it can get a token for it at all.
fn management_rights(client: &Client, management: &Api, now: UnixMillis) -> Option<(usize, UnixMillis)> {
    let granted = &client.grant_for(management.id)?.scope;
    let scopes = granted.iter().filter(|value| management.defines(value)).count();
    let secrets = client.secrets.iter().filter(|stored| client.accepts_secrets() && stored.is_live(now));
    let keys = client.keys.iter().filter(|key| client.accepts_assertions() && key.is_live(now));
    let published = client.jwks_uri.iter().filter(|_| client.accepts_assertions()).map(|_| None);
    let ends = secrets.map(|stored| stored.expires_at).chain(keys.map(|key| key.expires_at)).chain(published);
    let until = ends.map(|end| end.unwrap_or(UnixMillis(i64::MAX))).max()?;
    let usable = client.is_usable(now) && client.client_credentials_allowed && scopes > 0;
    usable.then_some((scopes, until))
}
