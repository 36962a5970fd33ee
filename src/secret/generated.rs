//! What does a secret that Tokenhouse generates look like? `ths_`, secret id, 256 random bits, checksum.
//!
//! RFC 6749 §10.10 asks for a guessing chance of at most 2^-128. The fixed prefix lets secret scanners find a leaked
//! secret; the id selects the one stored hash to compare with; the checksum turns a mistyped secret away before any
//! hashing. All characters are unreserved, so both spellings of HTTP Basic (RFC 6749 §2.3.1) are the same.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::entropy::Entropy;

const PREFIX: &str = "ths_";
const ID_CHARACTERS: usize = 8;
const CHECKSUM_CHARACTERS: usize = 6;
/// 48 bits of id and 256 bits of secret, which base64url writes as 8 and 43 characters.
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// The public part of a generated secret: which stored secret it claims to be. 8 characters of `[A-Za-z0-9_-]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretId([u8; ID_CHARACTERS]);

impl SecretId {
    /// The id in `bytes`, if they are exactly 8 characters of `[A-Za-z0-9_-]`.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let id = <[u8; ID_CHARACTERS]>::try_from(bytes).ok()?;
        id.into_iter().all(is_base64url).then_some(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        // The constructors let only ASCII in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for SecretId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecretId({self})")
    }
}

/// A client secret of the generated form, in clear. Wiped from memory when dropped; neither `Debug` nor `Display`, so
/// that only [`GeneratedSecret::expose`] shows it.
pub struct GeneratedSecret {
    text: Zeroizing<String>,
    secret_id: SecretId,
}

impl GeneratedSecret {
    /// How many characters every generated secret has.
    pub const LENGTH: usize = 61;

    /// A fresh secret.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut id = [0_u8; ID_BYTES];
        let mut secret = Zeroizing::new([0_u8; SECRET_BYTES]);
        entropy.fill(&mut id);
        entropy.fill(secret.as_mut_slice());

        // The whole length at once: a growing string would leave pieces of the secret behind.
        let mut text = Zeroizing::new(String::with_capacity(Self::LENGTH));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(id, &mut text);
        URL_SAFE_NO_PAD.encode_string(secret.as_slice(), &mut text);
        let checksum = crc32fast::hash(text.as_bytes());
        URL_SAFE_NO_PAD.encode_string(checksum.to_be_bytes(), &mut text);

        let mut id_text = [0_u8; ID_CHARACTERS];
        // 6 bytes are exactly 8 characters.
        let _ = URL_SAFE_NO_PAD.encode_slice(id, &mut id_text);
        Self { text, secret_id: SecretId(id_text) }
    }

    /// `presented` as a generated secret, if it has that form and its checksum is right.
    pub fn parse(presented: &str) -> Option<Self> {
        match PresentedForm::classify(presented) {
            PresentedForm::Generated(secret_id) => Some(Self { text: Zeroizing::new(presented.to_owned()), secret_id }),
            PresentedForm::BadChecksum | PresentedForm::Other => None,
        }
    }

    /// The secret in clear: for the one answer that shows it, and for hashing.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Its public part.
    pub const fn secret_id(&self) -> SecretId {
        self.secret_id
    }
}

/// What a presented secret looks like, before anything is known about the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresentedForm {
    /// The generated form with a right checksum: compare it with the stored secret of this id only.
    Generated(SecretId),
    /// Prefix, length and alphabet of the generated form, but a wrong checksum: mistyped, no stored secret can match.
    BadChecksum,
    /// Anything else: a secret that somebody brought.
    Other,
}

