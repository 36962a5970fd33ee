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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::keys::public_test_keys::PublicTestKey;
    use crate::keys::public_test_primes::paired_test_key;
    use crate::keys::{MasterKey, RsaBits, generate_private_key};

    fn master() -> MasterKeys {
        MasterKey::generate(&SystemEntropy).into()
    }

    fn record_of(key: &PrivateKey, state: KeyState, sealed_under: &MasterKeys) -> SigningKeyRecord {
        let public_jwk = PublicJwk::from_private_key(key, UnixMillis(0)).unwrap();
        let sealed = sealed_under.seal(&public_jwk.kid, key.alg(), key.expose_pkcs8(), &SystemEntropy);
        SigningKeyRecord {
            kid: public_jwk.kid.clone(),
            alg: key.alg(),
            state,
            public_jwk,
            sealed_private_key: Some(sealed),
            created_at: UnixMillis(0),
            announced_at: Some(UnixMillis(0)),
            activated_at: None,
            retired_at: None,
            remove_after: None,
            revoked_at: None,
        }
    }

    fn record(key: PublicTestKey, state: KeyState, sealed_under: &MasterKeys) -> SigningKeyRecord {
        record_of(&key.load(), state, sealed_under)
    }

    fn open(records: Vec<SigningKeyRecord>, known: &SigningKeys, master_keys: &MasterKeys) -> SigningKeys {
        SigningKeys::open(records, known, master_keys, TestKeys::Allowed)
    }

    fn active(keys: &SigningKeys) -> Option<&str> {
        keys.active(SigningAlg::Rs256).map(|signer| signer.kid())
    }

    #[test]
    fn the_active_key_signs_and_the_next_one_is_published_with_it() {
        let master = master();
        let signs = record(PublicTestKey::Rs256Active, KeyState::Active, &master);
        let next = record(PublicTestKey::Rs256Next, KeyState::Next, &master);
        for records in [vec![signs.clone(), next.clone()], vec![next, signs]] {
            let keys = open(records, &SigningKeys::default(), &master);
            assert_eq!(active(&keys), Some(PublicTestKey::Rs256Active.kid()));
            assert_eq!(keys.active_algs(), [SigningAlg::Rs256]);
            assert!(keys.unusable().is_empty());
            let published: Vec<_> = keys.published(UnixMillis(0)).map(|jwk| jwk.kid.as_str()).collect();
            assert_eq!(published, [PublicTestKey::Rs256Active.kid(), PublicTestKey::Rs256Next.kid()]);
            assert_eq!(keys.published_records(UnixMillis(0)).len(), 2);
        }
    }

    #[test]
    fn a_key_that_signs_already_is_not_opened_again() {
        let (own, other) = (master(), master());
        let signs = record(PublicTestKey::Rs256Active, KeyState::Active, &own);
        let known = open(vec![signs.clone()], &SigningKeys::default(), &own);
        let again = open(vec![signs], &known, &other);
        assert_eq!((active(&again), again.unusable().len()), (Some(PublicTestKey::Rs256Active.kid()), 0));
    }

    #[test]
    fn where_a_key_cannot_be_opened_the_one_before_it_signs_on() {
        let (own, other) = (master(), master());
        let known =
            open(vec![record(PublicTestKey::Rs256Active, KeyState::Active, &own)], &SigningKeys::default(), &own);
        let foreign = |state| vec![record(PublicTestKey::Rs256Next, state, &other)];
        let keys = open(foreign(KeyState::Active), &known, &own);
        assert_eq!((active(&keys), keys.unusable().len()), (Some(PublicTestKey::Rs256Active.kid()), 1));
        assert!(matches!(keys.unusable()[0].as_ref(), SigningKeyError::Sealed { .. }));
        // Of an announced key it is told only; whether another signs is not its matter.
        let keys = open(foreign(KeyState::Next), &known, &own);
        assert_eq!((active(&keys), keys.unusable().len()), (None, 1));
    }

    #[test]
    fn the_next_removal_is_that_of_the_retired_key_that_goes_first() {
        let master = master();
        let until = |state, at| SigningKeyRecord {
            remove_after: Some(UnixMillis(at)),
            ..record(PublicTestKey::Rs256Next, state, &master)
        };
        let records = vec![until(KeyState::Retired, 10), until(KeyState::Retired, 5), until(KeyState::Removed, 7)];
        let keys = open(records, &SigningKeys::default(), &master);
        let next = |now| keys.next_removal(UnixMillis(now)).map(|at| at.0);
        assert_eq!((next(4), next(5), next(9), next(10)), (Some(5), Some(10), Some(10), None));
    }

    #[test]
    fn changes_take_the_place_of_what_was_known() {
        let master = master();
        let of = |key, state| record(key, state, &master);
        let known =
            vec![of(PublicTestKey::Rs256Active, KeyState::Active), of(PublicTestKey::Ps256Active, KeyState::Next)];
        let keys = open(known, &SigningKeys::default(), &master);
        let states = |changed, removed: &[&str]| {
            let removed: Vec<_> = removed.iter().map(|kid| (*kid).to_owned()).collect();
            let merged = keys.merged(changed, &removed).into_iter();
            let mut merged: Vec<_> = merged.map(|record| (record.alg.as_str(), record.state)).collect();
            merged.sort_unstable();
            merged
        };
        let changed = || vec![of(PublicTestKey::Rs256Active, KeyState::Retired)];
        assert_eq!(states(changed(), &[]), [("PS256", KeyState::Next), ("RS256", KeyState::Retired)]);
        assert_eq!(states(Vec::new(), &[PublicTestKey::Ps256Active.kid()]), [("RS256", KeyState::Active)]);
        assert_eq!(states(changed(), &[PublicTestKey::Ps256Active.kid()]), [("RS256", KeyState::Retired)]);
    }

    #[test]
    fn no_real_issuer_signs_with_a_key_that_everybody_knows() {
        let master = master();
        let public = [PublicTestKey::Rs256Active.load(), paired_test_key(1234, SigningAlg::Rs256).unwrap()];
        let own = generate_private_key(SigningAlg::Rs256, RsaBits::Bits2048, &SystemEntropy).unwrap();
        let open = |key: &PrivateKey, test_keys| {
            let records = vec![record_of(key, KeyState::Active, &master)];
            let keys = SigningKeys::open(records, &SigningKeys::default(), &master, test_keys);
            (keys.active(SigningAlg::Rs256).is_some(), keys.unusable().len())
        };
        for key in &public {
            assert_eq!(open(key, TestKeys::Refused), (false, 1));
            assert_eq!(open(key, TestKeys::Allowed), (true, 0));
        }
        assert_eq!(open(&own, TestKeys::Refused), (true, 0));
    }
}
