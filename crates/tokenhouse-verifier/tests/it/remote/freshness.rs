//! Does the remote key source spare the issuer, and outlive its absence?

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_cause_one_fetch() {
    let rig = Rig::start().await;
    rig.answer(good().set_delay(Duration::from_millis(100))).await;
    let source = rig.source();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let source = source.clone();
        requests.spawn(async move { source.keys_for("rs").await.map(|keys| keys.contains("rs")) });
    }
    while let Some(found) = requests.join_next().await {
        assert!(found.unwrap().unwrap());
    }
    assert_eq!(rig.fetches().await, 1);
}

#[tokio::test]
async fn an_unknown_kid_causes_one_fetch_per_cool_down() {
    let rig = Rig::start().await;
    rig.answer(good().insert_header("cache-control", "max-age=3600")).await;
    let source = rig.source();
    source.keys_for("rs").await.unwrap();
    for attempt in 0..100 {
        let keys = source.keys_for(&format!("forged-{attempt}")).await.unwrap();
        assert!(keys.contains("rs"), "a miss evicts nothing");
    }
    assert_eq!(rig.fetches().await, 2);
    rig.clock.advance(29);
    source.keys_for("forged").await.unwrap();
    assert_eq!(rig.fetches().await, 2);
    rig.clock.advance(1);
    source.keys_for("forged").await.unwrap();
    source.keys_for("forged").await.unwrap();
    assert_eq!(rig.fetches().await, 3);
}

#[tokio::test]
async fn a_new_key_is_found_at_once() {
    let rig = Rig::start().await;
    rig.answer(ResponseTemplate::new(200).set_body_json(json!({"keys": [ed_jwk("old")]}))).await;
    let source = rig.source();
    assert!(source.keys_for("old").await.unwrap().contains("old"));
    rig.answer(
        ResponseTemplate::new(200)
            .set_body_json(json!({"keys": [ed_jwk("old"), ed_jwk("new")]}))
            .set_delay(Duration::from_millis(50)),
    )
    .await;
    // All that come while the fetch is under way wait for it: none is refused for the cool-down.
    let (first, second) = tokio::join!(source.keys_for("new"), source.keys_for("new"));
    assert!(first.unwrap().contains("new") && second.unwrap().contains("new"));
    assert_eq!(rig.fetches().await, 1);
}

#[tokio::test]
async fn stale_keys_are_refreshed_behind_the_request() {
    let rig = Rig::start().await;
    rig.answer(good().insert_header("cache-control", "public, max-age=600")).await;
    let source = rig.source();
    source.keys_for("rs").await.unwrap();
    rig.clock.advance(599);
    source.keys_for("rs").await.unwrap();
    assert_eq!(rig.fetches().await, 1);
    rig.clock.advance(1);
    assert!(source.keys_for("rs").await.unwrap().contains("rs"));
    eventually(|| async { rig.fetches().await == 2 }).await;
}

#[tokio::test]
async fn keys_are_fresh_until_their_time_and_no_longer() {
    let rig = Rig::start().await;
    rig.answer(good().insert_header("cache-control", "max-age=600")).await;
    let source = rig.source();
    assert!(source.fresh_keys().is_none(), "none have been fetched");
    source.keys().await.unwrap();
    assert!(source.fresh_keys().unwrap().contains("rs"));
    rig.clock.advance(599);
    assert!(source.fresh_keys().is_some());
    for later in [1, 1000] {
        rig.clock.advance(later);
        assert!(source.fresh_keys().is_none(), "whoever has a remembered token must ask, so that they are fetched");
    }
}

#[tokio::test]
async fn freshness_is_bounded() {
    for (cache_control, fresh_for) in
        [("max-age=2", 2), ("max-age=0", 30), ("no-store", 30), ("max-age=99999999", 86_400), ("public", 300)]
    {
        let rig = Rig::start().await;
        rig.answer(good().insert_header("cache-control", cache_control)).await;
        let source = rig.source();
        source.keys_for("rs").await.unwrap();
        rig.clock.advance(fresh_for - 1);
        source.keys_for("rs").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(rig.fetches().await, 1, "{cache_control}");
        rig.clock.advance(1);
        source.keys_for("rs").await.unwrap();
        eventually(|| async { rig.fetches().await == 2 }).await;
    }
}

