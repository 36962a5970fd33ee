//! What do the signing keys need as time goes by? A next one announced, the next one's turn, and an end.
//!
//! Every server looks after them, and of all that share a database one does each thing: what a change goes by is looked at again in its
//! transaction.

use super::administration::{Administration, AdministrationError, Change};
use super::rights::Caller;
use super::rotate_keys::{Rotation, of_state, plan_rotation};
use crate::keys::SigningAlg;
use crate::keys::lifecycle::{KeyState, RotationUrgency, SigningKeyRecord, has_signed_for};

impl Administration {
    /// Announces the next key of each algorithm that signs where there is none, lets it sign where the active one has signed for long
    /// enough, and removes retired keys that no living token needs. Answers with what has rotated.
    ///
    /// # Errors
    /// The first thing that failed; the other algorithms have been seen to all the same.
    pub fn tend_keys(&self, caller: &Caller) -> Result<Vec<Rotation>, AdministrationError> {
        let keys = self.signing_keys()?;
        let (mut rotated, mut failed) = (Vec::new(), None);
        for active in keys.iter().filter(|key| key.state == KeyState::Active) {
            match self.tend_keys_of(caller, &keys, active) {
                Ok(rotation) => rotated.extend(rotation),
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        if keys.iter().any(|key| key.is_dead(self.now())) {
            self.change(caller, |change| change.remove_dead_keys())?;
        }
        failed.map_or(Ok(rotated), Err)
    }

    fn tend_keys_of(
        &self,
        caller: &Caller,
        keys: &[SigningKeyRecord],
        active: &SigningKeyRecord,
    ) -> Result<Option<Rotation>, AdministrationError> {
        if of_state(keys, active.alg, KeyState::Next).is_none() {
            return self.announce_next_key(caller, active.alg).map(|()| None);
        }
        if !self.policy.rotation_seconds.is_some_and(|period| has_signed_for(active, period, self.now())) {
            return Ok(None);
        }
        match self.rotate_due_key(caller, keys, active) {
            Ok(rotation) => Ok(Some(rotation)),
            // It is announced too short a time, which the next look may find otherwise; or another server was quicker.
            Err(AdministrationError::TooEarly { .. } | AdministrationError::Outdated) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn rotate_due_key(
        &self,
        caller: &Caller,
        keys: &[SigningKeyRecord],
        due: &SigningKeyRecord,
    ) -> Result<Rotation, AdministrationError> {
        let urgency = RotationUrgency::WhenAnnounced;
        // Known before a key is made for it.
        plan_rotation(keys, due.alg, self.now(), self.policy.announcement, urgency)?;
        self.require_room(keys)?;
        let made = self.make_keys(due.alg, 1)?;
        self.change_with_keys(caller, made, |change| {
            change.require_active(due.alg, &due.kid)?;
            change.rotate_key(due.alg, urgency)
        })
    }
}

impl Change<'_> {
    /// Goes on only if the key that signs with `alg` is `kid`.
    fn require_active(&mut self, alg: SigningAlg, kid: &str) -> Result<(), AdministrationError> {
        let keys = self.transaction.list_signing_keys()?;
        let active = of_state(&keys, alg, KeyState::Active).filter(|key| key.kid == kid);
        active.map(drop).ok_or(AdministrationError::Outdated)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ManualClock, UnixMillis};
    use crate::entropy::SystemEntropy;
    use crate::issuer::administration::AdministrationPolicy;
    use crate::issuer::bootstrap::ManagementApi;
    use crate::keys::MasterKey;
    use crate::keys::lifecycle::AnnouncementPeriod;
    use crate::keys::public_test_keys::PublicTestKey;
    use crate::oauth::metadata::Issuer;
    use crate::store::{Database, Migrate, Store, StoreSettings};

    const PERIOD: u32 = 1_000;
    const ANNOUNCED: u32 = 100;
    const LIFETIME: u32 = 600;
    const STALENESS: u32 = 300;

    /// A store in which one key signs, and nothing else was done to keys.
    fn fixture(rotation_seconds: Option<u32>) -> (Administration, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(UnixMillis(1_000_000)));
        let policy = AdministrationPolicy {
            rotation_seconds,
            announcement: AnnouncementPeriod { max_age_seconds: ANNOUNCED, propagation_seconds: 0 },
            default_token_lifetime: LIFETIME,
            max_token_lifetime: LIFETIME,
            max_staleness: STALENESS,
            ..AdministrationPolicy::of_dev(Issuer::new("http://localhost/"))
        };
        let store = StoreSettings { database: Database::InMemory, pool_size: 4 };
        let administration = Administration::new(
            Store::open(&store, Migrate::Always).unwrap(),
            Arc::new(MasterKey::generate(&SystemEntropy).into()),
            clock.clone(),
            Arc::new(SystemEntropy),
            policy,
        );
        // Made already: a debug build takes its time for an RSA key.
        let installed = administration.change(&Caller::system(), |change| {
            change.install_key(&PublicTestKey::Rs256Active.load(), KeyState::Active)
        });
        installed.unwrap();
        administration.bootstrap(ManagementApi::BringUpToDate).unwrap();
        (administration, clock)
    }

    fn tend(administration: &Administration) -> usize {
        administration.tend_keys(&Caller::system()).unwrap().len()
    }

    /// Kids by state: active, next, retired, removed.
    fn kids(administration: &Administration) -> [Vec<String>; 4] {
        let keys = administration.signing_keys().unwrap();
        [KeyState::Active, KeyState::Next, KeyState::Retired, KeyState::Removed]
            .map(|state| keys.iter().filter(|key| key.state == state).map(|key| key.kid.clone()).collect())
    }

    #[test]
    fn a_key_is_announced_signs_for_its_time_is_retired_and_removed() {
        let (administration, clock) = fixture(Some(PERIOD));
        let [first, none, ..] = kids(&administration);
        assert!(none.is_empty());
        assert_eq!(tend(&administration), 0);
        let [active, second, ..] = kids(&administration);
        assert_eq!((&active, second.len()), (&first, 1), "the next key is announced");

        clock.advance(i64::from(PERIOD) - 1);
        assert_eq!(tend(&administration), 0);
        clock.advance(1);
        assert_eq!(tend(&administration), 1);
        let [active, third, retired, _] = kids(&administration);
        assert_eq!((&active, &retired, third.len()), (&second, &first, 1));
        let revision = administration.store().revision().unwrap();
        assert_eq!(tend(&administration), 0, "the new one has just begun");
        assert_eq!(administration.store().revision().unwrap(), revision, "what changes nothing leaves no trace");

        clock.advance(i64::from(LIFETIME + STALENESS) + 59);
        assert_eq!((tend(&administration), &kids(&administration)[2]), (0, &first));
        clock.advance(1);
        tend(&administration);
        let [.., retired, removed] = kids(&administration);
        assert_eq!((retired.len(), removed), (0, first), "no token that it signed is alive");
    }

    #[test]
    fn a_key_that_is_due_signs_on_until_every_cache_knows_the_next_one() {
        let (administration, clock) = fixture(Some(PERIOD));
        clock.advance(i64::from(PERIOD) * 2);
        assert_eq!(tend(&administration), 0, "the next one is announced only now");
        clock.advance(i64::from(ANNOUNCED) - 1);
        assert_eq!(tend(&administration), 0);
        clock.advance(1);
        assert_eq!(tend(&administration), 1);
    }

    #[test]
    fn where_keys_rotate_by_hand_they_are_announced_and_no_more() {
        let (administration, clock) = fixture(None);
        tend(&administration);
        let announced = kids(&administration);
        assert_eq!(announced[1].len(), 1);
        clock.advance(i64::from(u32::MAX));
        assert_eq!((tend(&administration), kids(&administration)), (0, announced));
    }

    #[test]
    fn of_many_servers_one_rotates() {
        let (administration, clock) = fixture(Some(PERIOD));
        let es256 = administration.change_with_alg(&Caller::system(), SigningAlg::Es256, |change| {
            change.ensure_active_key(SigningAlg::Es256)
        });
        es256.unwrap();
        tend(&administration);
        clock.advance(i64::from(PERIOD));
        // Each has seen the same keys due.
        let keys = administration.signing_keys().unwrap();
        let due = of_state(&keys, SigningAlg::Es256, KeyState::Active).unwrap();
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let servers: Vec<_> =
                (0..6).map(|_| scope.spawn(|| administration.rotate_due_key(&Caller::system(), &keys, due))).collect();
            servers.into_iter().map(|server| server.join().unwrap()).collect()
        });
        let late =
            |outcome: &Result<Rotation, AdministrationError>| matches!(outcome, Err(AdministrationError::Outdated));
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|outcome| late(outcome)).count(), 5, "{outcomes:?}");
        let active = of_state(&administration.signing_keys().unwrap(), SigningAlg::Es256, KeyState::Active).cloned();
        assert_eq!(active.unwrap().activated_at, Some(administration.now()));
    }
}
