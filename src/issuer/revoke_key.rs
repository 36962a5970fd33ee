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
