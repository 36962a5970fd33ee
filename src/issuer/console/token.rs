//! What opens a session, or a one-time link? 256 random bits, known to their holder alone: the store has the hash.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// 256 bits, which base64url writes as 43 characters.
const BYTES: usize = 32;
const CHARACTERS: usize = 43;

/// A session's id. Wiped from memory when dropped; only [`SessionId::expose`] shows it.
pub struct SessionId(RandomText);

/// A one-time link's token. Wiped from memory when dropped; only [`LinkToken::expose`] shows it.
pub struct LinkToken(RandomText);

impl SessionId {
    pub(super) fn generate(entropy: &dyn Entropy) -> Self {
        Self(RandomText::generate(entropy))
    }

    /// `text` as a session's id, if it has that form.
    pub fn parse(text: &str) -> Option<Self> {
        RandomText::parse(text).map(Self)
    }

    /// The id in clear: for the cookie.
    pub fn expose(&self) -> &str {
        &self.0.0
    }

    pub(super) fn hash(&self) -> String {
        self.0.hash()
    }
}

impl LinkToken {
    pub(super) fn generate(entropy: &dyn Entropy) -> Self {
        Self(RandomText::generate(entropy))
    }

    /// `text` as a one-time link's token, if it has that form.
    pub fn parse(text: &str) -> Option<Self> {
        RandomText::parse(text).map(Self)
    }

    /// The token in clear: for the link.
    pub fn expose(&self) -> &str {
        &self.0.0
    }

    pub(super) fn hash(&self) -> String {
        self.0.hash()
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionId(…)")
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LinkToken(…)")
    }
}

struct RandomText(Zeroizing<String>);

impl RandomText {
    fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0_u8; BYTES]);
        entropy.fill(bytes.as_mut_slice());
        // The whole length at once: a growing string would leave pieces behind.
        let mut text = Zeroizing::new(String::with_capacity(CHARACTERS));
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Self(text)
    }

    fn parse(text: &str) -> Option<Self> {
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = text.len() == CHARACTERS && text.bytes().all(is_base64url);
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// So many random bits need no salt and no slow hash.
    fn hash(&self) -> String {
        use fmt::Write as _;

        digest(&SHA256, self.0.as_bytes()).as_ref().iter().fold(String::with_capacity(2 * BYTES), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn what_is_generated_is_recognised_and_differs() {
        let (one, other) = (SessionId::generate(&SystemEntropy), SessionId::generate(&SystemEntropy));
        assert_ne!(one.expose(), other.expose());
        assert_eq!(SessionId::parse(one.expose()).unwrap().hash(), one.hash());
        assert_eq!(one.hash().len(), 64);
        assert!(!one.hash().contains(one.expose()));
        let link = LinkToken::generate(&SystemEntropy);
        assert_eq!(LinkToken::parse(link.expose()).unwrap().expose(), link.expose());
    }

    #[test]
    fn other_texts_are_none() {
        let long = "a".repeat(CHARACTERS + 1);
        for text in ["", &long, &long[2..], &format!("{}=", &long[2..]), &format!("{}ü", &long[3..])] {
            assert!(SessionId::parse(text).is_none() && LinkToken::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_hash_is_sha_256_and_debug_shows_nothing() {
        let id = SessionId::parse(&"A".repeat(CHARACTERS)).unwrap();
        // printf 'A%.0s' $(seq 43) | sha256sum
        assert_eq!(id.hash(), "0f007385b6f9d4b7eeb2748605afe1a984a0a3bfa3f014d09e2a784ce9e5cd1a");
        assert_eq!(format!("{id:?}"), "SessionId(…)");
        assert_eq!(format!("{:?}", LinkToken::parse(id.expose()).unwrap()), "LinkToken(…)");
    }
}
