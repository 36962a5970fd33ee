//! Which pages are there about clients, and who may open them? Those who may do the same by the Management API.
//!
//! | file | question |
//! |---|---|
//! | `list`, `detail`, `usage` | which clients are there, what is one of them, and how often is it answered? |
//! | `fields`, `choices`, `create`, `edit` | what can be said of a client, and how is it made and changed? |
//! | `state` | how is one put out of use, put back, and deleted? |
//! | `grants` | for which APIs may it get tokens? |
//! | `secrets`, `secret_terms`, `rotate` | which secrets has it, and how does it get another? |
//! | `keys` | which public keys has it? |
//! | `claim_link` | how does its owner pick up a secret that nobody else sees? |
//! | `confirm` | what is asked before something is taken away? |

mod choices;
mod claim_link;
mod confirm;
mod create;
mod detail;
mod edit;
mod fields;
mod grants;
mod keys;
mod list;
mod rotate;
mod secret_terms;
mod secrets;
mod state;
mod usage;

use actix_web::Resource;
use actix_web::web::{self, ServiceConfig};
use url::form_urlencoded::byte_serialize;
use uuid::Uuid;

use super::error::ConsoleError;
use super::reads;
use super::visit::Visit;
use crate::issuer::AdministrationError;
use crate::oauth::client::{Client, ClientId};
use crate::store::Reader;

/// Whoever holds one of these may look at clients.
const SEES_CLIENTS: &[&str] = &["read:clients", "read:client_keys"];

/// What stands in the addresses where a client's id would, and is none.
const NEW: &str = "new";

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/clients").route(reads().to(list::show)))
        .service(page("/clients/new").route(reads().to(create::ask)).route(web::post().to(create::create)))
        .service(page("/clients/{id}").route(reads().to(detail::show)))
        .service(page("/clients/{id}/edit").route(reads().to(edit::ask)).route(web::post().to(edit::change)))
        .service(page("/clients/{id}/state").route(reads().to(state::ask)).route(web::post().to(state::change)))
        .service(
            page("/clients/{id}/delete").route(reads().to(state::ask_to_delete)).route(web::post().to(state::delete)),
        )
        .service(
            page("/clients/{id}/claim-link").route(reads().to(claim_link::ask)).route(web::post().to(claim_link::make)),
        )
        .service(page("/clients/{id}/claim-link/withdraw").route(web::post().to(claim_link::withdraw)));
    config
        .service(page("/clients/{id}/grants/new").route(reads().to(grants::ask)).route(web::post().to(grants::create)))
        .service(
            page("/clients/{id}/grants/{grant}")
                .route(reads().to(grants::ask_to_change))
                .route(web::post().to(grants::change)),
        )
        .service(
            page("/clients/{id}/grants/{grant}/delete")
                .route(reads().to(grants::ask_to_delete))
                .route(web::post().to(grants::delete)),
        );
    config
        .service(page("/clients/{id}/secrets/new").route(reads().to(secrets::ask)).route(web::post().to(secrets::add)))
        .service(
            page("/clients/{id}/secrets/rotate").route(reads().to(rotate::ask)).route(web::post().to(rotate::rotate)),
        )
        .service(
            page("/clients/{id}/secrets/{secret}")
                .route(reads().to(secrets::ask_to_change))
                .route(web::post().to(secrets::change)),
        )
        .service(
            page("/clients/{id}/secrets/{secret}/retire")
                .route(reads().to(secrets::ask_to_retire))
                .route(web::post().to(secrets::retire)),
        )
        .service(page("/clients/{id}/keys/new").route(reads().to(keys::ask)).route(web::post().to(keys::add)))
        .service(
            page("/clients/{id}/keys/{key}/remove")
                .route(reads().to(keys::ask_to_remove))
                .route(web::post().to(keys::remove)),
        );
}

fn page(path: &str) -> Resource {
    web::resource(path.to_owned())
}

/// What every page about one client shows of it.
#[derive(Clone)]
struct ClientHead {
    /// Where its own page is.
    path: String,
    client_id: String,
    name: String,
}

impl ClientHead {
    fn of(visit: &Visit, client: &Client) -> Self {
        Self {
            path: visit.path(&format!("clients/{}", segment(client))),
            client_id: client.client_id.to_string(),
            name: client.name.clone(),
        }
    }
}

/// What stands for `client` in an address: its id; or ours, where browsers would take its id for a way up, or it is the name of a
/// page.
fn segment(client: &Client) -> String {
    match client.client_id.as_str() {
        "." | ".." | NEW => client.id.to_string(),
        id => byte_serialize(id.as_bytes()).collect(),
    }
}

/// The client that an address names.
fn existing(reader: &mut Reader, named: &str) -> Result<Client, ConsoleError> {
    if let Ok(client_id) = named.parse::<ClientId>()
        && let Some(client) = reader.find_client(&client_id)?
    {
        return Ok(client);
    }
    let by_our_id = Uuid::try_parse(named).ok().map(|id| reader.find_client_by_id(id)).transpose()?;
    Ok(by_our_id.flatten().ok_or_else(|| AdministrationError::not_found("client", named))?)
}

impl Visit {
    /// Does whoever is signed in hold one of these scopes of the Management API?
    fn holds_any(&self, any_of: &[&str]) -> bool {
        any_of.iter().any(|scope| self.holds(scope))
    }

    /// The same, as a refusal.
    fn require_any(&self, any_of: &[&'static str]) -> Result<(), ConsoleError> {
        if self.holds_any(any_of) {
            Ok(())
        } else {
            Err(ConsoleError::Lacks(any_of.first().copied().unwrap_or_default()))
        }
    }

    /// The client that an address names.
    async fn client(&self, named: String) -> Result<Client, ConsoleError> {
        self.read(move |reader| existing(reader, &named)).await
    }
}
