//! How is the issuer of `dev` put together: the real one, on a store in memory, with public test keys?

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::demo::{Demo, secret_entry};
use super::key_stock::KeyStock;
use crate::clock::Clock;
use crate::config::LimitMode;
use crate::entropy::Entropy;
use crate::http::cached_document::DocumentAge;
use crate::http::health::Stopping;
use crate::http::management::{ManagementEndpoints, ManagementLimits};
use crate::http::{IssuerEndpoints, RequestLimits};
use crate::issuer::administration::{Administration, AdministrationPolicy};
use crate::issuer::authenticate_assertion::AssertionSettings;
use crate::issuer::bootstrap::ManagementApi;
use crate::issuer::console::ConsoleSessions;
use crate::issuer::document::ClientEntry;
use crate::issuer::document::apply::ApplyOptions;
use crate::issuer::hash_pool::HashPoolSettings;
use crate::issuer::management_access::ManagementAccess;
use crate::issuer::published_keys::PublishedKeysSettings;
use crate::issuer::request_rate::RequestRateSettings;
use crate::issuer::rights::Caller;
use crate::issuer::served::{FollowError, Served};
use crate::issuer::signing_keys::TestKeys;
use crate::issuer::signing_queue::SigningQueueSettings;
use crate::issuer::snapshot::SnapshotContext;
use crate::issuer::work_pool::PoolSize;
use crate::issuer::{AdministrationError, TokenIssuer, TokenIssuerSettings};
use crate::keys::lifecycle::KeyState;
use crate::keys::public_test_keys::PublicTestKey;
use crate::keys::{MasterKey, PrivateKeyError, SigningAlg};
use crate::oauth::metadata::Issuer;
use crate::oauth::resource::Compat;
use crate::resource_api;
use crate::secret::GeneratedSecret;
use crate::store::{Database, Migrate, OpenError, Store, StoreSettings};

/// How long discovery documents may be cached, in seconds: short, since keys are rotated at will.
const DOCUMENT_MAX_AGE: u32 = 300;

/// The calls of the Management API that one client may make: as `serve` has them.
const MANAGEMENT_LIMITS: ManagementLimits =
    ManagementLimits { per_second: NonZeroU32::new(100).unwrap(), burst: NonZeroU32::new(1000).unwrap() };

