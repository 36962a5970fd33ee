//! What is kept about a secret of a client?

use uuid::Uuid;

use super::hash::SecretHash;
use crate::clock::UnixMillis;

/// One of a client's secrets as the store keeps it: never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// Names the secret in the Management API and in the audit log.
    pub id: Uuid,
    /// What a presented secret is checked against.
    pub hash: SecretHash,
    /// What recognises the hash that was imported, once a better one stands in its place: a document may still name it.
    /// A hash of its text, as slow as that of the secret, so that the weak one is no longer in the database. Nothing that
    /// a client presents is checked against it.
    pub imported_hash: Option<Box<SecretHash>>,
    /// What a person calls it.
    pub label: Option<String>,
    /// When it was added.
    pub created_at: UnixMillis,
    /// From when on it is refused; `None`: never.
    pub expires_at: Option<UnixMillis>,
    /// When it last proved right, as far as has been written down: usage is written late and may be lost.
    pub last_used_at: Option<UnixMillis>,
}

impl StoredSecret {
    /// Whether it may still authenticate: at `expires_at` itself it may not.
    pub fn is_live(&self, now: UnixMillis) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::secret::{GeneratedSecret, hash_generated};

    #[test]
    fn a_secret_lives_until_the_millisecond_of_its_expiry() {
        let mut secret = StoredSecret {
            id: Uuid::nil(),
            hash: hash_generated(&GeneratedSecret::generate(&SystemEntropy), &SystemEntropy),
            imported_hash: None,
            label: None,
            created_at: UnixMillis(0),
            expires_at: Some(UnixMillis(5_000)),
            last_used_at: None,
        };
        assert!(secret.is_live(UnixMillis(4_999)));
        assert!(!secret.is_live(UnixMillis(5_000)));
        secret.expires_at = None;
        assert!(secret.is_live(UnixMillis(i64::MAX)));
    }
}
