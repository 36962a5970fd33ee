//! Whom does a presented secret prove, and whom never?

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rstest::rstest;

use super::*;
use crate::entropy::SystemEntropy;
use crate::issuer::client_directory::ClientDirectory;
use crate::issuer::failed_attempts::FailedAttempts;
use crate::issuer::hash_pool::HashPoolSettings;
use crate::issuer::signing_keys::TestKeys;
use crate::issuer::snapshot::SnapshotContext;
use crate::issuer::work_pool::PoolSize;
use crate::keys::MasterKey;
use crate::oauth::client::AuthenticationMethod;
use crate::oauth::client_auth::Mechanism;
use crate::oauth::metadata::Issuer;
use crate::secret::{GeneratedSecret, hash_generated, hash_imported};
use crate::store::{Revision, StoreImage};

const NOW: UnixMillis = UnixMillis(1_000_000);
/// A secret that a person brought; its slow and its quick hash, made with Python's hashlib.
const BROUGHT: &str = "an imported legacy secret";
const SLOW: &str = "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8";
const QUICK: &str = "9MrYBSwnBSBaAfRKuoqs+quCKhhV7P1eBkdMJW14yBI=";
/// As a machine makes them elsewhere.
const MACHINE_MADE: &str = "QnlRl94jIXQRbJa8PNbUobwgGkkaQIMEjB8IxAtkSBnkFsHLw3A4Vo4hgCGg";
const OTHER_MACHINE_MADE: &str = "5qEcTjOMD1Exjb1VTnZuZM3eTkC1hDjJ4dD9KiohmShs5S3cficfuID4AGiL";

fn stored(number: u128, hash: SecretHash) -> StoredSecret {
    StoredSecret {
        id: Uuid::from_u128(number),
        hash,
        imported_hash: None,
        label: None,
        created_at: UnixMillis(0),
        expires_at: None,
        last_used_at: None,
    }
}

fn parsed(hash: &str) -> SecretHash {
    SecretHash::parse(hash).unwrap()
}

fn small(secret: &str) -> SecretHash {
    let hash = hash_imported(secret, std::iter::empty(), &SystemEntropy, &mut HashMemory::default()).unwrap();
    assert!(hash.is_small());
    hash
}

fn client(client_id: &str, hashes: impl IntoIterator<Item = SecretHash>) -> Client {
    let id = Uuid::from_u128(u128::from(client_id.as_bytes()[0]));
    let secrets = (1..).zip(hashes).map(|(number, hash)| stored(number, hash)).collect();
    Client { secrets, ..Client::new(id, client_id.parse().unwrap(), UnixMillis(0)) }
}

/// What is known of clients, and what a server keeps beside.
struct World {
    snapshot: Snapshot,
    hashes: HashPool,
    attempts: FailedAttempts,
}

impl World {
    fn of(clients: impl IntoIterator<Item = Client>) -> Self {
        let pool = PoolSize { threads: 1, queue: 8, max_wait: Duration::from_mins(1) };
        let settings = HashPoolSettings { pool, remember: Duration::from_mins(10), remembered: 100 };
        let mut world = Self {
            snapshot: Snapshot::blank(),
            hashes: HashPool::start(settings, &SystemEntropy).unwrap(),
            attempts: FailedAttempts::new(1),
        };
        world.replace(clients);
        world
    }

    /// Other clients, or the same ones changed.
    fn replace(&mut self, clients: impl IntoIterator<Item = Client>) {
        let mut directory = ClientDirectory::default();
        clients.into_iter().for_each(|client| directory.put(client));
        let context = SnapshotContext {
            issuer: Issuer::new("http://localhost/"),
            master_keys: Arc::new(MasterKey::generate(&SystemEntropy).into()),
            test_keys: TestKeys::Refused,
        };
        let image = StoreImage { revision: Revision(1), apis: Vec::new(), clients: (), signing_keys: Vec::new() };
        self.snapshot = Snapshot::of(image, directory, &context, NOW).unwrap();
    }

    async fn authenticate(&self, client_id: &str, secret: &str) -> Result<AuthenticatedClient, TokenError> {
        let candidate = Candidate { client_id: client_id.to_owned(), secret: secret.to_owned().into() };
        let presented = PresentedSecret { mechanism: Mechanism::ClientSecretPost, candidates: vec![candidate] };
        let claimant = self.attempts.claimant(client_id, None);
        let turn = SlowTurn::new(&self.attempts, Some(claimant), NOW);
        authenticate_client(&presented, &self.snapshot, &self.hashes, &turn, NOW).await
    }

