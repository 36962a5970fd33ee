//! How is the issuer of `dev` put together: the real one, on a store in memory, with the public test keys?

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::demo::Demo;
use crate::cli::exit::CliError;
use crate::clock::{Clock, SystemClock};
use crate::config::LimitMode;
use crate::entropy::Entropy;
use crate::http::health::Stopping;
use crate::http::management::{ManagementEndpoints, ManagementLimits};
use crate::http::{IssuerEndpoints, RequestLimits};
use crate::issuer::administration::{Administration, AdministrationPolicy};
use crate::issuer::authenticate_assertion::AssertionSettings;
use crate::issuer::bootstrap::ManagementApi;
use crate::issuer::clients::IdRule;
use crate::issuer::document::ClientEntry;
use crate::issuer::document::apply::ApplyOptions;
use crate::issuer::hash_pool::HashPoolSettings;
use crate::issuer::management_access::ManagementAccess;
use crate::issuer::published_keys::PublishedKeysSettings;
use crate::issuer::request_rate::RequestRateSettings;
use crate::issuer::rights::Caller;
use crate::issuer::secrets::SecretTerms;
use crate::issuer::served::Served;
use crate::issuer::signing_keys::TestKeys;
use crate::issuer::signing_queue::SigningQueueSettings;
use crate::issuer::snapshot::SnapshotContext;
use crate::issuer::work_pool::PoolSize;
use crate::issuer::{TokenIssuer, TokenIssuerSettings};
use crate::keys::lifecycle::KeyState;
use crate::keys::public_test_keys::PublicTestKey;
use crate::keys::{MasterKey, SigningAlg};
use crate::oauth::metadata::Issuer;
use crate::oauth::resource::Compat;
use crate::secret::GeneratedSecret;
use crate::store::{Database, Migrate, Store, StoreSettings};

/// How long discovery documents may be cached, in seconds: short, since keys are rotated at will.
const DOCUMENT_MAX_AGE: u32 = 300;

/// The calls of the Management API that one client may make: as `serve` has them.
const MANAGEMENT_LIMITS: ManagementLimits =
    ManagementLimits { per_second: NonZeroU32::new(100).unwrap(), burst: NonZeroU32::new(1000).unwrap() };

/// The issuer of `dev`.
pub struct MemoryIssuer {
    /// Its identifier and URLs.
    pub issuer: Issuer,
    /// Its endpoints.
    pub endpoints: IssuerEndpoints,
    /// Its randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The client that may manage it.
    pub management_client_id: String,
    /// That client's secret.
    pub management_secret: GeneratedSecret,
}

impl MemoryIssuer {
    /// Starts it with what `demo` holds.
    ///
    /// # Errors
    /// If the demo cannot be stored.
    pub fn start(issuer: Issuer, compat: Compat, demo: &Demo, entropy: Arc<dyn Entropy>) -> Result<Self, CliError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let master_keys = Arc::new(MasterKey::generate(entropy.as_ref()).into());
        let settings = StoreSettings { database: Database::InMemory, pool_size: 4 };
        let store = Store::open(&settings, Migrate::Always).context("cannot open a database in memory")?;
        let policy = AdministrationPolicy::of_dev(issuer.clone());
        let administration =
            Administration::new(store.clone(), Arc::clone(&master_keys), clock.clone(), entropy.clone(), policy);
        let (management_client_id, management_secret) = fill(&administration, demo)?;

        let context = SnapshotContext { issuer: issuer.clone(), master_keys, test_keys: TestKeys::Allowed };
        let served = Served::load(store, clock.clone(), context).context("cannot load the configuration")?;
        let settings = TokenIssuerSettings {
            compat,
            hashing: HashPoolSettings {
                pool: PoolSize { threads: 0, queue: 64, max_wait: Duration::from_secs(5) },
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
        };
        let served = Arc::new(served);
        let access = ManagementAccess::new(served.clone(), clock.clone());
        let token_issuer = TokenIssuer::start(served, settings, clock, entropy.clone())
            .context("cannot start the threads of the issuer")?;
        let endpoints = IssuerEndpoints {
            issuer: Arc::new(token_issuer),
            administration: Arc::new(administration),
            management: Arc::new(ManagementEndpoints::new(access, MANAGEMENT_LIMITS)),
            limits: RequestLimits { body_bytes: 16_384, body_time: Duration::from_secs(10), parameters: 64 },
            document_max_age: DOCUMENT_MAX_AGE,
            stopping: Stopping::default(),
            // It lives as long as the server.
            certificate: None,
        };
        Ok(Self { issuer, endpoints, entropy, management_client_id, management_secret })
    }
}

/// Stores the test keys, the Management API, the demo and the management client.
fn fill(administration: &Administration, demo: &Demo) -> Result<(String, GeneratedSecret), CliError> {
    let wants_ps256 = demo.document.apis.iter().any(|api| api.signing_alg == SigningAlg::Ps256);
    administration.change(&Caller::system(), |change| {
        change.install_key(&PublicTestKey::Rs256Active.load(), KeyState::Active)?;
        change.install_key(&PublicTestKey::Rs256Next.load(), KeyState::Next)?;
        if wants_ps256 {
            change.install_key(&PublicTestKey::Ps256Active.load(), KeyState::Active)?;
        }
        Ok(())
    })?;
    administration.bootstrap(ManagementApi::BringUpToDate)?;
    let options = ApplyOptions { weak_secrets: true, ..ApplyOptions::default() };
    administration.apply(&Caller::system(), &demo.document, options)?;

    let taken = |id: &str| demo.document.clients.iter().any(|client| client.client_id.as_deref() == Some(id));
    let client_id = if taken("management") { None } else { Some("management".to_owned()) };
    let added = administration.change(&Caller::system(), |change| {
        let entry = ClientEntry::new(client_id, Some("Management".to_owned()));
        let client = change.create_client(&entry, IdRule::Chosen)?;
        change.grant_management(client.client_id.as_str())?;
        let added = change.add_secret(client.client_id.as_str(), SecretTerms::default())?;
        Ok((client.client_id.to_string(), added.secret))
    })?;
    Ok(added)
}
