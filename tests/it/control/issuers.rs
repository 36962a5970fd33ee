//! `/_control/issuers`: any number of issuers in one process, none of which meets another.

use serde_json::{Value, json};

use crate::support::answer::{Answer, client};
use crate::support::control::{Control, start};
use crate::support::dev::token_part;

#[tokio::test]
async fn each_has_its_own_keys_clients_time_faults_log_and_api() {
    let (dev, root) = start(&[]);
    let (a, b) = (root.issuer("a").await, root.issuer("b").await);
    assert_eq!(a.ready["issuer"], json!(format!("{}t/a/", dev.text("issuer"))));
    assert_eq!(a.ready["clients"], dev.ready["clients"], "the same credentials");
    let issuers = [&root, &a, &b];

    let mut kids = Vec::new();
    for control in issuers {
        kids.extend(control.kids().await);
        let token = control.token().await.access_token();
        assert_eq!(token_part(&token, 1)["iss"], control.ready["issuer"]);
        for other in issuers {
            let expected = if other.url == control.url { 200 } else { 401 };
            assert_eq!(other.whoami(&token).await.status, expected, "{} at {}", control.url, other.url);
        }
    }
    kids.sort();
    kids.dedup();
    assert_eq!(kids.len(), 6, "no key is shared");

    a.put("clock", &json!({ "now": 1_900_000_000, "frozen": true })).await;
    a.post("faults", &json!({ "endpoint": "token" })).await;
    a.put("document", &json!({ "clients": [{ "client_id": "only-here" }] })).await;
    a.post("keys/rotate", &json!({})).await;
    for other in [&root, &b] {
        assert_eq!(other.get("clock").await["offset_seconds"], 0);
        assert_eq!(other.token().await.status, 200);
        assert!(!other.get("document").await.to_string().contains("only-here"));
        assert_eq!(other.kids().await.len(), 2);
    }
    assert_eq!(a.token().await.status, 503);
    assert_eq!(a.get("requests?endpoint=token").await["requests"].as_array().unwrap().len(), 2);
    let users = Answer::to(client().get(b.api("users")).bearer_auth(b.token().await.access_token())).await.json();
    let location = users["users"][0]["id"].as_str().unwrap();
    let token = root.token().await.access_token();
    assert_eq!(Answer::to(client().get(root.api(&format!("users/{location}"))).bearer_auth(token)).await.status, 404);
    a.post("reset", &json!({})).await;
    assert_eq!((a.token().await.status, a.get("clock").await["offset_seconds"].clone()), (200, json!(0)));
}

#[tokio::test]
async fn every_path_of_an_issuer_is_there_in_both_forms() {
    let (dev, root) = start(&[]);
    let a = root.issuer("a.b_c~d-1").await;
    let (host, issuer) = (dev.text("issuer"), a.at(""));
    for url in [
        format!("{issuer}.well-known/openid-configuration"),
        format!("{issuer}/.well-known/openid-configuration"),
        format!("{issuer}.well-known/oauth-authorization-server"),
        format!("{host}.well-known/openid-configuration/t/a.b_c~d-1"),
        format!("{host}.well-known/oauth-authorization-server/t/a.b_c~d-1"),
        format!("{host}.well-known/oauth-authorization-server/t/a.b_c~d-1/"),
    ] {
        let metadata = dev.get(&url).await;
        assert_eq!((metadata.status, &metadata.json()["issuer"]), (200, &json!(issuer)), "{url}");
    }
    let protected =
        dev.get(&format!("{}.well-known/oauth-protected-resource/t/a.b_c~d-1/", dev.text("resource_api"))).await;
    assert_eq!(protected.json()["resource"], a.ready["resource_api"]);
    assert_eq!(protected.json()["authorization_servers"], json!([issuer]));
    let challenge = Answer::to(client().get(a.api("whoami"))).await;
    assert!(
        challenge.header("www-authenticate").contains("/.well-known/oauth-protected-resource/t/a.b_c~d-1/"),
        "{challenge:?}"
    );

    let management = &a.ready["management"];
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", management["client_id"].as_str().unwrap()),
        ("client_secret", management["client_secret"].as_str().unwrap()),
        ("audience", management["audience"].as_str().unwrap()),
    ];
    let token = Answer::to(client().post(a.at("connect/token")).form(&form)).await.access_token();
    let clients = Answer::to(client().get(a.at("api/v2/clients?per_page=1")).bearer_auth(&token)).await;
    assert_eq!(clients.json().as_array().map(Vec::len), Some(1), "{clients:?}");
    assert_eq!(Answer::to(client().get(root.at("api/v2/clients")).bearer_auth(&token)).await.status, 401);
    assert_eq!(dev.get(&a.at("readyz")).await.status, 200);
}

