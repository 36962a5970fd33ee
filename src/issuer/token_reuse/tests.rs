//! Is a token handed out again where it may, and nowhere else?

use std::sync::LazyLock;

use rstest::rstest;

use super::*;
use crate::keys::public_test_keys::PublicTestKey;
use crate::oauth::resource::Lifetime;
use crate::secret::{SecretHash, StoredSecret};

const NOW: UnixMillis = UnixMillis(1_800_000_000_250);
const ROOM: u64 = 1024 * 1024;

static SIGNER: LazyLock<Arc<Signer>> =
    LazyLock::new(|| Arc::new(Signer::from_private_key(&PublicTestKey::Rs256Active.load()).unwrap()));

fn client() -> Arc<Client> {
    Arc::new(Client::new(Uuid::from_u128(1), "c".parse().unwrap(), NOW))
}

fn api(reuse: u32, lifetime: i64) -> Arc<Api> {
    let lifetime = Lifetime::try_from(lifetime).unwrap();
    let api = Api::new(Uuid::from_u128(2), "https://api/".parse().unwrap(), lifetime, NOW);
    Arc::new(Api { token_reuse_seconds: reuse, ..api })
}

/// A request with the first credential for the scope `a`.
fn request(client: &Arc<Client>, api: &Arc<Api>) -> SharingRequest {
    SharingRequest {
        key: ReuseKey { client: client.id, credential: Uuid::from_u128(3), api: api.id, scope: "a".into() },
        client: client.clone(),
        api: api.clone(),
        signer: SIGNER.clone(),
    }
}

fn found(reuse: &TokenReuse, request: &SharingRequest, now: UnixMillis) -> Option<(String, u32)> {
    reuse.find(request, now).map(|kept| (kept.token().to_owned(), kept.expires_in(now)))
}

fn keep(reuse: &TokenReuse, request: SharingRequest) {
    reuse.keep(request, "token".to_owned(), "jti".to_owned(), NOW);
}

#[rstest]
#[case::until_the_window_ends(60, 3600, 59, true)]
#[case::not_beyond(60, 3600, 60, false)]
#[case::while_some_life_is_left(3599, 3600, 3589, true)]
#[case::not_in_its_last_moments(3599, 3600, 3590, false)]
#[case::not_where_it_lives_too_short(9, 10, 0, false)]
#[case::not_with_a_clock_that_was_set_back(60, 3600, -1, false)]
fn a_token_is_handed_out_again(#[case] window: u32, #[case] lifetime: i64, #[case] later: i64, #[case] again: bool) {
    let (reuse, client, api) = (TokenReuse::new(ROOM), client(), api(window, lifetime));
    keep(&reuse, request(&client, &api));
    // Both are counted from the whole second that stands in `iat`.
    let at = UnixMillis(NOW.floor_seconds() * 1000).plus_seconds(later);
    assert_eq!(reuse.find(&request(&client, &api), at).is_some(), again);
}

#[test]
fn what_is_left_is_told_in_whole_seconds_and_never_too_much() {
    let (reuse, client, api) = (TokenReuse::new(ROOM), client(), api(60, 3600));
    keep(&reuse, request(&client, &api));
    for (milliseconds, left) in [(0, 3599), (749, 3599), (750, 3599), (751, 3598), (30_000, 3569)] {
        let at = UnixMillis(NOW.0 + milliseconds);
        assert_eq!(found(&reuse, &request(&client, &api), at), Some(("token".to_owned(), left)), "{milliseconds}");
    }
}

#[test]
fn nothing_is_shared_between_clients_credentials_apis_and_scopes() {
    let (reuse, client, api) = (TokenReuse::new(ROOM), client(), api(60, 3600));
    keep(&reuse, request(&client, &api));
    let changes: [fn(&mut ReuseKey); 5] = [
        |key| key.client = Uuid::from_u128(9),
        |key| key.credential = Uuid::from_u128(9),
        |key| key.api = Uuid::from_u128(9),
        |key| key.scope = "".into(),
        |key| key.scope = "a b".into(),
    ];
    for change in changes {
        let mut other = request(&client, &api);
        change(&mut other.key);
        assert_eq!(found(&reuse, &other, NOW), None);
    }
    assert!(reuse.find(&request(&client, &api), NOW).is_some());
}

