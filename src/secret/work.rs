//! What does one check of a secret cost, and in which memory does it run?
//!
//! The work of a check is its algorithm and parameters without the salt: two secrets of the same work cost the same,
//! so that a dummy of equal work hides whether a client exists.

use std::fmt;
use std::hint::black_box;
use std::num::NonZeroU32;

use argon2::{Argon2, Block, Params};
use aws_lc_rs::{digest, pbkdf2};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

/// The longest secret that is ever hashed, in bytes of UTF-8.
pub const MAX_SECRET_BYTES: usize = 1024;
/// Blocks of 1 KiB that a [`HashMemory`] keeps between checks; only a rare imported hash needs more.
const KEPT_BLOCKS: usize = 64 * 1024;
/// What Argon2 fills within about a millisecond: KiB of memory times passes.
const QUICK_ARGON2_KIB: u64 = 1024;
/// The longest result of any accepted algorithm, in bytes.
const MAX_OUTPUT_BYTES: usize = 64;
/// bcrypt looks at no more of a secret, counting its closing NUL.
const BCRYPT_INPUT_BYTES: usize = 72;

/// The three variants of Argon2 (RFC 9106 §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Argon2Variant {
    /// `argon2d`
    D,
    /// `argon2i`
    I,
    /// `argon2id`
    Id,
}

/// The two hash functions of imported hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sha2 {
    /// SHA-256, 32 bytes
    Sha256,
    /// SHA-512, 64 bytes
    Sha512,
}

/// Algorithm and parameters of a stored hash: what checking against it costs. Two equal values cost the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretWork {
    /// RFC 9106
    Argon2 {
        /// Which of the three.
        variant: Argon2Variant,
        /// `0x10` or `0x13`, decimal 16 or 19 in a PHC string.
        version: u32,
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over that memory.
        passes: u32,
        /// Lanes; computed one after the other.
        lanes: u32,
        /// Length of the result in bytes.
        output_bytes: usize,
    },
    /// bcrypt in the meaning of `$2b$`
    Bcrypt {
        /// 2^cost rounds.
        cost: u8,
    },
    /// RFC 8018 §5.2 with HMAC
    Pbkdf2 {
        /// The hash function under the HMAC.
        sha2: Sha2,
        /// Iterations.
        iterations: NonZeroU32,
        /// Length of the result in bytes; each 32 (SHA-256) or 64 (SHA-512) cost all iterations again.
        output_bytes: usize,
    },
    /// The plain, unsalted digest that IdentityServer stores
    Digest {
        /// The hash function.
        sha2: Sha2,
    },
}

impl SecretWork {
    /// For secrets that Tokenhouse generates: their 256 random bits need no slow hash (about 30 µs).
    pub const GENERATED: Self = Self::Argon2 {
        variant: Argon2Variant::Id,
        version: 0x13,
        memory_kib: 32,
        passes: 1,
        lanes: 1,
        output_bytes: Params::DEFAULT_OUTPUT_LEN,
    };

    /// For secrets that somebody brought: OWASP's minimum for Argon2id (about 25 ms).
    pub const BROUGHT: Self = Self::Argon2 {
        variant: Argon2Variant::Id,
        version: 0x13,
        memory_kib: 19_456,
        passes: 2,
        lanes: 1,
        output_bytes: Params::DEFAULT_OUTPUT_LEN,
    };

    /// Whether a check belongs in the bounded pool: what takes longer than about a millisecond.
    pub fn is_slow(&self) -> bool {
        match self {
            Self::Argon2 { memory_kib, passes, .. } => u64::from(*memory_kib) * u64::from(*passes) > QUICK_ARGON2_KIB,
            Self::Bcrypt { .. } | Self::Pbkdf2 { .. } => true,
            Self::Digest { .. } => false,
        }
    }

    /// Spends what a check of this work costs and forgets the result: for a client that does not exist, or whose
    /// secrets are cheaper to check than another's.
    pub fn run_dummy(&self, presented: &[u8], memory: &mut HashMemory) {
        let (salt, nobodys) = ([0_u8; 16], [0_u8; MAX_OUTPUT_BYTES]);
        let derived = self.derive(black_box(presented), &salt, memory);
        // The comparison is a part of it.
        let matches = |derived: Derived| {
            let expected = nobodys.get(..derived.as_bytes().len()).unwrap_or_default();
            bool::from(derived.as_bytes().ct_eq(expected))
        };
        black_box(derived.is_ok_and(matches));
    }

