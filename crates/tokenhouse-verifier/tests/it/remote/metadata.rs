//! How does the remote key source find the JWK Set through the metadata? (RFC 8414 §3)

use super::*;

#[tokio::test]
async fn keys_are_found_through_the_metadata() {
    for well_known in ["/t/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/t"] {
        let rig = Rig::start().await;
        rig.answer(good()).await;
        let issuer = format!("{}/t/", rig.server.uri());
        let metadata = json!({"issuer": issuer, "jwks_uri": format!("{}/jwks", rig.server.uri())});
        Mock::given(path(well_known))
            .respond_with(ResponseTemplate::new(200).set_body_json(metadata))
            .mount(&rig.server)
            .await;
        let source = RemoteJwks::of_issuer(&issuer).build().unwrap();
        assert!(source.keys_for("rs").await.unwrap().contains("rs"), "{well_known}");
        source.refresh().await.unwrap();
        let requests = rig.server.received_requests().await.unwrap();
        let metadata_requests = requests.iter().filter(|request| request.url.path() == well_known).count();
        assert_eq!(metadata_requests, 1, "the jwks_uri is remembered");
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_or_with_a_bad_jwks_uri_are_refused() {
    let rig = Rig::start().await;
    let issuer = format!("{}/", rig.server.uri());
    for (metadata, reason) in [
        (json!({"issuer": rig.server.uri(), "jwks_uri": format!("{issuer}jwks")}), "must be configured exactly"),
        (json!({"issuer": issuer, "jwks_uri": "http://example.com/jwks"}), "a jwks_uri that cannot be used"),
        (json!({"issuer": issuer, "jwks_uri": "file:///etc/passwd"}), "a jwks_uri that cannot be used"),
        (json!({"issuer": issuer}), "is not the metadata of an issuer"),
    ] {
        rig.answer(good()).await;
        let answer = ResponseTemplate::new(200).set_body_json(metadata);
        Mock::given(path("/.well-known/openid-configuration")).respond_with(answer).mount(&rig.server).await;
        let error = RemoteJwks::of_issuer(&issuer).build().unwrap().keys_for("rs").await.unwrap_err();
        assert!(cause(&error).contains(reason), "{}", cause(&error));
    }
}

#[tokio::test]
async fn keys_that_moved_are_found_again() {
    let rig = Rig::start().await;
    let issuer = format!("{}/", rig.server.uri());
    let source = RemoteJwks::of_issuer(&issuer).build().unwrap();
    for place in ["old", "new"] {
        rig.server.reset().await;
        Mock::given(path(place)).respond_with(good()).mount(&rig.server).await;
        let metadata = json!({"issuer": issuer, "jwks_uri": format!("{issuer}{place}")});
        let answer = ResponseTemplate::new(200).set_body_json(metadata);
        Mock::given(path("/.well-known/openid-configuration")).respond_with(answer).mount(&rig.server).await;
        assert!(source.refresh().await.unwrap().contains("rs"), "{place}");
    }
}
