//! `tokenhouse conform` against our resource API, and against APIs that get things wrong on purpose.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Dev;
use crate::support::program::{Output, command, run};
use crate::support::serve::free_port;

const AUDIENCE: &str = "https://api.example.com/";

/// On a busy machine an answer may take its time, and none of these tests is about time.
const PATIENCE: &str = "120";

/// The bundled resource API on a port of its own, ended when dropped.
struct ResourceApi {
    child: Child,
    port: u16,
    directory: TempDir,
}

impl ResourceApi {
    fn start(issuer_port: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let (issuer, bind) = (format!("http://localhost:{issuer_port}/"), format!("127.0.0.1:{port}"));
        let arguments = ["resource-api", "--issuer", &issuer, "--audience", AUDIENCE, "--bind", &bind];
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let child = command(directory.path(), &arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { child, port, directory }
    }

    fn url(&self) -> String {
        format!("http://localhost:{}/users", self.port)
    }
}

impl Drop for ResourceApi {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An API that does with a request what a test says.
struct Api {
    port: u16,
    handle: ServerHandle,
}

type Behaviour = Arc<dyn Fn(&HttpRequest) -> u16 + Send + Sync>;

impl Api {
    fn start(behaviour: impl Fn(&HttpRequest) -> u16 + Send + Sync + 'static) -> Self {
        let behaviour: Behaviour = Arc::new(behaviour);
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let serving = async move {
                let data = web::Data::new(behaviour);
                let app = move || App::new().app_data(data.clone()).default_service(web::to(behave));
                let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
                let port = server.addrs()[0].port();
                let server = server.run();
                sender.send((port, server.handle())).unwrap();
                let _ = server.await;
            };
            actix_web::rt::System::new().block_on(serving);
        });
        let (port, handle) = receiver.recv().unwrap();
        Self { port, handle }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn behave(request: HttpRequest, behaviour: web::Data<Behaviour>) -> HttpResponse {
    let status = behaviour.as_ref()(&request).try_into().unwrap();
    HttpResponse::build(status).body("<what> & \"who\" \u{1}")
}

/// The claims of a token with three parts, whoever signed it.
fn unverified_claims(request: &HttpRequest) -> Option<Value> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    let payload = header.split_once(' ')?.1.trim().split('.').nth(1)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn conform(directory: &Path, url: &str, arguments: &[&str]) -> Output {
    let listen = format!("127.0.0.1:{}", free_port());
    run(
        directory,
        &[&["conform", url, "--audience", AUDIENCE, "--listen", &listen, "--timeout", PATIENCE], arguments].concat(),
    )
}

/// The grade of each case of a report.
fn grades(output: &Output) -> BTreeMap<String, String> {
    let report = output.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    report["cases"].as_array().unwrap().iter().map(|case| (text(&case["id"]), text(&case["grade"]))).collect()
}

#[test]
fn our_resource_api_gets_nothing_wrong() {
    let issuer_port = free_port();
    let api = ResourceApi::start(issuer_port);
    let junit = api.directory.path().join("conform.xml");
    let listen = format!("127.0.0.1:{issuer_port}");
    let arguments = [
        "conform",
        &api.url(),
        "--audience",
        AUDIENCE,
        "--scope",
        "list:users",
        "--listen",
        &listen,
        "--wait",
        "30",
        "--strict",
        "--timeout",
        PATIENCE,
        "--output",
        "json",
        "--junit",
        junit.to_str().unwrap(),
    ];
    let output = run(api.directory.path(), &arguments);
    let wrong: Vec<_> = grades(&output).into_iter().filter(|(_, grade)| grade != "passed").collect();
    assert!(wrong.iter().all(|(_, grade)| grade == "skipped"), "{wrong:?}\n{}", output.stdout);
    assert!(wrong.len() < 8, "{wrong:?}");
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stderr.contains("must trust") && output.stderr.contains("/.well-known/jwks.json"));

