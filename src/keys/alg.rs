//! Which algorithms sign access tokens? (RFC 7518 §3.1, RFC 8037 §3.1)

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A JWS `alg` that a signing key may have; each key has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SigningAlg {
    /// RSASSA-PKCS1-v1_5 with SHA-256: the default, understood everywhere.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl SigningAlg {
    /// Every algorithm, the default first.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// Its registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether its keys are RSA keys: the others break some verifiers merely by standing in the JWK Set.
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rs256 | Self::Ps256)
    }
}

impl fmt::Display for SigningAlg {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A name that is no [`SigningAlg`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("unknown signing algorithm: expected RS256, PS256, ES256 or EdDSA")]
pub struct UnknownSigningAlg;

impl FromStr for SigningAlg {
    type Err = UnknownSigningAlg;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        // RFC 7515 §4.1.1: case-sensitive.
        Self::ALL.into_iter().find(|alg| alg.as_str() == name).ok_or(UnknownSigningAlg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_json_and_value_agree() {
        for alg in SigningAlg::ALL {
            assert_eq!(alg.to_string().parse(), Ok(alg));
            assert_eq!(serde_json::to_string(&alg).unwrap(), format!("\"{alg}\""));
            assert_eq!(serde_json::from_str::<SigningAlg>(&format!("\"{alg}\"")).unwrap(), alg);
        }
        for other in ["rs256", "none", "HS256", "Ed25519", ""] {
            assert_eq!(other.parse::<SigningAlg>(), Err(UnknownSigningAlg));
        }
    }
}
