//! How are signing keys made, announced and sealed? Sections `keys` and `jwks`.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::reader::{Read, Reader};
use super::secret::Secret;

/// Section `keys`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// The key that seals the signing keys.
    pub master_key: MasterKeySource,
    /// The one before it, where the operator gives it.
    pub old_master_key: Option<Secret<[u8; 32]>>,
    /// Size of new RSA keys in bits: 2048, 3072 or 4096.
    pub rsa_bits: usize,
    /// Allowance beyond the JWK Set's `max-age` before an announced key signs.
    pub propagation: Duration,
    /// How long a key signs before the next one takes over by itself; `None`: keys rotate by hand.
    pub rotation: Option<Duration>,
}

/// Where the master key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKeySource {
    /// Given by the operator.
    Given(Secret<[u8; 32]>),
    /// In this file, which the first start makes: `master.key` in `keys.directory`.
    File(PathBuf),
}

/// Section `jwks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JwksSettings {
    /// How long caches may hold the JWK Set.
    pub max_age: Duration,
}

impl KeySettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let directory = from.path("keys.directory");
        let master_key = from.secret("keys.master_key", parse_master_key);
        let old_master_key = from.secret("keys.old_master_key", parse_master_key);
        let rsa_bits = from.integer("keys.rsa_bits");
        let propagation = from.seconds("keys.propagation_seconds");
        let rotation = from.seconds("keys.rotation_seconds");
        let directory = directory?;
        let master_key =
            master_key?.map_or_else(|| MasterKeySource::File(directory.join("master.key")), MasterKeySource::Given);
        let rotation = Some(rotation?).filter(|period| !period.is_zero());
        let old_master_key = old_master_key?;
        Ok(Self { master_key, old_master_key, rsa_bits: rsa_bits?, propagation: propagation?, rotation })
    }
}

impl JwksSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        Ok(Self { max_age: from.seconds("jwks.max_age_seconds")? })
    }
}

fn parse_master_key(text: &str) -> Result<Secret<[u8; 32]>, String> {
    const EXPECTED: &str = "is not 32 bytes in base64url (43 characters, no padding)";
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| EXPECTED.to_owned())?);
    <[u8; 32]>::try_from(bytes.as_slice()).map(Secret::new).map_err(|_| EXPECTED.to_owned())
}