    /// The number of the secret that proved it.
    async fn proved_by(&self, client_id: &str, secret: &str) -> Option<u128> {
        match self.authenticate(client_id, secret).await {
            Ok(client) => {
                assert_eq!(client.client().client_id.as_str(), client_id);
                assert_eq!(client.secret_id(), client.credential_id());
                client.secret_id().map(|id| id.as_u128())
            }
            Err(refusal) => {
                assert_eq!(refusal, TokenError::InvalidClient, "all refusals are alike");
                None
            }
        }
    }

    /// From now on a slow check for `client_id` is refused.
    fn exhaust(&self, client_id: &str) {
        for _ in 0..2 {
            let _ = self.attempts.count(self.attempts.claimant(client_id, None), NOW);
        }
    }
}

/// A generated secret with the id of `like` and other random bits, its checksum right.
fn forged(like: &GeneratedSecret) -> String {
    let body = format!("ths_{}{}", like.secret_id(), "A".repeat(43));
    let checksum = BASE64_URL_SAFE_NO_PAD.encode(crc32fast::hash(body.as_bytes()).to_be_bytes());
    format!("{body}{checksum}")
}

#[tokio::test]
async fn a_generated_secret_proves_its_client_and_no_other() {
    let [one, other] = [(); 2].map(|()| GeneratedSecret::generate(&SystemEntropy));
    let hash = |secret| hash_generated(secret, &SystemEntropy);
    let world = World::of([client("a", [parsed(SLOW), hash(&one)]), client("b", [hash(&other)])]);
    // The second time it is remembered.
    for _ in 0..2 {
        assert_eq!(world.proved_by("a", one.expose()).await, Some(2));
        assert_eq!(world.proved_by("b", other.expose()).await, Some(1));
        for (client_id, secret) in [("a", other.expose()), ("b", one.expose()), ("nobody", one.expose())] {
            assert_eq!(world.proved_by(client_id, secret).await, None);
        }
        assert_eq!(world.proved_by("a", &forged(&one)).await, None);
        assert_eq!(world.proved_by("a", &format!("{}A", one.expose())).await, None);
    }
    assert!(world.authenticate("a", one.expose()).await.unwrap().outdated_hash().is_none());
}

#[tokio::test]
async fn a_brought_secret_proves_its_client_and_no_other() {
    for hash in [SLOW, QUICK] {
        let generated = hash_generated(&GeneratedSecret::generate(&SystemEntropy), &SystemEntropy);
        let world = World::of([client("a", [generated, parsed(hash)]), client("b", [small(MACHINE_MADE)])]);
        for _ in 0..2 {
            assert_eq!(world.proved_by("a", BROUGHT).await, Some(2));
            assert_eq!(world.proved_by("a", "another secret").await, None);
            assert_eq!(world.proved_by("b", BROUGHT).await, None);
            assert_eq!(world.proved_by("nobody", BROUGHT).await, None);
        }
    }
}

#[tokio::test]
async fn a_machine_made_secret_proves_its_client_without_a_slow_check() {
    let world = World::of([client("a", [parsed(SLOW), small(MACHINE_MADE)]), client("b", [parsed(SLOW)])]);
    world.exhaust("a");
    for _ in 0..2 {
        assert_eq!(world.proved_by("a", MACHINE_MADE).await, Some(2));
    }
    let refused = world.authenticate("a", OTHER_MACHINE_MADE).await.unwrap_err();
    assert!(matches!(refused, TokenError::TooManyFailures { .. }), "{refused:?}");
    assert_eq!(world.proved_by("b", MACHINE_MADE).await, None);

    let alone = World::of([client("a", [small(MACHINE_MADE), small(OTHER_MACHINE_MADE)])]);
    alone.exhaust("a");
    for _ in 0..2 {
        assert_eq!(alone.proved_by("a", MACHINE_MADE).await, Some(1));
        assert_eq!(alone.proved_by("a", OTHER_MACHINE_MADE).await, Some(2));
        assert_eq!(alone.proved_by("nobody", MACHINE_MADE).await, None);
        // Of this kind there is none, so that there is nothing to wait for.
        assert_eq!(alone.proved_by("a", &MACHINE_MADE.replace('x', "q")).await, None);
    }
}

/// A small hash whose secret is no machine's is guessed at as any other: with the waits for slow checks.
#[tokio::test]
async fn a_weak_secret_under_a_small_hash_waits_like_any_other() {
    let mut memory = HashMemory::default();
    let world = World::of([client("a", [small(MACHINE_MADE), weak_and_small("weak", &mut memory)])]);
    assert_eq!(world.proved_by("a", "wrong").await, None);
    world.exhaust("a");
    let refused = world.authenticate("a", "weak").await.unwrap_err();
    assert!(matches!(refused, TokenError::TooManyFailures { .. }), "{refused:?}");
}

