//! Which of a client's public keys does a document name: matched by their `kid` first, then pruned, then added?

use std::collections::HashSet;

use serde_json::Value;

use super::apply::ApplyOptions;
use super::entries::{ClientEntry, KeyEntry};
use super::plan::{Plan, PlanAction};
use crate::clock::UnixMillis;
use crate::issuer::administration::{AdministrationError, Change};
use crate::issuer::client_keys::{KeyMaterial, NewClientKey};
use crate::oauth::client::Client;
use crate::oauth::client_key::ClientKey;

/// The members that a public key may have (RFC 7517 §4, RFC 7518 §6), whether they are used here or not.
pub(in crate::issuer) const PUBLIC_MEMBERS: [&str; 14] =
    ["kty", "use", "key_ops", "alg", "kid", "x5u", "x5c", "x5t", "x5t#S256", "n", "e", "crv", "x", "y"];

impl Change<'_> {
    /// Gives `client` the keys of its entry. As with secrets, what is retired goes before anything is added.
    pub(super) fn apply_keys(
        &mut self,
        entry: &ClientEntry,
        client: &Client,
        options: ApplyOptions,
        plan: &mut Plan,
    ) -> Result<(), AdministrationError> {
        let mut named = HashSet::new();
        let mut missing = Vec::new();
        for wanted in entry.jwks.iter().flat_map(|set| &set.keys) {
            let wanted = self.read_entry(client, wanted)?;
            if !named.insert(wanted.kid.to_string()) {
                return Err(AdministrationError::Invalid(format!(
                    "client {}: two keys have the kid {}",
                    client.client_id, wanted.kid
                )));
            }
            match client.keys.iter().find(|stored| stored.kid == wanted.kid) {
                Some(stored) if stored.key == wanted.key => {
                    let ClientKey { name, enabled, expires_at, .. } = wanted;
                    let after = ClientKey { name, enabled, expires_at, ..stored.clone() };
                    if self.change_client_key(client, stored, after.clone())? != *stored {
                        plan.note(PlanAction::Update, "client_key", key_name(client, stored));
                    }
                }
                // Another key under the same name takes its place.
                Some(stored) => {
                    self.retire_noted(client, stored, plan)?;
                    missing.push(wanted);
                }
                None => missing.push(wanted),
            }
        }
        if options.prune {
            for stored in client.keys.iter().filter(|stored| !named.contains(stored.kid.as_str())) {
                self.retire_noted(client, stored, plan)?;
            }
        }
        for wanted in missing {
            let added = self.store_client_key(client, wanted)?;
            plan.note(PlanAction::Create, "client_key", key_name(client, &added));
        }
        Ok(())
    }

    fn retire_noted(
        &mut self,
        client: &Client,
        stored: &ClientKey,
        plan: &mut Plan,
    ) -> Result<(), AdministrationError> {
        self.retire_client_key(client.client_id.as_str(), &stored.id.to_string())?;
        plan.note(PlanAction::Delete, "client_key", key_name(client, stored));
        Ok(())
    }

    fn read_entry(&self, client: &Client, entry: &KeyEntry) -> Result<ClientKey, AdministrationError> {
        let wrong = |error: &dyn std::fmt::Display| {
            AdministrationError::Invalid(format!("client {}, in jwks: {error}", client.client_id))
        };
        let jwk = Value::Object(entry.jwk.clone()).to_string();
        let new = NewClientKey {
            name: entry.name.clone(),
            enabled: entry.enabled,
            ..NewClientKey::new(KeyMaterial::Jwk(jwk))
        };
        let key = self.read_client_key(&new).map_err(|error| wrong(&error))?;
        // A misspelt `expires_at` must not make a key that never ends.
        if let Some(unknown) = entry.jwk.keys().find(|member| !PUBLIC_MEMBERS.contains(&member.as_str())) {
            let unknown = unknown.escape_debug();
            return Err(wrong(&format!("a key has no member {unknown}: leave it out, or correct its spelling")));
        }
        Ok(ClientKey { expires_at: entry.expires_at.map(|at| UnixMillis(at.as_millisecond())), ..key })
    }
}

fn key_name(client: &Client, key: &ClientKey) -> String {
    format!("{} of {}", key.kid, client.client_id)
}
