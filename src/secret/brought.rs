//! Which secrets may a person bring, and how is any secret hashed for storage?
//!
//! RFC 6749 §A.2 allows %x20-7E in a client secret; other authorization servers let more through, so any text without
//! control characters is taken.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use thiserror::Error;

use super::generated::{GeneratedSecret, PresentedForm};
use super::hash::SecretHash;
use super::machine_made::is_machine_made;
use super::work::{HashMemory, MAX_SECRET_BYTES, SecretWork};
use crate::entropy::Entropy;

/// What a secret that somebody brings must have at least, in characters.
pub const MIN_SECRET_CHARACTERS: usize = 16;

const SALT_BYTES: usize = 16;

/// What to do with a brought secret of fewer than [`MIN_SECRET_CHARACTERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeakSecrets {
    /// Refuse it.
    Refuse,
    /// Take it: the operator asked for it, or it is being moved from another server and already in use.
    Allow,
}

/// Why a secret that somebody brought is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WeakSecret {
    /// Nothing at all.
    #[error("the secret is empty")]
    Empty,
    /// Too easy to guess.
    #[error(
        "the secret has {characters} characters, fewer than {MIN_SECRET_CHARACTERS}: let Tokenhouse generate one, or \
         allow weak secrets"
    )]
    TooShort {
        /// How many it has.
        characters: usize,
    },
    /// Longer than is ever hashed.
    #[error("the secret is longer than {MAX_SECRET_BYTES} bytes")]
    TooLong,
    /// A line break, tab or other control character: most often a file that ends in a newline.
    #[error("the secret contains a control character, such as a line break")]
    ControlCharacter,
    /// The generated form with a wrong checksum.
    #[error("this looks like a secret that Tokenhouse generated, but its checksum is wrong: it was mistyped or cut")]
    Mistyped,
}

/// Whether `presented` may become a client's secret.
pub fn validate_brought(presented: &str, weak: WeakSecrets) -> Result<(), WeakSecret> {
    if presented.is_empty() {
        return Err(WeakSecret::Empty);
    }
    if presented.len() > MAX_SECRET_BYTES {
        return Err(WeakSecret::TooLong);
    }
    if presented.chars().any(char::is_control) {
        return Err(WeakSecret::ControlCharacter);
    }
    if PresentedForm::classify(presented) == PresentedForm::BadChecksum {
        return Err(WeakSecret::Mistyped);
    }
    let characters = presented.chars().count();
    if weak == WeakSecrets::Refuse && characters < MIN_SECRET_CHARACTERS {
        return Err(WeakSecret::TooShort { characters });
    }
    Ok(())
}

/// Hashes a generated secret, in about 30 µs; the result names its secret id in the PHC parameter `keyid`.
pub fn hash_generated(secret: &GeneratedSecret, entropy: &dyn Entropy) -> SecretHash {
    let keyid = STANDARD_NO_PAD.encode(secret.secret_id().as_str());
    let parameters = format!("m=32,t=1,p=1,keyid={keyid}");
    let salt = fresh_salt(entropy);
    hash_with(SecretWork::GENERATED, &parameters, secret.expose(), &salt, &mut HashMemory::default())
}

/// Validates and hashes a secret that somebody brought, in about 25 ms: run it in the bounded pool.
///
/// `share_salt_with` is another secret of the **same client**: if it was hashed by this function, its salt is used
/// again, so that one computation checks any number of the client's brought secrets. A value of the generated form is
/// hashed as generated, under its own secret id.
pub fn hash_brought(
    presented: &str,
    weak: WeakSecrets,
    share_salt_with: Option<&SecretHash>,
    entropy: &dyn Entropy,
    memory: &mut HashMemory,
) -> Result<SecretHash, WeakSecret> {
    validate_brought(presented, weak)?;
    if let Some(generated) = GeneratedSecret::parse(presented) {
        return Ok(hash_generated(&generated, entropy));
    }
    let shared = share_salt_with.filter(|other| other.work() == SecretWork::BROUGHT).map(SecretHash::salt);
    let salt = shared.map_or_else(|| fresh_salt(entropy).to_vec(), <[u8]>::to_vec);
    Ok(hash_with(SecretWork::BROUGHT, "m=19456,t=2,p=1", presented, &salt, memory))
}

