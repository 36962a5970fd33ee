//! Which answers of an issuer does the remote key source refuse, and how does it tell them?

use super::*;

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let rig = Rig::start().await;
    rig.answer(ResponseTemplate::new(302).insert_header("location", "/elsewhere")).await;
    Mock::given(path("/elsewhere")).respond_with(good()).expect(0).mount(&rig.server).await;
    let error = rig.source().keys_for("rs").await.unwrap_err();
    assert!(cause(&error).ends_with("answered with status 302"), "{}", cause(&error));
}

#[tokio::test]
async fn a_slow_issuer_is_given_up() {
    let rig = Rig::start().await;
    rig.answer(good().set_delay(Duration::from_secs(30))).await;
    let source = rig.builder().timeout(Duration::from_millis(100)).build().unwrap();
    let error = source.keys_for("rs").await.unwrap_err();
    assert!(cause(&error).ends_with("did not answer in time"), "{}", cause(&error));
}

#[tokio::test]
async fn a_large_answer_is_cut_off() {
    let rig = Rig::start().await;
    rig.answer(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 256 * 1024 + 1])).await;
    let error = rig.source().keys_for("rs").await.unwrap_err();
    assert!(cause(&error).ends_with("answered with more than 262144 bytes"), "{}", cause(&error));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_too() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
        // Until the client hangs up: without an announced length only counting stops it.
        while stream.write_all(chunk.as_bytes()).is_ok() {}
    });
    let source = RemoteJwks::at(format!("http://{address}/jwks")).timeout(Duration::from_secs(20)).build().unwrap();
    let error = source.keys_for("rs").await.unwrap_err();
    assert!(cause(&error).ends_with("answered with more than 262144 bytes"), "{}", cause(&error));
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    let source = RemoteJwks::at("http://127.0.0.1:1/jwks").build().unwrap();
    let error = source.refresh().await.unwrap_err();
    assert_eq!(cause(&error), "http://127.0.0.1:1/jwks could not be fetched");
    assert_eq!(error.to_string(), "the issuer's keys are not available");
}

#[tokio::test]
async fn addresses_that_are_not_allowed_are_never_connected_to() {
    let rig = Rig::start().await;
    rig.answer(good()).await;
    let port = rig.server.address().port();
    let refused = rig.builder().jwks_uri(format!("http://localhost:{port}/jwks"));
    let refused = refused.allow_addresses(|_, address| !address.is_loopback()).build().unwrap();
    let error = refused.keys().await.unwrap_err();
    let mut told = cause(&error);
    let mut source = error.cause.source();
    while let Some(deeper) = source {
        told.push_str(&deeper.to_string());
        source = deeper.source();
    }
    assert!(told.contains("which is not allowed"), "{told}");
    assert_eq!(rig.fetches().await, 0);

    let allowed = rig.builder().jwks_uri(format!("http://localhost:{port}/jwks"));
    let allowed = allowed.allow_addresses(|host, _| host == "localhost").build().unwrap();
    assert!(allowed.keys().await.is_ok());
}

#[tokio::test]
async fn a_set_without_a_key_may_be_taken_for_what_it_says() {
    let rig = Rig::start().await;
    rig.answer(good()).await;
    let source = rig.builder().accept_empty_sets().build().unwrap();
    assert!(!source.keys().await.unwrap().keys().is_empty());
    rig.answer(ResponseTemplate::new(200).set_body_json(json!({"keys": []}))).await;
    assert!(source.keys_anew().await.unwrap().keys().is_empty());
    assert!(source.keys_anew().await.unwrap().keys().is_empty());
    assert_eq!(rig.fetches().await, 1, "the second time is within the cool-down");
}

#[tokio::test]
async fn limits_on_size_and_age_can_be_set() {
    let rig = Rig::start().await;
    rig.answer(good().insert_header("cache-control", "max-age=86400")).await;
    let source = rig.builder().max_age_at_most(Duration::from_mins(10)).build().unwrap();
    source.keys().await.unwrap();
    rig.clock.advance(601);
    source.keys().await.unwrap();
    eventually(|| async { rig.fetches().await == 2 }).await;

    let length = serde_json::to_vec(&jwks()).unwrap().len();
    assert!(rig.builder().max_document_bytes(length).build().unwrap().keys().await.is_ok());
    for too_few in [length - 1, 100] {
        let small = rig.builder().max_document_bytes(too_few).build().unwrap();
        assert!(cause(&small.keys().await.unwrap_err()).contains(&format!("more than {too_few} bytes")));
    }
}
