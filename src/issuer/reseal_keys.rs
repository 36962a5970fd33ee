//! How does another master key take over? Every private key is sealed anew, in one change.

use super::administration::{Administration, AdministrationError, Change};
use super::rights::Caller;
use crate::keys::lifecycle::SigningKeyRecord;
use crate::store::{AuditAction, ObjectKind};

impl Administration {
    /// Seals every private key under the current master key that is not yet; answers with their kids.
    ///
    /// # Errors
    /// If one of them cannot be opened; then nothing is changed.
    pub fn reseal_keys(&self, caller: &Caller) -> Result<Vec<String>, AdministrationError> {
        self.change(caller, |change| change.reseal_keys())
    }
}

impl Change<'_> {
    fn reseal_keys(&mut self) -> Result<Vec<String>, AdministrationError> {
        let master_keys = self.admin.master_keys.clone();
        let mut resealed = Vec::new();
        for key in self.transaction.list_signing_keys()? {
            let Some(sealed) = &key.sealed_private_key else { continue };
            if master_keys.has_sealed(&key.kid, key.alg, sealed) {
                continue;
            }
            let opened = self.open_key(&key)?;
            let anew = master_keys.seal(&key.kid, key.alg, &opened, self.admin.entropy.as_ref());
            self.transaction.update_signing_key(&SigningKeyRecord { sealed_private_key: Some(anew), ..key.clone() })?;
            let under = serde_json::json!({ "master_key": master_keys.current().id().as_str() });
            self.record(AuditAction::Reseal, ObjectKind::SigningKey, &key.kid, None, Some(under))?;
            resealed.push(key.kid);
        }
        Ok(resealed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;
    use crate::entropy::SystemEntropy;
    use crate::issuer::administration::AdministrationPolicy;
    use crate::issuer::bootstrap::ManagementApi;
    use crate::keys::lifecycle::{KeyState, RotationUrgency};
    use crate::keys::public_test_keys::PublicTestKey;
    use crate::keys::{MasterKey, MasterKeys, SigningAlg};
    use crate::oauth::metadata::Issuer;
    use crate::store::{Database, Migrate, Store, StoreSettings};

    fn administration(store: &Store, master_keys: MasterKeys) -> Administration {
        let policy = AdministrationPolicy::of_dev(Issuer::new("http://localhost/"));
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        Administration::new(store.clone(), Arc::new(master_keys), clock, entropy, policy)
    }

    #[test]
    fn another_master_key_takes_over_and_a_server_that_knows_only_the_old_one_makes_no_keys() {
        let store = StoreSettings { database: Database::InMemory, pool_size: 2 };
        let store = Store::open(&store, Migrate::Always).unwrap();
        let [old, same, new] = {
            let bytes = MasterKey::generate(&SystemEntropy).to_base64url();
            let old = || MasterKey::from_base64url(&bytes).unwrap();
            [old(), old(), MasterKey::generate(&SystemEntropy)]
        };
        let (before, caller) = (administration(&store, old.into()), Caller::system());
        let filled = before.change(&caller, |change| {
            change.install_key(&PublicTestKey::Rs256Active.load(), KeyState::Active)?;
            change.install_key(&PublicTestKey::Rs256Next.load(), KeyState::Next)
        });
        filled.unwrap();
        before.bootstrap(ManagementApi::BringUpToDate).unwrap();

        let new_id = new.id().to_string();
        let after = administration(&store, MasterKeys::new(new, Some(same)));
        assert_eq!(after.reseal_keys(&caller).unwrap().len(), 2);
        assert_eq!(after.reseal_keys(&caller).unwrap(), [""; 0], "once is enough");
        let keys = after.signing_keys().unwrap();
        assert!(keys.iter().all(|key| key.sealed_private_key.as_ref().unwrap().contains(&new_id)));

        for error in [
            before.rotate_key(&caller, SigningAlg::Rs256, RotationUrgency::Forced).map(drop).unwrap_err(),
            before.reseal_keys(&caller).map(drop).unwrap_err(),
            before
                .change_with_alg(&caller, SigningAlg::Es256, |change| change.ensure_active_key(SigningAlg::Es256))
                .unwrap_err(),
        ] {
            let AdministrationError::Key(text) = error else { panic!("{error}") };
            assert!(text.contains("master key"), "{text}");
        }
        assert_eq!(after.signing_keys().unwrap(), keys, "nothing was changed");
        after.rotate_key(&caller, SigningAlg::Rs256, RotationUrgency::Forced).unwrap();
    }
}
