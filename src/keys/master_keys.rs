//! Which master key seals, and which others open what was sealed before? While one takes the place of another there are two.

use zeroize::Zeroizing;

use super::alg::SigningAlg;
use super::seal::{MasterKey, SealError};
use crate::entropy::Entropy;

/// The master key in use and, where there is one, the one before it.
#[derive(Debug)]
pub struct MasterKeys {
    current: MasterKey,
    old: Option<MasterKey>,
}

impl MasterKeys {
    /// `current` seals and opens; `old` opens.
    pub const fn new(current: MasterKey, old: Option<MasterKey>) -> Self {
        Self { current, old }
    }

    /// The one that seals.
    pub const fn current(&self) -> &MasterKey {
        &self.current
    }

    /// Seals the private key `plaintext` of `kid`, under the current master key.
    pub fn seal(&self, kid: &str, alg: SigningAlg, plaintext: &[u8], entropy: &dyn Entropy) -> String {
        self.current.seal(kid, alg, plaintext, entropy)
    }

    /// Opens what either has sealed for `kid` and `alg`.
    ///
    /// # Errors
    /// If neither has, or it is damaged.
    pub fn open(&self, kid: &str, alg: SigningAlg, sealed: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let other = |error| match &self.old {
            Some(old) => old.open(kid, alg, sealed).map_err(|cause| match cause {
                // Of the two, the one that should have sealed it is named.
                SealError::WrongMasterKey { .. } => error,
                cause => cause,
            }),
            None => Err(error),
        };
        self.current.open(kid, alg, sealed).or_else(other)
    }

    /// Was it the current master key that sealed it?
    pub fn has_sealed(&self, kid: &str, alg: SigningAlg, sealed: &str) -> bool {
        self.current.open(kid, alg, sealed).is_ok()
    }
}

impl From<MasterKey> for MasterKeys {
    fn from(current: MasterKey) -> Self {
        Self::new(current, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    const ALG: SigningAlg = SigningAlg::Rs256;

    #[test]
    fn either_opens_and_the_current_one_seals() {
        let [old, current, stranger] = [0; 3].map(|_| MasterKey::generate(&SystemEntropy));
        let [before, foreign] = [&old, &stranger].map(|key| key.seal("kid", ALG, b"private key", &SystemEntropy));
        let ids = (stranger.id().clone(), current.id().clone());
        let keys = MasterKeys::new(current, Some(old));
        let now = keys.seal("kid", ALG, b"private key", &SystemEntropy);
        for sealed in [&before, &now] {
            assert_eq!(keys.open("kid", ALG, sealed).unwrap().as_slice(), b"private key");
            assert_eq!(keys.open("other", ALG, sealed).unwrap_err(), SealError::Damaged);
        }
        assert!(keys.has_sealed("kid", ALG, &now) && !keys.has_sealed("kid", ALG, &before));
        let wrong = SealError::WrongMasterKey { sealed_under: ids.0, in_use: ids.1 };
        assert_eq!(keys.open("kid", ALG, &foreign).unwrap_err(), wrong);
    }
}
