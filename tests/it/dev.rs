//! `tokenhouse dev`, as people and test suites start it.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::answer::{Answer, builder};
use crate::support::program::run;
use crate::support::{Dev, raw};

#[tokio::test]
async fn the_ready_line_stands_alone_on_standard_output_and_in_a_private_file() {
    let mut dev = Dev::start(&[]);
    let mode = std::fs::metadata(dev.path().join("ready.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "it holds secrets");
    let ready = dev.ready.clone();
    assert_eq!(dev.terminate(), 0);
    let stdout = dev.stdout();
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&stdout).unwrap(), ready);
    assert_eq!(ready["control"], json!(null));
}

#[tokio::test]
async fn a_partner_gets_a_token_and_sees_only_its_own_users() {
    let dev = Dev::start(&[]);
    let (a, b) = (dev.token_of(&dev.partner(0)).await, dev.token_of(&dev.partner(1)).await);
    let of_a = dev.call("GET", "/users", &a).await.json();
    let of_b = dev.call("GET", "/users", &b).await.json();
    assert_eq!((&of_a["total"], &of_b["total"]), (&json!(2), &json!(2)));
    let id = of_b["users"][0]["id"].as_str().unwrap();
    assert_eq!(dev.call("GET", &format!("/users/{id}"), &a).await.status, 404);
    assert_eq!(dev.call("GET", &format!("/users/{id}"), &b).await.status, 200);
    let refused = dev.call("DELETE", &format!("/users/{id}"), &b).await;
    assert_eq!(refused.error(), (403, "insufficient_scope".to_owned()));
}

#[tokio::test]
async fn the_resource_api_accepts_the_dialect_of_each_mode() {
    for compat in ["standard", "auth0", "identityserver"] {
        let dev = Dev::start(&["--compat", compat]);
        let partner = dev.partner(0);
        let answer = dev.call("GET", "/whoami", &dev.token_of(&partner).await).await;
        assert_eq!(answer.status, 200, "{compat}: {answer:?}");
        assert_eq!(answer.json()["client_id"], partner.client_id, "{compat}");
    }
}

#[tokio::test]
async fn tls_serves_both_with_a_ca_made_on_the_spot() {
    let dev = Dev::start(&["--tls"]);
    let pem = std::fs::read(dev.text("ca_file")).unwrap();
    let certificate = reqwest::Certificate::from_pem(&pem).unwrap();
    let client = builder().tls_certs_only([certificate]).build().unwrap();
    let partner = dev.partner(0);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &partner.client_id),
        ("client_secret", &partner.client_secret),
    ];
    let token = Answer::to(client.post(dev.text("token_endpoint")).form(&form)).await.access_token();
    let answer = Answer::to(client.get(dev.api("/users")).bearer_auth(&token)).await;
    assert_eq!(answer.json()["total"], 2, "{answer:?}");
    let verified = run(
        dev.path(),
        &[
            "verify",
            &token,
            "--issuer",
            &dev.text("issuer"),
            "--audience",
            &partner.audience,
            "--ca-file",
            &dev.text("ca_file"),
        ],
    );
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[tokio::test]
async fn the_ca_is_gone_after_the_end() {
    let mut dev = Dev::start(&["--tls"]);
    let ca_file = dev.text("ca_file");
    assert_eq!(dev.terminate(), 0);
    assert!(!std::path::Path::new(&ca_file).exists());
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_end() {
    let mut dev = Dev::start(&[]);
    let partner = dev.partner(0);
    let body = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        partner.client_id, partner.client_secret
    );
    let (first, second) = body.split_at(10);
    let endpoint = dev.text("token_endpoint");
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{first}",
        body.len()
    );
    let second = second.to_owned();
    let answered = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(endpoint.split('/').nth(2).unwrap()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(700));
        stream.write_all(second.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(dev.terminate(), 0);
    assert_eq!(raw::status(&answered.join().unwrap()), 200);
}

#[test]
fn the_page_for_people_shows_addresses_credentials_and_commands() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = crate::support::program::command(directory.path(), &["dev", "--port", "0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    crate::support::serve::signal(child.id(), "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0), "Ctrl-C ends it cleanly");
    let page = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    for part in ["token endpoint", "partner-a", "partner-b", "management", "curl -sS http://localhost:", "TOKEN=$("] {
        assert!(page.contains(part), "no {part} in:\n{page}");
    }
}

#[test]
fn bad_input_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let seed = |text: &str| {
        std::fs::write(directory.path().join("seed.yaml"), text).unwrap();
        run(directory.path(), &["dev", "--port", "0", "--seed", "seed.yaml"])
    };
    for (text, told) in [
        ("clientz: []", "clientz"),
        ("apis: [", "seed.yaml"),
        ("apis: [{identifier: 'https://a/', token_lifetime: 0}]", "lifetime"),
        ("apis: [{identifier: 'https://a/'}, {identifier: 'https://a/'}]", "twice"),
        ("clients: [{client_id: c, grants: [{audience: 'https://none/'}]}]", "there is no API https://none/"),
        ("clients: [{client_id: c, secrets: [{value_env: NOT_SET_HERE}]}]", "NOT_SET_HERE"),
        ("clients: [{client_id: c, secrets: [{hash: nonsense}]}]", "client c"),
    ] {
        let output = seed(text);
        assert_eq!(output.code, if told.starts_with("there is no") { 3 } else { 2 }, "{text}: {output:?}");
        assert!(output.stderr.contains(told), "{text}: {output:?}");
    }
    assert_eq!(run(directory.path(), &["dev", "--seed", "gone.yaml"]).code, 2);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(directory.path(), &["dev", "--port", &port]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("--port"), "{output:?}");
}

#[test]
fn a_signal_right_after_the_ready_line_ends_it_cleanly() {
    for _ in 0..10 {
        let mut dev = Dev::start(&["--tls"]);
        let ca_file = dev.text("ca_file");
        assert_eq!(dev.terminate(), 0);
        assert!(!std::path::Path::new(&ca_file).exists(), "the private folder is removed");
    }
}

#[tokio::test]
async fn each_decision_is_one_line_with_the_id_of_its_request() {
    let dev = Dev::start(&[]);
    let issued = dev.token(&[]).await;
    let refused = dev.token(&[("client_secret", Some("wrong"))]).await;
    let log = dev.log();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{log}");
    for (line, answer, outcome) in [(&lines[0], &issued, "issued"), (&lines[1], &refused, "refused")] {
        assert_eq!(line["outcome"], outcome);
        assert_eq!(line["span"]["request_id"], answer.header("x-request-id"));
        assert_eq!(line["client_id"], "partner-a");
    }
    assert_eq!((&lines[1]["cause"], &lines[1]["authenticated"]), (&json!("invalid_client"), &json!(false)));
}
