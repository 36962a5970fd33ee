//! Which texts are accepted as a stored hash? Our own PHC strings, and what other authorization servers keep.
//!
//! PHC strings: <https://github.com/P-H-C/phc-string-format>; Argon2 by RFC 9106, PBKDF2 by RFC 8018. The costs are
//! capped, because whoever may import a hash decides what every later check against it costs this server.

use std::num::NonZeroU32;

use argon2::PasswordHash;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, STANDARD_NO_PAD};
use thiserror::Error;

use super::generated::SecretId;
use super::work::{Argon2Variant, SecretWork, Sha2};

const MAX_TEXT_BYTES: usize = 512;
const MIN_OUTPUT_BYTES: usize = 16;
const MAX_ARGON2_KIB: u32 = 1024 * 1024;
const MAX_ARGON2_KIB_PASSES: u64 = 4 * 1024 * 1024;
const MAX_ARGON2_LANES: u32 = 16;
const BCRYPT_COSTS: std::ops::RangeInclusive<u8> = 4..=15;
const MAX_PBKDF2_ITERATIONS: u32 = 2_000_000;

/// bcrypt's own base64. Bits beyond the last byte are ignored, as bcrypt implementations do.
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Why a text is not accepted as the hash of a secret. The text itself is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretHashError {
    /// None of the accepted formats.
    #[error(
        "not a secret hash that is accepted here; accepted are PHC strings of Argon2 ($argon2id$v=19$m=…,t=…,p=…$salt$hash, \
         also argon2i and argon2d) and PBKDF2 ($pbkdf2-sha256$i=…,l=…$salt$hash, also pbkdf2-sha512), bcrypt ($2a$, $2b$ \
         or $2y$), and IdentityServer's base64 of SHA-256 (44 characters) or SHA-512 (88 characters)"
    )]
    Unrecognised,
    /// The right beginning, but not the rest.
    #[error("malformed hash: expected the form {expected}")]
    Malformed {
        /// The form that its beginning promised.
        expected: &'static str,
    },
    /// Checking against it would cost too much.
    #[error("hash too costly to check: {parameter} may be at most {most}")]
    TooCostly {
        /// Which parameter, with its unit.
        parameter: &'static str,
        /// The highest accepted value.
        most: u64,
    },
    /// So short that other secrets would match.
    #[error("hash too short: at least {MIN_OUTPUT_BYTES} bytes are needed")]
    TooShort,
}

/// What a text says.
#[derive(Debug)]
pub(super) struct ParsedHash {
    pub(super) work: SecretWork,
    pub(super) salt: Box<[u8]>,
    pub(super) expected: Box<[u8]>,
    pub(super) secret_id: Option<SecretId>,
}

/// Reads `text` in any of the accepted formats.
pub(super) fn parse_hash(text: &str) -> Result<ParsedHash, SecretHashError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(SecretHashError::Unrecognised);
    }
    let Some(rest) = text.strip_prefix('$') else { return parse_digest(text) };
    match rest.split('$').next().unwrap_or_default() {
        "argon2d" => parse_argon2(text, Argon2Variant::D),
        "argon2i" => parse_argon2(text, Argon2Variant::I),
        "argon2id" => parse_argon2(text, Argon2Variant::Id),
        "pbkdf2-sha256" => parse_pbkdf2(text, Sha2::Sha256),
        "pbkdf2-sha512" => parse_pbkdf2(text, Sha2::Sha512),
        "2a" | "2b" | "2y" => parse_bcrypt(rest),
        _ => Err(SecretHashError::Unrecognised),
    }
}

