//! Whom does an assertion prove, with which of its keys, and how often?

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::*;
use crate::entropy::SystemEntropy;
use crate::issuer::client_directory::ClientDirectory;
use crate::issuer::signing_keys::TestKeys;
use crate::issuer::snapshot::SnapshotContext;
use crate::issuer::steps::Steps;
use crate::keys::MasterKey;
use crate::oauth::client::AuthenticationMethod;
use crate::oauth::client_key::{ClientKey, CredentialType};
use crate::oauth::metadata::Issuer;
use crate::store::{Database, Migrate, Revision, Store, StoreImage, StoreSettings};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const ISSUER: &str = "https://id.example.com/";

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

/// The key of [`pair`], registered under our own id `seed`.
fn registered(seed: u8, kid: &str) -> ClientKey {
    let x = BASE64_URL_SAFE_NO_PAD.encode(pair(seed).public_key().as_ref());
    ClientKey {
        id: Uuid::from_u128(seed.into()),
        credential_type: CredentialType::PublicKey,
        name: None,
        kid: kid.parse().unwrap(),
        key: PublicKey::new(PublicParameters::Okp { crv: "Ed25519".to_owned(), x }, None).unwrap(),
        enabled: true,
        created_at: UnixMillis(0),
        updated_at: UnixMillis(0),
        expires_at: None,
    }
}

