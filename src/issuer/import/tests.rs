//! What each product's export becomes, and that no export makes the program panic.

mod auth0;
mod hostile;
mod hydra;
mod identityserver;
mod keycloak;

use serde_json::Value;

use super::{ImportError, Imported, NoteKind, SourceFile};
use crate::issuer::document::{ApiEntry, ClientEntry};

fn file(name: &str, value: &Value) -> SourceFile {
    SourceFile::new(name, value.to_string())
}

impl Imported {
    fn client(&self, id: &str) -> &ClientEntry {
        let mut found = self.document.clients.iter().filter(|client| {
            client.client_id.as_deref() == Some(id) || client.client_id.is_none() && client.name.as_deref() == Some(id)
        });
        found.next().unwrap_or_else(|| panic!("no client {id}"))
    }

    fn api(&self, identifier: &str) -> &ApiEntry {
        let mut found = self.document.apis.iter().filter(|api| api.identifier == identifier);
        found.next().unwrap_or_else(|| panic!("no API {identifier}"))
    }

    /// The scopes of a client by API, as `audience: scope scope`.
    fn grants(&self, id: &str) -> Vec<String> {
        let grants = &self.client(id).grants;
        grants.iter().map(|grant| format!("{}: {}", grant.audience, grant.scope.join(" "))).collect()
    }

    /// The ids of what was noted.
    fn noted(&self, kind: NoteKind) -> Vec<&str> {
        self.report.notes(kind).iter().map(|noted| noted.id.as_str()).collect()
    }
}

fn told(result: Result<Imported, ImportError>) -> String {
    result.map(|imported| imported.document).expect_err("an error").to_string()
}
