//! Which stored objects does a document mean? Looked up once, not client by client.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::entries::{ClientEntry, Document};
use crate::issuer::administration::AdministrationError;
use crate::oauth::client::{Client, ClientId};
use crate::oauth::resource::{Api, Audience};
use crate::store::{Reader, StoreError};

/// The APIs, and the clients that a document may mean.
pub(super) struct Known {
    apis: Vec<Api>,
    api_places: HashMap<Uuid, usize>,
    api_identifiers: HashMap<Audience, usize>,
    clients: HashMap<ClientId, Client>,
    /// The clients that an entry without an id may mean: none that another entry names by its id.
    clients_by_name: HashMap<String, Vec<ClientId>>,
}

impl Known {
    pub(super) fn load(reader: &mut Reader, document: &Document) -> Result<Self, StoreError> {
        let apis = reader.list_apis()?;
        let ids: Vec<&str> = document.clients.iter().filter_map(|entry| entry.client_id.as_deref()).collect();
        let by_name = document.clients.iter().filter(|entry| entry.client_id.is_none());
        let names: Vec<&str> = by_name.filter_map(|entry| entry.name.as_deref()).collect();
        let mut loaded = reader.find_clients(&ids)?;
        let named = reader.find_clients_named(&names)?;
        let ids: HashSet<_> = ids.into_iter().collect();
        let mut clients_by_name: HashMap<String, Vec<ClientId>> = HashMap::new();
        for client in named.into_iter().filter(|client| !ids.contains(client.client_id.as_str())) {
            clients_by_name.entry(client.name.clone()).or_default().push(client.client_id.clone());
            loaded.push(client);
        }
        Ok(Self {
            api_places: apis.iter().enumerate().map(|(place, api)| (api.id, place)).collect(),
            api_identifiers: apis.iter().enumerate().map(|(place, api)| (api.identifier.clone(), place)).collect(),
            apis,
            clients: loaded.into_iter().map(|client| (client.client_id.clone(), client)).collect(),
            clients_by_name,
        })
    }

    /// The client with that id; without an id the one with that name, if it is the only one.
    pub(super) fn find_client(&self, entry: &ClientEntry) -> Result<Option<&Client>, AdministrationError> {
        match (&entry.client_id, &entry.name) {
            (Some(id), _) => {
                // What is no client id is told as such, and not as missing.
                let id: ClientId = id.parse().map_err(AdministrationError::invalid)?;
                Ok(self.clients.get(&id))
            }
            (None, Some(name)) => match self.clients_by_name.get(name).map(Vec::as_slice) {
                None | Some([]) => Ok(None),
                Some([id]) => Ok(self.clients.get(id)),
                Some(_) => Err(AdministrationError::Conflict(format!(
                    "several clients are named {}: give client_id to say which is meant",
                    name.escape_debug()
                ))),
            },
            (None, None) => Err(AdministrationError::Invalid("a client needs client_id or name".to_owned())),
        }
    }

    pub(super) fn api(&self, id: Uuid) -> Option<&Api> {
        self.apis.get(*self.api_places.get(&id)?)
    }

    pub(super) fn api_by_identifier(&self, identifier: &str) -> Option<&Api> {
        self.apis.get(*self.api_identifiers.get(&identifier.parse::<Audience>().ok()?)?)
    }
}
