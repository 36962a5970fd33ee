//! What is there to try in `dev`: one API and two partners, or what a seed says.

use crate::entropy::Entropy;
use crate::issuer::document::{ApiEntry, ClientEntry, Document, GrantEntry, ScopeEntry, SecretEntry};
use crate::secret::GeneratedSecret;

/// The identifier of the demo API.
pub const DEMO_AUDIENCE: &str = "https://api.example.com/";

/// A secret with this value.
pub fn secret_entry(value: &str) -> SecretEntry {
    SecretEntry {
        value: Some(value.to_owned()),
        value_env: None,
        value_file: None,
        hash: None,
        label: Some("first".to_owned()),
        expires_at: None,
    }
}

/// A configuration whose secrets are known.
#[derive(Clone)]
pub struct Demo {
    /// The configuration.
    pub document: Document,
}

impl Demo {
    /// One API and two partners with fresh secrets.
    pub fn standard(entropy: &dyn Entropy) -> Self {
        let scope = |value: &str, description: &str| ScopeEntry {
            value: value.to_owned(),
            description: Some(description.to_owned()),
        };
        let api = ApiEntry {
            name: Some("Partner API".to_owned()),
            scopes: vec![
                scope("list:users", "List users"),
                scope("create:users", "Create users"),
                scope("delete:users", "Delete users"),
                scope("update:users", "Update users"),
            ],
            ..ApiEntry::new(DEMO_AUDIENCE)
        };
        let partner = |id: &str, name: &str, scope: &[&str]| ClientEntry {
            secrets: vec![secret_entry(GeneratedSecret::generate(entropy).expose())],
            grants: vec![GrantEntry::new(DEMO_AUDIENCE, scope.iter().map(|value| (*value).to_owned()).collect())],
            ..ClientEntry::new(Some(id.to_owned()), Some(name.to_owned()))
        };
        Self {
            document: Document {
                apis: vec![api],
                clients: vec![
                    partner("partner-a", "Partner A", &["list:users", "create:users"]),
                    partner("partner-b", "Partner B", &["list:users"]),
                ],
            },
        }
    }

    /// What a seed says; its secrets have been fetched. A client without an id gets one, so that it can be told.
    pub fn seeded(mut document: Document) -> Self {
        for (number, client) in (1..).zip(&mut document.clients) {
            client.client_id.get_or_insert_with(|| format!("client-{number}"));
        }
        Self { document }
    }

    /// The ids of the clients that have a grant for `audience`.
    pub fn clients_of<'a>(&'a self, audience: &'a str) -> impl Iterator<Item = &'a str> {
        let granted = move |client: &&ClientEntry| client.grants.iter().any(|grant| grant.audience == audience);
        self.document.clients.iter().filter(granted).filter_map(|client| client.client_id.as_deref())
    }

    /// A scope of the API `audience` that `granted` lacks.
    pub fn ungranted_scope(&self, audience: &str, granted: &[String]) -> Option<&str> {
        let api = self.document.apis.iter().find(|api| api.identifier == audience)?;
        api.scopes.iter().map(|scope| scope.value.as_str()).find(|value| !granted.iter().any(|one| one == value))
    }
}
