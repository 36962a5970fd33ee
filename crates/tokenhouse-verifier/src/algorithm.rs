//! Which signature algorithms are there at all? (RFC 7518 §3.1, RFC 8725 §3.1 and §3.2)

use std::fmt;

/// A signature algorithm a key may be pinned to.
///
/// The list is closed: no HMAC (a public key must never serve as a shared secret), no `none`, nothing with SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384 (RFC 7518 §3.3).
    Rs384,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 octets (RFC 7518 §3.5).
    Ps256,
    /// ECDSA on P-256 with SHA-256, signature as R and S side by side (RFC 7518 §3.4).
    Es256,
    /// EdDSA with Ed25519 (RFC 8037 §3.1).
    EdDsa,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 5] = [Self::Rs256, Self::Rs384, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The value of `alg` (RFC 7515 §4.1.1), compared case-sensitively.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that name, if it is one of these.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
            assert_eq!(algorithm.to_string(), algorithm.name());
        }
        for name in ["", "none", "None", "NONE", "HS256", "rs256", "RS256 ", "RS512", "ES256K", "eddsa"] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }
}
