//! Life behind proxies: who is believed about the client's address, who is served, and what no header ever changes.

use rstest::rstest;

use crate::support::answer::{Answer, builder, client};
use crate::support::dev::token_part;
use crate::support::{Dev, Serve};

/// Headers with which a proxy, or a liar, says that the request was another one.
const LIES: &[(&str, &str)] = &[
    ("host", "evil.example"),
    ("forwarded", "for=6.6.6.6;host=evil.example;proto=https;by=evil"),
    ("x-forwarded-for", "6.6.6.6"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-port", "1"),
    ("x-forwarded-prefix", "/evil"),
    ("x-forwarded-server", "evil.example"),
    ("x-original-url", "/evil"),
    ("x-rewrite-url", "/evil"),
    ("x-real-ip", "6.6.6.6"),
    ("true-client-ip", "6.6.6.6"),
    ("via", "1.1 evil.example"),
];

/// The client address in the last line about a token request.
fn logged_address(log: &str) -> String {
    let line = log.lines().rfind(|line| line.contains("\"token request\"")).expect("a line");
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    line["client_address"].as_str().expect("an address").to_owned()
}

#[rstest]
#[case::nobody_is_trusted("[]", "x-forwarded-for", &[("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=1.1.1.1")], "127.0.0.1")]
#[case::others_are("[\"10.0.0.0/8\"]", "x-forwarded-for", &[("x-forwarded-for", "1.1.1.1")], "127.0.0.1")]
#[case::one_hop("[\"127.0.0.1\"]", "x-forwarded-for", &[("x-forwarded-for", "1.1.1.1")], "1.1.1.1")]
#[case::spoofed_in_front("[\"127.0.0.0/8\"]", "x-forwarded-for", &[("x-forwarded-for", "10.9.9.9, 6.6.6.6, 1.1.1.1")], "1.1.1.1")]
#[case::a_chain("[\"127.0.0.1\", \"10.0.0.0/8\"]", "x-forwarded-for", &[("x-forwarded-for", "6.6.6.6, 2001:db8::1"), ("x-forwarded-for", "10.0.0.7:4711, ::ffff:10.0.0.8")], "2001:db8::1")]
#[case::the_other_header("[\"127.0.0.1\"]", "x-forwarded-for", &[("forwarded", "for=6.6.6.6"), ("x-real-ip", "6.6.6.6")], "127.0.0.1")]
#[case::forwarded("[\"127.0.0.1\"]", "forwarded", &[("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=\"x, for=\"[2001:db8::1]:443\";proto=http")], "2001:db8::1")]
#[case::garbage("[\"127.0.0.1\"]", "x-forwarded-for", &[("x-forwarded-for", "1.1.1.1, <script>")], "127.0.0.1")]
#[tokio::test]
async fn the_log_names_the_nearest_address_that_is_no_proxy(
    #[case] trusted: &str,
    #[case] header: &str,
    #[case] sent: &[(&str, &str)],
    #[case] expected: &str,
) {
    let mut serve = Serve::start(&[]).await;
    assert_eq!(serve.terminate(), 0);
    let settings = format!("[server]\ntrusted_proxies = {trusted}\nforwarded_header = \"{header}\"\n");
    std::fs::write(serve.path().join("tokenhouse.toml"), settings).unwrap();
    serve.start_again(&[]).await;
    let mut request = client().post(serve.url("/oauth/token")).form(&[("grant_type", "client_credentials")]);
    for (name, value) in sent {
        request = request.header(*name, *value);
    }
    assert_eq!(Answer::to(request).await.status, 401);
    assert_eq!(logged_address(&serve.log()), expected);
}

#[tokio::test]
async fn behind_named_proxies_nobody_else_is_served() {
    let settings = ["--set", "server.behind_proxy=true", "--set", "server.trusted_proxies=127.0.0.1"];
    let serve = Serve::start(&settings).await;
    let secret = serve.set_up();
    let issued = |answer: &Answer| answer.status == 200;
    assert_eq!(serve.token_within_a_second("c", &secret, issued).await.status, 200, "this is the proxy");
    assert_eq!(logged_address(&serve.log()), "127.0.0.1");

    let stranger = builder().local_address("127.0.0.2".parse::<std::net::IpAddr>().unwrap()).build().unwrap();
    let url = |path: &str| format!("http://127.0.0.1:{}{path}", serve.port);
    let form = [("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", secret.as_str())];
    let before = serve.log().matches("token request").count();
    let refused = Answer::to(stranger.post(url("/oauth/token")).form(&form).header("x-forwarded-for", "127.0.0.1"));
    let refused = refused.await;
    assert_eq!(refused.error(), (403, "forbidden".to_owned()));
    assert!(!refused.header("x-request-id").is_empty());
    for path in ["/.well-known/jwks.json", "/api/v2/clients", "/nothing", "//livez", "/livez/"] {
        assert_eq!(Answer::to(stranger.get(url(path))).await.status, 403, "{path}");
    }
    for path in ["/livez", "/readyz"] {
        assert_eq!(Answer::to(stranger.get(url(path))).await.status, 200, "{path}");
    }
    assert_eq!(serve.log().matches("token request").count(), before, "it was not looked at");
    serve.wait_for_log("does not come from a proxy in server.trusted_proxies").await;
}

#[tokio::test]
async fn no_header_changes_the_issuer_its_documents_or_its_tokens() {
    let settings = ["--set", "server.behind_proxy=true", "--set", "server.trusted_proxies=127.0.0.0/8"];
    let serve = Serve::start(&settings).await;
    let secret = serve.set_up();
    let token = serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await.access_token();
    let issuer = token_part(&token, 1)["iss"].clone();
    assert_eq!(issuer, serve.url("/"));
    let documents = ["/.well-known/openid-configuration", "/.well-known/jwks.json"];
    for (name, value) in LIES {
        for path in documents {
            let expected = Answer::to(client().get(serve.url(path))).await;
            let answer = Answer::to(client().get(serve.url(path)).header(*name, *value)).await;
            assert_eq!((answer.status, &answer.text), (200, &expected.text), "{name} {path}");
        }
        let form = [("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", secret.as_str())];
        let request = client().post(serve.url("/oauth/token")).form(&form).header(*name, *value);
        let token = Answer::to(request).await.access_token();
        assert_eq!(token_part(&token, 1)["iss"], issuer, "{name}");
    }
}

#[tokio::test]
async fn dev_believes_nobody() {
    let dev = Dev::start(&[]);
    dev.token_with(&[], LIES).await;
    assert_eq!(logged_address(&dev.log()), "127.0.0.1");
    assert!(!dev.log().contains("6.6.6.6") && !dev.log().contains("evil"), "{}", dev.log());
}
