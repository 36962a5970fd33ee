//! Does a presented secret match a stored hash?

use std::borrow::Cow;
use std::fmt;

use subtle::ConstantTimeEq as _;

use super::generated::SecretId;
use super::hash_format::{ParsedHash, SecretHashError, parse_hash, render_generated};
use super::work::{Derived, HashMemory, SecretWork};

/// The stored form of a secret, known to be one that this server can check. Equal when the text is equal.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash {
    work: SecretWork,
    /// The salt, then the result.
    salt_and_result: Box<[u8]>,
    salt_bytes: u16,
    secret_id: Option<SecretId>,
    /// Only where it cannot be written anew from the rest: a million hashes of generated secrets need not lie here twice.
    text: Option<Box<str>>,
}

impl SecretHash {
    /// Reads a stored or imported hash; [`SecretHashError`] says what is accepted.
    pub fn parse(text: &str) -> Result<Self, SecretHashError> {
        let ParsedHash { work, salt, expected, secret_id } = parse_hash(text)?;
        let rendered =
            secret_id.filter(|_| work == SecretWork::GENERATED).map(|id| render_generated(id, &salt, &expected));
        Ok(Self {
            work,
            // No text that is accepted is as long.
            salt_bytes: u16::try_from(salt.len()).unwrap_or(u16::MAX),
            salt_and_result: [salt, expected].concat().into(),
            secret_id,
            text: (rendered.as_deref() != Some(text)).then(|| text.into()),
        })
    }

    /// The text to store: byte for byte what was parsed.
    pub fn text(&self) -> Cow<'_, str> {
        match (&self.text, self.secret_id) {
            (Some(text), _) => Cow::Borrowed(text),
            (None, Some(id)) => Cow::Owned(render_generated(id, self.salt(), self.expected())),
            (None, None) => Cow::Borrowed(""),
        }
    }

    /// What tells it from every other hash of the same client, at no cost.
    pub fn identity(&self) -> &[u8] {
        self.text.as_ref().map_or(&self.salt_and_result, |text| text.as_bytes())
    }

    /// Whether `presented` is the secret. Takes as long as [`SecretHash::work`] says, whatever the answer; the results
    /// are compared in constant time.
    pub fn verify(&self, presented: &[u8], memory: &mut HashMemory) -> bool {
        self.work.derive(presented, self.salt(), memory).is_ok_and(|derived| self.matches(&derived))
    }

    /// The public part of the secret; `Some` exactly for a secret of the generated form.
    pub const fn secret_id(&self) -> Option<SecretId> {
        self.secret_id
    }

    /// Algorithm and parameters: what a check costs.
    pub const fn work(&self) -> SecretWork {
        self.work
    }

    /// Whether a check belongs in the bounded pool.
    pub fn is_slow(&self) -> bool {
        self.work.is_slow()
    }

    /// Whether a secret should be hashed anew once it has proved right: everything that [`super::hash_generated`] and
    /// [`super::hash_brought`] would not make. The [small](Self::is_small) hash of a secret that a machine made may stay.
    pub fn needs_upgrade(&self) -> bool {
        self.secret_id.is_none() && self.work != SecretWork::BROUGHT
    }

    /// Whether it is the small hash of a secret that a machine made elsewhere (see [`super::is_machine_made`]): no secret
    /// id, and the work of a generated secret. Only a presented secret of that form is checked against it without a slow
    /// check.
    pub fn is_small(&self) -> bool {
        self.secret_id.is_none() && self.work == SecretWork::GENERATED
    }

    /// Whether one computation answers for both: the same algorithm, parameters and salt.
    pub fn shares_computation_with(&self, other: &Self) -> bool {
        self.work == other.work && self.salt() == other.salt()
    }

    pub(super) fn salt(&self) -> &[u8] {
        self.divided().0
    }

    fn expected(&self) -> &[u8] {
        self.divided().1
    }

    fn divided(&self) -> (&[u8], &[u8]) {
        self.salt_and_result.split_at_checked(usize::from(self.salt_bytes)).unwrap_or_default()
    }

    fn matches(&self, derived: &Derived) -> bool {
        derived.as_bytes().ct_eq(self.expected()).into()
    }
}

