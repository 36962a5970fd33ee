//! With which keys does somebody sign who is not the issuer? With some that are published nowhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::drive_error::DriveError;
use super::key_stock::KeyStock;
use crate::clock::UnixMillis;
use crate::entropy::Entropy;
use crate::issuer::prepare_keys::KeyMaker as _;
use crate::keys::{RsaBits, SigningAlg};
use crate::specimen::SpecimenKey;

/// One key of each algorithm, made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<HashMap<SigningAlg, Arc<SpecimenKey>>>);

impl Strangers {
    /// The key for `alg`, from `stock`, in which nobody else finds it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn get(
        &self,
        alg: SigningAlg,
        stock: &KeyStock,
        entropy: &dyn Entropy,
    ) -> Result<Arc<SpecimenKey>, DriveError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stranger) = known.get(&alg) {
            return Ok(stranger.clone());
        }
        let key = stock.make_key(alg, RsaBits::Bits2048, entropy)?;
        let stranger = Arc::new(SpecimenKey::new(&key, UnixMillis(0)).map_err(DriveError::internal)?);
        known.insert(alg, stranger.clone());
        Ok(stranger)
    }

    /// Forgets them: their numbers go back to the stock.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
