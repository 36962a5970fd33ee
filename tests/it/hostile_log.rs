//! Nothing that comes from outside can forge a line of the log, hide one, or reach the terminal of who reads it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::answer::client;
use crate::support::program::command;
use crate::support::raw::exchange;
use crate::support::serve::{free_port, signal};

/// A line of its own in either form, and a command to a terminal, as the bytes of `spelling` bring it.
const FORGED: &str = "x\r\n{\"level\":\"INFO\",\"message\":\"forged\"}\u{1b}[2J\u{85}\u{2028}";

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| encoded + &format!("%{byte:02X}"))
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// The forged line at every place of a request that a server reads.
fn requests(url: &str) -> Vec<Vec<u8>> {
    let encoded = percent(FORGED);
    let json = serde_json::to_string(FORGED).unwrap();
    let post = |path: &str, kind: &str, headers: &str, body: &str| {
        let length = body.len();
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
            .into_bytes()
    };
    let form = "application/x-www-form-urlencoded";
    let jwt = format!(
        "{}.{}.AAAA",
        base64(&format!("{{\"alg\":\"ES256\",\"kid\":{json},\"typ\":{json}}}")),
        base64(&format!("{{\"iss\":{json},\"sub\":{json},\"aud\":{json},\"jti\":{json},\"exp\":1}}"))
    );
    let basic = base64(&format!("{FORGED}:{FORGED}"));
    let latin = b"GET /oauth/token HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\xe9\x80\x1b[2J\r\nUser-Agent: \xff\xfe\r\nConnection: close\r\n\r\n";
    let mut all = vec![
        latin.to_vec(),
        format!("GET /{encoded}?{encoded}={encoded} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes(),
    ];
    for path in ["/oauth/token", "/oauth/secret"] {
        let fields = ["grant_type", "client_id", "client_secret", "scope", "audience", "resource"];
        let every = fields.map(|name| format!("{name}={encoded}")).join("&");
        let right = "grant_type=client_credentials&client_id=c";
        all.push(post(path, form, "", &every));
        all.push(post(path, form, "", &format!("{right}&client_secret={encoded}&scope={encoded}&audience={encoded}")));
        all.push(post(path, form, "", &format!("{right}&{encoded}={encoded}")));
        all.push(post(path, form, &format!("Authorization: Basic {basic}\r\n"), "grant_type=client_credentials"));
        let assertion = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        all.push(post(path, form, "", &format!("{right}&{assertion}&client_assertion={jwt}")));
        all.push(post(
            path,
            "application/json",
            "",
            &format!("{{\"grant_type\":{json},\"client_id\":{json},{json}:{json}}}"),
        ));
        all.push(post(
            path,
            &format!("text/{encoded}"),
            &format!("Traceparent: 00-{encoded}\r\nForwarded: for={encoded}\r\n"),
            "",
        ));
    }
    let token = format!("Authorization: Bearer {jwt}\r\nX-Forwarded-For: {encoded}\r\n");
    for path in ["/api/v2/clients", "/api/v2/resource-servers", &format!("/api/v2/clients/{encoded}/secrets")] {
        all.push(post(path, "application/json", &token, &format!("{{\"name\":{json}}}")));
    }
    all.push(format!("{encoded} / HTTP/1.1\r\nHost: {url}\r\nConnection: close\r\n\r\n").into_bytes());
    all
}

#[tokio::test]
async fn every_line_is_whole_and_ours_in_both_forms() {
    for form in ["json", "human"] {
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let (bind, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}/"));
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let format = format!("log.format={form}");
        let settings = ["--set", &format, "--set", "log.level=trace", "--set", "server.trusted_proxies=127.0.0.1"];
        let arguments = [&["serve", "--bind", &bind, "--issuer", &url][..], &settings].concat();
        let mut child = command(directory.path(), &arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !client().get(format!("{url}readyz")).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(Instant::now() < deadline, "not there");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let asked = requests(&url);
        let target = url.clone();
        let answers = tokio::task::spawn_blocking(move || {
            asked.iter().map(|request| exchange(&target, request)).collect::<Vec<_>>()
        });
        for answer in answers.await.unwrap() {
            assert!(answer.starts_with("HTTP/1.1 4"), "refused, and by the server itself: {answer}");
        }
        signal(child.id(), "TERM");
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let log = String::from_utf8(std::fs::read(directory.path().join("log")).unwrap()).expect("UTF-8");
        assert!(!log.contains(['\r', '\u{1b}', '\u{85}']), "{form}: {log:?}");
        // What the server says to who starts it for the first time stands between.
        let lines = log.split('\n').filter(|line| !line.is_empty());
        let (mut whole, mut decisions) = (0, 0);
        for line in lines {
            if form == "json" && line.starts_with('{') {
                let line: serde_json::Value =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                assert!(line["timestamp"].is_string() && line["target"].is_string(), "{line}");
                assert_ne!(line["message"], "forged");
                whole += 1;
                decisions += usize::from(line["message"] == "token request");
            } else if form == "human" && line.starts_with("20") {
                assert!(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].iter().any(|level| line.contains(level)), "{line}");
                whole += 1;
                decisions += usize::from(line.contains(" token request"));
            } else {
                assert!(!line.contains("forged"), "{form}: {line}");
            }
        }
        assert_eq!(decisions, 7, "one line for each decision: {log}");
        assert!(whole > decisions, "and others: {log}");
    }
}