/// Names the work only: a hash is not a secret, but it is nothing for a log either.
impl fmt::Debug for SecretHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SecretHash")
            .field("work", &self.work)
            .field("secret_id", &self.secret_id)
            .finish_non_exhaustive()
    }
}

/// Which of `hashes` `presented` matches: the index of the first. Hashes that share a computation cost it once.
pub fn verify_any<'a>(
    hashes: impl Iterator<Item = &'a SecretHash>,
    presented: &[u8],
    memory: &mut HashMemory,
) -> Option<usize> {
    let mut computed: Vec<(&SecretHash, Option<Derived>)> = Vec::new();
    for (index, hash) in hashes.enumerate() {
        let known = computed.iter().position(|(earlier, _)| hash.shares_computation_with(earlier));
        let known = known.unwrap_or_else(|| {
            computed.push((hash, hash.work.derive(presented, hash.salt(), memory).ok()));
            computed.len() - 1
        });
        if computed.get(known).and_then(|(_, derived)| derived.as_ref()).is_some_and(|derived| hash.matches(derived)) {
            return Some(index);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SECRET: &[u8] = b"an imported legacy secret";

    // Argon2: test vectors of the reference implementation (P-H-C/phc-winner-argon2, src/test.c), secret `password`.
    const ARGON2ID: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    const ARGON2ID_64_MIB: &str =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    const ARGON2I_WITHOUT_VERSION: &str =
        "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ";
    // The others: Python's hashlib, and glibc's crypt(3) for bcrypt.
    const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuh3KL7NwX/lmLoXjGBdmIY7Qia0ASbI6";
    const PBKDF2_SHA256: &str =
        "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8";
    const PBKDF2_SHA256_LONG: &str = "$pbkdf2-sha256$i=100,l=64$AAECAwQFBgcICQoLDA0ODw$JEe4DD2ST3uDm1LMQvZBTr5E1nCR9qAcnePb7JH+Q1oYjCrBZMFKBvyRe8y1e914N7Ua1Dzhk7aO7KgoSBDhQg";
    const PBKDF2_SHA512: &str = "$pbkdf2-sha512$i=1000,l=64$AAECAwQFBgcICQoLDA0ODw$c06in53OIXQzv7DBvrKDnuuS8IoQOStFyNjQG5PhTUNdSyz5/fQcx4ubkOieAQE0ikPeUl+Xn07HxkP1CAubTA";
    const SHA256: &str = "9MrYBSwnBSBaAfRKuoqs+quCKhhV7P1eBkdMJW14yBI=";
    const SHA512: &str = "iFmFwn05sShTrOyu038zx3686i69+c1q+VZjSjHfaVLYwXlfjbyiWvLu+h1ZkFqfAy+nRReOGGOWVkr5IRoxSw==";

    fn verify(text: &str, presented: &[u8]) -> bool {
        SecretHash::parse(text).unwrap().verify(presented, &mut HashMemory::default())
    }

    #[rstest]
    #[case::argon2id(ARGON2ID, b"password")]
    #[case::argon2id_64_mib(ARGON2ID_64_MIB, b"password")]
    #[case::argon2i_without_version(ARGON2I_WITHOUT_VERSION, b"password")]
    #[case::bcrypt(BCRYPT, SECRET)]
    #[case::pbkdf2_sha256(PBKDF2_SHA256, SECRET)]
    #[case::pbkdf2_sha256_long(PBKDF2_SHA256_LONG, SECRET)]
    #[case::pbkdf2_sha512(PBKDF2_SHA512, SECRET)]
    #[case::sha256(SHA256, SECRET)]
    #[case::sha512(SHA512, SECRET)]
    fn known_answers(#[case] text: &str, #[case] secret: &[u8]) {
        assert!(verify(text, secret));
        assert!(!verify(text, &[secret, b"x".as_slice()].concat()));
        assert!(!verify(text, b""));
        let hash = SecretHash::parse(text).unwrap();
        assert_eq!(hash.text(), text);
        assert_eq!(hash.secret_id(), None);
        assert!(hash.needs_upgrade());
    }

    #[rstest]
    #[case("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", true)]
    #[case("$argon2id$v=19$m=32,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false)]
    #[case(BCRYPT, true)]
    #[case(PBKDF2_SHA256, true)]
    #[case(SHA256, false)]
    fn slow_hashes_are_named(#[case] text: &str, #[case] slow: bool) {
        assert_eq!(SecretHash::parse(text).unwrap().is_slow(), slow);
    }

    #[test]
    fn all_three_prefixes_of_bcrypt_mean_the_same_and_it_cuts_at_72_bytes() {
        for prefix in ["$2a$", "$2y$"] {
            assert!(verify(&BCRYPT.replacen("$2b$", prefix, 1), SECRET));
        }
        let long = [b'a'; 80];
        let salt = *b"0123456789abcdef";
        let text = bcrypt::hash_with_salt(long, 4, salt).unwrap().format_for_version(bcrypt::Version::TwoB);
        assert!(verify(&text, &long));
        assert!(verify(&text, &long[..72]));
        assert!(!verify(&text, &long[..71]));
    }

    #[test]
    fn a_shared_computation_is_recognised() {
        let hash = |text: &str| SecretHash::parse(text).unwrap();
        let other_result = ARGON2ID.replace("nf65", "nf66");
        let other_salt = ARGON2ID.replace("c29tZXNhbHQ", "c29tZXNhbHU");
        assert!(hash(ARGON2ID).shares_computation_with(&hash(&other_result)));
        assert!(!hash(ARGON2ID).shares_computation_with(&hash(&other_salt)));
        assert!(!hash(ARGON2ID).shares_computation_with(&hash(ARGON2ID_64_MIB)));
        assert!(!hash(SHA256).shares_computation_with(&hash(SHA512)));
        assert_eq!(hash(ARGON2ID).work(), hash(&other_salt).work());
    }

    #[test]
    fn any_of_several_hashes_is_found_by_its_index() {
        let wrong = ARGON2ID.replace("nf65", "nf66");
        let hashes: Vec<SecretHash> =
            [&wrong, SHA256, ARGON2ID, BCRYPT].iter().map(|text| SecretHash::parse(text).unwrap()).collect();
        let mut memory = HashMemory::default();
        assert_eq!(verify_any(hashes.iter(), b"password", &mut memory), Some(2));
        assert_eq!(verify_any(hashes.iter(), SECRET, &mut memory), Some(1));
        assert_eq!(verify_any(hashes.iter(), b"neither", &mut memory), None);
        assert_eq!(verify_any(std::iter::empty(), SECRET, &mut memory), None);
    }

    #[test]
    fn a_generated_hash_keeps_no_text_and_every_hash_has_an_identity() {
        let id = SecretId::from_bytes(b"aZ09-_aa").unwrap();
        let written = |result: u8| render_generated(id, &[7; 16], &[result; 32]);
        let generated = SecretHash::parse(&written(1)).unwrap();
        assert_eq!((generated.text.as_deref(), generated.text().as_ref()), (None, written(1).as_str()));
        assert_eq!(generated.identity(), [[7; 16].as_slice(), &[1; 32]].concat());
        assert_ne!(generated.identity(), SecretHash::parse(&written(2)).unwrap().identity());
        // Another spelling of the same.
        let reordered = written(1).replacen("m=32,t=1", "t=1,m=32", 1);
        assert_eq!(SecretHash::parse(&reordered).unwrap().text(), reordered);
        assert_eq!(SecretHash::parse(SHA256).unwrap().identity(), SHA256.as_bytes());
    }

    #[test]
    fn debug_shows_no_hash() {
        let shown = format!("{:?}", SecretHash::parse(SHA256).unwrap());
        assert!(!shown.contains("9MrY"), "{shown}");
    }
}