    /// The result for `presented` and `salt`.
    pub(super) fn derive(
        &self,
        presented: &[u8],
        salt: &[u8],
        memory: &mut HashMemory,
    ) -> Result<Derived, Underivable> {
        // Also the work of a refusal is bounded: no accepted secret is longer.
        if presented.len() > MAX_SECRET_BYTES {
            return Err(Underivable);
        }
        match *self {
            Self::Argon2 { variant, version, memory_kib, passes, lanes, output_bytes } => {
                let variant = match variant {
                    Argon2Variant::D => argon2::Algorithm::Argon2d,
                    Argon2Variant::I => argon2::Algorithm::Argon2i,
                    Argon2Variant::Id => argon2::Algorithm::Argon2id,
                };
                let version = argon2::Version::try_from(version).map_err(|_| Underivable)?;
                let params = Params::new(memory_kib, passes, lanes, Some(output_bytes)).map_err(|_| Underivable)?;
                let blocks = params.block_count();
                Derived::fill(output_bytes, |out| {
                    memory.lend(blocks, |memory| {
                        Argon2::new(variant, version, params)
                            .hash_password_into_with_memory(presented, salt, out, memory)
                            .map_err(|_| Underivable)
                    })
                })
            }
            Self::Bcrypt { cost } => derive_bcrypt(cost, presented, salt),
            Self::Pbkdf2 { sha2, iterations, output_bytes } => Derived::fill(output_bytes, |out| {
                let algorithm = match sha2 {
                    Sha2::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
                    Sha2::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
                };
                pbkdf2::derive(algorithm, iterations, salt, presented, out);
                Ok(())
            }),
            Self::Digest { sha2 } => {
                let algorithm = match sha2 {
                    Sha2::Sha256 => &digest::SHA256,
                    Sha2::Sha512 => &digest::SHA512,
                };
                let digest = digest::digest(algorithm, presented);
                Derived::fill(digest.as_ref().len(), |out| {
                    out.copy_from_slice(digest.as_ref());
                    Ok(())
                })
            }
        }
    }
}

/// No result: the secret is over-long, or a parameter was never accepted. The check answers "no match".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Underivable;

/// The result of a derivation, wiped when dropped.
pub(super) struct Derived {
    bytes: Zeroizing<[u8; MAX_OUTPUT_BYTES]>,
    length: usize,
}

impl Derived {
    fn fill(length: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), Underivable>) -> Result<Self, Underivable> {
        let mut bytes = Zeroizing::new([0_u8; MAX_OUTPUT_BYTES]);
        fill(bytes.get_mut(..length).ok_or(Underivable)?)?;
        Ok(Self { bytes, length })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

fn derive_bcrypt(cost: u8, presented: &[u8], salt: &[u8]) -> Result<Derived, Underivable> {
    let salt = <[u8; 16]>::try_from(salt).map_err(|_| Underivable)?;
    // `$2b$`: the secret and a NUL, cut at 72 bytes, as every implementation of it does.
    let mut input = Zeroizing::new([0_u8; BCRYPT_INPUT_BYTES]);
    for (to, from) in input.iter_mut().zip(presented) {
        *to = *from;
    }
    let length = BCRYPT_INPUT_BYTES.min(presented.len().saturating_add(1));
    let output = bcrypt::bcrypt(u32::from(cost), salt, input.get(..length).ok_or(Underivable)?);
    // A bcrypt string keeps 23 of the 24 bytes.
    Derived::fill(23, |out| {
        out.copy_from_slice(output.first_chunk::<23>().ok_or(Underivable)?);
        Ok(())
    })
}

/// The memory that Argon2 fills. Keep one per hashing thread: it grows to what is needed and is used again, where an
/// allocation per check would cost 19 MiB of page faults each time.
#[derive(Default)]
pub struct HashMemory {
    blocks: Vec<Block>,
}

impl HashMemory {
    /// How many KiB are held now; at most 64 MiB between checks.
    pub fn held_kib(&self) -> usize {
        self.blocks.len()
    }

    fn lend<T>(
        &mut self,
        blocks: usize,
        run: impl FnOnce(&mut [Block]) -> Result<T, Underivable>,
    ) -> Result<T, Underivable> {
        if self.blocks.len() < blocks {
            // Not `resize`: it would move the old contents and take up to twice what is needed.
            self.blocks = Vec::new();
            self.blocks = vec![Block::new(); blocks];
        }
        let result = run(self.blocks.get_mut(..blocks).ok_or(Underivable)?);
        if self.blocks.len() > KEPT_BLOCKS {
            self.blocks = Vec::new();
        }
        result
    }
}

impl fmt::Debug for HashMemory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HashMemory({} KiB)", self.held_kib())
    }
}

