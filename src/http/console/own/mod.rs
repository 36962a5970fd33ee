//! What does a client see of itself? What it may ask for, a token to try, code to paste, its secrets. It needs no right: all of it is
//! its own.

mod access;
pub(super) mod code;
mod secrets;
mod token;
mod usage;

use actix_web::web::{self, ServiceConfig};
use uuid::Uuid;

use super::error::ConsoleError;
use super::reads;
use super::visit::Visit;
use crate::oauth::client::Client;
use crate::oauth::client_credentials::effective_scope;
use crate::oauth::resource::Api;
use crate::oauth::scope::ScopeSet;

/// Registers the pages.
pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/own").route(reads().to(access::show)))
        .service(web::resource("/own/token").route(reads().to(token::show)).route(web::post().to(token::ask)))
        .service(web::resource("/own/check").route(reads().to(token::show)).route(web::post().to(token::check)))
        .service(web::resource("/own/code").route(reads().to(code::show)))
        .service(
            web::resource("/own/secrets").route(reads().to(secrets::show)).route(web::post().to(secrets::replace)),
        );
}

/// The client that is signed in, as it is stored, and the APIs that it may call.
pub(super) struct Own {
    pub(super) client: Client,
    /// By their names.
    pub(super) granted: Vec<GrantedApi>,
}

/// An API that the client may call.
pub(super) struct GrantedApi {
    pub(super) api: Api,
    /// What of it.
    pub(super) scope: ScopeSet,
}

impl Own {
    /// Whoever pays `visit`.
    ///
    /// # Errors
    /// If the client is gone, or the store does not answer.
    pub(super) async fn of(visit: &Visit) -> Result<Self, ConsoleError> {
        let id = visit.session.client.id;
        let own = visit.read(move |reader| {
            let Some(client) = reader.find_client_by_id(id)? else { return Ok(None) };
            let mut granted = Vec::with_capacity(client.grants.len());
            for grant in &client.grants {
                if let Some(api) = reader.find_api_by_id(grant.api_id)? {
                    let scope = effective_scope(&api, grant);
                    granted.push(GrantedApi { api, scope });
                }
            }
            granted.sort_by(|one, other| one.api.name.cmp(&other.api.name));
            Ok(Some(Self { client, granted }))
        });
        own.await?.ok_or(ConsoleError::NotSignedIn)
    }

    /// The API with this id of ours, or the first.
    pub(super) fn chosen(&self, id: &str) -> Option<&GrantedApi> {
        let named = id.parse::<Uuid>().ok().and_then(|id| self.granted.iter().find(|granted| granted.api.id == id));
        named.or_else(|| self.granted.first())
    }

    /// What stands above each of the pages, of which `here` is shown.
    pub(super) fn head(&self, here: Tab) -> Head {
        let Client { name, client_id, .. } = &self.client;
        Head { name: if name.is_empty() { client_id.to_string() } else { name.clone() }, here }
    }
}

/// What stands above each of the pages: `own_parts.html` writes it.
pub(super) struct Head {
    name: String,
    here: Tab,
}

/// One of the pages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Access,
    Token,
    Code,
    Secrets,
}

impl Tab {
    const ALL: [Self; 4] = [Self::Access, Self::Token, Self::Code, Self::Secrets];

    const fn label(self) -> &'static str {
        match self {
            Self::Access => "What you may do",
            Self::Token => "Try a token",
            Self::Code => "Code to paste",
            Self::Secrets => "Secrets and keys",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Access => "/own",
            Self::Token => "/own/token",
            Self::Code => "/own/code",
            Self::Secrets => "/own/secrets",
        }
    }
}
