//! `POST /oauth/secret`: a client replaces its own secret, on real sockets.

use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};
use tokenhouse::clock::{Clock as _, SystemClock};

use crate::support::answer::{Answer, client};
use crate::support::assertion::{PartnerKey, document, key_client, token};
use crate::support::dev::{Partner, basic};
use crate::support::program::{run, run_with};
use crate::support::{Dev, Serve};

const FORM: &str = "application/x-www-form-urlencoded";

fn secret_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["client_secret"].as_str().expect("a secret").to_owned()
}

/// A request for a new secret, with further parameters.
async fn replace(url: &str, partner: &Partner, more: &[(&str, &str)]) -> Answer {
    let credentials = [("client_id", partner.client_id.as_str()), ("client_secret", partner.client_secret.as_str())];
    Answer::to(client().post(url).form(&[&credentials, more].concat())).await
}

/// What the token endpoint says to `secret`.
async fn status_with(dev: &Dev, secret: &str) -> u16 {
    dev.token(&[("client_secret", Some(secret))]).await.status
}

fn millis(timestamp: &Value) -> i64 {
    let at: jiff::Timestamp = timestamp.as_str().expect("a time").parse().expect("RFC 3339");
    at.as_millisecond()
}

#[tokio::test]
async fn a_new_secret_works_at_once_and_the_old_one_for_the_overlap() {
    let dev = Dev::start(&[]);
    let (url, partner) = (dev.issuer("/oauth/secret"), dev.partner(0));
    let authorization = basic(&partner.client_id, &partner.client_secret);
    let json_body =
        json!({"client_id": partner.client_id, "client_secret": partner.client_secret, "overlap_seconds": 60});
    for request in [
        client()
            .post(&url)
            .header("authorization", &authorization)
            .form(&[("overlap_seconds", "60"), ("label", "new")]),
        client().post(&url).header("authorization", &authorization).header("content-type", FORM),
        client().post(&url).header("content-type", "application/json").body(json_body.to_string()),
    ] {
        let before = SystemClock.now().0;
        let answer = Answer::to(request).await;
        let new = secret_of(&answer);
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        assert_eq!(answer.header("access-control-allow-origin"), "");
        let told = answer.json();
        assert_eq!(told["expires_at"], Value::Null);
        let overlap = millis(&told["previous_expires_at"]) - before;
        assert!((0..=61_000).contains(&overlap), "the first one's end is not moved back: {overlap}");
        assert_eq!(status_with(&dev, &new).await, 200);
        assert_eq!(status_with(&dev, &partner.client_secret).await, 200);
    }
}

#[rstest]
#[case(&[("overlap_seconds", "604801")], "at most 604800")]
#[case(&[("overlap_seconds", "99999999999999999999")], "at most 604800")]
#[case(&[("overlap_seconds", "-1")], "whole number")]
#[case(&[("overlap_seconds", "1e3")], "whole number")]
#[case(&[("label", "a\nb")], "at most 1000 characters")]
#[case(&[("label", "a"), ("label", "b")], "more than once")]
#[case(&[("client_secret", "another")], "more than once")]
#[tokio::test]
async fn what_is_out_of_bounds_is_told_with_the_bound(#[case] more: &[(&str, &str)], #[case] told: &str) {
    let dev = Dev::start(&[]);
    let answer = replace(&dev.issuer("/oauth/secret"), &dev.partner(0), more).await;
    assert_eq!(answer.error(), (400, "invalid_request".to_owned()));
    assert!(answer.json()["error_description"].as_str().unwrap().contains(told), "{answer:?}");
    assert_eq!(dev.token(&[]).await.status, 200);
}

