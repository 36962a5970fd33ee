//! How does a private key come in from elsewhere, and how is it handed out?

use zeroize::Zeroizing;

use super::administration::{Administration, AdministrationError, Change};
use super::rights::Caller;
use super::rotate_keys::{of_state, summary};
use crate::keys::PrivateKey;
use crate::keys::lifecycle::{KeyState, RotationUrgency, SigningKeyRecord};
use crate::keys::public_test_keys::is_public_test_key;
use crate::store::{AuditAction, ObjectKind};

impl Administration {
    /// Takes `key` in as the next one of its algorithm, or as the one that signs if there is none; with [`RotationUrgency::Forced`] it
    /// signs at once in any case.
    ///
    /// # Errors
    /// If it has been here before, or everybody knows it.
    pub fn import_key(
        &self,
        caller: &Caller,
        key: &PrivateKey,
        urgency: RotationUrgency,
    ) -> Result<SigningKeyRecord, AdministrationError> {
        let keys = self.signing_keys()?;
        self.require_room(&keys)?;
        let signs = of_state(&keys, key.alg(), KeyState::Active).is_some();
        // If it signs now, there must be a next one after it.
        let signs_now = !signs || urgency == RotationUrgency::Forced;
        let made = self.make_keys(key.alg(), usize::from(signs_now))?;
        self.change_with_keys(caller, made, |change| change.import_key(key, urgency))
    }

    /// The private key `kid`, as PEM.
    ///
    /// # Errors
    /// If there is no such key, or its private half is destroyed.
    pub fn export_key(&self, caller: &Caller, kid: &str) -> Result<Zeroizing<String>, AdministrationError> {
        self.change(caller, |change| change.export_key(kid))
    }
}

