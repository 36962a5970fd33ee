//! Which key signs next? Made, announced, made active and retired, never unpublished while it is in use.

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::administration::{AdministrationError, Change};
use super::document::entries::to_timestamp;
use crate::clock::UnixMillis;
use crate::keys::lifecycle::{
    AnnouncementPeriod, KeyState, RotationUrgency, SigningKeyRecord, may_rotate, remove_after,
};
use crate::keys::{PrivateKey, PublicJwk, SigningAlg};
use crate::store::{AuditAction, ObjectKind};

/// The keys of one algorithm after a rotation.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Signs now.
    pub active: SigningKeyRecord,
    /// Was announced with it.
    pub next: SigningKeyRecord,
}

impl Change<'_> {
    /// Makes sure that some key signs with `alg`.
    ///
    /// A first key of an algorithm signs at once: no verifier holds a key of it, so each fetches the set anew.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn ensure_active_key(&mut self, alg: SigningAlg) -> Result<(), AdministrationError> {
        let keys = self.transaction.list_signing_keys()?;
        if keys.iter().any(|key| key.alg == alg && key.state == KeyState::Active) {
            return Ok(());
        }
        self.generate_key(alg, KeyState::Active)
    }

    /// Makes sure that a next key of `alg`, which signs already, is announced.
    ///
    /// # Errors
    /// If no key of `alg` signs, or none can be made.
    pub fn ensure_next_key(&mut self, alg: SigningAlg) -> Result<(), AdministrationError> {
        let keys = self.transaction.list_signing_keys()?;
        // A key of an algorithm that nobody chose would break verifiers that know RSA only.
        if !keys.iter().any(|key| key.alg == alg && key.state == KeyState::Active) {
            return Err(AdministrationError::not_found("active signing key for", alg.to_string()));
        }
        if keys.iter().any(|key| key.alg == alg && key.state == KeyState::Next) {
            return Ok(());
        }
        self.generate_key(alg, KeyState::Next)
    }

    fn generate_key(&mut self, alg: SigningAlg, state: KeyState) -> Result<(), AdministrationError> {
        let prepared = self.prepared.iter().position(|key| key.alg() == alg);
        let key = match prepared {
            Some(index) => self.prepared.swap_remove(index),
            None => self.admin.make_key(alg)?,
        };
        self.install_key(&key, state)
    }

    /// Stores `key`, sealed, in `state`.
    ///
    /// # Errors
    /// If it cannot be sealed or stored.
    pub fn install_key(&mut self, key: &PrivateKey, state: KeyState) -> Result<(), AdministrationError> {
        // Under two master keys no server could open all of them.
        for known in self.transaction.list_signing_keys()?.iter().filter(|key| key.sealed_private_key.is_some()) {
            self.open_key(known)?;
        }
        let public_jwk = self.public_half(key)?;
        let kid = public_jwk.kid.clone();
        let sealed = self.admin.master_keys.seal(&kid, key.alg(), key.expose_pkcs8(), self.admin.entropy.as_ref());
        let record = SigningKeyRecord {
            kid: kid.clone(),
            alg: key.alg(),
            state,
            public_jwk,
            sealed_private_key: Some(sealed),
            created_at: self.now,
            announced_at: Some(self.now),
            activated_at: (state == KeyState::Active).then_some(self.now),
            retired_at: None,
            remove_after: None,
            revoked_at: None,
        };
        self.transaction.insert_signing_key(&record)?;
        self.record(AuditAction::Create, ObjectKind::SigningKey, &kid, None, Some(summary(&record)))
    }

    pub(super) fn public_half(&self, key: &PrivateKey) -> Result<PublicJwk, AdministrationError> {
        PublicJwk::from_private_key(key, self.now).map_err(|error| AdministrationError::Key(error.to_string()))
    }

    /// The private half of `key`, in PKCS#8.
    pub(super) fn open_key(&self, key: &SigningKeyRecord) -> Result<Zeroizing<Vec<u8>>, AdministrationError> {
        let sealed = key.sealed_private_key.as_deref().unwrap_or_default();
        self.admin.master_keys.open(&key.kid, key.alg, sealed).map_err(|cause| {
            AdministrationError::Key(format!(
                "{}: {cause}; if `tokenhouse key reseal` has given the keys another master key, this program must be started anew",
                key.kid
            ))
        })
    }

    /// Makes the next key of `alg` the active one, retires the active one, and announces a new next one.
    ///
    /// # Errors
    /// If there is no next key, or it has not been announced for long enough and `urgency` does not force it.
    pub fn rotate_key(&mut self, alg: SigningAlg, urgency: RotationUrgency) -> Result<Rotation, AdministrationError> {
        let keys = self.transaction.list_signing_keys()?;
        let policy = &self.admin.policy;
        let (active, next) = plan_rotation(&keys, alg, self.now, policy.announcement, urgency)?;
        // Not only the longest lifetime of today's APIs: that of one may have been longer yesterday.
        let apis = self.transaction.list_apis()?;
        let longest = apis.iter().map(|api| api.token_lifetime.seconds()).max().unwrap_or_default();
        let longest = longest.max(policy.max_token_lifetime);
        let retired = SigningKeyRecord {
            state: KeyState::Retired,
            retired_at: Some(self.now),
            // A server that is cut off from the store does not hear that it signs no more.
            remove_after: Some(remove_after(self.now, longest.saturating_add(policy.max_staleness))),
            // It will never sign again; what is not there cannot be stolen.
            sealed_private_key: None,
            ..active.clone()
        };
        let activated = SigningKeyRecord { state: KeyState::Active, activated_at: Some(self.now), ..next.clone() };
        // In this order: at no time are there two active keys of one algorithm.
        self.transaction.update_signing_key(&retired)?;
        self.transaction.update_signing_key(&activated)?;
        self.record(
            AuditAction::Rotate,
            ObjectKind::SigningKey,
            &active.kid,
            Some(summary(&active)),
            Some(summary(&retired)),
        )?;
        self.record(
            AuditAction::Update,
            ObjectKind::SigningKey,
            &next.kid,
            Some(summary(&next)),
            Some(summary(&activated)),
        )?;
        self.remove_dead_keys()?;
        self.ensure_next_key(alg)?;
        let keys = self.transaction.list_signing_keys()?;
        let next = of_state(&keys, alg, KeyState::Next).cloned();
        let next =
            next.ok_or_else(|| AdministrationError::not_found("announced next signing key for", alg.to_string()))?;
        Ok(Rotation { active: activated, next })
    }

    /// Removes the retired keys whose last token is dead.
    pub(super) fn remove_dead_keys(&mut self) -> Result<(), AdministrationError> {
        let keys: Vec<_> =
            self.transaction.list_signing_keys()?.into_iter().filter(|key| key.is_dead(self.now)).collect();
        keys.iter().try_for_each(|key| self.remove_key(key))
    }

    pub(super) fn remove_key(&mut self, key: &SigningKeyRecord) -> Result<(), AdministrationError> {
        let removed = SigningKeyRecord { state: KeyState::Removed, sealed_private_key: None, ..key.clone() };
        self.transaction.update_signing_key(&removed)?;
        let (before, after) = (Some(summary(key)), Some(summary(&removed)));
        self.record(AuditAction::Delete, ObjectKind::SigningKey, &key.kid, before, after)
    }
}