impl PresentedForm {
    /// Looks at `presented` only: no hashing, no allocation, under a microsecond.
    pub fn classify(presented: &str) -> Self {
        let bytes = presented.as_bytes();
        if bytes.len() != GeneratedSecret::LENGTH || !bytes.iter().copied().all(is_base64url) {
            return Self::Other;
        }
        let Some((body, checksum)) = bytes.split_last_chunk::<CHECKSUM_CHARACTERS>() else { return Self::Other };
        let Some(secret_id) =
            body.strip_prefix(PREFIX.as_bytes()).and_then(<[u8]>::first_chunk::<ID_CHARACTERS>).copied()
        else {
            return Self::Other;
        };
        let mut expected = [0_u8; CHECKSUM_CHARACTERS];
        // 4 bytes are exactly 6 characters.
        let _ = URL_SAFE_NO_PAD.encode_slice(crc32fast::hash(body).to_be_bytes(), &mut expected);
        if *checksum == expected { Self::Generated(SecretId(secret_id)) } else { Self::BadChecksum }
    }
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::SystemEntropy;

    #[derive(Debug)]
    struct FixedEntropy(u8);

    impl Entropy for FixedEntropy {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn the_format_is_fixed() {
        // The checksum is Python's zlib.crc32 of the first 55 characters, big-endian, in base64url.
        let secret = GeneratedSecret::generate(&FixedEntropy(0));
        assert_eq!(secret.expose(), "ths_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIaz8yA");
        assert_eq!(secret.secret_id().as_str(), "AAAAAAAA");
    }

    #[test]
    fn generated_secrets_differ_and_have_the_fixed_length() {
        let (one, other) = (GeneratedSecret::generate(&SystemEntropy), GeneratedSecret::generate(&SystemEntropy));
        assert_eq!(one.expose().len(), GeneratedSecret::LENGTH);
        assert_ne!(one.expose(), other.expose());
        assert_ne!(one.secret_id(), other.secret_id());
    }

    #[test]
    fn other_texts_are_other() {
        let secret = GeneratedSecret::generate(&SystemEntropy);
        let long = format!("{}A", secret.expose());
        let short = &secret.expose()[..60];
        let other_prefix = secret.expose().replacen("ths_", "thz_", 1);
        let padded = format!("{short}=");
        for text in ["", "ths_", "a secret that a person brought", &long, short, &other_prefix, &padded] {
            assert_eq!(PresentedForm::classify(text), PresentedForm::Other, "{text}");
        }
    }

    #[test]
    fn a_secret_id_is_eight_characters_of_the_alphabet() {
        assert_eq!(SecretId::from_bytes(b"aZ09-_aa").unwrap().to_string(), "aZ09-_aa");
        for bad in [b"short".as_slice(), b"ninechars", b"with spa", "düdüdü".as_bytes()] {
            assert_eq!(SecretId::from_bytes(bad), None);
        }
    }

    proptest! {
        #[test]
        fn classifying_never_panics(presented in any::<String>()) {
            let _ = PresentedForm::classify(&presented);
        }

        #[test]
        fn classifying_near_misses_never_panics(tail in "[A-Za-z0-9_ü-]{50,60}") {
            let form = PresentedForm::classify(&format!("ths_{tail}"));
            prop_assert!(!matches!(form, PresentedForm::Generated(_)));
        }

        #[test]
        fn what_is_generated_is_recognised(_round in 0..64_u8) {
            let secret = GeneratedSecret::generate(&SystemEntropy);
            prop_assert_eq!(PresentedForm::classify(secret.expose()), PresentedForm::Generated(secret.secret_id()));
            let parsed = GeneratedSecret::parse(secret.expose()).unwrap();
            prop_assert_eq!(parsed.expose(), secret.expose());
            prop_assert_eq!(parsed.secret_id(), secret.secret_id());
        }

        #[test]
        fn one_wrong_character_is_never_taken_for_generated(
            position in 0..GeneratedSecret::LENGTH,
            wrong in any::<char>(),
        ) {
            let secret = GeneratedSecret::generate(&SystemEntropy);
            let mut characters: Vec<char> = secret.expose().chars().collect();
            prop_assume!(characters[position] != wrong);
            characters[position] = wrong;
            let corrupted: String = characters.into_iter().collect();
            let inside = position >= PREFIX.len() && (wrong.is_ascii_alphanumeric() || matches!(wrong, '-' | '_'));
            let expected = if inside { PresentedForm::BadChecksum } else { PresentedForm::Other };
            prop_assert_eq!(PresentedForm::classify(&corrupted), expected);
        }
    }
}