    let summary = output.json()["summary"].clone();
    assert!(summary["passed"].as_u64().unwrap() > 150, "{summary}");
    let suites = elements(&std::fs::read_to_string(&junit).unwrap());
    let cases: Vec<_> = suites.iter().filter(|(name, _)| name == "testcase").collect();
    assert_eq!(
        u64::try_from(cases.len()).unwrap(),
        ["passed", "advice", "failed", "skipped"].iter().map(|grade| summary[grade].as_u64().unwrap()).sum::<u64>()
    );
    assert!(!suites.iter().any(|(name, _)| name == "failure"));
}

#[test]
fn a_running_dev_can_be_the_issuer() {
    let dev = Dev::start(&[]);
    let url = dev.api("/users");
    let arguments =
        ["--dev", &dev.text("issuer"), "--scope", "list:users", "--strict", "--timeout", PATIENCE, "--output", "json"];
    let output = run(dev.path(), &[&["conform", &url, "--audience", AUDIENCE], &arguments[..]].concat());
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.json()["summary"]["passed"].as_u64().unwrap() > 150);
}

#[test]
fn a_key_of_another_kind_can_be_the_one_that_is_tested() {
    let issuer_port = free_port();
    let api = ResourceApi::start(issuer_port);
    let listen = format!("127.0.0.1:{issuer_port}");
    let arguments = [
        "--scope",
        "list:users",
        "--listen",
        &listen,
        "--wait",
        "30",
        "--alg",
        "ES256",
        "--strict",
        "--timeout",
        PATIENCE,
    ];
    let output =
        run(api.directory.path(), &[&["conform", &api.url(), "--audience", AUDIENCE], &arguments[..]].concat());
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.contains("es256_zero_signature         401"), "{}", output.stdout);
}

#[test]
fn an_api_that_accepts_everything_fails_with_the_reasons() {
    let api = Api::start(|_| 200);
    let directory = tempfile::tempdir().unwrap();
    let junit = directory.path().join("conform.xml");
    let arguments = ["--scope", "a", "--output", "json", "--junit", junit.to_str().unwrap()];
    let output = conform(directory.path(), &api.url(), &arguments);
    assert_eq!(output.code, 1, "{}", output.stderr);
    assert!(output.stderr.contains("cases wrong"), "{}", output.stderr);
    let report = output.json();
    for case in report["cases"].as_array().unwrap() {
        let expected = match (case["wanted"].as_str().unwrap(), case["level"].as_str().unwrap()) {
            _ if case["outcome"].is_null() => "skipped",
            ("accepted", _) => "passed",
            (_, "must") => "failed",
            _ => "advice",
        };
        assert_eq!(case["grade"], expected, "{case}");
    }
    let failed = report["summary"]["failed"].as_u64().unwrap();
    let suites = elements(&std::fs::read_to_string(&junit).unwrap());
    let failures = suites.iter().filter(|(name, _)| name == "failure").count();
    assert_eq!(u64::try_from(failures).unwrap(), failed);
    let suite = &suites.iter().find(|(name, _)| name == "testsuite").unwrap().1;
    assert_eq!(suite["failures"], failed.to_string());

    let text = conform(directory.path(), &api.url(), &["--case", "alg_none", "--case", "valid"]);
    assert_eq!(text.code, 1);
    for part in
        ["WRONG", "alg_none", "RFC 8725", "CVE-2022-23540", "anybody can write", "accepted: 200", "1 wrong, 0 worth"]
    {
        assert!(text.stdout.contains(part), "no {part} in {}", text.stdout);
    }
}

