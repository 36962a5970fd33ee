//! The JWK Set and the metadata, under every path they are looked for.

use crate::support::answer::{Answer, client};
use crate::support::{Dev, Serve};

#[tokio::test]
async fn documents_are_cached_and_revalidated() {
    let dev = Dev::start(&[]);
    for path in
        ["/.well-known/jwks.json", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
    {
        let first = dev.get(&dev.issuer(path)).await;
        assert_eq!((first.status, first.header("content-type")), (200, "application/json"), "{path}");
        assert_eq!(first.header("cache-control"), "public, max-age=300", "{path}");
        assert_eq!(first.header("access-control-allow-origin"), "*", "{path}");
        let etag = first.header("etag").to_owned();
        for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
            let again = Answer::to(client().get(dev.issuer(path)).header("if-none-match", known)).await;
            assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", etag.as_str()), "{path}");
        }
        let changed = Answer::to(client().get(dev.issuer(path)).header("if-none-match", "\"other\"")).await;
        assert_eq!(changed.status, 200, "{path}");
        let head = Answer::to(client().head(dev.issuer(path))).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        let posted = Answer::to(client().post(dev.issuer(path))).await;
        assert_eq!((posted.status, posted.header("allow")), (405, "GET, HEAD"), "{path}");
    }
}

#[tokio::test]
async fn no_other_endpoint_sends_cors_headers() {
    let dev = Dev::start(&[]);
    for path in ["/livez", "/readyz", "/oauth/token", "/nothing"] {
        let answer = Answer::to(client().get(dev.issuer(path)).header("origin", "https://evil.example")).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn the_issuer_is_never_taken_from_the_request() {
    let dev = Dev::start(&[]);
    let expected = dev.get(&dev.issuer("/.well-known/openid-configuration")).await.text;
    for (name, value) in
        [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example;proto=https")]
    {
        let request = client().get(dev.issuer("/.well-known/openid-configuration")).header(name, value);
        assert_eq!(Answer::to(request).await.text, expected, "{name}");
    }
}

#[tokio::test]
async fn an_issuer_with_a_path_serves_everything_under_it() {
    let port = crate::support::serve::free_port();
    let directory = tempfile::tempdir().unwrap();
    let issuer = format!("http://localhost:{port}/auth/v1");
    let mut child = crate::support::program::command(
        directory.path(),
        &["serve", "--bind", &format!("127.0.0.1:{port}"), "--issuer", &issuer],
    )
    .stderr(std::process::Stdio::null())
    .spawn()
    .unwrap();
    let url = |path: &str| format!("http://localhost:{port}{path}");
    for _ in 0..500 {
        if client().get(url("/readyz")).send().await.is_ok_and(|answer| answer.status() == 200) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for path in [
        "/auth/v1/.well-known/openid-configuration",
        "/auth/v1//.well-known/openid-configuration",
        "/.well-known/openid-configuration/auth/v1",
        "/auth/v1/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/auth/v1",
    ] {
        let document = Answer::to(client().get(url(path))).await;
        assert_eq!(document.status, 200, "{path}");
        assert_eq!(document.json()["issuer"], issuer, "{path}");
        assert_eq!(document.json()["token_endpoint"], format!("{issuer}/oauth/token"), "{path}");
        assert_eq!(document.json()["jwks_uri"], format!("{issuer}/.well-known/jwks.json"), "{path}");
    }
    for path in ["/auth/v1/oauth/token", "/auth/v1/connect/token"] {
        assert_eq!(Answer::to(client().get(url(path))).await.status, 405, "{path}");
    }
    assert_eq!(Answer::to(client().get(url("/auth/v1/readyz"))).await.status, 200);
    assert_eq!(Answer::to(client().get(url("/oauth/token"))).await.status, 404, "nothing beside the path");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn the_authorization_endpoint_refuses() {
    let dev = Dev::start(&[]);
    let answer =
        dev.get(&dev.issuer("/authorize?response_type=code&client_id=x&redirect_uri=https://evil.example/")).await;
    assert_eq!(answer.error(), (400, "unsupported_response_type".to_owned()));
    assert_eq!(answer.header("location"), "", "never a redirect");
}

#[tokio::test]
async fn health_and_request_ids() {
    let serve = Serve::start(&[]).await;
    for path in ["/livez", "/readyz"] {
        let answer = Answer::to(client().get(serve.url(path)).header("x-request-id", "my-id.1")).await;
        assert_eq!((answer.status, answer.header("x-request-id")), (200, "my-id.1"), "{path}");
    }
    for path in ["/livez", "/oauth/token", "/nothing"] {
        let answer = Answer::to(client().get(serve.url(path)).header("x-request-id", "bad id\u{e4}")).await;
        let id = answer.header("x-request-id");
        assert!(id.len() == 36 && !id.contains(' '), "{path}: {id}");
    }
    let ready = Answer::to(client().get(serve.url("/readyz"))).await.json();
    assert_eq!((&ready["status"], &ready["parts"]["store"]), (&"ready".into(), &"ok".into()));
}
