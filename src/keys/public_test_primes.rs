//! How do any number of issuers for tests get RSA keys of their own in no time? Any two of a few published primes make one.
//!
//! To find a prime takes a good part of a second, to multiply two takes nothing. The primes lie in `tests/keys/` for everybody to read,
//! and whoever has two keys that share one can compute both: such keys are worth as little as the others there, and
//! [`is_public_test_modulus`] recognises each of them.

use std::sync::LazyLock;

use rsa::BoxedUint;
use rsa::pkcs8::EncodePrivateKey as _;

use super::alg::SigningAlg;
use super::private_key::{PrivateKey, PrivateKeyError};

/// 64 primes of 1024 bits, whose products all have 2048 bits; one in each line, in hexadecimal digits.
const LINES: &str = include_str!("../../tests/keys/rsa-1024-bit-primes.txt");

const PRIMES: usize = 64;
const PRIME_BITS: u32 = 1024;
const MODULUS_BITS: u32 = 2 * PRIME_BITS;
const PUBLIC_EXPONENT: u64 = 65537;

/// How many different keys the primes make.
pub const PAIRS: usize = PRIMES * (PRIMES - 1) / 2;

static ALL: LazyLock<Vec<BoxedUint>> = LazyLock::new(|| LINES.lines().filter_map(parse).collect());

fn parse(line: &str) -> Option<BoxedUint> {
    let digits: Option<Vec<u8>> =
        (0..line.len()).step_by(2).map(|at| u8::from_str_radix(line.get(at..at + 2)?, 16).ok()).collect();
    BoxedUint::from_be_slice(&digits?, PRIME_BITS).ok()
}

/// The key number `number`, counted from 0 and round again after [`PAIRS`], for `alg`, which is RSA.
///
/// # Errors
/// If `alg` is not RSA; the primes themselves are good.
pub fn paired_test_key(number: usize, alg: SigningAlg) -> Result<PrivateKey, PrivateKeyError> {
    let failed = PrivateKeyError::Generation { alg };
    let (one, other) = pair(number % PAIRS);
    let (p, q) = ALL.get(one).zip(ALL.get(other)).ok_or(failed)?;
    let key = rsa::PrivateKey::from_p_q(p.clone(), q.clone(), BoxedUint::from(PUBLIC_EXPONENT)).map_err(|_| failed)?;
    PrivateKey::from_pkcs8(alg, key.to_pkcs8_der().map_err(|_| failed)?.to_bytes())
}

/// The two primes of pair `number`: (1, 0), (2, 0), (2, 1), (3, 0), …
fn pair(mut number: usize) -> (usize, usize) {
    let mut larger = 1;
    while number >= larger {
        number -= larger;
        larger += 1;
    }
    (larger, number)
}

/// Is one of the published primes a factor of `modulus`, which is big-endian?
pub fn is_public_test_modulus(modulus: &[u8]) -> bool {
    let Ok(modulus) = BoxedUint::from_be_slice(modulus, MODULUS_BITS) else { return false };
    let nothing = BoxedUint::zero_with_precision(PRIME_BITS);
    if modulus == nothing {
        return false;
    }
    let divides = |prime: &BoxedUint| {
        let prime = prime.to_nz().into_option();
        prime.is_some_and(|prime| modulus.rem_vartime(&prime) == nothing)
    };
    ALL.iter().any(divides)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::keys::Signer;

    #[test]
    fn every_pair_is_another_pair() {
        assert_eq!(ALL.len(), PRIMES);
        let pairs: HashSet<_> = (0..PAIRS).map(pair).collect();
        assert_eq!(pairs.len(), PAIRS);
        assert!(pairs.iter().all(|(one, other)| other < one && *one < PRIMES));
    }

    #[test]
    fn a_pair_signs_and_is_recognised() {
        for (number, alg) in [(0, SigningAlg::Rs256), (PAIRS - 1, SigningAlg::Rs256), (77, SigningAlg::Ps256)] {
            let key = paired_test_key(number, alg).unwrap();
            let signer = Signer::from_private_key(&key).unwrap();
            assert_eq!(signer.alg(), alg);
            let again = Signer::from_private_key(&paired_test_key(number + PAIRS, alg).unwrap()).unwrap();
            assert_eq!(signer.kid(), again.kid());
        }
        assert!(paired_test_key(0, SigningAlg::Es256).is_err());
    }

    #[test]
    fn no_other_modulus_is_taken_for_one() {
        assert!(!is_public_test_modulus(&[]));
        assert!(!is_public_test_modulus(&[0xFF; 256]));
        assert!(!is_public_test_modulus(&[0xFF; 512]));
    }
}