/// Validates and hashes a secret that another server gave out: as small as that of a generated one where a machine made
/// it, else as [`hash_brought`] does. It is in use already, so it may be weak.
///
/// `siblings` are the hashes of the **same client**: where the work is the same, the salt is.
pub fn hash_imported<'h>(
    presented: &str,
    mut siblings: impl Iterator<Item = &'h SecretHash>,
    entropy: &dyn Entropy,
    memory: &mut HashMemory,
) -> Result<SecretHash, WeakSecret> {
    validate_brought(presented, WeakSecrets::Allow)?;
    let made_here = PresentedForm::classify(presented) != PresentedForm::Other;
    if made_here || !is_machine_made(presented) {
        let slow = siblings.find(|other| other.is_slow());
        return hash_brought(presented, WeakSecrets::Allow, slow, entropy, memory);
    }
    let salt =
        siblings.find(|other| other.is_small()).map_or_else(|| fresh_salt(entropy).to_vec(), |o| o.salt().to_vec());
    Ok(hash_with(SecretWork::GENERATED, "m=32,t=1,p=1", presented, &salt, memory))
}

fn fresh_salt(entropy: &dyn Entropy) -> [u8; SALT_BYTES] {
    let mut salt = [0_u8; SALT_BYTES];
    entropy.fill(&mut salt);
    salt
}