/// An assertion of `partner-a`, signed with [`pair`] of `seed`.
fn assertion(seed: u8, kid: Option<&str>, jti: &str) -> String {
    let header = kid.map_or_else(|| json!({"alg": "EdDSA"}), |kid| json!({"alg": "EdDSA", "kid": kid}));
    let now = NOW.floor_seconds();
    let claims = json!({"iss": "partner-a", "sub": "partner-a", "aud": ISSUER, "jti": jti, "exp": now + 60});
    let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(&header), part(&claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(pair(seed).sign(input.as_bytes()));
    format!("{input}.{signature}")
}

fn client(keys: impl IntoIterator<Item = ClientKey>) -> Client {
    let client = Client::new(Uuid::from_u128(100), "partner-a".parse().unwrap(), UnixMillis(0));
    Client { keys: keys.into_iter().collect(), ..client }
}

fn authenticator() -> AssertionAuthenticator {
    let settings = StoreSettings { database: Database::InMemory, pool_size: 2 };
    AssertionAuthenticator {
        rules: AssertionRules::new(&Issuer::new(ISSUER), false, 3600, 30),
        published: PublishedKeys::start(PublishedKeysSettings::default()).unwrap(),
        uses: AssertionUses::start(Store::open(&settings, Migrate::Always).unwrap()).unwrap(),
    }
}

fn snapshot(client: Client) -> Snapshot {
    let mut directory = ClientDirectory::default();
    directory.put(client);
    let context = SnapshotContext {
        issuer: Issuer::new(ISSUER),
        master_keys: Arc::new(MasterKey::generate(&SystemEntropy).into()),
        test_keys: TestKeys::Refused,
    };
    let image = StoreImage { revision: Revision(1), apis: Vec::new(), clients: (), signing_keys: Vec::new() };
    Snapshot::of(image, directory, &context, NOW).unwrap()
}

async fn judge(
    authenticator: &AssertionAuthenticator,
    client: Client,
    text: &str,
    beside: Option<&str>,
) -> Result<Option<Uuid>, AssertionRefusal> {
    let unverified = UnverifiedAssertion::parse(text)?;
    match authenticator.authenticate(&unverified, beside, &snapshot(client), NOW, &mut Steps::default()).await {
        Ok(authenticated) => {
            assert_eq!(authenticated.client().client_id.as_str(), "partner-a");
            assert!(authenticated.secret_id().is_none() && authenticated.outdated_hash().is_none());
            Ok(authenticated.credential_id())
        }
        Err(AssertionFailure::Refused(refusal)) => Err(refusal),
        Err(AssertionFailure::Failed(error)) => panic!("{error:?}"),
    }
}

/// The outcome of a first use.
async fn first(client: Client, text: &str) -> Result<Option<Uuid>, AssertionRefusal> {
    judge(&authenticator(), client, text, None).await
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside the refusals")]
fn by(seed: u8) -> Result<Option<Uuid>, AssertionRefusal> {
    Ok(Some(Uuid::from_u128(seed.into())))
}

#[tokio::test]
async fn the_registered_key_that_is_meant_proves_the_client() {
    let two = || client([registered(1, "one"), registered(2, "two")]);
    assert_eq!(first(two(), &assertion(1, Some("one"), "j")).await, by(1));
    assert_eq!(first(two(), &assertion(2, Some("two"), "j")).await, by(2));
    assert_eq!(first(two(), &assertion(2, None, "j")).await, by(2), "without a kid all are tried");
    assert_eq!(first(two(), &assertion(2, Some("one"), "j")).await, Err(AssertionRefusal::WrongSignature));
    assert_eq!(first(two(), &assertion(3, None, "j")).await, Err(AssertionRefusal::WrongSignature));
    assert_eq!(first(two(), &assertion(1, Some("three"), "j")).await, Err(AssertionRefusal::NoSuchKey));
    assert_eq!(first(client([]), &assertion(1, None, "j")).await, Err(AssertionRefusal::NoSuchKey));
}

#[tokio::test]
async fn a_key_that_does_not_live_or_is_of_another_algorithm_is_not_tried() {
    let expired = ClientKey { expires_at: Some(NOW), ..registered(1, "one") };
    let disabled = ClientKey { enabled: false, ..registered(1, "one") };
    let other = ClientKey { key: NOBODYS_KEYS[0].clone(), ..registered(1, "one") };
    for key in [expired, disabled, other] {
        assert_eq!(first(client([key]), &assertion(1, Some("one"), "j")).await, Err(AssertionRefusal::NoSuchKey));
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_for_each_client_and_name() {
    let authenticator = authenticator();
    let client = || client([registered(1, "one")]);
    for jti in ["a", "b"] {
        let text = assertion(1, Some("one"), jti);
        assert_eq!(judge(&authenticator, client(), &text, Some("partner-a")).await, by(1));
        assert_eq!(judge(&authenticator, client(), &text, None).await, Err(AssertionRefusal::Replayed));
        // Another assertion of the same name.
        let again = assertion(1, None, jti);
        assert_eq!(judge(&authenticator, client(), &again, None).await, Err(AssertionRefusal::Replayed));
    }
}

#[test]
fn without_an_answer_of_the_store_there_is_no_token() {
    assert!(judge_use(Ok(true)).is_ok());
    let failure = |answer| judge_use(answer).unwrap_err();
    assert!(matches!(failure(Ok(false)), AssertionFailure::Refused(AssertionRefusal::Replayed)));
    let away = failure(Err(StoreError::PoolExhausted));
    assert!(
        matches!(away, AssertionFailure::Failed(TokenError::TemporarilyUnavailable { retry_after: 1 })),
        "{away:?}"
    );
    let fault = failure(Err(StoreError::Query { detail: "no such table".to_owned() }));
    assert!(matches!(fault, AssertionFailure::Failed(TokenError::ServerError)), "{fault:?}");
}

#[tokio::test]
async fn a_client_that_may_not_use_an_assertion_is_refused_before_its_use_is_noted() {
    let authenticator = authenticator();
    let text = assertion(1, Some("one"), "j");
    let usable = || client([registered(1, "one")]);
    let disabled = Client { enabled: false, ..usable() };
    let with_secret = Client { authentication_methods: vec![AuthenticationMethod::ClientSecretBasic], ..usable() };
    let stranger = Client { client_id: "partner-b".parse().unwrap(), ..usable() };
    for (client, beside, refusal) in [
        (usable(), Some("partner-b"), AssertionRefusal::ClientIdsDiffer),
        (disabled, None, AssertionRefusal::ClientDisabled),
        (with_secret, None, AssertionRefusal::NotSetToKeys),
        (stranger, None, AssertionRefusal::UnknownClient),
    ] {
        assert_eq!(judge(&authenticator, client, &text, beside).await, Err(refusal));
    }
    assert_eq!(judge(&authenticator, usable(), &text, None).await, by(1), "none of them used it");
}

/// The place is one that may not be asked, which tells whether it was to be asked.
#[tokio::test]
async fn published_keys_are_asked_for_unless_a_registered_one_is_named() {
    let publishing = |keys: Vec<ClientKey>| Client { jwks_uri: "https://127.0.0.1/jwks".parse().ok(), ..client(keys) };
    let unavailable = Err(AssertionRefusal::KeysUnavailable);
    let one = || vec![registered(1, "one")];
    assert_eq!(first(publishing(one()), &assertion(1, Some("one"), "j")).await, by(1));
    assert_eq!(first(publishing(one()), &assertion(1, None, "j")).await, by(1));
    assert_eq!(first(publishing(one()), &assertion(2, Some("two"), "j")).await, unavailable);
    assert_eq!(first(publishing(one()), &assertion(2, None, "j")).await, unavailable);
    assert_eq!(first(publishing(Vec::new()), &assertion(1, Some("one"), "j")).await, unavailable);
    assert_eq!(
        first(publishing(one()), &assertion(2, Some("one"), "j")).await,
        Err(AssertionRefusal::WrongSignature),
        "the name is taken by a registered key"
    );
}

#[test]
fn of_published_keys_those_are_tried_that_are_meant() {
    let jwk = |seed, kid: &str| registered(seed, kid).key.to_jwk(kid);
    let rsa = NOBODYS_KEYS[0].to_jwk("rsa");
    let set = json!({"keys": [jwk(1, "one"), rsa, jwk(2, "two")]}).to_string();
    let set = JwkSet::parse(set.as_bytes()).unwrap();
    let outcome = |seed, kid| {
        let text = assertion(seed, kid, "j");
        let unverified = UnverifiedAssertion::parse(&text).ok().unwrap();
        let meant: Vec<_> = meant_among(&unverified, &set).map(|key| key.kid().to_owned()).collect();
        let refusal = refuse::<()>(&unverified, &set).unwrap_err();
        (meant, verify_with(&unverified, &set).is_ok(), refusal)
    };
    let wrong = AssertionRefusal::WrongSignature;
    assert_eq!(outcome(1, Some("one")), (vec!["one".to_owned()], true, wrong.clone()));
    assert_eq!(outcome(2, Some("one")), (vec!["one".to_owned()], false, wrong.clone()));
    assert_eq!(outcome(2, None), (vec!["one".to_owned(), "two".to_owned()], true, wrong));
    assert_eq!(outcome(1, Some("rsa")), (vec![], false, AssertionRefusal::NoSuchKey));
}

#[test]
fn there_is_a_key_of_nobody_for_every_algorithm() {
    let algorithms: Vec<_> = NOBODYS_KEYS.iter().map(PublicKey::algorithm).collect();
    assert_eq!(algorithms, Algorithm::ALL);
}

#[test]
fn a_digest_keeps_clients_and_assertions_apart() {
    let of = |client: &str, jti: &str| digest(&client.parse().unwrap(), jti);
    assert_eq!(of("a", "b"), of("a", "b"));
    assert_eq!(of("a", "b").len(), 43);
    assert_ne!(of("a", "bc"), of("ab", "c"));
    assert_ne!(of("a", "b"), of("b", "a"));
}
