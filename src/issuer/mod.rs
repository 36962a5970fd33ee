//! The use cases of the authorization server, over the pure protocol and the store.
//!
//! [`TokenIssuer`] answers token requests from memory; [`Administration`] changes what is stored. Both the command line
//! and the HTTP endpoints are faces of these two, without a rule of their own.

pub mod administration;
pub mod apis;
pub mod assertion_uses;
pub mod audit;
pub mod authenticate_assertion;
pub mod authenticate_client;
pub mod authentication_checks;
pub mod bootstrap;
pub mod carry_keys;
pub mod client_directory;
pub mod client_keys;
pub mod clients;
pub mod console;
pub mod document;
pub mod duration_histogram;
pub mod explain;
pub mod failed_attempts;
pub mod freshness;
pub mod granted;
pub mod grants;
pub mod hash_pool;
pub mod import;
mod issue_granted;
pub mod issue_to_session;
pub mod issue_token;
pub mod listen;
pub mod management_access;
pub mod polls;
pub mod prepare_keys;
pub mod public_address;
pub mod published_keys;
pub mod quota;
pub mod rate_history;
pub mod replace_secret;
mod request_memory;
pub mod request_rate;
pub mod reseal_keys;
pub mod revoke_key;
pub mod rights;
#[cfg(test)]
mod rights_tests;
pub mod rotate_keys;
pub mod secret_list;
pub mod secrets;
pub mod served;
pub mod servers;
pub mod signing_keys;
pub mod signing_queue;
mod signing_together;
pub mod snapshot;
pub mod steps;
pub mod tend_keys;
pub mod token_counts;
pub mod token_reuse;
pub mod upgrade_hash;
pub mod usage;
pub mod work_pool;

use std::sync::Arc;

pub use administration::{Administration, AdministrationError};
use authenticate_assertion::{AssertionAuthenticator, AssertionSettings};
use failed_attempts::FailedAttempts;
use hash_pool::{HashPool, HashPoolSettings};
use quota::Quotas;
use rate_history::{RateHistory, RecentRates};
use replace_secret::CONCURRENT_REPLACEMENTS;
use request_memory::RequestMemory;
use request_rate::{RequestRateSettings, RequestRates};
use served::Served;
use signing_queue::{SigningQueue, SigningQueueSettings};
use token_counts::TokenCounts;
use token_reuse::TokenReuse;
use tokio::sync::Semaphore;
use upgrade_hash::HashUpgrades;
use usage::Usage;
use work_pool::QueueLoad;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::oauth::resource::Compat;
use crate::store::StoreError;

/// The token endpoint's use case and all it needs.
#[derive(Debug)]
pub struct TokenIssuer {
    served: Arc<Served>,
    compat: Compat,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    hashes: HashPool,
    requests: RequestMemory,
    assertions: AssertionAuthenticator,
    signatures: SigningQueue,
    reuse: TokenReuse,
    counts: TokenCounts,
    history: RateHistory,
    usage: Usage,
    quotas: Quotas,
    rates: RequestRates,
    failures: FailedAttempts,
    upgrades: HashUpgrades,
    replacements: Arc<Semaphore>,
}

/// How the token issuer works.
#[derive(Clone, Debug)]
pub struct TokenIssuerSettings {
    /// Whose habits it follows.
    pub compat: Compat,
    /// How secrets are checked.
    pub hashing: HashPoolSettings,
    /// How client assertions are judged.
    pub assertions: AssertionSettings,
    /// How much may wait for a signature.
    pub signing: SigningQueueSettings,
    /// How often each client may ask.
    pub request_rate: RequestRateSettings,
    /// How many attempts to authenticate as a client may fail before the next must wait; 0 for any number.
    pub failed_attempts: u32,
    /// How much memory tokens may take that are handed out again, in bytes.
    pub reuse_bytes: u64,
}

impl TokenIssuer {
    /// Starts the pools.
    ///
    /// # Errors
    /// If the operating system gives no thread, or the certificates that vouch for `jwks_uri`s cannot be read.
    pub fn start(
        served: Arc<Served>,
        settings: TokenIssuerSettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            compat: settings.compat,
            requests: RequestMemory::new(&settings.hashing, entropy.as_ref()),
            hashes: HashPool::start(settings.hashing, entropy.as_ref())?,
            assertions: AssertionAuthenticator::start(settings.assertions, &served)?,
            signatures: SigningQueue::new(settings.signing),
            reuse: TokenReuse::new(settings.reuse_bytes),
            counts: TokenCounts::default(),
            history: RateHistory::default(),
            usage: Usage::default(),
            quotas: Quotas::default(),
            rates: RequestRates::new(&settings.request_rate),
            failures: FailedAttempts::new(settings.failed_attempts),
            replacements: Arc::new(Semaphore::new(CONCURRENT_REPLACEMENTS)),
            upgrades: HashUpgrades::start(served.store().clone(), clock.clone(), entropy.clone())?,
            served,
            clock,
            entropy,
        })
    }

    /// The snapshot that is served, and its source.
    pub const fn served(&self) -> &Arc<Served> {
        &self.served
    }

    /// How requests ended since the start, for whoever watches the server.
    pub const fn counts(&self) -> &TokenCounts {
        &self.counts
    }

    /// Notes how requests have ended by now: to be done at the start, and then every minute.
    pub fn note_rates(&self) {
        self.history.note(&self.counts, self.clock.now());
    }

    /// How requests ended of late.
    pub fn recent_rates(&self) -> RecentRates {
        self.history.read(&self.counts, self.clock.now())
    }

    /// How many requests wait for a signature.
    pub fn signing_load(&self) -> QueueLoad {
        self.signatures.load()
    }

    /// The slow checks of secrets.
    pub const fn hashes(&self) -> &HashPool {
        &self.hashes
    }

    /// How many uses of client assertions wait to be noted.
    pub fn assertion_load(&self) -> QueueLoad {
        self.assertions.load()
    }

    /// The requests of late of each client.
    pub const fn rates(&self) -> &RequestRates {
        &self.rates
    }

    /// Forgets what was counted of clients and does not matter any more.
    pub fn forget_idle_clients(&self) {
        self.rates.forget_idle();
        self.quotas.forget_past(self.clock.now());
    }

    /// Writes what has been noted of requests. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If the store does not take it; it is then kept for the next time.
    pub fn flush_usage(&self) -> Result<(), StoreError> {
        self.usage.flush(self.served.store(), self.clock.now())
    }

    /// Whose habits it follows.
    pub const fn compat(&self) -> Compat {
        self.compat
    }

    /// The time it goes by.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }
}