/// `parameters` is `work` in the spelling of a PHC string.
#[expect(clippy::expect_used, reason = "both works are constants that the tests run, and the length was validated")]
fn hash_with(work: SecretWork, parameters: &str, secret: &str, salt: &[u8], memory: &mut HashMemory) -> SecretHash {
    let derived = work.derive(secret.as_bytes(), salt, memory).expect("Argon2id takes these parameters");
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(derived.as_bytes()));
    SecretHash::parse(&format!("$argon2id$v=19${parameters}${salt}${hash}")).expect("what is written can be read")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::secret::verify_any;

    const BROUGHT: &str = "a secret that a person brought";

    fn brought(presented: &str, share_salt_with: Option<&SecretHash>) -> SecretHash {
        hash_brought(presented, WeakSecrets::Refuse, share_salt_with, &SystemEntropy, &mut HashMemory::default())
            .unwrap()
    }

    #[test]
    fn a_generated_secret_verifies_and_its_hash_names_it() {
        let secret = GeneratedSecret::generate(&SystemEntropy);
        let hash = hash_generated(&secret, &SystemEntropy);
        let mut memory = HashMemory::default();
        assert!(hash.verify(secret.expose().as_bytes(), &mut memory));
        assert!(!hash.verify(GeneratedSecret::generate(&SystemEntropy).expose().as_bytes(), &mut memory));
        assert_eq!(hash.secret_id(), Some(secret.secret_id()));
        assert_eq!((hash.is_slow(), hash.needs_upgrade()), (false, false));
        assert_eq!(hash.work(), SecretWork::GENERATED);
        assert_eq!(SecretHash::parse(&hash.text()), Ok(hash));
    }

    #[test]
    fn both_hashes_are_ordinary_phc_strings() {
        use argon2::{Argon2, PasswordHash, PasswordVerifier as _};
        let secret = GeneratedSecret::generate(&SystemEntropy);
        for (secret, hash) in
            [(secret.expose(), hash_generated(&secret, &SystemEntropy)), (BROUGHT, brought(BROUGHT, None))]
        {
            let phc = PasswordHash::new(&hash.text()).unwrap();
            assert!(Argon2::default().verify_password(secret.as_bytes(), &phc).is_ok());
        }
    }

    #[test]
    fn a_brought_secret_costs_owasps_minimum_and_shares_its_clients_salt() {
        let first = brought(BROUGHT, None);
        let second = brought("another secret of that person", Some(&first));
        assert!(first.text().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", first.text());
        assert_eq!((first.is_slow(), first.needs_upgrade(), first.secret_id()), (true, false, None));
        assert!(second.shares_computation_with(&first));
        assert!(!brought(BROUGHT, None).shares_computation_with(&first));
        let mut memory = HashMemory::default();
        assert_eq!(verify_any([&first, &second].into_iter(), b"another secret of that person", &mut memory), Some(1));
    }

    #[test]
    fn a_salt_is_shared_only_with_a_hash_of_the_same_work() {
        let other = SecretHash::parse("9MrYBSwnBSBaAfRKuoqs+quCKhhV7P1eBkdMJW14yBI=").unwrap();
        assert_eq!(brought(BROUGHT, Some(&other)).work(), SecretWork::BROUGHT);
        assert_eq!(brought(BROUGHT, Some(&other)).salt().len(), SALT_BYTES);
    }

    #[test]
    fn an_imported_secret_is_hashed_as_its_making_deserves() {
        let mut memory = HashMemory::default();
        let mut imported = |secret: &str, siblings: &[SecretHash]| {
            hash_imported(secret, siblings.iter(), &SystemEntropy, &mut memory).unwrap()
        };
        let generated = GeneratedSecret::generate(&SystemEntropy);
        // Random, but without the prefix that would make it one of ours.
        let made = format!("{}{}", &generated.expose()[4..], &generated.expose()[8..20]);
        assert!(is_machine_made(&made), "{made}");
        let small = imported(&made, &[]);
        assert!(small.text().starts_with("$argon2id$v=19$m=32,t=1,p=1$") && small.is_small());
        assert!(small.verify(made.as_bytes(), &mut HashMemory::default()));
        let next = imported(&made.replacen(char::is_lowercase, "Q", 1), &[brought(BROUGHT, None), small.clone()]);
        assert!(next.shares_computation_with(&small) && next != small);
        let weak = imported("weak", &[small]);
        assert!(weak.is_slow() && !weak.is_small());
        assert!(imported("other weak", std::slice::from_ref(&weak)).shares_computation_with(&weak));
        assert!(imported(generated.expose(), &[]).secret_id().is_some());
    }

    #[test]
    fn a_brought_secret_of_the_generated_form_is_a_generated_one() {
        let secret = GeneratedSecret::generate(&SystemEntropy);
        let hash = brought(secret.expose(), None);
        assert_eq!(hash.secret_id(), Some(secret.secret_id()));
        let mistyped = format!("{}{}", &secret.expose()[..60], if secret.expose().ends_with('A') { 'B' } else { 'A' });
        assert_eq!(validate_brought(&mistyped, WeakSecrets::Allow), Err(WeakSecret::Mistyped));
    }

    #[rstest]
    #[case("", Err(WeakSecret::Empty), Err(WeakSecret::Empty))]
    #[case("fifteen letters", Err(WeakSecret::TooShort { characters: 15 }), Ok(()))]
    #[case("sixteen letters!", Ok(()), Ok(()))]
    #[case("ein Geheimnis über sechzehn", Ok(()), Ok(()))]
    #[case("a line that ends\n", Err(WeakSecret::ControlCharacter), Err(WeakSecret::ControlCharacter))]
    fn brought_secrets_are_validated(
        #[case] secret: &str,
        #[case] refusing: Result<(), WeakSecret>,
        #[case] allowing: Result<(), WeakSecret>,
    ) {
        assert_eq!(validate_brought(secret, WeakSecrets::Refuse), refusing);
        assert_eq!(validate_brought(secret, WeakSecrets::Allow), allowing);
    }

    #[test]
    fn the_longest_secret_is_taken_and_no_longer_one() {
        let longest = "a".repeat(MAX_SECRET_BYTES);
        assert!(brought(&longest, None).verify(longest.as_bytes(), &mut HashMemory::default()));
        assert_eq!(validate_brought(&format!("{longest}a"), WeakSecrets::Allow), Err(WeakSecret::TooLong));
    }

    proptest! {
        #[test]
        fn validating_never_panics(secret in any::<String>()) {
            let _ = validate_brought(&secret, WeakSecrets::Refuse);
        }
    }
}