#[test]
fn an_api_that_ignores_the_audience_fails_for_that() {
    // It checks nothing but the issuer, and that there is a token.
    let port = free_port();
    let issuer = format!("http://localhost:{port}/");
    let expected = issuer.clone();
    let api = Api::start(move |request| {
        if unverified_claims(request).is_some_and(|claims| claims["iss"] == expected.as_str()) { 200 } else { 401 }
    });
    let directory = tempfile::tempdir().unwrap();
    let listen = format!("127.0.0.1:{port}");
    let arguments =
        ["conform", &api.url(), "--audience", AUDIENCE, "--listen", &listen, "--timeout", PATIENCE, "--output", "json"];
    let output = run(directory.path(), &arguments);
    assert_eq!(output.code, 1);
    let grades = grades(&output);
    for (id, grade) in [
        ("wrong_audience", "failed"),
        ("expired", "failed"),
        ("forged_key", "failed"),
        ("wrong_issuer", "passed"),
        ("issuer_array", "passed"),
        ("no_token", "passed"),
        ("valid", "passed"),
        ("wrong_scope", "skipped"),
    ] {
        assert_eq!(grades[id], grade, "{id}");
    }
    // What is known and accepted for now can be left out.
    let skipped: Vec<_> =
        grades.iter().filter(|(_, grade)| *grade == "failed").flat_map(|(id, _)| ["--skip", id]).collect();
    assert_eq!(run(directory.path(), &[&arguments[..], &skipped].concat()).code, 0);
}

#[test]
fn who_fetches_what_a_token_names_fails() {
    // It follows `jku`, and refuses the token all the same.
    let api = Api::start(|request| {
        let token = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let encoded = token.split_once(' ').map_or("", |(_, token)| token.split('.').next().unwrap_or_default());
        let header = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok();
        let header: Value = header.and_then(|header| serde_json::from_slice(&header).ok()).unwrap_or_default();
        if let Some(jku) = header["jku"].as_str() {
            let url: reqwest::Url = jku.parse().unwrap();
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", url.port().unwrap())).unwrap();
            let head = format!("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", url.path());
            std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
            let answer = std::io::read_to_string(stream).unwrap();
            assert!(answer.contains("\"keys\":[{"), "{answer}");
        }
        if header["typ"] == "at+jwt" && header["jku"].is_null() { 200 } else { 401 }
    });
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--case", "jku_header", "--case", "embedded_key", "--case", "wrong_type", "--output", "json"];
    let output = conform(directory.path(), &api.url(), &arguments);
    let grades = grades(&output);
    assert_eq!(
        (&*grades["jku_header"], &*grades["embedded_key"], &*grades["wrong_type"]),
        ("failed", "failed", "passed")
    );
    let report = output.json();
    let jku = report["cases"].as_array().unwrap().iter().find(|case| case["id"] == "jku_header").unwrap();
    assert_eq!((&jku["outcome"]["status"], &jku["outcome"]["fetched"]), (&json!(401), &json!(1)));
}

#[test]
fn an_api_that_refuses_the_valid_token_is_not_judged() {
    let api = Api::start(|_| 401);
    let directory = tempfile::tempdir().unwrap();
    let output = conform(directory.path(), &api.url(), &["--wait", "0", "--output", "json"]);
    assert_eq!((output.code, output.stdout.as_str()), (3, ""));
    for part in
        ["does not accept the valid token", "it answers 401", "<what> &", "never fetched the keys", "the token: ey"]
    {
        assert!(output.stderr.contains(part), "no {part} in {}", output.stderr);
    }
    let nobody = conform(directory.path(), &format!("http://127.0.0.1:{}/", free_port()), &["--wait", "0"]);
    assert_eq!(nobody.code, 3);
    assert!(nobody.stderr.contains("cannot connect"), "{nobody:?}");
}

#[test]
fn another_status_can_mean_refused() {
    let api =
        Api::start(
            |request| {
                if unverified_claims(request).is_some_and(|claims| claims["aud"] == AUDIENCE) { 200 } else { 404 }
            },
        );
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--case", "wrong_audience", "--strict"];
    assert_eq!(conform(directory.path(), &api.url(), &arguments).code, 1, "404 is worth a look");
    let told = [&arguments[..], &["--expect", "refused=401,404"]].concat();
    assert_eq!(conform(directory.path(), &api.url(), &told).code, 0);
}

