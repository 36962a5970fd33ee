//! What does a resource server behind Tokenhouse look like? The bundled partner API.
//!
//! Users, each seen by its own partner only.
//!
//! It is a stranger to the issuer: it knows it by URL, verifies tokens with [`tokenhouse_verifier`] alone, keeps its
//! data in a database of its own, and would work unchanged with any other issuer.

mod body;
mod error;
mod open_error;
mod page;
mod protected_resource;
mod routes;
mod scopes;
mod settings;
#[cfg(test)]
mod tests;
mod user;
mod user_routes;
mod users;
mod users_store;
mod verifier_clock;

use std::sync::Arc;

use actix_web::web;
use tokenhouse_verifier::{KeySource, RemoteJwks, ResourceServer, Verifier};

use crate::clock::Clock;
use crate::entropy::Entropy;

pub use self::open_error::OpenError;
pub use self::settings::{Database, Settings};
pub use self::users::UsersError;

use self::protected_resource::ProtectedResource;
use self::users::Users;
use self::users_store::UsersStore;
use self::verifier_clock::VerifierClock;

/// The partner API, ready to be put into an actix-web application.
#[derive(Clone, Debug)]
pub struct ResourceApi {
    resource_server: web::Data<ResourceServer>,
    resource: web::Data<ProtectedResource>,
    users: web::Data<Users>,
}

impl ResourceApi {
    /// Opens the database, migrating it where needed, and prepares to fetch the issuer's keys at the first request.
    ///
    /// It blocks for as long as the database needs.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, OpenError> {
        let mut keys = match &settings.jwks_uri {
            Some(jwks_uri) => RemoteJwks::at(jwks_uri),
            None => RemoteJwks::of_issuer(&settings.issuer),
        };
        if let Some(pem) = &settings.extra_ca_pem {
            keys = keys.ca_pem(pem.as_slice());
        }
        let keys = keys.build().map_err(OpenError::Issuer)?;
        Self::open_with_keys(settings, keys, clock, entropy)
    }

    /// As [`open`](Self::open), with the issuer's keys from `keys`: for keys that are there already, or a [`RemoteJwks`]
    /// with settings of its own, such as a private host that is reached without TLS.
    pub fn open_with_keys(
        settings: Settings,
        keys: impl KeySource + 'static,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        let store = UsersStore::open(&settings.database, clock.now(), &*entropy)?;
        let resource = ProtectedResource::new(&settings.public_url, &settings.issuer);
        let verifier = Verifier::new(settings.issuer, settings.audience).accept_dialects(settings.dialects);
        let resource_server = ResourceServer::new(verifier, keys)
            .clock(Arc::new(VerifierClock(Arc::clone(&clock))))
            .realm(settings.realm)
            .resource_metadata(resource.metadata_url());
        Ok(Self {
            resource_server: web::Data::new(resource_server),
            resource: web::Data::new(resource),
            users: web::Data::new(Users::new(store, clock, entropy)),
        })
    }

    /// Gives `client` two users to look at, unless it has some. It blocks for as long as the database needs.
    pub fn seed_users(&self, client: &str) -> Result<(), UsersError> {
        self.users.seed(client)
    }

    /// Puts the API's routes into an application, at its root.
    pub fn configure(&self) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static + use<> {
        let api = self.clone();
        move |application| {
            application
                .app_data(api.resource_server.clone())
                .app_data(api.resource.clone())
                .app_data(api.users.clone())
                .service(routes::routes());
        }
    }
}