/// The key of `alg` in that state, of which there is at most one if it is active or next.
pub(super) fn of_state(keys: &[SigningKeyRecord], alg: SigningAlg, state: KeyState) -> Option<&SigningKeyRecord> {
    keys.iter().find(|key| key.alg == alg && key.state == state)
}

/// The active and the next key of `alg`, if they may change places at `now`.
pub(super) fn plan_rotation(
    keys: &[SigningKeyRecord],
    alg: SigningAlg,
    now: UnixMillis,
    announcement: AnnouncementPeriod,
    urgency: RotationUrgency,
) -> Result<(SigningKeyRecord, SigningKeyRecord), AdministrationError> {
    let find = |state, what| {
        let found = of_state(keys, alg, state).cloned();
        found.ok_or_else(|| AdministrationError::not_found(what, alg.to_string()))
    };
    let active = find(KeyState::Active, "active signing key for")?;
    let next = find(KeyState::Next, "announced next signing key for")?;
    may_rotate(now, next.announced_at, announcement, urgency).map_err(|early| AdministrationError::TooEarly {
        earliest: to_timestamp(early.earliest).unwrap_or(Timestamp::MAX),
    })?;
    Ok((active, next))
}

/// A signing key as the audit trail and the lists show it.
pub fn summary(record: &SigningKeyRecord) -> serde_json::Value {
    let time = |at: Option<UnixMillis>| at.and_then(to_timestamp).map(|at| at.to_string());
    serde_json::json!({
        "kid": record.kid,
        "alg": record.alg,
        "state": record.state.as_str(),
        "created_at": time(Some(record.created_at)),
        "announced_at": time(record.announced_at),
        "activated_at": time(record.activated_at),
        "retired_at": time(record.retired_at),
        "remove_after": time(record.remove_after),
        "revoked_at": time(record.revoked_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::revoke_key::tests::fixture;
    use crate::issuer::rights::Caller;
    use crate::store::{AuditFilter, Page};

    #[test]
    fn each_algorithm_has_its_own_keys() {
        let administration = fixture();
        let (known, new) = (SigningAlg::EdDsa, SigningAlg::Es256);
        let early = administration.change(&Caller::system(), |change| change.ensure_next_key(new)).unwrap_err();
        assert!(matches!(early, AdministrationError::NotFound { .. }), "no key of it signs: {early}");
        for _ in 0..2 {
            let ensured = administration.change_with_alg(&Caller::system(), new, |change| {
                change.ensure_active_key(new)?;
                change.ensure_next_key(new)
            });
            ensured.unwrap();
            let keys = administration.signing_keys().unwrap();
            let mut found: Vec<_> = keys.iter().map(|key| (key.alg.as_str(), key.state)).collect();
            found.sort_unstable();
            let (active, next) = (KeyState::Active, KeyState::Next);
            let both = [(new.as_str(), active), (new.as_str(), next), (known.as_str(), active), (known.as_str(), next)];
            assert_eq!(found, both, "once is enough");
        }
    }

    #[test]
    fn a_key_that_was_made_before_is_not_taken_for_one_of_another_algorithm() {
        let administration = fixture();
        let made = administration.make_keys(SigningAlg::EdDsa, 1).unwrap();
        let es256 = SigningAlg::Es256;
        administration.change_with_keys(&Caller::system(), made, |change| change.ensure_active_key(es256)).unwrap();
        assert!(of_state(&administration.signing_keys().unwrap(), es256, KeyState::Active).is_some());
    }

    #[test]
    fn a_key_that_signs_no_more_loses_its_private_half_and_the_trail_tells_what_became_of_it() {
        let administration = fixture();
        let alg = SigningAlg::EdDsa;
        let before = of_state(&administration.signing_keys().unwrap(), alg, KeyState::Active).unwrap().clone();
        assert!(before.sealed_private_key.is_some());
        let rotate = |change: &mut Change<'_>| change.rotate_key(alg, RotationUrgency::Forced).map(drop);
        administration.change_with_alg(&Caller::system(), alg, rotate).unwrap();
        let keys = administration.signing_keys().unwrap();
        let retired = of_state(&keys, alg, KeyState::Retired).unwrap();
        assert_eq!((&retired.kid, retired.sealed_private_key.is_none()), (&before.kid, true));
        let filter = AuditFilter { action: Some(AuditAction::Rotate), ..AuditFilter::default() };
        let told = administration.store().read(|reader| reader.list_audit_events(&filter, Page::ALL)).unwrap();
        let states =
            |told: &Option<serde_json::Value>| told.as_ref().map(|key| (key["kid"].clone(), key["state"].clone()));
        let expected = |state: &str| Some((before.kid.clone().into(), state.into()));
        assert_eq!((states(&told[0].before), states(&told[0].after)), (expected("active"), expected("retired")));
    }

    #[test]
    fn a_key_that_is_removed_before_its_turn_loses_its_private_half_too() {
        let administration = fixture();
        let next =
            of_state(&administration.signing_keys().unwrap(), SigningAlg::EdDsa, KeyState::Next).unwrap().clone();
        administration.change(&Caller::system(), |change| change.remove_key(&next)).unwrap();
        let removed = administration.signing_keys().unwrap().into_iter().find(|key| key.kid == next.kid).unwrap();
        assert_eq!((removed.state, removed.sealed_private_key.is_none()), (KeyState::Removed, true));
    }

    #[test]
    fn a_key_is_announced_from_its_making_and_signs_from_its_turn() {
        let administration = fixture();
        let keys = administration.signing_keys().unwrap();
        let times = |state| of_state(&keys, SigningAlg::EdDsa, state).map(|key| (key.announced_at, key.activated_at));
        let now = Some(administration.now());
        assert_eq!((times(KeyState::Active), times(KeyState::Next)), (Some((now, now)), Some((now, None))));
    }
}
