//! Does a presented secret match a stored hash? Slow checks run in a bounded pool; what proved right is remembered.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use moka::sync::Cache;
use zeroize::Zeroizing;

use super::duration_histogram::Distribution;
use super::work_pool::{Busy, PoolSize, QueueLoad, WorkPool};
use crate::entropy::Entropy;
use crate::oauth::client::Client;
use crate::secret::{HashMemory, SecretHash, SecretWork, StoredSecret, verify_any};

/// How large the pool and its memory are.
#[derive(Clone, Copy, Debug)]
pub struct HashPoolSettings {
    /// The pool.
    pub pool: PoolSize,
    /// How long a secret that proved right is remembered.
    pub remember: Duration,
    /// How many are remembered.
    pub remembered: u64,
}

/// Checks secrets.
#[derive(Debug)]
pub struct HashPool {
    slow: WorkPool<HashMemory>,
    /// Digests, under a key of this process, of secrets that proved right: never the secrets themselves.
    remembered: Cache<[u8; 32], ()>,
    key: Zeroizing<[u8; 32]>,
}

impl HashPool {
    /// Starts the pool.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn start(settings: HashPoolSettings, entropy: &dyn Entropy) -> std::io::Result<Self> {
        let mut key = Zeroizing::new([0_u8; 32]);
        entropy.fill(key.as_mut());
        Ok(Self {
            slow: WorkPool::start("secret-hash", settings.pool)?,
            remembered: Cache::builder().max_capacity(settings.remembered).time_to_idle(settings.remember).build(),
            key,
        })
    }

    /// Is `presented` the secret behind `stored` of `client`, as an earlier check found?
    pub fn is_remembered(&self, client: &Client, stored: &StoredSecret, presented: &str) -> bool {
        // To get it is to use it, which prolongs its time.
        self.remembered.get(&self.digest(client, &stored.hash, presented)).is_some()
    }

    /// Remembers that `presented` is the secret behind `stored` of `client`.
    pub fn remember(&self, client: &Client, stored: &StoredSecret, presented: &str) {
        self.remembered.insert(self.digest(client, &stored.hash, presented), ());
    }

    /// Checks `presented` against `hashes` in the pool: the index of the one it matches.
    ///
    /// Where none of them is slow, `dummy` is run beside, so that the time tells nothing of the client.
    ///
    /// # Errors
    /// [`Busy`] when too many checks are waiting.
    pub async fn check_slowly(
        &self,
        hashes: Vec<SecretHash>,
        presented: Arc<str>,
        dummy: SecretWork,
    ) -> Result<Option<usize>, Busy> {
        self.slow
            .run(move |memory| {
                let found = verify_any(hashes.iter(), presented.as_bytes(), memory);
                if !hashes.iter().any(SecretHash::is_slow) {
                    dummy.run_dummy(presented.as_bytes(), memory);
                }
                found
            })
            .await
    }

    /// Runs `work` in the pool, with its reused memory: for hashing anew off the token path.
    ///
    /// # Errors
    /// [`Busy`] when too many checks are waiting.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        self.slow.run(work).await
    }

    /// How many slow checks wait, and how many were refused since the start.
    pub fn load(&self) -> QueueLoad {
        self.slow.load()
    }

    /// How long slow checks took, without their wait.
    pub fn times(&self) -> Distribution {
        self.slow.times()
    }

    /// Which of `choices` is the dummy for `client_id`: always the same, and not to be foreseen.
    pub fn choose<'a, T>(&self, client_id: &str, choices: &'a [T]) -> Option<&'a T> {
        let mut context = Context::new(&SHA256);
        context.update(self.key.as_ref());
        context.update(client_id.as_bytes());
        let tag = context.finish();
        let number = tag.as_ref().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let count = u64::try_from(choices.len()).ok().filter(|count| *count > 0)?;
        choices.get(usize::try_from(number % count).ok()?)
    }

    /// The hash is part of it, so a changed secret is forgotten at once; so is the client, so that none stands in for
    /// another.
    fn digest(&self, client: &Client, hash: &SecretHash, presented: &str) -> [u8; 32] {
        // A secret prefix is enough of a key here: nobody outside sees the digest or can lengthen its input.
        let mut context = Context::new(&SHA256);
        context.update(self.key.as_ref());
        context.update(client.id.as_bytes());
        context.update(&hash.identity().len().to_be_bytes());
        context.update(hash.identity());
        context.update(presented.as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}