fn parse_argon2(text: &str, variant: Argon2Variant) -> Result<ParsedHash, SecretHashError> {
    let malformed = SecretHashError::Malformed { expected: "$argon2id$v=19$m=KiB,t=passes,p=lanes$salt$hash" };
    let phc = PasswordHash::new(text).map_err(|_| malformed)?;
    let (salt, output) = phc.salt.zip(phc.hash).ok_or(malformed)?;
    let parameter = |name| phc.params.get_decimal(name);
    let (Some(memory_kib), Some(passes), Some(lanes)) = (parameter("m"), parameter("t"), parameter("p")) else {
        return Err(malformed);
    };
    // The reference implementation leaves `v` out for the first version, 0x10.
    let version = phc.version.unwrap_or(0x10);
    let known = phc.params.iter().all(|(name, _)| matches!(name.as_str(), "m" | "t" | "p" | "keyid"));
    if !known || !matches!(version, 0x10 | 0x13) || passes == 0 || lanes == 0 || memory_kib < lanes.saturating_mul(8) {
        return Err(malformed);
    }
    at_most("m (KiB)", memory_kib.into(), MAX_ARGON2_KIB.into())?;
    at_most("m (KiB) times t", u64::from(memory_kib) * u64::from(passes), MAX_ARGON2_KIB_PASSES)?;
    at_most("p", lanes.into(), MAX_ARGON2_LANES.into())?;
    let expected = long_enough(output.as_bytes())?;
    let work = SecretWork::Argon2 { variant, version, memory_kib, passes, lanes, output_bytes: expected.len() };

    // `keyid` names the secret only where the cheap parameters show that Tokenhouse made it: RFC 9106 gives the
    // parameter no meaning of its own.
    let cheap = variant == Argon2Variant::Id && version == 0x13 && memory_kib <= 32 && passes == 1 && lanes == 1;
    let secret_id = phc.params.get_str("keyid").filter(|_| cheap).and_then(decode_secret_id);
    Ok(ParsedHash { work, salt: salt.as_ref().into(), expected, secret_id })
}

/// The PHC string of a generated secret.
pub(super) fn render_generated(id: SecretId, salt: &[u8], result: &[u8]) -> String {
    let base64 = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    let keyid = base64(id.as_str().as_bytes());
    format!("$argon2id$v=19$m=32,t=1,p=1,keyid={keyid}${}${}", base64(salt), base64(result))
}

fn decode_secret_id(keyid: &str) -> Option<SecretId> {
    STANDARD_NO_PAD.decode(keyid).ok().and_then(|id| SecretId::from_bytes(&id))
}

fn parse_pbkdf2(text: &str, sha2: Sha2) -> Result<ParsedHash, SecretHashError> {
    let malformed = SecretHashError::Malformed { expected: "$pbkdf2-sha256$i=iterations,l=bytes$salt$hash" };
    let phc = PasswordHash::new(text).map_err(|_| malformed)?;
    let (salt, output) = phc.salt.zip(phc.hash).ok_or(malformed)?;
    let iterations = phc.params.get_decimal("i").and_then(NonZeroU32::new).ok_or(malformed)?;
    let known = phc.params.iter().all(|(name, _)| matches!(name.as_str(), "i" | "l"));
    // `l` may be left out; given, it must be true.
    let stated = phc.params.get("l").is_none_or(|l| l.decimal().is_ok_and(|l| usize::try_from(l) == Ok(output.len())));
    if !known || !stated || phc.version.is_some() {
        return Err(malformed);
    }
    at_most("i", iterations.get().into(), MAX_PBKDF2_ITERATIONS.into())?;
    let expected = long_enough(output.as_bytes())?;
    let work = SecretWork::Pbkdf2 { sha2, iterations, output_bytes: expected.len() };
    Ok(ParsedHash { work, salt: salt.as_ref().into(), expected, secret_id: None })
}

fn parse_bcrypt(rest: &str) -> Result<ParsedHash, SecretHashError> {
    let malformed = SecretHashError::Malformed { expected: "$2b$cost$ and 53 characters" };
    // `rest` is `2b$10$` + 22 characters of salt + 31 of hash.
    let mut fields = rest.split('$').skip(1);
    let (Some(cost), Some(salt_and_hash), None) = (fields.next(), fields.next(), fields.next()) else {
        return Err(malformed);
    };
    let cost = Some(cost)
        .filter(|cost| cost.len() == 2 && cost.bytes().all(|digit| digit.is_ascii_digit()))
        .and_then(|cost| cost.parse::<u8>().ok())
        .ok_or(malformed)?;
    let (salt, hash) = salt_and_hash.split_at_checked(22).filter(|(_, hash)| hash.len() == 31).ok_or(malformed)?;
    if cost < *BCRYPT_COSTS.start() {
        return Err(malformed);
    }
    at_most("bcrypt's cost", cost.into(), (*BCRYPT_COSTS.end()).into())?;
    Ok(ParsedHash {
        work: SecretWork::Bcrypt { cost },
        salt: BCRYPT_BASE64.decode(salt).map_err(|_| malformed)?.into(),
        expected: BCRYPT_BASE64.decode(hash).map_err(|_| malformed)?.into(),
        secret_id: None,
    })
}