#[rstest]
#[case("standard")]
#[case("auth0")]
#[case("identityserver")]
#[tokio::test]
async fn who_does_not_authenticate_hears_what_the_token_endpoint_says(#[case] compat: &str) {
    let dev = Dev::start(&["--compat", compat]);
    let (right, other) = (dev.partner(0), dev.partner(1));
    let long = "x".repeat(20_000);
    let body = |id: &str, secret: &str| {
        format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&overlap_seconds=1")
    };
    let basic_and_body = basic(&right.client_id, &right.client_secret);
    let cases: [(&str, String, Option<&str>); 10] = [
        (FORM, body("nobody", &right.client_secret), None),
        (FORM, body(&right.client_id, "wrong"), None),
        (FORM, body(&right.client_id, &other.client_secret), None),
        (FORM, format!("grant_type=client_credentials&client_id={}", right.client_id), None),
        (FORM, body(&right.client_id, &right.client_secret), Some(&basic_and_body)),
        (FORM, "grant_type=client_credentials".to_owned(), Some("Bearer x")),
        (FORM, "grant_type=client_credentials".to_owned(), Some("Basic eDp5")),
        (FORM, body(&long, "x"), None),
        ("text/plain", body(&right.client_id, &right.client_secret), None),
        ("application/json", "{\"client_id\":".to_owned(), None),
    ];
    for (content_type, body, authorization) in cases {
        let ask = async |path: &str| {
            let mut request = client().post(dev.issuer(path)).header("content-type", content_type).body(body.clone());
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            Answer::to(request).await
        };
        let (token, secret) = (ask("/oauth/token").await, ask("/oauth/secret").await);
        let shown = body.get(..80).unwrap_or(&body);
        assert!(token.status >= 400, "{shown}: {token:?}");
        assert_eq!((secret.status, &secret.text), (token.status, &token.text), "{shown}");
        for header in ["www-authenticate", "cache-control", "content-type"] {
            assert_eq!(secret.header(header), token.header(header), "{shown}");
        }
    }
}

#[tokio::test]
async fn other_methods_and_the_query_get_nothing() {
    let dev = Dev::start(&[]);
    let (url, partner) = (dev.issuer("/oauth/secret"), dev.partner(0));
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = Answer::to(client().request(method.parse().unwrap(), &url)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    let in_query = format!("{url}?client_id={}&client_secret={}", partner.client_id, partner.client_secret);
    let answer = Answer::to(client().post(in_query).header("content-type", FORM)).await;
    assert_eq!(answer.error(), (401, "invalid_client".to_owned()));
    assert!(!dev.log().contains(&partner.client_secret));
}

#[tokio::test]
async fn at_the_cap_there_is_no_further_secret_until_one_makes_room() {
    let dev = Dev::start(&[]);
    let (url, partner) = (dev.issuer("/oauth/secret"), dev.partner(0));
    let mut made = Vec::new();
    // At once and with the same secret: each adds one, up to the cap of ten with the first.
    for answer in join_all((0..14).map(|_| replace(&url, &partner, &[("overlap_seconds", "600")]))).await {
        if answer.status == 201 {
            made.push(secret_of(&answer));
        } else {
            assert_eq!(answer.error(), (409, "conflict".to_owned()), "{answer:?}");
        }
    }
    assert_eq!(made.len(), 9);
    for secret in made.iter().chain([&partner.client_secret]) {
        assert_eq!(status_with(&dev, secret).await, 200);
    }
    let swapped = replace(&url, &partner, &[("overlap_seconds", "0")]).await;
    assert_eq!(status_with(&dev, &secret_of(&swapped)).await, 200, "the old one makes room");
    assert_eq!(status_with(&dev, &partner.client_secret).await, 401, "without an overlap");
    let again = replace(&url, &partner, &[]).await;
    assert_eq!(again.error(), (401, "invalid_client".to_owned()));
    assert_eq!(status_with(&dev, &made[0]).await, 200, "the others stay");
}

#[tokio::test]
async fn a_client_that_gets_no_tokens_may_replace_its_secret_all_the_same() {
    let dev = Dev::start(&[]);
    let management = dev.token_of(&dev.management()).await;
    let body = json!({"name": "a web application", "grant_types": ["implicit"]});
    let request = client().post(dev.issuer("/api/v2/clients")).bearer_auth(&management).json(&body);
    let created = Answer::to(request).await.json();
    let text = |member: &str| created[member].as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
    let partner =
        Partner { client_id: text("client_id"), client_secret: text("client_secret"), audience: String::new() };
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &partner.client_id),
        ("client_secret", &partner.client_secret),
    ];
    let refused = Answer::to(client().post(dev.text("token_endpoint")).form(&form)).await;
    assert_eq!(refused.error(), (400, "unauthorized_client".to_owned()));
    let new = secret_of(&replace(&dev.issuer("/oauth/secret"), &partner, &[("overlap_seconds", "0")]).await);
    let swapped = Partner { client_secret: new, ..partner.clone() };
    assert_eq!(replace(&dev.issuer("/oauth/secret"), &partner, &[]).await.status, 401);
    assert_eq!(replace(&dev.issuer("/oauth/secret"), &swapped, &[]).await.status, 201);
}

