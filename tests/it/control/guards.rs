//! Who can reach the control API, and where is it not?

use serde_json::json;

use crate::support::answer::{Answer, client};
use crate::support::control::start;
use crate::support::program::run;
use crate::support::{Dev, Serve};

#[tokio::test]
async fn only_the_key_opens_it() {
    let (_dev, control) = start(&[]);
    for key in ["", "wrong", &control.key[1..]] {
        let answer = Answer::to(client().get(&control.url).bearer_auth(key)).await;
        assert_eq!(answer.error(), (401, "invalid_key".to_owned()));
        assert!(answer.json()["error_description"].as_str().unwrap().contains("Authorization: Bearer"));
    }
    assert_eq!(Answer::to(client().post(format!("{}reset", control.url))).await.status, 401);
    assert_eq!(Answer::to(client().get(format!("{}?access_token={}", control.url, control.key))).await.status, 401);
    assert_eq!(control.call("GET", "", None).await.status, 200);
}

#[tokio::test]
async fn wrong_calls_are_told_what_to_do() {
    let (_dev, control) = start(&[]);
    assert_eq!(control.call("GET", "nothing", None).await.error(), (404, "not_found".to_owned()));
    let answer = control.call("POST", "clock", Some(&json!({}))).await;
    assert_eq!((answer.error(), answer.header("allow")), ((405, "method_not_allowed".to_owned()), "GET, PUT"));
    let answer = control.call("POST", "reset", Some(&json!({ "everything": true }))).await;
    assert_eq!(answer.error(), (400, "invalid_request".to_owned()));
    assert!(answer.text.contains("unknown field `everything`"), "{answer:?}");
    let large = json!({ "claims": { "x": "y".repeat(1024 * 1024) } });
    assert_eq!(control.call("POST", "tokens", Some(&large)).await.error(), (413, "content_too_large".to_owned()));
}

#[tokio::test]
async fn without_the_flag_it_is_not_there() {
    let dev = Dev::start(&[]);
    assert_eq!(dev.ready["control"], json!(null));
    for path in ["/_control/", "/_control/tokens", "/t/a/_control/", "/t/a/oauth/token"] {
        assert_eq!(dev.get(&dev.issuer(path)).await.error(), (404, "not_found".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn serve_has_no_way_to_it() {
    let serve = Serve::start(&[]).await;
    for path in ["_control/", "_control/tokens", "t/a/_control/"] {
        let answer = Answer::to(client().get(serve.url(&format!("/{path}"))).bearer_auth("x")).await;
        assert_eq!(answer.error(), (404, "not_found".to_owned()), "{path}");
    }
    let directory = tempfile::tempdir().unwrap();
    for flag in ["--control", "--issuers-on-first-use", "--control-beyond-loopback"] {
        let output = run(directory.path(), &["serve", flag]);
        assert!(output.code == 2 && output.stderr.contains("unexpected argument"), "{output:?}");
    }
    for setting in ["control=true", "control.enabled=true", "server.control=true", "dev.control=true"] {
        let output = run(directory.path(), &["serve", "--set", setting]);
        assert!(output.code == 2, "{setting}: {output:?}");
    }
}

#[test]
fn beyond_this_machine_it_must_be_forced() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["dev", "--port", "0", "--bind", "0.0.0.0", "--control"]);
    assert!(output.code == 2 && output.stderr.contains("--control-beyond-loopback"), "{output:?}");
    assert!(output.stderr.contains("can have any token"), "{output:?}");
    let output = run(directory.path(), &["dev", "--port", "0", "--issuers-on-first-use"]);
    assert!(output.code == 2 && output.stderr.contains("--control"), "{output:?}");
    let forced = Dev::start(&["--bind", "0.0.0.0", "--control", "--control-beyond-loopback"]);
    assert!(forced.ready["control"]["key"].is_string());
    assert!(forced.log().contains("warning: listening on 0.0.0.0"), "{}", forced.log());
}

#[tokio::test]
async fn it_works_over_tls_with_the_resource_api() {
    let (dev, control) = start(&["--tls"]);
    let pem = std::fs::read(dev.text("ca_file")).unwrap();
    let certificate = reqwest::Certificate::from_pem(&pem).unwrap();
    let client = crate::support::answer::builder().tls_certs_only([certificate]).build().unwrap();
    let call = async |path: &str, body| {
        let request = client.post(format!("{}{path}", control.url)).bearer_auth(&control.key).json(&body);
        Answer::to(request).await.json()
    };
    let named = call("issuers", json!({ "name": "secure" })).await;
    for (base, api) in [
        (control.url.clone(), dev.api("/")),
        (named["control"]["url"].as_str().unwrap().to_owned(), named["resource_api"].as_str().unwrap().to_owned()),
    ] {
        let request = client.post(format!("{base}tokens")).bearer_auth(&control.key).json(&json!({}));
        let token = Answer::to(request).await.access_token();
        let answer = Answer::to(client.get(format!("{api}whoami")).bearer_auth(&token)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_is_an_object() {
    let (_dev, control) = start(&[]);
    for (method, path) in [
        ("PUT", "clock"),
        ("POST", "reset"),
        ("POST", "faults"),
        ("POST", "issuers"),
        ("POST", "tokens"),
        ("POST", "keys/drop"),
    ] {
        let answer = control.call(method, path, Some(&json!([]))).await;
        assert_eq!(answer.error(), (400, "invalid_request".to_owned()), "{path}");
        assert!(answer.text.contains("one JSON object"), "{path}: {answer:?}");
    }
    let answer = control.call("PUT", "document?prune=true", Some(&json!([]))).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(control.get("").await["counts"]["clients"], 3);
    let nameless = Answer::to(client().get(control.at("t/"))).await;
    assert!(nameless.status == 404 && nameless.text.contains("names no issuer"), "{nameless:?}");
}