/// Why an issuer in memory does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no database.
    #[error("cannot open a database in memory: {0}")]
    Database(#[from] OpenError),
    /// What it is to hold cannot be stored.
    #[error(transparent)]
    Content(#[from] AdministrationError),
    /// A test key cannot be used.
    #[error("cannot make a test key: {0}")]
    Key(#[from] PrivateKeyError),
    /// What is stored cannot be served.
    #[error("cannot load the configuration: {0}")]
    Load(#[from] FollowError),
    /// The operating system gives no thread.
    #[error("cannot start the threads of the issuer: {0}")]
    Threads(#[from] std::io::Error),
    /// The bundled resource API does not start.
    #[error("cannot start the resource API: {0}")]
    ResourceApi(#[from] resource_api::OpenError),
    /// The bundled resource API has no users.
    #[error("cannot seed the users: {0}")]
    Users(#[from] resource_api::StoreError),
}

/// The client that may manage an issuer. Not `Debug`: it holds a secret.
pub struct ManagementClient {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub secret: GeneratedSecret,
}

impl ManagementClient {
    /// One with a fresh secret, and an id that no client of `demo` has.
    pub fn beside(demo: &Demo, entropy: &dyn Entropy) -> Self {
        let is_taken = |id: &String| demo.document.clients.iter().any(|client| client.client_id.as_ref() == Some(id));
        let numbered = (2_u64..).map(|number| format!("management-{number}"));
        let client_id = std::iter::once("management".to_owned()).chain(numbered).find(|id| !is_taken(id));
        Self { client_id: client_id.unwrap_or_default(), secret: GeneratedSecret::generate(entropy) }
    }

    fn entry(&self) -> ClientEntry {
        ClientEntry {
            secrets: vec![secret_entry(self.secret.expose())],
            ..ClientEntry::new(Some(self.client_id.clone()), Some("Management".to_owned()))
        }
    }
}

/// How many threads check slow secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashThreads {
    /// One per core: for the one issuer of a process.
    OnePerCore,
    /// One: for one issuer of many.
    One,
}

/// What an issuer in memory is made of.
pub struct MemoryIssuer<'a> {
    /// Its identifier and URLs.
    pub issuer: Issuer,
    /// Whose habits it follows.
    pub compat: Compat,
    /// What it holds at first.
    pub demo: &'a Demo,
    /// The client that may manage it.
    pub management: &'a ManagementClient,
    /// The time that it goes by.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Its signing keys.
    pub keys: Arc<KeyStock>,
    /// How many threads check slow secrets.
    pub hash_threads: HashThreads,
}

impl MemoryIssuer<'_> {
    /// Starts it.
    ///
    /// # Errors
    /// If the demo cannot be stored.
    pub fn start(self) -> Result<IssuerEndpoints, StartError> {
        let master_keys = Arc::new(MasterKey::generate(self.entropy.as_ref()).into());
        let store = Store::open(&StoreSettings { database: Database::InMemory, pool_size: 4 }, Migrate::Always)?;
        let policy = AdministrationPolicy::of_dev(self.issuer.clone());
        let (clock, entropy) = (self.clock.clone(), self.entropy.clone());
        let administration =
            Administration::new(store.clone(), Arc::clone(&master_keys), clock.clone(), entropy.clone(), policy)
                .with_keys_from(self.keys.clone());
        self.fill(&administration)?;

        let context = SnapshotContext { issuer: self.issuer.clone(), master_keys, test_keys: TestKeys::Allowed };
        let served = Arc::new(Served::load(store, clock.clone(), context)?);
        let access = ManagementAccess::new(served.clone(), clock.clone());
        let administration = Arc::new(administration);
        let console = Arc::new(ConsoleSessions::new(served.clone(), administration.clone()));
        let issuer = TokenIssuer::start(served, self.settings(), clock, entropy)?;
        // Whatever is asked from here on is of the last hour.
        issuer.note_rates();
        Ok(IssuerEndpoints {
            issuer: Arc::new(issuer),
            administration,
            console,
            management: Arc::new(ManagementEndpoints::new(access, MANAGEMENT_LIMITS)),
            limits: RequestLimits { body_bytes: 16_384, body_time: Duration::from_secs(10), parameters: 64 },
            document_age: DocumentAge::new(DOCUMENT_MAX_AGE),
            stopping: Stopping::default(),
            // It lives as long as the server.
            certificate: None,
        })
    }

    fn settings(&self) -> TokenIssuerSettings {
        let threads = match self.hash_threads {
            HashThreads::OnePerCore => 0,
            HashThreads::One => 1,
        };
        TokenIssuerSettings {
            compat: self.compat,
            hashing: HashPoolSettings {
                pool: PoolSize { threads, queue: 64, max_wait: Duration::from_secs(5) },
                remember: Duration::from_mins(5),
                remembered: 100_000,
            },
            assertions: AssertionSettings {
                strict: false,
                max_lifetime: 3600,
                clock_tolerance: 30,
                published_keys: PublishedKeysSettings::default(),
            },
            signing: SigningQueueSettings { longest: 1024, max_wait: Duration::from_secs(5) },
            request_rate: RequestRateSettings { per_second: None, burst: NonZeroU32::MIN, mode: LimitMode::Enforce },
            failed_attempts: 20,
            reuse_bytes: 64 * 1024 * 1024,
        }
    }

    /// Stores the test keys, the Management API, the demo and the management client.
    fn fill(&self, administration: &Administration) -> Result<(), StartError> {
        let wants_ps256 = self.demo.document.apis.iter().any(|api| api.signing_alg == SigningAlg::Ps256);
        let first = [
            (PublicTestKey::Rs256Active, KeyState::Active),
            (PublicTestKey::Rs256Next, KeyState::Next),
            (PublicTestKey::Ps256Active, KeyState::Active),
        ];
        let wanted = if wants_ps256 { 3 } else { 2 };
        let first: Result<Vec<_>, PrivateKeyError> =
            first.into_iter().take(wanted).map(|(role, state)| Ok((self.keys.first(role)?, state))).collect();
        let first = first?;
        administration.change(&Caller::system(), |change| {
            first.iter().try_for_each(|(key, state)| change.install_key(key, *state))
        })?;
        administration.bootstrap(ManagementApi::BringUpToDate)?;
        let options = ApplyOptions { weak_secrets: true, ..ApplyOptions::default() };
        let mut document = self.demo.document.clone();
        document.clients.push(self.management.entry());
        administration.apply(&Caller::system(), &document, options)?;
        administration.change(&Caller::system(), |change| change.grant_management(&self.management.client_id))?;
        Ok(())
    }
}
