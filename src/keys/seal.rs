//! How does a private key lie in the database? Sealed with AES-256-GCM under the master key.
//!
//! `v1.` + id of the master key + `.` + base64url of nonce (12 bytes), ciphertext and tag (16 bytes). Version, `kid`
//! and `alg` are authenticated with it, so that no row can be given another row's key.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;
use zeroize::Zeroizing;

use super::alg::SigningAlg;
use crate::entropy::Entropy;

const VERSION: &str = "v1";
const MASTER_KEY_BYTES: usize = 32;
const ID_BYTES: usize = 8;
const TAG_BYTES: usize = 16;

/// The key under which all signing keys of a deployment are sealed: 256 random bits, the same on every replica. Wiped
/// from memory when dropped; `Debug` shows its id only.
pub struct MasterKey {
    bytes: Zeroizing<[u8; MASTER_KEY_BYTES]>,
    id: MasterKeyId,
}

/// Names a master key without telling anything about it: a part of an HMAC under it, 11 characters of base64url.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MasterKeyId(String);

/// A text that is no master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a master key is 43 characters of base64url: 32 random bytes")]
pub struct MasterKeyError;

/// Why a sealed key does not open.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The data is whole as far as one can tell, but another master key sealed it.
    #[error("sealed under the master key {sealed_under}, but the master key in use is {in_use}")]
    WrongMasterKey {
        /// The one to look for.
        sealed_under: MasterKeyId,
        /// The one that was given.
        in_use: MasterKeyId,
    },
    /// Changed, cut, or sealed for another `kid` or `alg`.
    #[error("the sealed key is damaged, or belongs to another key id")]
    Damaged,
    /// Written by a later version.
    #[error("the sealed key has a format that this version does not know")]
    UnknownFormat,
}

impl MasterKey {
    /// A fresh master key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0_u8; MASTER_KEY_BYTES]);
        entropy.fill(bytes.as_mut_slice());
        Self::from_bytes(bytes)
    }

    /// Reads what [`MasterKey::to_base64url`] wrote; white space around it is ignored.
    pub fn from_base64url(text: &str) -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0_u8; MASTER_KEY_BYTES]);
        match URL_SAFE_NO_PAD.decode_slice(text.trim(), bytes.as_mut_slice()) {
            Ok(MASTER_KEY_BYTES) => Ok(Self::from_bytes(bytes)),
            Ok(_) | Err(_) => Err(MasterKeyError),
        }
    }

    /// The key in clear, for its file only.
    pub fn to_base64url(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(MASTER_KEY_BYTES * 2));
        URL_SAFE_NO_PAD.encode_string(self.bytes.as_slice(), &mut text);
        text
    }

    /// Its public name.
    pub const fn id(&self) -> &MasterKeyId {
        &self.id
    }

    /// Seals the private key `plaintext` of `kid`.
    pub fn seal(&self, kid: &str, alg: SigningAlg, plaintext: &[u8], entropy: &dyn Entropy) -> String {
        // 96 random bits: SP 800-38D §8.3 allows 2^32 seals under one key, and a deployment makes a few a year.
        let mut nonce = [0_u8; NONCE_LEN];
        entropy.fill(&mut nonce);
        // The whole length at once: a growing buffer would leave pieces of the key behind.
        let mut sealed = Zeroizing::new(Vec::with_capacity(plaintext.len() + TAG_BYTES));
        sealed.extend_from_slice(plaintext);
        self.encrypt(&mut sealed, nonce, kid, alg);

        let mut bytes = Vec::with_capacity(NONCE_LEN + sealed.len());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        format!("{VERSION}.{}.{}", self.id, URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens what [`MasterKey::seal`] sealed for the same `kid` and `alg`.
    pub fn open(&self, kid: &str, alg: SigningAlg, sealed: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = sealed.split_once('.').ok_or(SealError::Damaged)?;
        if version != VERSION {
            return Err(SealError::UnknownFormat);
        }
        let (sealed_under, bytes) = rest.split_once('.').ok_or(SealError::Damaged)?;
        let mut id = [0_u8; ID_BYTES];
        if URL_SAFE_NO_PAD.decode_slice(sealed_under, &mut id) != Ok(ID_BYTES) {
            return Err(SealError::Damaged);
        }
        if sealed_under != self.id.0 {
            let sealed_under = MasterKeyId(sealed_under.to_owned());
            return Err(SealError::WrongMasterKey { sealed_under, in_use: self.id.clone() });
        }
        let bytes = URL_SAFE_NO_PAD.decode(bytes).map_err(|_| SealError::Damaged)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Damaged)?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .sealing_key()
            .open_in_place(Nonce::assume_unique_for_key(*nonce), additional_data(kid, alg), &mut plaintext)
            .map_err(|_| SealError::Damaged)?
            .len();
        plaintext.truncate(length);
        Ok(plaintext)
    }

    /// The master key that is `bytes`.
    pub fn from_bytes(bytes: Zeroizing<[u8; MASTER_KEY_BYTES]>) -> Self {
        let tag = derive(&bytes, b"tokenhouse master key id");
        let id = tag.as_ref().first_chunk::<ID_BYTES>().map(|id| URL_SAFE_NO_PAD.encode(id)).unwrap_or_default();
        Self { bytes, id: MasterKeyId(id) }
    }

    #[expect(clippy::expect_used, reason = "AES-256 takes every key of 32 bytes, which SHA-256 makes")]
    fn sealing_key(&self) -> LessSafeKey {
        // One purpose, one key: the id above is made with the same master key.
        let key = derive(&self.bytes, b"tokenhouse signing keys");
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).expect("a key of 32 bytes"))
    }

    #[expect(clippy::expect_used, reason = "GCM fails only beyond 64 GiB")]
    fn encrypt(&self, in_out: &mut Vec<u8>, nonce: [u8; NONCE_LEN], kid: &str, alg: SigningAlg) {
        self.sealing_key()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), additional_data(kid, alg), in_out)
            .expect("a key is shorter than 64 GiB");
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl MasterKeyId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for MasterKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MasterKeyId({self})")
    }
}

