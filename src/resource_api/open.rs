//! How is the API put together, and how do its routes get into a server?

use std::sync::Arc;

use actix_web::dev::Extensions;
use actix_web::web::{self, ServiceConfig};
use thiserror::Error;
use tokenhouse_verifier::remote::ConfigurationError;
use tokenhouse_verifier::{KeySource, RemoteJwks, ResourceServer, Verifier};

use super::client_id::ClientId;
use super::endpoint::Endpoint;
use super::error::ApiError;
use super::protected_resource::{ProtectedResource, PublicUrl, WELL_KNOWN};
use super::settings::Settings;
use super::user::{EmailAddress, NewUser, UserName};
use super::users::Users;
use super::users_store::{DatabaseError, StoreError, UsersStore};
use crate::clock::Clock;
use crate::entropy::Entropy;

/// Whom `seed_users` adds.
const SEED: [(&str, &str); 2] = [("ada@example.com", "Ada Lovelace"), ("alan@example.com", "Alan Turing")];

/// Why the API cannot be started. The text says what to do next.
#[derive(Debug, Error)]
pub enum OpenError {
    /// No token would ever be for this API.
    #[error("the audience is empty: give the identifier by which the issuer knows this API")]
    NoAudience,
    /// No token would ever be accepted.
    #[error("no token dialect is accepted: name at least one, such as rfc9068_profile")]
    NoDialect,
    /// The public URL is none.
    #[error(
        "the public URL {public_url:?} is not an absolute http or https URL without query and fragment: \
         give one such as https://api.example.com/"
    )]
    InvalidPublicUrl {
        /// What was given.
        public_url: String,
    },
    /// The issuer's keys could never be fetched.
    #[error("the keys of the issuer cannot be fetched: {0}")]
    Keys(#[from] ConfigurationError),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The bundled resource API. Clones share its database and keys.
#[derive(Clone, Debug)]
pub struct ResourceApi {
    public_url: PublicUrl,
    metadata: web::Data<ProtectedResource>,
    resource_server: web::Data<ResourceServer>,
    users: web::Data<Users>,
}

impl ResourceApi {
    /// Opens the database and checks the settings. The issuer is asked for its keys only when the first token comes.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, OpenError> {
        let mut keys = match &settings.jwks_uri {
            Some(jwks_uri) => RemoteJwks::at(jwks_uri),
            None => RemoteJwks::of_issuer(&settings.issuer),
        };
        if let Some(pem) = &settings.extra_ca_pem {
            keys = keys.ca_pem(pem.clone());
        }
        Self::with_keys(settings, keys.build()?, clock, entropy)
    }

    /// The same with keys from `keys`; where the settings say they are is not looked at.
    pub fn with_keys(
        settings: Settings,
        keys: impl KeySource + 'static,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        let Settings { issuer, audience, dialects, database, public_url, realm, .. } = settings;
        if audience.is_empty() {
            return Err(OpenError::NoAudience);
        }
        if dialects.is_empty() {
            return Err(OpenError::NoDialect);
        }
        let public_url = PublicUrl::parse(&public_url).map_err(|_| OpenError::InvalidPublicUrl { public_url })?;
        let metadata = ProtectedResource::new(&public_url, &issuer);
        let resource_server = ResourceServer::new(Verifier::new(issuer, audience).accept_dialects(dialects), keys)
            .clock(Arc::new(VerifierClock(Arc::clone(&clock))))
            .realm(realm)
            .resource_metadata(public_url.metadata_url());
        let users = Users { store: UsersStore::open(&database)?, clock, entropy, base_url: public_url.join("users/") };
        Ok(Self {
            public_url,
            metadata: web::Data::new(metadata),
            resource_server: web::Data::new(resource_server),
            users: web::Data::new(users),
        })
    }

    /// Gives the client two users to try the API with; those that it has already stay as they are. It blocks its
    /// thread until the database has answered.
    pub fn seed_users(&self, client_id: &str) -> Result<(), StoreError> {
        let client_id = ClientId::named(client_id);
        for (email, name) in SEED {
            let (Ok(email), Ok(name)) = (EmailAddress::parse(email), UserName::parse(name)) else { continue };
            match self.users.store.create(&client_id, &self.users.make(NewUser { email, name })) {
                Ok(()) | Err(StoreError::EmailTaken) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What registers the routes in an actix-web application. Unknown paths get a JSON 404, unless the application sets
    /// a default service of its own afterwards.
    pub fn configure(&self) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static + use<> {
        let api = self.clone();
        move |config| api.register(config)
    }

    /// What the routes work with. A request that is given it is answered by this API, whichever registered the routes: so that
    /// one server can hold several.
    pub fn data(&self) -> Extensions {
        let mut data = Extensions::new();
        data.insert(self.metadata.clone());
        data.insert(self.resource_server.clone());
        data.insert(self.users.clone());
        data
    }

    fn register(&self, config: &mut ServiceConfig) {
        config
            .app_data(self.metadata.clone())
            .app_data(self.resource_server.clone())
            .app_data(self.users.clone())
            .default_service(web::to(|| async { Err::<&str, _>(ApiError::NoSuchPath) }));
        let path = self.public_url.path();
        for endpoint in Endpoint::ALL {
            endpoint.serve_at(endpoint.path(), config);
            // A proxy in front may pass the path on or take it away.
            if !path.is_empty() {
                endpoint.serve_at(&format!("{path}{}", endpoint.path()), config);
            }
        }
        if !path.is_empty() {
            for closing in ["", "/"] {
                Endpoint::ProtectedResource.serve_at(&format!("{WELL_KNOWN}{path}{closing}"), config);
            }
        }
    }
}

/// The crate's clock in the form that the verifier takes.
#[derive(Debug)]
struct VerifierClock(Arc<dyn Clock>);

impl tokenhouse_verifier::Clock for VerifierClock {
    fn unix_seconds(&self) -> u64 {
        u64::try_from(self.0.now().floor_seconds()).unwrap_or_default()
    }
}