#[tokio::test]
async fn a_client_that_authenticates_with_a_key_has_no_secret_to_replace() {
    let key = PartnerKey::new("ES256");
    for (compat, wrong) in [("standard", "invalid_client"), ("auth0", "access_denied")] {
        let dev = Dev::seeded(&document(&[key_client("partner", &[key.jwk()])]), &["--compat", compat]);
        let (url, audience) = (dev.issuer("/oauth/secret"), dev.text("issuer"));
        let assertion = key.assertion("partner", &audience, &json!({}));
        assert_eq!(token(&url, &assertion, &[]).await.error(), (400, "unauthorized_client".to_owned()), "{compat}");
        assert_eq!(token(&url, &assertion, &[]).await.error(), (401, wrong.to_owned()), "{compat}: it counts as used");
    }
}

#[tokio::test]
async fn replacing_again_and_again_does_not_fill_the_store() {
    let serve = Serve::start(&["--set", "secrets.max_live_per_client=3"]).await;
    let mut partner = Partner { client_id: "c".to_owned(), client_secret: serve.set_up(), audience: String::new() };
    assert_eq!(
        serve.token_within_a_second("c", &partner.client_secret, |answer| answer.status == 200).await.status,
        200
    );
    for _ in 0..10 {
        let answer = replace(&serve.url("/oauth/secret"), &partner, &[("overlap_seconds", "0")]).await;
        partner.client_secret = secret_of(&answer);
    }
    let listed = serve.cli(&["client", "secret", "list", "c", "--output", "json"]).success().json();
    assert_eq!(listed.as_array().unwrap().len(), 4, "one that works and three that have expired");
    assert_eq!(serve.token("c", &partner.client_secret).await.status, 200);
}