/// HMAC-SHA-256 as a key derivation: 32 bytes for each `purpose`.
fn derive(master_key: &[u8; MASTER_KEY_BYTES], purpose: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, master_key), purpose)
}

/// Version and algorithm come from closed lists and `kid` comes last, so that no two triples are written alike.
fn additional_data(kid: &str, alg: SigningAlg) -> Aad<String> {
    Aad::from(format!("{VERSION}\n{alg}\n{kid}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::entropy::SystemEntropy;

    const ALG: SigningAlg = SigningAlg::Rs256;

    #[test]
    fn what_is_sealed_opens_and_no_two_seals_are_alike() {
        let master_key = MasterKey::generate(&SystemEntropy);
        let sealed = master_key.seal("kid", ALG, b"private key", &SystemEntropy);
        assert_eq!(master_key.open("kid", ALG, &sealed).unwrap().as_slice(), b"private key");
        assert_ne!(master_key.seal("kid", ALG, b"private key", &SystemEntropy), sealed);
        let reread = MasterKey::from_base64url(&format!("{}\n", *master_key.to_base64url())).unwrap();
        assert_eq!(reread.id(), master_key.id());
        assert_eq!(reread.open("kid", ALG, &sealed).unwrap().as_slice(), b"private key");
    }

    #[test]
    fn a_seal_of_an_earlier_build_opens() {
        // Made by Python's hmac and cryptography: the format must never change under `v1`.
        let master_key = MasterKey::from_base64url("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
        let sealed = "v1.QLugH9CmfdI.AAECAwQFBgcICQoLyvpDh6BR44RjCoS5_AycRft-JLsvvcNwyVgR";
        assert_eq!(master_key.open("kid", ALG, sealed).unwrap().as_slice(), b"private key");
    }

    #[test]
    fn another_master_key_is_told_from_damage() {
        let (one, other) = (MasterKey::generate(&SystemEntropy), MasterKey::generate(&SystemEntropy));
        let sealed = one.seal("kid", ALG, b"private key", &SystemEntropy);
        let error = other.open("kid", ALG, &sealed).unwrap_err();
        assert_eq!(error, SealError::WrongMasterKey { sealed_under: one.id().clone(), in_use: other.id().clone() });
        assert_eq!(one.open("other", ALG, &sealed).unwrap_err(), SealError::Damaged);
        assert_eq!(one.open("kid", SigningAlg::Ps256, &sealed).unwrap_err(), SealError::Damaged);
        assert_eq!(one.open("kid", ALG, &sealed.replacen("v1", "v2", 1)).unwrap_err(), SealError::UnknownFormat);
    }

    #[rstest]
    #[case("")]
    #[case("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg")]
    #[case("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A")]
    #[case("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9")]
    #[case("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")]
    fn a_master_key_is_exactly_32_bytes(#[case] text: &str) {
        assert_eq!(MasterKey::from_base64url(text).unwrap_err(), MasterKeyError);
    }

    #[test]
    fn debug_shows_no_master_key() {
        let master_key = MasterKey::generate(&SystemEntropy);
        assert!(!format!("{master_key:?}").contains(master_key.to_base64url().as_str()));
        assert_eq!(master_key.id().as_str().len(), 11);
        assert!(!master_key.to_base64url().contains(master_key.id().as_str()));
    }

    proptest! {
        #[test]
        fn any_changed_character_is_noticed(position in 0..80_usize, wrong in any::<char>()) {
            let master_key = MasterKey::from_base64url("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
            let mut sealed: Vec<char> = master_key.seal("kid", ALG, b"private key", &SystemEntropy).chars().collect();
            let position = position % sealed.len();
            prop_assume!(sealed[position] != wrong);
            sealed[position] = wrong;
            let sealed: String = sealed.into_iter().collect();
            prop_assert!(master_key.open("kid", ALG, &sealed).is_err());
        }

        #[test]
        fn opening_never_panics(sealed in any::<String>()) {
            let master_key = MasterKey::from_base64url("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
            prop_assert!(master_key.open("kid", ALG, &sealed).is_err());
        }
    }
}
