//! How is a signing key shown? Its certificate and where it stands; never its private half.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::clock::UnixMillis;
use crate::issuer::document::entries::to_timestamp;
use crate::keys::lifecycle::{AnnouncementPeriod, KeyState, SigningKeyRecord, earliest_rotation};

/// The key as it is shown.
pub(super) fn signing_key_view(key: &SigningKeyRecord, announcement: AnnouncementPeriod) -> Value {
    let time = |at: Option<UnixMillis>| at.and_then(to_timestamp).map(|at| at.to_string());
    let sha1 = key.public_jwk.certificate_sha1();
    let is_next = key.state == KeyState::Next;
    let rotatable = key.announced_at.filter(|_| is_next).map(|at| earliest_rotation(at, announcement));
    json!({
        "kid": key.kid,
        "cert": key.public_jwk.certificate_pem(),
        "fingerprint": hexadecimal(&sha1, ":"),
        "thumbprint": hexadecimal(&sha1, ""),
        "current": key.state == KeyState::Active,
        "next": is_next,
        "previous": key.state == KeyState::Retired,
        "current_since": time(key.activated_at),
        "current_until": time(key.retired_at),
        "revoked": key.revoked_at.is_some(),
        "revoked_at": time(key.revoked_at),
        "alg": key.alg,
        "state": key.state.as_str(),
        "announced_at": time(key.announced_at),
        "rotatable_from": time(rotatable),
    })
}

/// What a rotation or a revocation answers with.
pub(super) fn certificate_view(key: &SigningKeyRecord) -> Value {
    json!({ "kid": key.kid, "cert": key.public_jwk.certificate_pem() })
}

/// As Auth0 writes fingerprints and thumbprints: both of SHA-1, in capitals.
fn hexadecimal(bytes: &[u8], separator: &str) -> String {
    bytes.iter().enumerate().fold(String::new(), |mut text, (index, byte)| {
        let separator = if index == 0 { "" } else { separator };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_has_colons_and_a_thumbprint_has_none() {
        assert_eq!(hexadecimal(&[0xCC, 0xFB, 0x03], ":"), "CC:FB:03");
        assert_eq!(hexadecimal(&[0xCC, 0xFB, 0x03], ""), "CCFB03");
    }
}