#[tokio::test]
async fn they_are_created_listed_and_deleted() {
    let (_dev, root) = start(&[]);
    let seed = json!({
        "apis": [{ "identifier": "https://mine/", "scopes": [{ "value": "s" }] }],
        "clients": [{ "client_id": "mine", "secrets": [{ "value": "secret-of-mine" }], "grants": [{ "audience": "https://mine/", "scope": ["s"] }] }],
    });
    let seeded = Control::of(&root.post("issuers", &json!({ "name": "seeded", "seed": seed })).await);
    assert_eq!(seeded.ready["clients"][0]["client_secret"], "secret-of-mine");
    assert_eq!(seeded.whoami(&seeded.token().await.access_token()).await.status, 200, "its own API");
    let unnamed = Control::of(&root.post("issuers", &json!({})).await);
    assert_eq!(unnamed.token().await.status, 200);
    let list = root.get("issuers").await;
    let names: Vec<&Value> = list["issuers"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert!(names.len() == 2 && names.contains(&&json!("seeded")), "{list}");

    let taken = root.call("POST", "issuers", Some(&json!({ "name": "seeded" }))).await;
    assert_eq!(taken.error(), (409, "conflict".to_owned()));
    for wrong in ["", "a/b", "..", &"x".repeat(65)] {
        let answer = root.call("POST", "issuers", Some(&json!({ "name": wrong }))).await;
        assert_eq!(answer.error(), (400, "invalid_request".to_owned()), "{wrong}");
    }
    let nested = seeded.call("POST", "issuers", Some(&json!({ "name": "nested" }))).await;
    assert_eq!(nested.error(), (404, "not_found".to_owned()));

    root.delete("issuers/seeded").await;
    assert_eq!(seeded.token().await.error(), (404, "not_found".to_owned()));
    assert_eq!(root.call("DELETE", "issuers/seeded", None).await.status, 404);
    assert_eq!(root.issuer("seeded").await.token().await.status, 200, "its name may be used again");
}

#[tokio::test]
async fn one_is_there_at_first_use_where_that_is_allowed() {
    let (dev, root) = start(&["--issuers-on-first-use"]);
    let text = |member: &str| dev.text(member);
    let form = |secret: &str| {
        [("grant_type", "client_credentials"), ("client_id", "partner-a"), ("client_secret", secret)]
            .map(|(name, value)| (name, value.to_owned()))
    };
    let secret = dev.partner(0).client_secret;
    let ask = |name: usize| client().post(format!("{}t/first-{name}/oauth/token", text("issuer"))).form(&form(&secret));
    // At the same time, and twice each.
    let answers = futures_util::future::join_all((0..8).map(|number| Answer::to(ask(number % 4)))).await;
    for (number, answer) in answers.iter().enumerate() {
        let token = answer.access_token();
        assert_eq!(token_part(&token, 1)["iss"], json!(format!("{}t/first-{}/", text("issuer"), number % 4)));
    }
    assert_eq!(root.get("issuers").await["issuers"].as_array().unwrap().len(), 4);
    let bad = Answer::to(client().get(format!("{}t/%41/.well-known/jwks.json", text("issuer")))).await;
    assert_eq!(bad.error(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn one_that_does_not_exist_is_told() {
    let (dev, _root) = start(&[]);
    for path in ["t/none/oauth/token", "t/none/_control/", ".well-known/oauth-authorization-server/t/none"] {
        let answer = dev.get(&format!("{}{path}", dev.text("issuer"))).await;
        assert_eq!(answer.error(), (404, "not_found".to_owned()), "{path}");
        assert!(answer.text.contains("--issuers-on-first-use"), "{answer:?}");
    }
    assert_eq!(dev.get(&format!("{}t/none/whoami", dev.text("resource_api"))).await.status, 404);
}
