//! How is a new private key made? RSA by the `rsa` crate, P-256 and Ed25519 by aws-lc.
//!
//! An RSA key takes 0.1 to 1.5 s of one core: never on a thread that serves requests.

use std::convert::Infallible;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};
use thiserror::Error;
use zeroize::Zeroizing;

use super::alg::SigningAlg;
use super::private_key::{PrivateKey, PrivateKeyError};
use crate::entropy::Entropy;

/// How long the modulus of a new RSA key is, in bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RsaBits {
    /// 2048: the shortest that RFC 7518 §3.3 allows, and the quickest.
    #[default]
    Bits2048,
    /// 3072
    Bits3072,
    /// 4096
    Bits4096,
}

impl RsaBits {
    /// The number.
    pub const fn get(self) -> usize {
        match self {
            Self::Bits2048 => 2048,
            Self::Bits3072 => 3072,
            Self::Bits4096 => 4096,
        }
    }
}

/// A number of bits that no new RSA key gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a new RSA key has 2048, 3072 or 4096 bits")]
pub struct UnsupportedRsaBits;

impl TryFrom<u32> for RsaBits {
    type Error = UnsupportedRsaBits;

    fn try_from(bits: u32) -> Result<Self, Self::Error> {
        match bits {
            2048 => Ok(Self::Bits2048),
            3072 => Ok(Self::Bits3072),
            4096 => Ok(Self::Bits4096),
            _ => Err(UnsupportedRsaBits),
        }
    }
}

/// A fresh private key for `alg`; `rsa_bits` counts for RSA only, and `entropy` too: aws-lc takes its own randomness.
pub fn generate_private_key(
    alg: SigningAlg,
    rsa_bits: RsaBits,
    entropy: &dyn Entropy,
) -> Result<PrivateKey, PrivateKeyError> {
    let failed = PrivateKeyError::Generation { alg };
    let pkcs8 = match alg {
        SigningAlg::Rs256 | SigningAlg::Ps256 => rsa::PrivateKey::new(&mut EntropyRng(entropy), rsa_bits.get())
            .ok()
            .and_then(|key| key.to_pkcs8_der().ok())
            .ok_or(failed)?
            .to_bytes(),
        SigningAlg::Es256 => {
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| failed)?;
            Zeroizing::new(key.to_pkcs8v1().map_err(|_| failed)?.as_ref().to_vec())
        }
        SigningAlg::EdDsa => {
            // Version 1, because OpenSSL and others do not read version 2 (RFC 5958).
            let key = Ed25519KeyPair::generate().map_err(|_| failed)?;
            Zeroizing::new(key.to_pkcs8v1().map_err(|_| failed)?.as_ref().to_vec())
        }
    };
    PrivateKey::from_pkcs8(alg, pkcs8)
}

/// [`Entropy`] in the shape that the `rsa` crate asks for.
struct EntropyRng<'a>(&'a dyn Entropy);

impl TryRng for EntropyRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0_u8; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0_u8; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for EntropyRng<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[derive(Debug)]
    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn primes_are_made_of_the_entropy_given() {
        let mut rng = EntropyRng(&Sevens);
        let mut bytes = [0; 3];
        rng.try_fill_bytes(&mut bytes).unwrap();
        assert_eq!(bytes, [7; 3]);
        assert_eq!(rng.try_next_u32(), Ok(0x0707_0707));
        assert_eq!(rng.try_next_u64(), Ok(0x0707_0707_0707_0707));
    }

    #[test]
    fn every_algorithm_gets_a_key_of_its_own() {
        for alg in SigningAlg::ALL {
            let generate = || generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).unwrap();
            let (one, other) = (generate(), generate());
            assert_eq!(one.alg(), alg);
            assert_ne!(one.expose_pkcs8(), other.expose_pkcs8());
            assert_eq!(one.parse().unwrap().signature_bytes(), if alg.is_rsa() { 256 } else { 64 });
        }
    }

    #[test]
    fn rsa_keys_have_one_of_three_lengths() {
        for bits in [2048, 3072, 4096] {
            assert_eq!(RsaBits::try_from(bits).map(RsaBits::get), Ok(usize::try_from(bits).unwrap()));
        }
        assert_eq!(RsaBits::try_from(1024), Err(UnsupportedRsaBits));
    }
}
