//! How is a signing key withdrawn before its time? At once: no JWK Set shows it any more, and its private half is gone.

use super::administration::{AdministrationError, Change};
use super::rotate_keys::summary;
use crate::keys::lifecycle::{KeyState, RotationUrgency, SigningKeyRecord};
use crate::store::{AuditAction, ObjectKind};

impl Change<'_> {
    /// Withdraws the key `kid`; what no JWK Set shows any more stays as it is.
    ///
    /// A key that is in use is replaced if `urgency` forces it: the next key signs in place of the active one, and a new
    /// next key is announced.
    ///
    /// # Errors
    /// If there is no such key, or it is in use and `urgency` does not force it.
    pub fn revoke_key(&mut self, kid: &str, urgency: RotationUrgency) -> Result<SigningKeyRecord, AdministrationError> {
        let mut key = self.existing_key(kid)?;
        match (key.state, urgency) {
            (KeyState::Removed, _) => return Ok(key),
            (state @ (KeyState::Active | KeyState::Next), RotationUrgency::WhenAnnounced) => {
                return Err(AdministrationError::KeyInUse { kid: key.kid, state });
            }
            (KeyState::Active, RotationUrgency::Forced) => {
                self.ensure_next_key(key.alg)?;
                self.rotate_key(key.alg, urgency)?;
                key = self.existing_key(kid)?;
            }
            (KeyState::Next, RotationUrgency::Forced) | (KeyState::Retired, _) => {}
        }
        let revoked = SigningKeyRecord {
            state: KeyState::Removed,
            sealed_private_key: None,
            revoked_at: Some(self.now),
            ..key.clone()
        };
        self.transaction.update_signing_key(&revoked)?;
        let (before, after) = (Some(summary(&key)), Some(summary(&revoked)));
        self.record(AuditAction::Revoke, ObjectKind::SigningKey, kid, before, after)?;
        if key.state == KeyState::Next {
            self.ensure_next_key(key.alg)?;
        }
        Ok(revoked)
    }

    pub(super) fn existing_key(&mut self, kid: &str) -> Result<SigningKeyRecord, AdministrationError> {
        let missing = || AdministrationError::not_found("signing key", kid);
        self.transaction.find_signing_key(kid)?.ok_or_else(missing)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ManualClock, UnixMillis};
    use crate::entropy::SystemEntropy;
    use crate::issuer::administration::{Administration, AdministrationPolicy};
    use crate::issuer::rights::Caller;
    use crate::issuer::rotate_keys::of_state;
    use crate::keys::{MasterKey, SigningAlg};
    use crate::oauth::metadata::Issuer;
    use crate::store::{Database, Migrate, Store, StoreSettings};

    const ALG: SigningAlg = SigningAlg::EdDsa;
    const NOW: UnixMillis = UnixMillis(1_000_000);

    /// One key that signs with EdDSA and one that is announced.
    pub(in crate::issuer) fn fixture() -> Administration {
        let policy = AdministrationPolicy::of_dev(Issuer::new("http://localhost/"));
        let store = StoreSettings { database: Database::InMemory, pool_size: 2 };
        let administration = Administration::new(
            Store::open(&store, Migrate::Always).unwrap(),
            Arc::new(MasterKey::generate(&SystemEntropy).into()),
            Arc::new(ManualClock::new(NOW)),
            Arc::new(SystemEntropy),
            policy,
        );
        let made = administration.change_with_alg(&Caller::system(), ALG, |change| {
            change.ensure_active_key(ALG)?;
            change.ensure_next_key(ALG)
        });
        made.unwrap();
        administration
    }

    fn kid(administration: &Administration, state: KeyState) -> String {
        of_state(&administration.signing_keys().unwrap(), ALG, state).unwrap().kid.clone()
    }

    fn revoke(
        administration: &Administration,
        kid: &str,
        urgency: RotationUrgency,
    ) -> Result<SigningKeyRecord, AdministrationError> {
        administration.revoke_key(&Caller::system(), kid, urgency)
    }

    #[test]
    fn a_key_that_is_withdrawn_loses_its_private_half() {
        for state in [KeyState::Active, KeyState::Next] {
            let administration = fixture();
            let kid = kid(&administration, state);
            revoke(&administration, &kid, RotationUrgency::Forced).unwrap();
            let keys = administration.signing_keys().unwrap();
            let withdrawn = keys.iter().find(|key| key.kid == kid).unwrap();
            assert_eq!((withdrawn.state, withdrawn.sealed_private_key.is_none()), (KeyState::Removed, true));
        }
    }

    #[test]
    fn a_key_in_use_is_withdrawn_by_force_only() {
        let administration = fixture();
        for state in [KeyState::Active, KeyState::Next] {
            let kid = kid(&administration, state);
            let refused = revoke(&administration, &kid, RotationUrgency::WhenAnnounced).unwrap_err();
            assert!(matches!(refused, AdministrationError::KeyInUse { state: of, .. } if of == state), "{refused}");
        }
        let unknown = revoke(&administration, "unknown", RotationUrgency::Forced).unwrap_err();
        assert!(matches!(unknown, AdministrationError::NotFound { .. }), "{unknown}");
    }

    #[test]
    fn in_place_of_the_key_that_signed_the_next_one_signs_and_another_is_announced() {
        let administration = fixture();
        let (active, next) = (kid(&administration, KeyState::Active), kid(&administration, KeyState::Next));
        let revoked = revoke(&administration, &active, RotationUrgency::Forced).unwrap();
        assert_eq!(
            (revoked.state, revoked.revoked_at, &revoked.sealed_private_key),
            (KeyState::Removed, Some(NOW), &None)
        );
        assert!(revoked.retired_at.is_some());
        let keys = administration.signing_keys().unwrap();
        assert!(keys.contains(&revoked), "as it is stored");
        assert_eq!(of_state(&keys, ALG, KeyState::Active).unwrap().kid, next);
        assert!(![&active, &next].contains(&&kid(&administration, KeyState::Next)));
        assert_eq!(keys.len(), 3);
        assert_eq!(revoke(&administration, &active, RotationUrgency::Forced).unwrap(), revoked, "once is enough");
    }

    #[test]
    fn in_place_of_the_key_that_was_announced_another_is() {
        let administration = fixture();
        let (active, next) = (kid(&administration, KeyState::Active), kid(&administration, KeyState::Next));
        assert_eq!(revoke(&administration, &next, RotationUrgency::Forced).unwrap().state, KeyState::Removed);
        assert_eq!(kid(&administration, KeyState::Active), active);
        assert_ne!(kid(&administration, KeyState::Next), next);
    }

    #[test]
    fn a_retired_key_is_withdrawn_and_nothing_else_changes() {
        let administration = fixture();
        let first = kid(&administration, KeyState::Active);
        administration.rotate_key(&Caller::system(), ALG, RotationUrgency::Forced).unwrap();
        let (active, next) = (kid(&administration, KeyState::Active), kid(&administration, KeyState::Next));
        let revoked = revoke(&administration, &first, RotationUrgency::WhenAnnounced).unwrap();
        assert_eq!((revoked.state, revoked.revoked_at), (KeyState::Removed, Some(NOW)));
        assert_eq!((kid(&administration, KeyState::Active), kid(&administration, KeyState::Next)), (active, next));
    }

    #[test]
    fn a_set_that_is_full_takes_no_further_key_by_rotation() {
        use crate::keys::lifecycle::MOST_PUBLISHED_KEYS;
        let administration = fixture();
        let one = administration.signing_keys().unwrap().remove(0);
        let keys = |count: usize| vec![one.clone(); count];
        assert!(administration.require_room(&keys(MOST_PUBLISHED_KEYS - 1)).is_ok());
        for full in [MOST_PUBLISHED_KEYS, MOST_PUBLISHED_KEYS + 1] {
            let refused = administration.require_room(&keys(full)).unwrap_err();
            assert!(matches!(refused, AdministrationError::Conflict(_)), "{refused}");
        }
    }
}