impl Change<'_> {
    fn import_key(
        &mut self,
        key: &PrivateKey,
        urgency: RotationUrgency,
    ) -> Result<SigningKeyRecord, AdministrationError> {
        let public_jwk = self.public_half(key)?;
        let is_public = is_public_test_key(&public_jwk);
        let kid = public_jwk.kid;
        if is_public {
            return Err(AdministrationError::Refused(format!(
                "{kid} is one of Tokenhouse's public test keys: its private half is known to everyone; make a key of your own"
            )));
        }
        let keys = self.transaction.list_signing_keys()?;
        if let Some(known) = keys.iter().find(|known| known.kid == kid) {
            return Err(AdministrationError::Conflict(format!(
                "the key {kid} has been here already, and is {}: a key does not come back once it has stopped signing",
                known.state
            )));
        }
        if of_state(&keys, key.alg(), KeyState::Active).is_none() {
            self.install_key(key, KeyState::Active)?;
            self.ensure_next_key(key.alg())?;
        } else {
            if let Some(next) = of_state(&keys, key.alg(), KeyState::Next) {
                self.remove_key(next)?;
            }
            self.install_key(key, KeyState::Next)?;
            if urgency == RotationUrgency::Forced {
                self.rotate_key(key.alg(), urgency)?;
            }
        }
        self.existing_key(&kid)
    }

    fn export_key(&mut self, kid: &str) -> Result<Zeroizing<String>, AdministrationError> {
        let key = self.existing_key(kid)?;
        if key.sealed_private_key.is_none() {
            return Err(AdministrationError::Conflict(format!(
                "the private half of {kid} is destroyed, as that of every key that signs no more: it is {}; `tokenhouse key list` \
                 names the others",
                key.state
            )));
        }
        let opened = self.open_key(&key)?;
        let pem = PrivateKey::from_pkcs8(key.alg, opened).and_then(|key| key.to_pem());
        let pem = pem.map_err(|error| AdministrationError::Key(error.to_string()))?;
        self.record(AuditAction::Export, ObjectKind::SigningKey, kid, None, Some(summary(&key)))?;
        Ok(pem)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;
    use crate::entropy::SystemEntropy;
    use crate::issuer::administration::AdministrationPolicy;
    use crate::keys::lifecycle::{AnnouncementPeriod, MOST_PUBLISHED_KEYS};
    use crate::keys::public_test_keys::PublicTestKey;
    use crate::keys::public_test_primes::paired_test_key;
    use crate::keys::{MasterKey, RsaBits, SigningAlg, generate_private_key};
    use crate::oauth::metadata::Issuer;
    use crate::store::{AuditFilter, Database, Migrate, Page, Store, StoreSettings};

    const ALG: SigningAlg = SigningAlg::Es256;

    fn administration() -> Administration {
        let store = StoreSettings { database: Database::InMemory, pool_size: 2 };
        let policy = AdministrationPolicy {
            announcement: AnnouncementPeriod { max_age_seconds: 300, propagation_seconds: 0 },
            ..AdministrationPolicy::of_dev(Issuer::new("http://localhost/"))
        };
        Administration::new(
            Store::open(&store, Migrate::Always).unwrap(),
            Arc::new(MasterKey::generate(&SystemEntropy).into()),
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
            policy,
        )
    }

    fn key() -> PrivateKey {
        generate_private_key(ALG, RsaBits::default(), &SystemEntropy).unwrap()
    }

    fn states(administration: &Administration) -> Vec<(String, KeyState)> {
        administration.signing_keys().unwrap().into_iter().map(|key| (key.kid, key.state)).collect()
    }

    #[test]
    fn the_first_key_of_an_algorithm_signs_and_later_ones_wait_unless_forced() {
        let (administration, caller) = (administration(), Caller::system());
        let import = |urgency| administration.import_key(&caller, &key(), urgency).unwrap();
        let state_of = |kid: &str| states(&administration).into_iter().find(|(known, _)| known == kid).unwrap().1;

        let first = import(RotationUrgency::WhenAnnounced);
        assert_eq!(first.state, KeyState::Active);
        let generated: Vec<_> = states(&administration).into_iter().filter(|(kid, _)| *kid != first.kid).collect();
        assert_eq!((generated.len(), generated[0].1), (1, KeyState::Next), "one is announced with it");

        let second = import(RotationUrgency::WhenAnnounced);
        assert_eq!((second.state, state_of(&first.kid)), (KeyState::Next, KeyState::Active));
        assert_eq!(state_of(&generated[0].0), KeyState::Removed, "it never signed, and gives way");
        let early = administration.rotate_key(&caller, ALG, RotationUrgency::WhenAnnounced).unwrap_err();
        assert!(matches!(early, AdministrationError::TooEarly { .. }), "announced from now on");

        let third = import(RotationUrgency::Forced);
        assert_eq!((third.state, state_of(&first.kid)), (KeyState::Active, KeyState::Retired));
        assert_eq!(state_of(&second.kid), KeyState::Removed);
    }

    #[test]
    fn the_jwk_set_stays_short_enough_for_verifiers_and_a_key_can_always_be_revoked() {
        let (administration, caller) = (administration(), Caller::system());
        administration.import_key(&caller, &key(), RotationUrgency::WhenAnnounced).unwrap();
        let rotate = || administration.rotate_key(&caller, ALG, RotationUrgency::Forced);
        while rotate().is_ok() {}
        let of = |state| states(&administration).into_iter().filter(move |(_, is)| *is == state);
        assert_eq!(of(KeyState::Retired).count() + 2, MOST_PUBLISHED_KEYS);
        let refused = rotate().unwrap_err();
        assert!(matches!(&refused, AdministrationError::Conflict(text) if text.contains("remove_after")), "{refused}");
        administration.import_key(&caller, &key(), RotationUrgency::Forced).unwrap_err();

        let (active, _) = of(KeyState::Active).next().unwrap();
        administration.revoke_key(&caller, &active, RotationUrgency::Forced).unwrap();
        assert_eq!(of(KeyState::Active).count(), 1);
        let (retired, _) = of(KeyState::Retired).next().unwrap();
        administration.revoke_key(&caller, &retired, RotationUrgency::WhenAnnounced).unwrap();
        rotate().unwrap();
    }

    #[test]
    fn what_is_exported_is_the_key_and_is_recorded() {
        let (administration, caller) = (administration(), Caller::system());
        let key = key();
        let kid = administration.import_key(&caller, &key, RotationUrgency::WhenAnnounced).unwrap().kid;
        assert_eq!(administration.export_key(&caller, &kid).unwrap(), key.to_pem().unwrap());
        let events = administration.store().read(|reader| {
            reader.list_audit_events(
                &AuditFilter { action: Some(AuditAction::Export), ..AuditFilter::default() },
                Page::ALL,
            )
        });
        let [event] = &events.unwrap()[..] else { panic!("one export is recorded") };
        assert_eq!(event.object_id, kid);
        assert!(!format!("{event:?}").contains("PRIVATE"));

        administration.rotate_key(&caller, ALG, RotationUrgency::Forced).unwrap();
        let error = administration.export_key(&caller, &kid).unwrap_err().to_string();
        assert!(error.contains("destroyed") && error.contains("retired"), "{error}");
        let error = administration.export_key(&caller, "unknown").unwrap_err();
        assert!(matches!(error, AdministrationError::NotFound { .. }), "{error}");
    }

    #[test]
    fn keys_that_everybody_knows_or_that_were_here_before_are_refused() {
        let (administration, caller) = (administration(), Caller::system());
        for public in [PublicTestKey::Rs256Active.load(), paired_test_key(7, SigningAlg::Rs256).unwrap()] {
            let error = administration.import_key(&caller, &public, RotationUrgency::Forced).unwrap_err();
            assert!(matches!(error, AdministrationError::Refused(_)), "{error}");
        }
        let key = key();
        administration.import_key(&caller, &key, RotationUrgency::WhenAnnounced).unwrap();
        administration.rotate_key(&caller, ALG, RotationUrgency::Forced).unwrap();
        let before = states(&administration);
        let error = administration.import_key(&caller, &key, RotationUrgency::Forced).unwrap_err();
        assert!(matches!(&error, AdministrationError::Conflict(text) if text.contains("retired")), "{error}");
        assert_eq!(states(&administration), before);
    }
}
