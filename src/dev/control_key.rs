//! Who may drive an issuer? Whoever has the key that the ready line tells.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// The bearer key of the control API: 256 random bits. Not `Debug`.
pub struct ControlKey(Zeroizing<String>);

impl ControlKey {
    /// A fresh key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        entropy.fill(bytes.as_mut_slice());
        Self(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }

    /// The key, for the ready line.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Is it the value of this `Authorization` header?
    pub(super) fn opens(&self, authorization: &str) -> bool {
        let Some((scheme, presented)) = authorization.split_once(' ') else { return false };
        scheme.eq_ignore_ascii_case("bearer") && bool::from(presented.trim().as_bytes().ct_eq(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn only_the_key_opens() {
        let key = ControlKey::generate(&SystemEntropy);
        assert_eq!(key.expose().len(), 43);
        assert!(key.opens(&format!("Bearer {}", key.expose())) && key.opens(&format!("bearer  {}", key.expose())));
        let other = ControlKey::generate(&SystemEntropy);
        for wrong in
            [String::new(), key.expose().to_owned(), "Bearer ".to_owned(), format!("Bearer {}", other.expose())]
        {
            assert!(!key.opens(&wrong));
        }
    }
}
