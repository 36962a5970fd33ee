//! Was a secret that came from elsewhere made by a machine, from at least 256 random bits?
//!
//! Such a secret cannot be guessed, whatever the hash, so a small one will do. Only the text can be judged: the test is
//! strict, and the few random secrets in a hundred that fail it are only hashed slowly.

/// 256 bits take this many characters of base64url.
const MIN_CHARACTERS: usize = 43;
/// Of 43 random characters out of 64, about 32 differ; in a repeated or counted text, and in hexadecimal, fewer.
const MIN_DIFFERENT: u32 = 24;
/// Of each kind of letter, and of digits: a phrase or a name has hardly any of one of them.
const MIN_LETTERS: usize = 8;
const MIN_DIGITS: usize = 2;

/// Is `secret` of the form of Auth0's client secrets and its like: at least 43 characters of `[A-Za-z0-9_-]`, all kinds
/// of them, without the order of words?
pub fn is_machine_made(secret: &str) -> bool {
    let bytes = secret.as_bytes();
    if bytes.len() < MIN_CHARACTERS || !bytes.iter().all(|byte| is_base64url(*byte)) {
        return false;
    }
    let count = |kind: Kind| bytes.iter().filter(|byte| Kind::of(**byte) == kind).count();
    // No character of that alphabet is beyond 127.
    let different = bytes.iter().fold(0_u128, |seen, byte| seen | 1 << *byte).count_ones();
    different >= MIN_DIFFERENT
        && count(Kind::Upper) >= MIN_LETTERS
        && count(Kind::Lower) >= MIN_LETTERS
        && count(Kind::Digit) >= MIN_DIGITS
        && is_mixed(bytes)
}

/// Does chance rule the neighbours? Those of different kinds are 64 of 100 then, in ordinary words fewer than 45.
fn is_mixed(bytes: &[u8]) -> bool {
    let pairs = || bytes.iter().zip(bytes.iter().skip(1));
    let changes = pairs().filter(|(one, next)| Kind::of(**one) != Kind::of(**next)).count();
    // Neighbours in the alphabet, as in abc or 321: 4 of 100 by chance.
    let steps = pairs().filter(|(one, next)| one.abs_diff(**next) <= 1).count();
    // Two capitals beside each other: 16 of 100 by chance; in words that begin with one, hardly ever.
    let capitals = pairs().filter(|(one, next)| one.is_ascii_uppercase() && next.is_ascii_uppercase()).count();
    let share = |count: usize| count * 100 / pairs().count();
    share(changes) >= 46 && share(steps) <= 20 && share(capitals) >= 3
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Upper,
    Lower,
    Digit,
    Mark,
}

impl Kind {
    const fn of(byte: u8) -> Self {
        match byte {
            b'A'..=b'Z' => Self::Upper,
            b'a'..=b'z' => Self::Lower,
            b'0'..=b'9' => Self::Digit,
            _ => Self::Mark,
        }
    }
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::entropy::{Entropy as _, SystemEntropy};

    fn random(bytes: usize) -> String {
        let mut raw = vec![0; bytes];
        SystemEntropy.fill(&mut raw);
        BASE64_URL_SAFE_NO_PAD.encode(raw)
    }

    #[test]
    fn nearly_every_random_secret_is_recognised() {
        for (bytes, at_least) in [(48, 975), (32, 930)] {
            let recognised = (0..1000).filter(|_| is_machine_made(&random(bytes))).count();
            assert!(recognised >= at_least, "{recognised} of 1000 with {bytes} bytes");
        }
    }

    #[test]
    fn what_is_too_short_or_of_another_alphabet_is_not() {
        let secret = random(33);
        assert!(!is_machine_made(&secret[..42]));
        assert!(!is_machine_made(&format!("{secret}=")) && !is_machine_made(&format!("{secret} ")));
    }

    #[rstest]
    #[case::phrase("this-is-the-very-long-secret-of-the-partner-api-2023")]
    #[case::camel("ThisIsTheVeryLongSecretOfThePartnerApiSince2023AndMore")]
    #[case::short_words("AnOxIsInMyBoxAsITalkToHimOnTheDay2OfMay19AndHeIsOk")]
    #[case::repeated("Abc123-Abc123-Abc123-Abc123-Abc123-Abc123-Abc123")]
    #[case::alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")]
    #[case::hexadecimal("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    #[case::hexadecimal_mixed("9F86d081884C7d659A2feaa0C55ad015A3bf4f1B2b0b822CD15d6c15B0f00a08")]
    #[case::uuids("0c82f429-068d-4f13-a0e3-5b1d7a9c1e55-0c82f429-068d-4f13")]
    #[case::leet("P4ssw0rd-P4ssw0rd-P4ssw0rd-P4ssw0rd-P4ssw0rd-2024")]
    #[case::padded("9MrYBSwnBSBaAfRKuoqs-quCKhhV7P1eBkdMJW14yBI=")]
    #[case::empty("")]
    fn what_a_person_may_have_written_is_not(#[case] secret: &str) {
        assert!(!is_machine_made(secret));
    }

    /// Each has all the marks but one.
    #[rstest]
    #[case::different("eE0BC5Df8B4aBC11CbC51B8Db8B880BbB5Ed1E5D8d5FD88a")]
    #[case::capital_letters("2d7y2wg7oj0vwimXXr7g4ri0ga09_h5z-j0rXQhy23swswz7")]
    #[case::small_letters("9qYUA5Y2TL8TJ1-Y_OFVUqPUN1ABDQ-5T8T8x1771Y3WCqW2")]
    #[case::digits("ArEhOGaXgZpjkJMafZcxnlVshv-FKXUXE-TgLHpSsV-gaoKh")]
    #[case::changes_of_kind("836usLSAZAJWJMVApyrURQENTDqyqDCotnzzVYEWHL041LGa")]
    #[case::steps_in_the_alphabet("aeIKLOcJX8QRZHIMHIJvwOOsQRrOPj1H9GrFGxLMbcWXHbF3")]
    #[case::neighbouring_capitals("GwFvaIpL5cTgwRhcVqL2AhbPeZljRyjS8rObK5QccCzP2M7C")]
    fn every_mark_of_chance_is_wanted(#[case] secret: &str) {
        assert!(!is_machine_made(secret));
    }

    proptest! {
        #[test]
        fn judging_never_panics(secret in any::<String>()) {
            let _ = is_machine_made(&secret);
        }

        #[test]
        fn words_are_never_taken_for_random(words in prop::collection::vec("[A-Z]?[a-z]{3,9}[0-9]{0,2}", 8..14)) {
            prop_assert!(!is_machine_made(&words.join("-")));
            prop_assert!(!is_machine_made(&words.concat()));
        }
    }
}
