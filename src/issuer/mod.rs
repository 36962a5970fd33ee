//! The use cases of the authorization server, over the pure protocol and the store.
//!
//! [`TokenIssuer`] answers token requests from memory; [`Administration`] changes what is stored. Both the command line
//! and the HTTP endpoints are faces of these two, without a rule of their own.

pub mod administration;
pub mod apis;
pub mod assertion_uses;
pub mod authenticate_assertion;
pub mod authenticate_client;
pub mod bootstrap;
pub mod client_keys;
pub mod clients;
pub mod document;
pub mod explain;
pub mod grants;
pub mod hash_pool;
pub mod issue_token;
pub mod public_address;
pub mod published_keys;
pub mod quota;
pub mod rights;
pub mod rotate_keys;
pub mod secrets;
pub mod served;
pub mod signing_keys;
pub mod snapshot;
pub mod upgrade_hash;
pub mod usage;
pub mod work_pool;

use std::sync::Arc;

pub use administration::{Administration, AdministrationError};
use authenticate_assertion::{AssertionAuthenticator, AssertionSettings};
use hash_pool::{HashPool, HashPoolSettings};
use quota::Quotas;
use served::Served;
use upgrade_hash::HashUpgrades;
use usage::SecretUsage;
use work_pool::{PoolSize, WorkPool};

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::oauth::resource::Compat;

/// The token endpoint's use case and all it needs.
#[derive(Debug)]
pub struct TokenIssuer {
    served: Arc<Served>,
    compat: Compat,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    hashes: HashPool,
    assertions: AssertionAuthenticator,
    signers: WorkPool<()>,
    usage: SecretUsage,
    quotas: Quotas,
    upgrades: HashUpgrades,
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
    /// Where signatures are made.
    pub signing: PoolSize,
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
            hashes: HashPool::start(settings.hashing, entropy.as_ref())?,
            assertions: AssertionAuthenticator::start(settings.assertions, &served)?,
            signers: WorkPool::start("sign", settings.signing)?,
            usage: SecretUsage::default(),
            quotas: Quotas::default(),
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

    /// When each secret was last used.
    pub const fn usage(&self) -> &SecretUsage {
        &self.usage
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
