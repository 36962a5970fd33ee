//! Which keys may `dev` use because they are worthless? Private keys that everybody can read in `tests/keys/`.
//!
//! Only `dev` and tests load them, to start in milliseconds; whatever can reach a real deployment asks
//! [`is_public_test_key`] and refuses them.

use super::alg::SigningAlg;
use super::private_key::PrivateKey;

/// One of the public test keys, all RSA of 2048 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicTestKey {
    /// The RS256 key that signs.
    Rs256Active,
    /// The RS256 key that comes next.
    Rs256Next,
    /// The PS256 key that signs.
    Ps256Active,
}

impl PublicTestKey {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rs256Active, Self::Rs256Next, Self::Ps256Active];

    /// The algorithm that it signs with.
    pub const fn alg(self) -> SigningAlg {
        match self {
            Self::Rs256Active | Self::Rs256Next => SigningAlg::Rs256,
            Self::Ps256Active => SigningAlg::Ps256,
        }
    }

    /// Its RFC 7638 thumbprint.
    pub const fn kid(self) -> &'static str {
        match self {
            Self::Rs256Active => "uH-azpY-awLAXidmQ1yXXDUdr08S4SG_XfDaHf4IzO4",
            Self::Rs256Next => "Cx1HiyZBf6XhKrYZYEttTiS6Y7wCusIu5zwYY6_PJiY",
            Self::Ps256Active => "YN39Bet8ssyE-9hMsz7ZMWxsJ-ZY6FmeZ03TTpVT7b8",
        }
    }

    /// The private key, for `dev` and tests only.
    ///
    /// # Panics
    /// Never: the files are part of the program, and a test loads each.
    #[expect(clippy::expect_used, reason = "the files are compiled in, and a test loads each")]
    pub fn load(self) -> PrivateKey {
        let pem = match self {
            Self::Rs256Active => include_str!("../../tests/keys/rs256-active.pem"),
            Self::Rs256Next => include_str!("../../tests/keys/rs256-next.pem"),
            Self::Ps256Active => include_str!("../../tests/keys/ps256-active.pem"),
        };
        PrivateKey::from_pem(self.alg(), pem).expect("a test key that a test loads")
    }
}

/// Whether `kid` names a key whose private half is public: `serve` and `key import` must refuse it.
pub fn is_public_test_key(kid: &str) -> bool {
    PublicTestKey::ALL.into_iter().any(|key| key.kid() == kid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Signer;

    #[test]
    fn every_test_key_is_recognised_by_the_kid_that_it_has() {
        for key in PublicTestKey::ALL {
            let signer = Signer::from_private_key(&key.load()).unwrap();
            assert_eq!((signer.kid(), signer.alg()), (key.kid(), key.alg()));
            assert!(is_public_test_key(signer.kid()));
        }
        assert!(!is_public_test_key("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }
}