impl Drop for HashMemory {
    fn drop(&mut self) {
        for block in &mut self.blocks {
            block.as_mut().zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argon2(memory_kib: u32) -> SecretWork {
        SecretWork::Argon2 {
            variant: Argon2Variant::Id,
            version: 0x13,
            memory_kib,
            passes: 1,
            lanes: 1,
            output_bytes: 32,
        }
    }

    #[test]
    fn memory_grows_once_is_used_again_and_never_changes_a_result() {
        let mut memory = HashMemory::default();
        let fresh = argon2(64).derive(b"secret", &[7; 16], &mut HashMemory::default()).unwrap();
        argon2(512).run_dummy(b"another", &mut memory);
        assert_eq!(memory.held_kib(), 512);
        let address = memory.blocks.as_ptr();
        let reused = argon2(64).derive(b"secret", &[7; 16], &mut memory).unwrap();
        assert_eq!(reused.as_bytes(), fresh.as_bytes());
        assert_eq!((memory.held_kib(), memory.blocks.as_ptr()), (512, address));
    }

    #[test]
    fn memory_beyond_the_usual_is_given_back() {
        let mut memory = HashMemory::default();
        argon2(u32::try_from(KEPT_BLOCKS).unwrap() + 1024).run_dummy(b"secret", &mut memory);
        assert_eq!(memory.held_kib(), 0);
    }

    #[test]
    fn memory_of_the_usual_checks_is_kept() {
        let mut memory = HashMemory::default();
        SecretWork::BROUGHT.run_dummy(b"secret", &mut memory);
        assert_eq!(memory.held_kib(), 19_456);
        memory.lend(KEPT_BLOCKS, |_| Ok(())).unwrap();
        assert_eq!(memory.held_kib(), KEPT_BLOCKS);
    }

    #[test]
    fn what_fills_more_than_a_mebibyte_in_all_is_slow() {
        let slow = |memory_kib, passes| {
            SecretWork::Argon2 {
                variant: Argon2Variant::Id,
                version: 0x13,
                memory_kib,
                passes,
                lanes: 1,
                output_bytes: 32,
            }
            .is_slow()
        };
        assert!(!slow(1024, 1) && !slow(512, 2));
        assert!(slow(1025, 1) && slow(513, 2) && slow(32, 64));
    }

    #[test]
    fn the_longest_secret_is_hashed() {
        let longest = [b'a'; MAX_SECRET_BYTES];
        assert!(SecretWork::GENERATED.derive(&longest, &[0; 16], &mut HashMemory::default()).is_ok());
    }

    #[test]
    fn an_over_long_secret_costs_nothing() {
        let mut memory = HashMemory::default();
        assert!(SecretWork::BROUGHT.derive(&[b'a'; MAX_SECRET_BYTES + 1], &[0; 16], &mut memory).is_err());
        assert_eq!(memory.held_kib(), 0);
    }

    #[test]
    fn a_dummy_runs_for_every_algorithm() {
        let iterations = NonZeroU32::new(10).unwrap();
        for work in [
            SecretWork::GENERATED,
            SecretWork::Bcrypt { cost: 4 },
            SecretWork::Pbkdf2 { sha2: Sha2::Sha512, iterations, output_bytes: 64 },
            SecretWork::Digest { sha2: Sha2::Sha256 },
        ] {
            work.run_dummy(b"secret", &mut HashMemory::default());
            assert!(work.derive(b"secret", &[0; 16], &mut HashMemory::default()).is_ok(), "{work:?}");
        }
    }
}