/// As a hash that was imported, not made here.
fn weak_and_small(secret: &str, memory: &mut HashMemory) -> SecretHash {
    let hash = imported_small(secret, "");
    assert!(hash.is_small() && hash.verify(secret.as_bytes(), memory));
    hash
}

fn imported_small(secret: &str, more_parameters: &str) -> SecretHash {
    use argon2::{Algorithm, Argon2, Params, Version};
    let mut result = [0; 32];
    let parameters = Params::new(32, 1, 1, Some(32)).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    argon2.hash_password_into(secret.as_bytes(), &[7; 16], &mut result).unwrap();
    let base64 = |bytes: &[u8]| base64::prelude::BASE64_STANDARD_NO_PAD.encode(bytes);
    parsed(&format!("$argon2id$v=19$m=32,t=1,p=1{more_parameters}${}${}", base64(&[7; 16]), base64(&result)))
}

#[tokio::test]
async fn a_hash_that_names_a_generated_secret_is_for_no_other() {
    let keyid = base64::prelude::BASE64_STANDARD_NO_PAD.encode("aZ09-_aa");
    let named = imported_small("weak", &format!(",keyid={keyid}"));
    assert!(named.secret_id().is_some());
    let world = World::of([client("a", [named, parsed(SLOW)])]);
    assert_eq!(world.proved_by("a", "weak").await, None);
    assert_eq!(world.proved_by("a", BROUGHT).await, Some(2));
}

#[tokio::test]
async fn what_is_remembered_needs_no_turn_and_what_is_not_does() {
    let world = World::of([client("a", [parsed(SLOW)])]);
    assert_eq!(world.proved_by("a", BROUGHT).await, Some(1));
    world.exhaust("a");
    assert_eq!(world.proved_by("a", BROUGHT).await, Some(1), "never a lockout");
    let refused = world.authenticate("a", "another secret").await.unwrap_err();
    assert!(matches!(refused, TokenError::TooManyFailures { .. }), "{refused:?}");
}

fn generated() -> (String, SecretHash) {
    let secret = GeneratedSecret::generate(&SystemEntropy);
    (secret.expose().to_owned(), hash_generated(&secret, &SystemEntropy))
}

/// Every kind of secret, and what makes it worthless.
#[rstest]
#[case::generated(generated())]
#[case::brought((BROUGHT.to_owned(), parsed(SLOW)))]
#[case::machine_made((MACHINE_MADE.to_owned(), small(MACHINE_MADE)))]
#[tokio::test]
async fn a_right_secret_that_may_not_be_used_proves_nothing(#[case] (secret, hash): (String, SecretHash)) {
    let usable = client("a", [hash]);
    let disabled = Client { enabled: false, ..usable.clone() };
    let with_key = Client { authentication_methods: vec![AuthenticationMethod::PrivateKeyJwt], ..usable.clone() };
    let mut expired = usable.clone();
    expired.secrets[0].expires_at = Some(NOW);
    for worthless in [disabled, with_key, expired] {
        let mut world = World::of([worthless.clone()]);
        assert_eq!(world.proved_by("a", &secret).await, None);
        world.replace([usable.clone()]);
        assert_eq!(world.proved_by("a", &secret).await, Some(1));
        world.replace([worthless]);
        assert_eq!(world.proved_by("a", &secret).await, None, "although it is remembered");
    }
}

/// Whether a hash is named to be replaced once it has proved right.
#[rstest]
#[case::quick(BROUGHT, parsed(QUICK), true)]
#[case::slow(BROUGHT, parsed(SLOW), true)]
#[case::small(MACHINE_MADE, small(MACHINE_MADE), false)]
#[case::quick_of_a_machine(MACHINE_MADE, parsed(&sha256(MACHINE_MADE)), true)]
#[case::small_of_a_person("weak", weak_and_small("weak", &mut HashMemory::default()), true)]
#[tokio::test]
async fn a_hash_that_could_be_better_is_named(#[case] secret: &str, #[case] hash: SecretHash, #[case] outdated: bool) {
    let world = World::of([client("a", [hash.clone()])]);
    for _ in 0..2 {
        let authenticated = world.authenticate("a", secret).await.unwrap();
        assert_eq!(authenticated.outdated_hash(), outdated.then_some(&hash));
    }
}

fn sha256(secret: &str) -> String {
    use aws_lc_rs::digest::{SHA256, digest};
    base64::prelude::BASE64_STANDARD.encode(digest(&SHA256, secret.as_bytes()))
}
