//! Which signing keys has an issuer for tests that no other in this process has? Public ones, made in no time.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::entropy::{Entropy, SystemEntropy};
use crate::issuer::prepare_keys::KeyMaker;
use crate::keys::public_test_keys::PublicTestKey;
use crate::keys::public_test_primes::{PAIRS, paired_test_key};
use crate::keys::{PrivateKey, PrivateKeyError, RsaBits, SigningAlg, generate_private_key};

/// The keys of this process that are out, by their numbers.
static OUT: LazyLock<Mutex<Numbers>> = LazyLock::new(|| Mutex::new(Numbers::starting_anywhere()));

#[derive(Debug)]
struct Numbers {
    next: usize,
    taken: BTreeSet<usize>,
}

impl Numbers {
    /// So that two processes seldom have the same.
    fn starting_anywhere() -> Self {
        let mut bytes = [0_u8; 2];
        SystemEntropy.fill(&mut bytes);
        Self { next: usize::from(u16::from_be_bytes(bytes)) % PAIRS, taken: BTreeSet::new() }
    }

    fn take(&mut self) -> Option<usize> {
        let free = (0..PAIRS).map(|step| (self.next + step) % PAIRS).find(|number| !self.taken.contains(number))?;
        self.taken.insert(free);
        self.next = (free + 1) % PAIRS;
        Some(free)
    }
}

fn out() -> MutexGuard<'static, Numbers> {
    OUT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The keys that an issuer starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstKeys {
    /// The keys in `tests/keys/`, so that anybody can sign what such an issuer's JWK Set accepts. One issuer of a process has them.
    Published,
    /// Of its own.
    Own,
}

/// The RSA keys of one issuer, given back when it is dropped. Keys of other algorithms are made afresh.
#[derive(Debug)]
pub struct KeyStock {
    first: FirstKeys,
    /// The first ones, of which there are as many as [`PublicTestKey`] has.
    kept: Vec<usize>,
    /// Those taken since.
    taken: Mutex<Vec<usize>>,
}

impl KeyStock {
    /// A stock that begins with the `first` keys.
    pub fn new(first: FirstKeys) -> Self {
        let kept = match first {
            FirstKeys::Published => Vec::new(),
            FirstKeys::Own => {
                let mut numbers = out();
                PublicTestKey::ALL.iter().filter_map(|_| numbers.take()).collect()
            }
        };
        Self { first, kept, taken: Mutex::default() }
    }

    /// The first key in the part of `role`: the same at each call.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn first(&self, role: PublicTestKey) -> Result<PrivateKey, PrivateKeyError> {
        let place = PublicTestKey::ALL.iter().position(|known| *known == role).unwrap_or_default();
        match (self.first, self.kept.get(place)) {
            (FirstKeys::Published, _) => Ok(role.load()),
            (FirstKeys::Own, Some(number)) => paired_test_key(*number, role.alg()),
            (FirstKeys::Own, None) => generate_private_key(role.alg(), RsaBits::Bits2048, &SystemEntropy),
        }
    }

    /// The numbers of all but the first keys, of which it knows nothing any more: they go to [`Self::give_back`], or to
    /// [`Self::keep`] again.
    pub(super) fn take_out(&self) -> Vec<usize> {
        std::mem::take(&mut *self.taken())
    }

    /// Takes `numbers` in again.
    pub(super) fn keep(&self, numbers: Vec<usize>) {
        self.taken().extend(numbers);
    }

    /// Gives back `taken`, whose keys nobody uses any more.
    pub(super) fn give_back(taken: Vec<usize>) {
        let mut numbers = out();
        for number in taken {
            numbers.taken.remove(&number);
        }
    }

    fn taken(&self) -> MutexGuard<'_, Vec<usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyMaker for KeyStock {
    fn make_key(
        &self,
        alg: SigningAlg,
        rsa_bits: RsaBits,
        entropy: &dyn Entropy,
    ) -> Result<PrivateKey, PrivateKeyError> {
        // Taken before it is noted: at no time are both locks held.
        let number = if alg.is_rsa() { out().take() } else { None };
        let Some(number) = number else { return generate_private_key(alg, rsa_bits, entropy) };
        self.taken().push(number);
        paired_test_key(number, alg)
    }
}

impl Drop for KeyStock {
    fn drop(&mut self) {
        Self::give_back(self.take_out());
        let mut numbers = out();
        for number in &self.kept {
            numbers.taken.remove(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::keys::Signer;

    fn kid(key: &PrivateKey) -> String {
        Signer::from_private_key(key).unwrap().kid().to_owned()
    }

    #[test]
    fn no_two_issuers_have_a_key_in_common() {
        let stocks: Vec<_> = (0..4).map(|_| KeyStock::new(FirstKeys::Own)).collect();
        let mut kids = HashSet::new();
        for stock in &stocks {
            for role in PublicTestKey::ALL {
                assert!(kids.insert(kid(&stock.first(role).unwrap())));
                assert_eq!(kid(&stock.first(role).unwrap()), kid(&stock.first(role).unwrap()));
            }
            for alg in SigningAlg::ALL {
                assert!(kids.insert(kid(&stock.make_key(alg, RsaBits::Bits2048, &SystemEntropy).unwrap())));
            }
        }
    }

    #[test]
    fn what_is_taken_after_the_old_ones_came_out_stays_taken() {
        let stock = KeyStock::new(FirstKeys::Own);
        let make = || kid(&stock.make_key(SigningAlg::Rs256, RsaBits::Bits2048, &SystemEntropy).unwrap());
        make();
        let old = stock.take_out();
        make();
        KeyStock::give_back(old.clone());
        let now = stock.taken().clone();
        assert_eq!((old.len(), now.len()), (1, 1));
        assert!(out().taken.contains(&now[0]), "a key in use");
    }

    #[test]
    fn a_number_is_given_once_until_it_comes_back() {
        let mut numbers = Numbers { next: PAIRS - 1, taken: BTreeSet::new() };
        let all: HashSet<_> = std::iter::from_fn(|| numbers.take()).collect();
        assert_eq!((all.len(), numbers.take()), (PAIRS, None));
        numbers.taken.remove(&5);
        assert_eq!((numbers.take(), numbers.take()), (Some(5), None));
    }
}
