//! Which keys sign now, and which are published? Opened and parsed once, shared by every snapshot that holds them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::UnixMillis;
use crate::keys::lifecycle::{KeyState, SigningKeyRecord, published_keys};
use crate::keys::public_test_keys::is_public_test_key;
use crate::keys::{MasterKeys, PrivateKey, PrivateKeyError, PublicJwk, SealError, Signer, SignerError, SigningAlg};

/// Why a stored signing key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The master key does not open it.
    #[error("cannot open the signing key {kid}: {cause}")]
    Sealed {
        /// Which key.
        kid: String,
        /// Why not.
        cause: SealError,
    },
    /// It opened to a key that does not sign.
    #[error("the signing key {kid} is damaged: {cause}")]
    Damaged {
        /// Which key.
        kid: String,
        /// Why.
        cause: SignerError,
    },
    /// It opened to something that is no key of its algorithm.
    #[error("the signing key {kid} is damaged: {cause}")]
    Unreadable {
        /// Which key.
        kid: String,
        /// Why.
        cause: PrivateKeyError,
    },
    /// Anyone can sign with it.
    #[error("the signing key {0} is one of the public test keys: revoke it, its private half is known to everyone")]
    PublicTestKey(String),
}

/// May the keys that are published for tests be loaded?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestKeys {
    /// Only in `dev` and in tests.
    Allowed,
    /// Everywhere else.
    Refused,
}

/// The signing keys as the token path needs them.
#[derive(Clone, Debug, Default)]
pub struct SigningKeys {
    records: Vec<SigningKeyRecord>,
    active: HashMap<SigningAlg, Arc<Signer>>,
    /// Why an active or next key cannot be used.
    unusable: Vec<Arc<SigningKeyError>>,
}

impl SigningKeys {
    /// Opens the active and the next keys among `records`; active ones that `known` already holds are not opened again.
    ///
    /// Where the active key of an algorithm cannot be used, the one that `known` holds signs on: a key that somebody
    /// sealed wrongly must not stop a running server.
    pub fn open(records: Vec<SigningKeyRecord>, known: &Self, master_keys: &MasterKeys, test_keys: TestKeys) -> Self {
        let (mut active, mut unusable) = (HashMap::new(), Vec::new());
        for record in records.iter().filter(|record| matches!(record.state, KeyState::Active | KeyState::Next)) {
            let kept = known.active.get(&record.alg);
            let signer = match kept.filter(|signer| signer.kid() == record.kid) {
                Some(signer) => Ok(signer.clone()),
                None => open_signer(record, master_keys, test_keys).map(Arc::new),
            };
            match signer {
                Ok(signer) if record.state == KeyState::Active => drop(active.insert(record.alg, signer)),
                Ok(_) => {}
                Err(cause) => {
                    unusable.push(Arc::new(cause));
                    if let Some(kept) = kept.filter(|_| record.state == KeyState::Active) {
                        active.insert(record.alg, kept.clone());
                    }
                }
            }
        }
        Self { records, active, unusable }
    }

    /// Why an active or next key cannot be used; empty when all is well.
    pub fn unusable(&self) -> &[Arc<SigningKeyError>] {
        &self.unusable
    }

    /// When the next key leaves the set of published ones by itself.
    pub fn next_removal(&self, now: UnixMillis) -> Option<UnixMillis> {
        let retired = self.records.iter().filter(|record| record.state == KeyState::Retired);
        retired.filter_map(|record| record.remove_after).filter(|at| *at > now).min()
    }

    /// The records with the changes of `changed` and without those in `removed`.
    pub fn merged(&self, changed: Vec<SigningKeyRecord>, removed: &[String]) -> Vec<SigningKeyRecord> {
        let gone = |kid: &String| removed.contains(kid) || changed.iter().any(|record| record.kid == *kid);
        let mut records: Vec<_> = self.records.iter().filter(|record| !gone(&record.kid)).cloned().collect();
        records.extend(changed);
        records
    }

    /// The key that signs with `alg` now.
    pub fn active(&self, alg: SigningAlg) -> Option<&Arc<Signer>> {
        self.active.get(&alg)
    }

    /// Every algorithm that signs now, in a fixed order.
    pub fn active_algs(&self) -> Vec<SigningAlg> {
        SigningAlg::ALL.into_iter().filter(|alg| self.active.contains_key(alg)).collect()
    }

    /// The keys that verifiers should know at `now`, in the order of the JWK Set.
    pub fn published_records(&self, now: UnixMillis) -> Vec<&SigningKeyRecord> {
        published_keys(&self.records, now)
    }

    /// Their public halves.
    pub fn published(&self, now: UnixMillis) -> impl Iterator<Item = &PublicJwk> {
        self.published_records(now).into_iter().map(|record| &record.public_jwk)
    }
}

fn open_signer(
    record: &SigningKeyRecord,
    master_keys: &MasterKeys,
    test_keys: TestKeys,
) -> Result<Signer, SigningKeyError> {
    let kid = || record.kid.clone();
    if test_keys == TestKeys::Refused && is_public_test_key(&record.public_jwk) {
        return Err(SigningKeyError::PublicTestKey(kid()));
    }
    let sealed = record.sealed_private_key.as_deref().unwrap_or_default();
    let pkcs8 = master_keys
        .open(&record.kid, record.alg, sealed)
        .map_err(|cause| SigningKeyError::Sealed { kid: kid(), cause })?;
    let key =
        PrivateKey::from_pkcs8(record.alg, pkcs8).map_err(|cause| SigningKeyError::Unreadable { kid: kid(), cause })?;
    Signer::from_private_key(&key).map_err(|cause| SigningKeyError::Damaged { kid: kid(), cause })
}