#[tokio::test]
async fn a_rotation_passes_without_an_outage_and_is_audited_as_the_clients() {
    let mut serve = Serve::start(&["--set", "log.level=trace"]).await;
    let old = serve.set_up();
    let issued = |answer: &Answer| answer.status == 200;
    serve.token_within_a_second("c", &old, issued).await;
    let other = serve.cli(&["client", "secret", "add", "c", "--output", "json"]).success().json();
    let other = other["client_secret"].as_str().unwrap().to_owned();
    assert_eq!(serve.token_within_a_second("c", &other, issued).await.status, 200);

    let partner = Partner { client_id: "c".to_owned(), client_secret: old.clone(), audience: String::new() };
    let form = [("client_id", "c"), ("client_secret", old.as_str()), ("overlap_seconds", "2"), ("label", "by itself")];
    let request = client().post(serve.url("/oauth/secret")).header("x-request-id", "rotation-1").form(&form);
    let answer = Answer::to(request).await;
    let new = secret_of(&answer);
    let ends = millis(&answer.json()["previous_expires_at"]);
    assert_eq!(serve.token("c", &new).await.status, 200, "at once, without waiting for a poll");
    let later = replace(&serve.url("/oauth/secret"), &partner, &[("overlap_seconds", "3600")]).await;
    let third = secret_of(&later);
    assert_eq!(millis(&later.json()["previous_expires_at"]), ends, "an earlier end stays");
    while SystemClock.now().0 < ends - 100 {
        for secret in [&old, &new, &other] {
            assert_eq!(serve.token("c", secret).await.status, 200);
        }
    }
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    assert_eq!(serve.token("c", &old).await.error(), (401, "invalid_client".to_owned()), "after the overlap");
    let again = replace(&serve.url("/oauth/secret"), &partner, &[]).await;
    assert_eq!(again.error(), (401, "invalid_client".to_owned()), "nor does it get another one");
    for secret in [&new, &third, &other] {
        assert_eq!(serve.token("c", secret).await.status, 200);
    }

    let exported = serve.cli(&["audit", "export"]).success().stdout;
    let events: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let own: Vec<_> = events.iter().filter(|event| event["request_id"] == "rotation-1").collect();
    assert_eq!(own.len(), 2, "{exported}");
    assert!(own.iter().all(|event| event["actor_kind"] == "client" && event["actor"] == "c"));
    assert!(own.iter().any(|event| event["action"] == "create" && event["after"]["label"] == "by itself"));
    serve.cli(&["audit", "verify"]).success();

    serve.cli(&["client", "update", "c", "--enabled", "false"]).success();
    serve.token_within_a_second("c", &new, |answer| answer.status != 200).await;
    let disabled = Partner { client_secret: new.clone(), ..partner };
    let refused = replace(&serve.url("/oauth/secret"), &disabled, &[]).await;
    assert_eq!(refused.error(), (401, "invalid_client".to_owned()));

    assert_eq!(serve.terminate(), 0);
    let mut told = serve.log() + &exported;
    for file in ["tokenhouse.db", "tokenhouse.db-wal"] {
        let bytes = std::fs::read(serve.path().join(file)).unwrap_or_default();
        told.push_str(&String::from_utf8_lossy(&bytes));
    }
    for secret in [&old, &new, &third, &other] {
        assert!(!told.contains(secret.as_str()), "a secret is told");
    }
    assert!(told.contains("\"secret request\"") && told.contains("\"replaced\""), "one line for each decision");
}

#[tokio::test]
async fn the_command_line_replaces_a_secret_as_a_partner_would() {
    let dev = Dev::start(&[]);
    let (issuer, partner) = (dev.text("issuer"), dev.partner(0));
    let rotate = ["secret", "rotate", "--issuer", &issuer, "--client-id", &partner.client_id];
    std::fs::write(dev.path().join("secret"), format!("{}\n", partner.client_secret)).unwrap();
    let arguments = [&rotate[..], &["--client-secret-file", "secret", "--overlap-seconds", "60", "--output", "json"]];
    let first = run(dev.path(), &arguments.concat()).success().json();
    let first = first["client_secret"].as_str().unwrap();
    assert_eq!(status_with(&dev, first).await, 200);

    let variables = [("TOKENHOUSE_CLIENT_SECRET", first)];
    let table = run_with(dev.path(), &rotate, &variables, "").success();
    assert!(table.stdout.contains("client_secret") && table.stderr.contains("cannot be shown again"), "{table:?}");
    let piped = run_with(dev.path(), &[&rotate[..], &["--client-secret-file", "-"]].concat(), &[], first).success();
    assert!(piped.stdout.contains("previous_expires_at"), "{piped:?}");

    let wrong = run_with(dev.path(), &rotate, &[("TOKENHOUSE_CLIENT_SECRET", "wrong")], "");
    assert!(wrong.code == 3 && wrong.stderr.contains("invalid_client"), "{wrong:?}");
    let long = [&rotate[..], &["--overlap-seconds", "999999999"]].concat();
    let long = run_with(dev.path(), &long, &variables, "");
    assert!(long.code == 3 && long.stderr.contains("604800"), "{long:?}");
}