#[tokio::test]
async fn the_last_good_keys_outlive_an_outage_up_to_a_limit() {
    let rig = Rig::start().await;
    rig.answer(good()).await;
    let source = rig.builder().max_stale(Duration::from_hours(1)).build().unwrap();
    source.keys_for("rs").await.unwrap();
    let faults = [
        ResponseTemplate::new(500),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!({"keys": []})),
        ResponseTemplate::new(200).set_body_json(json!({"keys": vec![ed_jwk("k"); 65]})),
    ];
    for fault in faults {
        rig.answer(fault).await;
        rig.clock.advance(400);
        assert!(source.keys_for("rs").await.unwrap().contains("rs"));
        eventually(|| async { rig.fetches().await == 1 }).await;
        // Failures have a cool-down too.
        source.keys_for("rs").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(rig.fetches().await, 1);
    }
    rig.clock.advance(3600);
    assert!(source.keys_for("rs").await.is_err(), "too old to be trusted");
    rig.answer(good()).await;
    rig.clock.advance(1);
    assert!(source.keys_for("rs").await.is_ok());
}

#[tokio::test]
async fn without_keys_nothing_is_said_about_a_token() {
    let rig = Rig::start().await;
    rig.answer(ResponseTemplate::new(503)).await;
    let server = ResourceServer::new(verifier(), rig.source()).clock(Arc::<TestClock>::clone(&rig.clock));
    let good_token = token(json!({}), json!({}));
    for _ in 0..20 {
        assert!(matches!(server.authenticate(&good_token).await, Err(AuthenticationError::KeysUnavailable(_))));
    }
    assert_eq!(rig.fetches().await, 1, "failures are not repeated at each request");
    let malformed = server.authenticate("x.y").await;
    assert!(matches!(malformed, Err(AuthenticationError::Refused(VerifyError::NotThreeParts))), "that needs no key");
    rig.answer(good()).await;
    rig.clock.advance(1);
    assert_eq!(server.authenticate(&good_token).await.unwrap().client(), "partner");
}

#[tokio::test]
async fn only_a_token_whose_key_is_not_at_hand_asks_for_it() {
    let rig = Rig::start().await;
    rig.answer(good().insert_header("cache-control", "max-age=600")).await;
    let source = rig.source();
    let server = ResourceServer::new(verifier(), source.clone()).clock(Arc::<TestClock>::clone(&rig.clock));
    let good_token = token(json!({}), json!({}));
    server.authenticate(&good_token).await.unwrap();
    let forged = format!("{}AAAA", token(json!({}), json!({"jti": "other"})));
    let other_typ = token(json!({"kid": "new", "typ": "JWT"}), json!({}));
    for refused in ["x.y", forged.as_str(), other_typ.as_str()] {
        assert!(matches!(server.authenticate(refused).await, Err(AuthenticationError::Refused(_))), "{refused}");
    }
    server.authenticate(&token(json!({}), json!({"jti": "another"}))).await.unwrap();
    assert_eq!(rig.fetches().await, 1);

    let keys = json!({"keys": [rsa_jwk("rs", "RS256"), rsa_jwk("new", "RS256")]});
    rig.answer(ResponseTemplate::new(200).set_body_json(keys)).await;
    let of_new_key = token(json!({"kid": "new"}), json!({}));
    assert_eq!(server.authenticate(&of_new_key).await.unwrap().client(), "partner");
    assert_eq!(rig.fetches().await, 1, "since the issuer has answered differently");
}

#[tokio::test]
async fn a_token_that_was_seen_is_good_while_stale_keys_are_kept() {
    let rig = Rig::start().await;
    rig.answer(good().insert_header("cache-control", "max-age=600")).await;
    let server = ResourceServer::new(verifier(), rig.source()).clock(Arc::<TestClock>::clone(&rig.clock));
    let lasting = token(json!({}), json!({"exp": NOW + 7200}));
    server.authenticate(&lasting).await.unwrap();
    rig.answer(ResponseTemplate::new(503)).await;
    rig.clock.advance(600);
    let unseen = token(json!({}), json!({"exp": NOW + 7200, "jti": "unseen"}));
    for token in [&lasting, &unseen, &lasting] {
        assert_eq!(server.authenticate(token).await.unwrap().client(), "partner");
    }
    rig.clock.advance(7200);
    let later = server.authenticate(&lasting).await;
    assert!(matches!(later, Err(AuthenticationError::Refused(VerifyError::Expired { .. }))), "{later:?}");
}

#[tokio::test]
async fn a_caller_that_hangs_up_ends_nothing() {
    let rig = Rig::start().await;
    rig.answer(good().set_delay(Duration::from_millis(100))).await;
    let source = rig.source();
    let impatient = tokio::time::timeout(Duration::from_millis(20), source.keys_for("rs")).await;
    assert!(impatient.is_err());
    assert!(source.keys_for("rs").await.is_ok());
    assert_eq!(rig.fetches().await, 1);
}