#[test]
fn a_client_an_api_or_a_key_that_was_loaded_anew_gets_a_new_token() {
    let (reuse, client, api) = (TokenReuse::new(ROOM), client(), api(60, 3600));
    keep(&reuse, request(&client, &api));
    let other_signer = Arc::new(Signer::from_private_key(&PublicTestKey::Rs256Active.load()).unwrap());
    let same = request(&client, &api);
    for changed in [
        SharingRequest { client: Arc::new(Client::clone(&client)), ..request(&client, &api) },
        SharingRequest { api: Arc::new(Api::clone(&api)), ..request(&client, &api) },
        SharingRequest { signer: other_signer, ..request(&client, &api) },
    ] {
        assert_eq!(found(&reuse, &changed, NOW), None);
        assert!(reuse.find(&same, NOW).is_some());
    }
}

#[test]
fn neither_an_outdated_client_nor_a_retired_key_stays_in_memory() {
    let (reuse, client, api) = (TokenReuse::new(ROOM), client(), api(60, 3600));
    let signer = Arc::new(Signer::from_private_key(&PublicTestKey::Rs256Active.load()).unwrap());
    keep(&reuse, SharingRequest { signer: signer.clone(), ..request(&client, &api) });
    assert_eq!((Arc::strong_count(&signer), Arc::strong_count(&client), Arc::strong_count(&api)), (1, 1, 1));
}

#[test]
fn no_token_is_shared_across_the_end_of_any_credential_of_its_client() {
    let (reuse, api) = (TokenReuse::new(ROOM), api(60, 3600));
    let secret = |id, end: i64| StoredSecret {
        id: Uuid::from_u128(id),
        hash: SecretHash::parse(
            "$pbkdf2-sha256$i=25000,l=32$c2FsdHNhbHRzYWx0c2FsdA$Z2G8qVNldC6E7Tz8qNXMArwYqfj9hSIWsUfpC02jgII",
        )
        .unwrap(),
        imported_hash: None,
        label: None,
        created_at: NOW,
        expires_at: Some(NOW.plus_seconds(end)),
        last_used_at: None,
    };
    // One that has ended already, the nearest one, and one beyond the window.
    let secrets = vec![secret(3, -5), secret(4, 20), secret(5, 600)];
    let client = Arc::new(Client { secrets, ..Client::clone(&client()) });
    keep(&reuse, request(&client, &api));
    let at = |seconds| UnixMillis(NOW.plus_seconds(seconds).0 - 1);
    assert!(reuse.find(&request(&client, &api), at(20)).is_some());
    assert!(reuse.find(&request(&client, &api), at(21)).is_none());
}

#[test]
fn memory_is_bounded_however_many_requests_differ() {
    let (reuse, client, api) = (TokenReuse::new(ROOM), client(), api(60, 3600));
    for number in 0..5_000_u32 {
        let mut one = request(&client, &api);
        one.key.scope = number.to_string().into();
        reuse.keep(one, "t".repeat(800), "jti".to_owned(), NOW);
    }
    reuse.tokens.run_pending_tasks();
    let (kept, bytes) = (reuse.tokens.entry_count(), reuse.tokens.weighted_size());
    assert!(bytes <= ROOM && (200..1000).contains(&kept), "{kept} tokens, {bytes} bytes");

    let none = TokenReuse::new(0);
    keep(&none, request(&client, &api));
    none.tokens.run_pending_tasks();
    assert_eq!(none.tokens.entry_count(), 0);
}

#[test]
fn a_token_leaves_memory_when_its_window_is_over() {
    let (reuse, client, api) = (TokenReuse::new(ROOM), client(), api(1, 3600));
    keep(&reuse, request(&client, &api));
    assert!(reuse.find(&request(&client, &api), NOW).is_some());
    std::thread::sleep(Duration::from_millis(1_300));
    reuse.tokens.run_pending_tasks();
    assert_eq!(reuse.tokens.entry_count(), 0);
}

#[test]
fn debug_shows_no_token() {
    let (reuse, client, api) = (TokenReuse::new(ROOM), client(), api(60, 3600));
    keep(&reuse, request(&client, &api));
    reuse.tokens.run_pending_tasks();
    assert_eq!(format!("{reuse:?}"), "TokenReuse { tokens: 1, .. }");
}
