//! How much may one request bring, and one client ask for? Section `limits`.

use std::num::NonZeroU32;

use super::reader::{Choice, Read, Reader};

/// Section `limits`: the most that one request may bring, and one client ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Bytes of body.
    pub body_bytes: usize,
    /// Bytes of head.
    pub head_bytes: usize,
    /// Parameters of a token request.
    pub parameters: usize,
    /// Attempts to authenticate as one client that may fail from one network before the next must wait; 0 for any number.
    pub failed_attempts: u32,
    /// Requests per second and authenticated client; none for any number.
    pub client_requests_per_second: Option<NonZeroU32>,
    /// Requests of an authenticated client at once.
    pub client_requests_burst: NonZeroU32,
    /// What happens to those beyond.
    pub client_requests_mode: LimitMode,
    /// Calls of the Management API per second and client.
    pub management_per_second: NonZeroU32,
    /// Calls of the Management API of a client at once.
    pub management_burst: NonZeroU32,
}

/// What happens to what is beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitMode {
    /// It is refused.
    Enforce,
    /// The log tells of it.
    Log,
}

impl Choice for LimitMode {
    const CHOICES: &'static [Self] = &[Self::Enforce, Self::Log];

    fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Log => "log",
        }
    }
}

impl LimitSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let body_bytes = from.integer("limits.body_bytes");
        let head_bytes = from.integer("limits.head_bytes");
        let parameters = from.integer("limits.parameters");
        let failed_attempts = from.integer("limits.failed_attempts");
        let client_requests_per_second = from.integer("limits.client_requests_per_second");
        let client_requests_burst = from.positive("limits.client_requests_burst");
        let client_requests_mode = from.choice("limits.client_requests_mode");
        let management_per_second = from.positive("limits.management_per_second");
        let management_burst = from.positive("limits.management_burst");
        Ok(Self {
            body_bytes: body_bytes?,
            head_bytes: head_bytes?,
            parameters: parameters?,
            failed_attempts: failed_attempts?,
            client_requests_per_second: NonZeroU32::new(client_requests_per_second?),
            client_requests_burst: client_requests_burst?,
            client_requests_mode: client_requests_mode?,
            management_per_second: management_per_second?,
            management_burst: management_burst?,
        })
    }
}
