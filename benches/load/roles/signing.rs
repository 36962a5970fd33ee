//! What does a signature alone cost, and what its verification? The library of the product, a parsed key, a loop.

use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// As long as the signed part of a usual access token.
const MESSAGE: [u8; 789] = [b'x'; 789];
/// With an RSA key of 4096 bits.
const LONGEST_SIGNATURE: usize = 512;
/// Operations between two looks at the clock.
const BATCH: u64 = 8;

/// What is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Signing.
    Sign,
    /// Verifying.
    Verify,
}

/// How often it was done, and in which CPU time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Repeated {
    /// How often.
    pub(crate) operations: u64,
    /// CPU time of the thread in seconds.
    pub(crate) cpu_seconds: f64,
}

/// `ALG KEY-FILE SECONDS`: works for so long and prints what was done.
///
/// # Errors
/// If the arguments or the key are wrong.
pub(crate) fn repeat(args: &[String], work: Work) -> anyhow::Result<()> {
    let [alg, key, seconds] = args else { anyhow::bail!("usage: ALG KEY-FILE SECONDS") };
    let duration = Duration::from_secs_f64(seconds.parse()?);
    let operation = Operation::new(alg, Path::new(key), work)?;
    let done = measure(duration, || operation.once())?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", serde_json::to_string(&done)?)?;
    Ok(())
}

/// One signature, or its verification, that can be repeated.
pub(crate) enum Operation {
    Sign(Signer),
    Verify { key: ParsedPublicKey, signature: Vec<u8> },
}

impl Operation {
    /// With the key in the file `key`.
    ///
    /// # Errors
    /// If the key is none for `alg`.
    pub(crate) fn new(alg: &str, key: &Path, work: Work) -> anyhow::Result<Self> {
        let pkcs8 = std::fs::read(key).with_context(|| format!("cannot read {}", key.display()))?;
        let signer = Signer::parse(alg, &pkcs8)?;
        Ok(match work {
            Work::Sign => Self::Sign(signer),
            Work::Verify => {
                let mut signature = vec![0; LONGEST_SIGNATURE];
                let length = signer.sign(&MESSAGE, &mut signature)?;
                signature.truncate(length);
                Self::Verify { key: signer.public()?, signature }
            }
        })
    }

    /// Does it.
    ///
    /// # Errors
    /// If it fails.
    pub(crate) fn once(&self) -> anyhow::Result<()> {
        match self {
            Self::Sign(signer) => signer.sign(black_box(&MESSAGE), &mut [0; LONGEST_SIGNATURE]).map(drop),
            Self::Verify { key, signature } => {
                key.verify_sig(black_box(&MESSAGE), signature).map_err(|_| anyhow::anyhow!("it does not verify"))
            }
        }
    }
}

fn measure(duration: Duration, mut once: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Repeated> {
    // The first operations of a key fill its tables.
    (0..BATCH).try_for_each(|_| once())?;
    let before = cpu_time()?;
    let began = Instant::now();
    let mut operations = 0;
    while began.elapsed() < duration {
        (0..BATCH).try_for_each(|_| once())?;
        operations += BATCH;
    }
    Ok(Repeated { operations, cpu_seconds: (cpu_time()?.saturating_sub(before)).as_secs_f64() })
}

/// The CPU time of this thread.
///
/// # Errors
/// If the operating system does not tell.
pub(crate) fn cpu_time() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

pub(crate) enum Signer {
    Rsa { key: RsaKeyPair, pss: bool },
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    fn parse(alg: &str, pkcs8: &[u8]) -> anyhow::Result<Self> {
        let rejected = |_| anyhow::anyhow!("the key is none for {alg}");
        Ok(match alg {
            "RS256" | "PS256" => {
                Self::Rsa { key: RsaKeyPair::from_pkcs8(pkcs8).map_err(rejected)?, pss: alg == "PS256" }
            }
            "ES256" => Self::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(rejected)?),
            "EdDSA" => Self::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8).map_err(rejected)?),
            _ => anyhow::bail!("{alg} is no algorithm: RS256, PS256, ES256 or EdDSA"),
        })
    }

    /// Signs into `out`: how many bytes?
    fn sign(&self, message: &[u8], out: &mut [u8]) -> anyhow::Result<usize> {
        let failed = |_| anyhow::anyhow!("signing failed");
        let random = SystemRandom::new();
        let copied = |signature: &[u8], out: &mut [u8]| -> usize {
            out.iter_mut().zip(signature).for_each(|(to, from)| *to = *from);
            signature.len()
        };
        match self {
            Self::Rsa { key, pss } => {
                let out = out.get_mut(..key.public_modulus_len()).context("the buffer is too small")?;
                if *pss {
                    key.sign(&RSA_PSS_SHA256, &random, message, out).map_err(failed)?;
                } else {
                    key.sign(&RSA_PKCS1_SHA256, &random, message, out).map_err(failed)?;
                }
                Ok(out.len())
            }
            Self::P256(key) => Ok(copied(key.sign(&random, message).map_err(failed)?.as_ref(), out)),
            Self::Ed25519(key) => Ok(copied(key.try_sign(message).map_err(failed)?.as_ref(), out)),
        }
    }

    fn public(&self) -> anyhow::Result<ParsedPublicKey> {
        let parsed = match self {
            Self::Rsa { key, pss: false } => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key()),
            Self::Rsa { key, pss: true } => ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_key()),
            Self::P256(key) => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key()),
            Self::Ed25519(key) => ParsedPublicKey::new(&ED25519, key.public_key()),
        };
        parsed.map_err(|_| anyhow::anyhow!("the public key is rejected"))
    }
}