/// Answers 200 to a short head, a field name with a space to one of some kilobytes, and ends the connection in the midst of a longer one.
fn start_api_with_limits() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut piece) = (Vec::new(), [0; 4096]);
            while !head.ends_with(b"\r\n\r\n") && head.len() <= 20_000 {
                match stream.read(&mut piece) {
                    Ok(read) if read > 0 => head.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            let answer: &[u8] = match head.len() {
                0..=4000 => b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                4001..=20_000 => b"HTTP/1.1 431 Too Large\r\nbad name: x\r\nContent-Length: 0\r\n\r\n",
                _ => b"",
            };
            let _ = stream.write_all(answer);
        }
    });
    port
}

#[test]
fn the_end_of_the_connection_is_a_refusal_of_what_is_too_long_and_an_answer_that_cannot_be_read_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("http://127.0.0.1:{}/", start_api_with_limits());
    let arguments = ["--case", "huge_8k_forged", "--case", "huge_64k_forged", "--output", "json"];
    let output = conform(directory.path(), &url, &arguments);
    let grades = grades(&output);
    assert_eq!((&*grades["huge_8k_forged"], &*grades["huge_64k_forged"]), ("advice", "passed"), "{output:?}");
    let report = output.json();
    let finding =
        |id| report["cases"].as_array().unwrap().iter().find(|case| case["id"] == id).unwrap()["finding"].to_string();
    assert!(finding("huge_8k_forged").contains("the answer cannot be read: invalid HTTP header"), "{output:?}");
    assert!(finding("huge_64k_forged").contains("the connection ended"), "{output:?}");
}

#[test]
fn it_fires_at_nothing_beyond_this_machine_unasked_and_tells_wrong_usage() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, says) in [
        (&["conform", "https://api.example.com/", "--audience", "a"][..], "--allow-remote"),
        (&["conform", "ftp://localhost/", "--audience", "a"], "no absolute http or https URL"),
        (&["conform", "http://user:s3cret@localhost:1/", "--audience", "a"], "--header"),
        (&["conform", "http://localhost:1/"], "--audience"),
        (&["conform", "http://localhost:1/", "--audience", "a", "--case", "alg_nine"], "did you mean alg_none?"),
        (&["conform", "http://localhost:1/", "--audience", "a", "--header", "Authorization: x"], "what is tested"),
        (&["conform", "http://localhost:1/", "--audience", "a", "--expect", "good=200"], "expected accepted="),
        (&["conform", "http://localhost:1/", "--audience", "a", "--profile", "oidc"], "expected rfc9068 or jwt"),
    ] {
        let output = run(directory.path(), arguments);
        assert_eq!(output.code, 2, "{output:?}");
        assert!(output.stderr.contains(says), "no {says} in {}", output.stderr);
        assert!(!output.stderr.contains("s3cret"), "{}", output.stderr);
    }
    let listed = run(directory.path(), &["conform", "--list", "--output", "json"]).success().json();
    assert!(listed.as_array().unwrap().len() > 150);
}

/// The elements of an XML document, which must be well-formed, each with its attributes.
fn elements(xml: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let (mut found, mut open) = (Vec::new(), 0_usize);
    loop {
        let start = match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(start) => {
                open += 1;
                start
            }
            quick_xml::events::Event::Empty(start) => start,
            quick_xml::events::Event::End(_) => {
                open -= 1;
                continue;
            }
            quick_xml::events::Event::Eof => break,
            _ => continue,
        };
        let text = |text: &str| text.to_owned();
        let attributes = start.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            (text(attribute.key.as_ref()), text(&attribute.value))
        });
        found.push((text(start.name().as_ref()), attributes.collect()));
    }
    assert_eq!(open, 0, "everything is closed");
    assert!(!xml.contains('\u{1}'), "no character that XML cannot hold");
    found
}
