//! Which keys may `dev` use because they are worthless? Private keys that everybody can read in `tests/keys/`.
//!
//! Only `dev`, `conform` and tests load them, to start in milliseconds; whatever can reach a real deployment asks
//! [`is_public_test_key`] and refuses them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::alg::SigningAlg;
use super::jwk::{PublicJwk, PublicParameters};
use super::private_key::PrivateKey;
use super::public_test_primes::is_public_test_modulus;

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

/// Whether `jwk` belongs to a key whose private half is public: `serve` and `key import` must refuse it.
pub fn is_public_test_key(jwk: &PublicJwk) -> bool {
    let PublicParameters::Rsa { n, .. } = &jwk.parameters else { return false };
    PublicTestKey::ALL.into_iter().any(|key| key.kid() == jwk.kid)
        || URL_SAFE_NO_PAD.decode(n).is_ok_and(|modulus| is_public_test_modulus(&modulus))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use crate::entropy::SystemEntropy;
    use crate::keys::public_test_primes::paired_test_key;
    use crate::keys::{RsaBits, Signer, generate_private_key};

    fn jwk(key: &PrivateKey) -> PublicJwk {
        PublicJwk::from_private_key(key, UnixMillis(0)).unwrap()
    }

    #[test]
    fn every_test_key_is_recognised() {
        for key in PublicTestKey::ALL {
            let signer = Signer::from_private_key(&key.load()).unwrap();
            assert_eq!((signer.kid(), signer.alg()), (key.kid(), key.alg()));
            assert!(is_public_test_key(&jwk(&key.load())));
        }
        for number in [0, 1, 1000] {
            assert!(is_public_test_key(&jwk(&paired_test_key(number, SigningAlg::Rs256).unwrap())), "{number}");
        }
        for alg in SigningAlg::ALL {
            let own = generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).unwrap();
            assert!(!is_public_test_key(&jwk(&own)), "{alg}");
        }
    }
}
