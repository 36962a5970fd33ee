//! What may tokens and secrets be like, and how soon is a change seen? `compat` and sections `token`, `secrets` and `store`.

use std::time::Duration;

use super::reader::{Choice, Read, Reader};
use crate::oauth::resource::Compat;

/// Section `token`: access token lifetimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// Of an API that does not set its own; not above `max_lifetime`.
    pub default_lifetime: Duration,
    /// The longest an API may set.
    pub max_lifetime: Duration,
    /// Most memory of tokens that are kept to be handed out again, in bytes.
    pub reuse_bytes: u64,
}

/// Section `secrets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretSettings {
    /// Secrets a client may have at a time that are not expired.
    pub max_live_per_client: usize,
    /// How long a secret works on after its client replaced it, unless the client says; not above `max_overlap`.
    pub default_overlap: Duration,
    /// The longest that a client may let it work on.
    pub max_overlap: Duration,
    /// For how many days a secret must not have been used before it is called safe to retire.
    pub quiet_days: u32,
}

/// Section `store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// How often a running server looks for changes made elsewhere.
    pub poll: Duration,
    /// How long tokens are issued from memory while the database does not answer.
    pub max_staleness: Duration,
}

impl Choice for Compat {
    const CHOICES: &'static [Self] = Self::ALL;

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl TokenSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let default_lifetime = from.seconds("token.default_lifetime_seconds");
        let max_lifetime = from.seconds("token.max_lifetime_seconds");
        let reuse_bytes = from.integer("token.reuse_bytes");
        let (default_lifetime, max_lifetime) = (default_lifetime?, max_lifetime?);
        if default_lifetime > max_lifetime {
            return Err(from.conflict("token.default_lifetime_seconds", "is above token.max_lifetime_seconds"));
        }
        Ok(Self { default_lifetime, max_lifetime, reuse_bytes: reuse_bytes? })
    }
}

impl SecretSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let max_live_per_client = from.integer("secrets.max_live_per_client");
        let default_overlap = from.seconds("secrets.default_overlap_seconds");
        let max_overlap = from.seconds("secrets.max_overlap_seconds");
        let quiet_days = from.integer("secrets.quiet_days");
        let (default_overlap, max_overlap) = (default_overlap?, max_overlap?);
        if default_overlap > max_overlap {
            return Err(from.conflict("secrets.default_overlap_seconds", "is above secrets.max_overlap_seconds"));
        }
        Ok(Self { max_live_per_client: max_live_per_client?, default_overlap, max_overlap, quiet_days: quiet_days? })
    }
}

impl StoreSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let poll = from.milliseconds("store.poll_milliseconds");
        let max_staleness = from.seconds("store.max_staleness_seconds");
        Ok(Self { poll: poll?, max_staleness: max_staleness? })
    }
}
