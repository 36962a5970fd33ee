//! How much work is done and waits at a time? Sections `hashing` and `signing`.

use std::time::Duration;

use super::reader::{Read, Reader, Threads};

/// Section `hashing`: checking secrets that people brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashingSettings {
    /// Threads that hash.
    pub threads: Threads,
    /// Requests that may wait.
    pub queue: usize,
    /// How long a secret that proved right is remembered; zero checks each time.
    pub remember: Duration,
    /// Most secrets remembered at a time.
    pub remember_entries: u64,
}

/// Section `signing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningSettings {
    /// Requests that may wait.
    pub queue: usize,
    /// How long a request may wait; one that would wait longer gets 503.
    pub longest_wait: Duration,
}

impl HashingSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let threads = from.threads("hashing.threads");
        let queue = from.integer("hashing.queue");
        let remember = from.seconds("hashing.remember_seconds");
        let remember_entries = from.integer("hashing.remember_entries");
        Ok(Self { threads: threads?, queue: queue?, remember: remember?, remember_entries: remember_entries? })
    }
}

impl SigningSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let queue = from.integer("signing.queue");
        let longest_wait = from.milliseconds("signing.queue_milliseconds");
        Ok(Self { queue: queue?, longest_wait: longest_wait? })
    }
}