/// IdentityServer: `Convert.ToBase64String(SHA256.HashData(secret))`, or SHA-512.
fn parse_digest(text: &str) -> Result<ParsedHash, SecretHashError> {
    let sha2 = match text.len() {
        44 => Sha2::Sha256,
        88 => Sha2::Sha512,
        _ => return Err(SecretHashError::Unrecognised),
    };
    let digest = STANDARD.decode(text).map_err(|_| SecretHashError::Unrecognised)?;
    let expected_bytes = match sha2 {
        Sha2::Sha256 => 32,
        Sha2::Sha512 => 64,
    };
    if digest.len() != expected_bytes {
        return Err(SecretHashError::Unrecognised);
    }
    Ok(ParsedHash { work: SecretWork::Digest { sha2 }, salt: Box::default(), expected: digest.into(), secret_id: None })
}

fn at_most(parameter: &'static str, value: u64, most: u64) -> Result<(), SecretHashError> {
    if value > most { Err(SecretHashError::TooCostly { parameter, most }) } else { Ok(()) }
}

fn long_enough(output: &[u8]) -> Result<Box<[u8]>, SecretHashError> {
    if output.len() < MIN_OUTPUT_BYTES { Err(SecretHashError::TooShort) } else { Ok(output.into()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const SALT_AND_HASH: &str = "AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8";

    #[rstest]
    #[case("")]
    #[case("a secret in clear")]
    #[case("$")]
    #[case("$5$rounds=5000$salt$hash")]
    #[case("$2x$10$abcdefghijklmnopqrstuuh3KL7NwX/lmLoXjGBdmIY7Qia0ASbI6")]
    #[case("9MrYBSwnBSBaAfRKuoqs+quCKhhV7P1eBkdMJW14yB==")]
    #[case("9MrYBSwnBSBaAfRKuoqs-quCKhhV7P1eBkdMJW14yBI=")]
    fn other_texts_are_refused_with_the_list_of_what_is_accepted(#[case] text: &str) {
        let error = parse_hash(text).unwrap_err();
        assert_eq!(error, SecretHashError::Unrecognised);
        for format in ["argon2id", "pbkdf2-sha256", "$2b$", "SHA-512"] {
            assert!(error.to_string().contains(format), "{error}");
        }
    }

    #[rstest]
    #[case("$argon2id$v=19$m=32,t=1$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8")]
    #[case("$argon2id$v=20$m=32,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8")]
    #[case("$argon2id$v=19$m=32,t=0,p=1$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8")]
    #[case("$argon2id$v=19$m=32,t=1,p=8$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8")]
    #[case("$argon2id$v=19$m=32,t=1,p=1,data=AAEC$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8")]
    #[case("$argon2id$v=19$m=32,t=1,p=1$AAECAwQFBgcICQoLDA0ODw")]
    #[case("$pbkdf2-sha256$v=1$i=1000$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8")]
    #[case("$pbkdf2-sha256$i=1000,x=1$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8")]
    #[case("$pbkdf2-sha256$i=0,l=32$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8")]
    #[case("$pbkdf2-sha256$i=1000,l=31$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8")]
    #[case("$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8")]
    #[case("$2b$3$abcdefghijklmnopqrstuuh3KL7NwX/lmLoXjGBdmIY7Qia0ASbI6")]
    #[case("$2b$+4$abcdefghijklmnopqrstuuh3KL7NwX/lmLoXjGBdmIY7Qia0ASbI6")]
    #[case("$2b$03$abcdefghijklmnopqrstuuh3KL7NwX/lmLoXjGBdmIY7Qia0ASbI6")]
    #[case("$2b$10$abcdefghijklmnopqrstuuh3KL7NwX/lmLoXjGBdmIY7Qia0ASbI")]
    #[case("$2b$10$abcdefghijklmnopqrstuuh3KL7NwX/lmLoXjGBdmIY7Qia0ASb+6")]
    fn malformed_hashes_are_refused_with_the_expected_form(#[case] text: &str) {
        assert!(matches!(parse_hash(text), Err(SecretHashError::Malformed { .. })), "{:?}", parse_hash(text));
    }

    #[rstest]
    #[case("$argon2id$v=19$m=1048577,t=1,p=1$")]
    #[case("$argon2id$v=19$m=1048576,t=5,p=1$")]
    #[case("$argon2id$v=19$m=4294967295,t=4294967295,p=1$")]
    #[case("$argon2id$v=19$m=1024,t=1,p=17$")]
    #[case("$pbkdf2-sha256$i=2000001,l=32$")]
    fn costs_are_capped(#[case] beginning: &str) {
        let error = parse_hash(&format!("{beginning}{SALT_AND_HASH}")).unwrap_err();
        assert!(matches!(error, SecretHashError::TooCostly { .. }), "{error:?}");
    }

    #[rstest]
    #[case("$argon2id$v=19$m=1048576,t=4,p=1$")]
    #[case("$argon2i$v=16$m=128,t=1,p=16$")]
    #[case("$argon2d$v=19$m=32,t=1,p=4$")]
    #[case("$pbkdf2-sha512$i=2000000$")]
    fn what_is_just_within_the_bounds_is_accepted(#[case] beginning: &str) {
        let parsed = parse_hash(&format!("{beginning}{SALT_AND_HASH}")).unwrap();
        assert_eq!((parsed.salt.len(), parsed.expected.len(), parsed.secret_id), (16, 32, None));
    }

    #[test]
    fn the_variant_of_argon2_is_that_of_its_name() {
        for (name, expected) in
            [("argon2d", Argon2Variant::D), ("argon2i", Argon2Variant::I), ("argon2id", Argon2Variant::Id)]
        {
            let work = parse_hash(&format!("${name}$v=19$m=32,t=1,p=1${SALT_AND_HASH}")).unwrap().work;
            assert!(matches!(work, SecretWork::Argon2 { variant, .. } if variant == expected), "{work:?}");
        }
    }

    #[test]
    fn a_text_that_no_hash_is_as_long_as_is_not_looked_at() {
        let text = |bytes: usize| format!("$argon2id${}", "x".repeat(bytes - 10));
        assert!(matches!(parse_hash(&text(MAX_TEXT_BYTES)), Err(SecretHashError::Malformed { .. })));
        for bytes in [MAX_TEXT_BYTES + 1, 10 * MAX_TEXT_BYTES] {
            assert_eq!(parse_hash(&text(bytes)).unwrap_err(), SecretHashError::Unrecognised);
        }
    }

    #[test]
    fn bcrypt_cost_is_capped_and_the_message_names_the_cap() {
        let error = parse_hash("$2b$16$abcdefghijklmnopqrstuuh3KL7NwX/lmLoXjGBdmIY7Qia0ASbI6").unwrap_err();
        assert_eq!(error.to_string(), "hash too costly to check: bcrypt's cost may be at most 15");
    }

    #[test]
    fn a_hash_that_others_could_match_is_refused() {
        let text = "$argon2id$v=19$m=32,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0O";
        assert_eq!(parse_hash(text).unwrap_err(), SecretHashError::TooShort);
        let sixteen_bytes = format!("{text}Dw");
        assert_eq!(parse_hash(&sixteen_bytes).unwrap().expected.len(), 16);
    }

    #[test]
    fn only_cheap_argon2id_names_a_secret_id() {
        let id = STANDARD_NO_PAD.encode("aZ09-_aa");
        let secret_id =
            |parameters: &str| parse_hash(&format!("{parameters},keyid={id}${SALT_AND_HASH}")).unwrap().secret_id;
        assert_eq!(secret_id("$argon2id$v=19$m=32,t=1,p=1").unwrap().as_str(), "aZ09-_aa");
        for dearer in [
            "$argon2id$v=19$m=33,t=1,p=1",
            "$argon2id$v=19$m=32,t=2,p=1",
            "$argon2id$v=19$m=32,t=1,p=2",
            "$argon2i$v=19$m=32,t=1,p=1",
            "$argon2id$v=16$m=32,t=1,p=1",
        ] {
            assert_eq!(secret_id(dearer), None, "{dearer}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = parse_hash(&text);
        }

        #[test]
        fn parsing_near_misses_never_panics(
            start in prop::sample::select(vec!["$argon2id$v=19$", "$argon2i$", "$pbkdf2-sha512$", "$2b$10$", ""]),
            rest in "[A-Za-z0-9$=,./+ü]{0,100}",
        ) {
            let _ = parse_hash(&format!("{start}{rest}"));
        }
    }
}
