//! What is one issuer that a test drives? The issuer of `dev` with a clock, faults and a log of its own, which can begin anew.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actix_web::web;
use arc_swap::ArcSwap;
use tokenhouse_verifier::AccessTokenDialect;

use super::clock::DrivenClock;
use super::demo::{DEMO_AUDIENCE, Demo};
use super::fault::Faults;
use super::forgetful_keys::ForgetfulKeys;
use super::issuer_name::IssuerName;
use super::key_stock::{FirstKeys, KeyStock};
use super::memory_issuer::{HashThreads, ManagementClient, MemoryIssuer, StartError};
use super::ready_line::{Ready, ReadyControl, ReadyLine};
use super::request_log::RequestLog;
use super::strangers::Strangers;
use crate::entropy::Entropy;
use crate::http::IssuerEndpoints;
use crate::oauth::metadata::Issuer;
use crate::oauth::resource::Compat;
use crate::resource_api::{self, ResourceApi};

/// What an issuer begins with, and begins with again.
pub struct Origin {
    /// Its name among many; none for that of the process.
    pub name: Option<IssuerName>,
    /// Its identifier and URLs.
    pub issuer: Issuer,
    /// Whose habits it follows.
    pub compat: Compat,
    /// What it holds.
    pub demo: Demo,
    /// The client that may manage it.
    pub management: ManagementClient,
    /// The keys that it begins with.
    pub first_keys: FirstKeys,
    /// How many threads check slow secrets.
    pub hash_threads: HashThreads,
    /// The URL of the bundled resource API, where there is one.
    pub resource_api: Option<String>,
    /// What vouches for both, where they speak TLS.
    pub ca: Option<Ca>,
    /// Where its control API is, if it is served.
    pub control: Option<ReadyControl>,
}

/// A certificate that vouches for the servers.
#[derive(Clone, Debug)]
pub struct Ca {
    /// Where it lies.
    pub file: PathBuf,
    /// In PEM.
    pub pem: Arc<[u8]>,
}

/// An issuer that a test drives.
pub struct DrivenIssuer {
    origin: Origin,
    keys: Arc<KeyStock>,
    clock: Arc<DrivenClock>,
    entropy: Arc<dyn Entropy>,
    running: ArcSwap<Running>,
    faults: Faults,
    requests: RequestLog,
    strangers: Strangers,
    /// Held while it begins anew.
    beginning: Mutex<()>,
}

/// The issuer since it last began.
pub struct Running {
    endpoints: web::Data<IssuerEndpoints>,
    /// Made when it is first asked for.
    api: OnceLock<BundledApi>,
}

/// The bundled resource API of one issuer.
#[derive(Clone)]
pub struct BundledApi {
    /// The API.
    pub api: ResourceApi,
    /// Where it has the issuer's keys from.
    pub keys: ForgetfulKeys,
}

impl Running {
    /// The issuer's endpoints.
    pub const fn endpoints(&self) -> &web::Data<IssuerEndpoints> {
        &self.endpoints
    }
}

impl DrivenIssuer {
    /// Starts it. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If what it is to hold cannot be stored, or the operating system gives no thread.
    pub fn start(origin: Origin, entropy: Arc<dyn Entropy>) -> Result<Self, StartError> {
        let keys = Arc::new(KeyStock::new(origin.first_keys));
        let clock = Arc::new(DrivenClock::default());
        let running = begin(&origin, &keys, &clock, &entropy)?;
        Ok(Self {
            origin,
            keys,
            clock,
            entropy,
            running: ArcSwap::from_pointee(running),
            faults: Faults::default(),
            requests: RequestLog::default(),
            strangers: Strangers::default(),
            beginning: Mutex::default(),
        })
    }

    /// Lets it begin anew. Blocks.
    ///
    /// # Errors
    /// As [`Self::start`]; it is then as it was, but for its clock.
    pub fn reset(&self) -> Result<(), StartError> {
        let _turn = self.beginning.lock().unwrap_or_else(PoisonError::into_inner);
        self.clock.reset();
        // Before: a key that is taken from here on is one of the new issuer, or is given back the next time.
        let old = self.keys.take_out();
        let next = match begin(&self.origin, &self.keys, &self.clock, &self.entropy) {
            Ok(next) => next,
            Err(error) => {
                self.keys.keep(old);
                return Err(error);
            }
        };
        // Before the new one is asked anything: what it is asked stands in its log.
        self.faults.clear();
        self.requests.reset();
        self.running.store(Arc::new(next));
        self.strangers.forget();
        KeyStock::give_back(old);
        Ok(())
    }

