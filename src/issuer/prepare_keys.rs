//! When is a new signing key made? Before the change that needs it: an RSA key takes up to a second of one core, in
//! which nobody else could change anything.

use std::fmt::Debug;

use super::administration::{Administration, AdministrationError, Change};
use super::rights::Caller;
use super::rotate_keys::{Rotation, of_state, plan_rotation};
use crate::entropy::Entropy;
use crate::keys::lifecycle::{KeyState, MOST_PUBLISHED_KEYS, RotationUrgency, SigningKeyRecord, published_keys};
use crate::keys::{PrivateKey, PrivateKeyError, RsaBits, SigningAlg, generate_private_key};

/// Where new signing keys come from.
pub trait KeyMaker: Debug + Send + Sync {
    /// A key that signs with `alg`; an RSA key has so many bits.
    ///
    /// # Errors
    /// If none can be made.
    fn make_key(
        &self,
        alg: SigningAlg,
        rsa_bits: RsaBits,
        entropy: &dyn Entropy,
    ) -> Result<PrivateKey, PrivateKeyError>;
}

/// Each is made when it is needed, of randomness that nobody knows: what every real issuer does.
#[derive(Clone, Copy, Debug, Default)]
pub struct FreshKeys;

impl KeyMaker for FreshKeys {
    fn make_key(
        &self,
        alg: SigningAlg,
        rsa_bits: RsaBits,
        entropy: &dyn Entropy,
    ) -> Result<PrivateKey, PrivateKeyError> {
        generate_private_key(alg, rsa_bits, entropy)
    }
}

impl Administration {
    /// Makes one change that may be the first to need keys of `alg`.
    ///
    /// # Errors
    /// As [`Self::change`], or if no key can be made.
    pub fn change_with_alg<T>(
        &self,
        caller: &Caller,
        alg: SigningAlg,
        steps: impl FnOnce(&mut Change<'_>) -> Result<T, AdministrationError>,
    ) -> Result<T, AdministrationError> {
        let made = self.make_missing_keys(&[alg])?;
        self.change_with_keys(caller, made, steps)
    }

    /// Keys for each of `algs` that lacks an active or a next one.
    pub(super) fn make_missing_keys(&self, algs: &[SigningAlg]) -> Result<Vec<PrivateKey>, AdministrationError> {
        let keys = self.signing_keys()?;
        let mut made = Vec::new();
        for alg in SigningAlg::ALL.into_iter().filter(|alg| algs.contains(alg)) {
            let missing =
                [KeyState::Active, KeyState::Next].iter().filter(|state| of_state(&keys, alg, **state).is_none());
            made.append(&mut self.make_keys(alg, missing.count())?);
        }
        Ok(made)
    }

    /// Makes sure that a next key of `alg`, which signs already, is announced.
    ///
    /// # Errors
    /// If no key of `alg` signs, or none can be made.
    pub fn announce_next_key(&self, caller: &Caller, alg: SigningAlg) -> Result<(), AdministrationError> {
        // A key of an algorithm that nobody chose would not be used: it need not be made.
        let signs = of_state(&self.signing_keys()?, alg, KeyState::Active).is_some();
        if signs {
            self.change_with_alg(caller, alg, |change| change.ensure_next_key(alg))
        } else {
            self.change(caller, |change| change.ensure_next_key(alg))
        }
    }

    /// Lets the next key of `alg` sign, retires the active one, and announces a new next one.
    ///
    /// # Errors
    /// If no key of `alg` signs, or the next one has not been announced for long enough and `urgency` does not force it.
    pub fn rotate_key(
        &self,
        caller: &Caller,
        alg: SigningAlg,
        urgency: RotationUrgency,
    ) -> Result<Rotation, AdministrationError> {
        // A change of its own: the announcement must stand even if it is too early for the rotation.
        self.announce_next_key(caller, alg)?;
        // Known before a key is made for it.
        let keys = self.signing_keys()?;
        plan_rotation(&keys, alg, self.now(), self.policy.announcement, urgency)?;
        self.require_room(&keys)?;
        let made = self.make_keys(alg, 1)?;
        self.change_with_keys(caller, made, |change| change.rotate_key(alg, urgency))
    }

    /// Withdraws a key at once, as [`Change::revoke_key`] does.
    ///
    /// # Errors
    /// If there is none, or it is in use and `urgency` does not force it.
    pub fn revoke_key(
        &self,
        caller: &Caller,
        kid: &str,
        urgency: RotationUrgency,
    ) -> Result<SigningKeyRecord, AdministrationError> {
        let keys = self.signing_keys()?;
        let in_use = |key: &&SigningKeyRecord| matches!(key.state, KeyState::Active | KeyState::Next);
        let replaced = keys.iter().find(|key| key.kid == kid).filter(in_use);
        let made = match replaced.filter(|_| urgency == RotationUrgency::Forced) {
            Some(key) => {
                let announced = of_state(&keys, key.alg, KeyState::Next).is_some();
                self.make_keys(key.alg, if announced { 1 } else { 2 })?
            }
            None => Vec::new(),
        };
        self.change_with_keys(caller, made, |change| change.revoke_key(kid, urgency))
    }

    /// Goes on only if one more key may be published.
    pub(super) fn require_room(&self, keys: &[SigningKeyRecord]) -> Result<(), AdministrationError> {
        if published_keys(keys, self.now()).len() < MOST_PUBLISHED_KEYS {
            return Ok(());
        }
        Err(AdministrationError::Conflict(format!(
            "the JWK Set has {MOST_PUBLISHED_KEYS} keys, and verifiers refuse long ones: wait until retired keys leave it (`remove_after` in \
             `tokenhouse key list`), or revoke those whose tokens nobody needs"
        )))
    }

    pub(super) fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, AdministrationError> {
        self.store.read(|reader| Ok(reader.list_signing_keys()?))
    }

    pub(super) fn make_keys(&self, alg: SigningAlg, count: usize) -> Result<Vec<PrivateKey>, AdministrationError> {
        (0..count).map(|_| self.make_key(alg)).collect()
    }

    /// A key that signs with `alg`.
    pub(super) fn make_key(&self, alg: SigningAlg) -> Result<PrivateKey, AdministrationError> {
        self.key_maker
            .make_key(alg, self.policy.rsa_bits, self.entropy.as_ref())
            .map_err(|error| AdministrationError::Key(error.to_string()))
    }
}
