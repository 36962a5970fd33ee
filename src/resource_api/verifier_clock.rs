//! How does the verifier read this program's clock?

use std::sync::Arc;

use crate::clock::Clock;

/// The program's clock as the verifier wants it.
#[derive(Debug)]
pub(super) struct VerifierClock(pub(super) Arc<dyn Clock>);

impl tokenhouse_verifier::Clock for VerifierClock {
    fn unix_seconds(&self) -> u64 {
        u64::try_from(self.0.now().floor_seconds()).unwrap_or_default()
    }
}