    /// What it began with.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The issuer as it runs now.
    pub fn running(&self) -> Arc<Running> {
        self.running.load_full()
    }

    /// Its endpoints as they are now.
    pub fn endpoints(&self) -> web::Data<IssuerEndpoints> {
        self.running.load().endpoints.clone()
    }

    /// Its time.
    pub const fn clock(&self) -> &Arc<DrivenClock> {
        &self.clock
    }

    /// Its randomness.
    pub fn entropy(&self) -> &dyn Entropy {
        self.entropy.as_ref()
    }

    /// Its signing keys.
    pub fn key_stock(&self) -> &KeyStock {
        &self.keys
    }

    /// Keys that are published nowhere.
    pub(super) const fn strangers(&self) -> &Strangers {
        &self.strangers
    }

    /// What will be spoilt.
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What was asked.
    pub const fn requests(&self) -> &RequestLog {
        &self.requests
    }

    /// Its addresses and credentials.
    pub fn ready(&self) -> ReadyLine {
        let Origin { issuer, demo, management, resource_api, ca, control, .. } = &self.origin;
        ReadyLine::from(Ready {
            issuer,
            demo,
            management,
            resource_api: resource_api.as_deref(),
            ca_file: ca.as_ref().map(|ca| ca.file.as_path()),
            control: control.as_ref(),
        })
    }

    /// The bundled resource API for the first API that it began with; none if there is none. Blocks the first time.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn bundled_api(&self) -> Result<Option<BundledApi>, StartError> {
        let running = self.running();
        let Some(url) = &self.origin.resource_api else { return Ok(None) };
        if let Some(known) = running.api.get() {
            return Ok(Some(known.clone()));
        }
        let made = self.start_api(url)?;
        // Two requests at a time may each make one; the first that is put in serves both.
        Ok(Some(running.api.get_or_init(|| made).clone()))
    }

    /// The same if it has been asked for before.
    pub(super) fn started_api(&self) -> Option<BundledApi> {
        self.running.load().api.get().cloned()
    }

    /// Lets the bundled resource API forget the issuer's keys: it fetches them with the next token.
    pub(super) fn forget_keys(&self) {
        if let Some(bundled) = self.running.load().api.get() {
            bundled.keys.forget();
        }
    }

    /// The resource API, with two users for each client that may call it.
    fn start_api(&self, url: &str) -> Result<BundledApi, StartError> {
        let Origin { issuer, compat, demo, ca, .. } = &self.origin;
        let first = demo.document.apis.first();
        let dialect = first.and_then(|api| api.token_dialect).unwrap_or_else(|| compat.default_dialect());
        // Both name the same dialects.
        let dialects = dialect.as_str().parse::<AccessTokenDialect>().into_iter().collect();
        let audience = first.map_or(DEMO_AUDIENCE, |api| api.identifier.as_str());
        let settings = resource_api::Settings {
            issuer: issuer.as_str().to_owned(),
            audience: audience.to_owned(),
            dialects,
            database: resource_api::Database::InMemory,
            public_url: url.to_owned(),
            extra_ca_pem: None,
            jwks_uri: None,
            realm: audience.to_owned(),
        };
        let pem = ca.as_ref().map(|ca| ca.pem.to_vec());
        let keys = ForgetfulKeys::of_issuer(issuer.as_str(), pem, self.clock.clone())
            .map_err(resource_api::OpenError::from)?;
        let api = ResourceApi::with_keys(settings, keys.clone(), self.clock.clone(), self.entropy.clone())?;
        for client_id in demo.clients_of(audience) {
            api.seed_users(client_id)?;
        }
        Ok(BundledApi { api, keys })
    }
}

fn begin(
    origin: &Origin,
    keys: &Arc<KeyStock>,
    clock: &Arc<DrivenClock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Running, StartError> {
    let memory = MemoryIssuer {
        issuer: origin.issuer.clone(),
        compat: origin.compat,
        demo: &origin.demo,
        management: &origin.management,
        clock: clock.clone(),
        entropy: entropy.clone(),
        keys: keys.clone(),
        hash_threads: origin.hash_threads,
    };
    Ok(Running { endpoints: web::Data::new(memory.start()?), api: OnceLock::new() })
}
