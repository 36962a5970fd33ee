//! What becomes of a form that is sent twice, late, too often, or by nobody who is signed in?

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use super::page::{field_error, hidden};
use crate::management::Management;
use crate::support::Dev;
use crate::support::answer::{Answer, client};
use crate::support::console::{Browser, audit_events, copied};
use crate::support::control::Control;

/// How many secrets the first partner has.
async fn secrets(dev: &Dev) -> usize {
    Management::of(dev).await.get("/clients/partner-a/secrets").await.ok().as_array().expect("secrets").len()
}

/// Lets so much time pass that whoever is signed in must prove once more who it is.
async fn grow_stale(dev: &Dev) {
    Control::of(&dev.ready).post("clock/advance", &json!({ "seconds": 360 })).await;
}

#[tokio::test]
async fn a_form_that_is_answered_with_a_secret_counts_once() {
    let dev = Dev::start(&[]);
    let (operator, partner) = (Browser::operator(&dev).await, Browser::partner(&dev).await);
    let rotation = [("overlap", "1"), ("unit", "days"), ("ends", "never")];
    let addition = [("origin", "generated"), ("ends", "never")];
    let creation = [("client_id", "new-one"), ("name", "New"), ("first", "now"), ("minutes", "5")];
    for (browser, path, shown_at, fields) in [
        (&operator, "/clients/partner-a/secrets/rotate", "/clients/partner-a/secrets/rotate", &rotation[..]),
        (&operator, "/clients/partner-a/secrets/new", "/clients/partner-a/secrets/new", &addition),
        (&operator, "/clients/partner-a/claim-link", "/clients/partner-a/claim-link", &[("minutes", "5")]),
        (&operator, "/clients/new", "/clients/new", &creation),
        (&partner, "/own/secrets", "/own/secrets", &[("overlap", "3600")]),
    ] {
        let once = hidden(&browser.get(shown_at).await.text, "once");
        assert_ne!(once, hidden(&browser.get(shown_at).await.text, "once"), "{path}: each showing has its own name");
        let fields = [fields, &[("once", once.as_str())]].concat();
        let first = browser.post(path, &fields).await;
        assert_eq!(first.status, 200, "{path}: {}", first.text);
        let (before, events) = (secrets(&dev).await, audit_events(&dev).await.len());
        let reloaded = browser.post(path, &fields).await;
        assert_eq!(reloaded.status, 409, "{path}");
        assert!(reloaded.text.contains("was sent before"), "{path}: {}", reloaded.text);
        assert_eq!((secrets(&dev).await, audit_events(&dev).await.len()), (before, events), "{path}: nothing was done");
    }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_client() {
    let dev = Dev::start(&[]);
    let operator = Browser::operator(&dev).await;
    let once = hidden(&operator.get("/clients/new").await.text, "once");
    let fields = [("name", "Doubled"), ("first", "none"), ("once", once.as_str())];
    assert_eq!(operator.post("/clients/new", &fields).await.status, 303);
    assert_eq!(operator.post("/clients/new", &fields).await.status, 409);
    let clients = Management::of(&dev).await.get("/clients").await.ok();
    let made = clients.as_array().expect("clients").iter().filter(|client| client["name"] == "Doubled");
    assert_eq!(made.count(), 1);
}

#[tokio::test]
async fn neither_is_a_proof_used_twice_by_reloading() {
    let dev = Dev::start(&["--control"]);
    let browser = Browser::operator(&dev).await;
    grow_stale(&dev).await;
    let path = "/clients/partner-a/secrets/new";
    let once = hidden(&browser.get(path).await.text, "once");
    let fields = [("origin", "generated"), ("label", "kept"), ("ends", "never")];
    let asked = browser.post(path, &[&fields[..], &[("once", once.as_str())]].concat()).await;
    assert_eq!(asked.status, 403, "{}", asked.text);
    let (proof, secret) = (hidden(&asked.text, "again_once"), dev.management().client_secret);
    assert_eq!(hidden(&asked.text, "once"), once, "it is the same form");
    let names = [("once", once.as_str()), ("again_once", &proof), ("again_secret", &secret)];
    let proof = [&fields[..], &names].concat();
    assert_eq!(browser.post(path, &proof).await.status, 200);
    let reloaded = browser.post(path, &proof).await;
    assert_eq!(reloaded.status, 409, "{}", reloaded.text);
    grow_stale(&dev).await;
    let reloaded = browser.post(path, &proof).await;
    assert_eq!(reloaded.status, 403, "{}", reloaded.text);
    assert!(reloaded.text.contains("This proof was sent before"), "{}", reloaded.text);
    assert_eq!(secrets(&dev).await, 2);
}

/// Where a client gets another secret.
const NEW_SECRET: &str = "/clients/partner-a/secrets/new";

/// An operator who sees that form, and the name of this showing.
async fn asked_for_a_secret(dev: &Dev) -> (Browser, String) {
    let browser = Browser::operator(dev).await;
    let once = hidden(&browser.get(NEW_SECRET).await.text, "once");
    (browser, once)
}

#[tokio::test]
async fn a_form_that_did_nothing_is_corrected_and_counts_then() {
    let dev = Dev::start(&[]);
    let (browser, once) = asked_for_a_secret(&dev).await;
    let mistaken = [("origin", "brought"), ("client_secret", "short"), ("ends", "never"), ("once", once.as_str())];
    assert_eq!(browser.post(NEW_SECRET, &mistaken).await.status, 400);
    let corrected = [("origin", "generated"), ("ends", "never"), ("once", once.as_str())];
    assert_eq!(browser.post(NEW_SECRET, &corrected).await.status, 200, "also after Back, where the name is the same");
    assert_eq!(secrets(&dev).await, 2);
}

#[tokio::test]
async fn a_form_that_was_sent_before_is_sent_again_by_whoever_wants_that() {
    let dev = Dev::start(&[]);
    let (browser, once) = asked_for_a_secret(&dev).await;
    let fields = [("origin", "generated"), ("label", "twice"), ("ends", "never"), ("once", once.as_str())];
    assert_eq!(browser.post(NEW_SECRET, &fields).await.status, 200);
    let told = browser.post(NEW_SECRET, &fields).await;
    assert_eq!(told.status, 409);
    assert!(told.text.contains("Send it again") && told.text.contains(&format!("action=\"/console{NEW_SECRET}\"")));
    let again = ["origin", "label", "ends", "once"].map(|name| (name, hidden(&told.text, name)));
    let again = again.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(browser.post(NEW_SECRET, &again).await.status, 200);
    assert_eq!(secrets(&dev).await, 3);
}

#[tokio::test]
async fn a_secret_that_is_brought_stands_in_no_page_while_it_is_asked_who_brings_it() {
    let dev = Dev::start(&["--control"]);
    let browser = Browser::operator(&dev).await;
    grow_stale(&dev).await;
    let brought = "a secret of another house, long enough";
    let path = "/clients/partner-a/secrets/new";
    let fields = [("origin", "brought"), ("label", "old"), ("client_secret", brought), ("ends", "never")];
    let asked = browser.post(path, &fields).await;
    assert_eq!((asked.status, asked.text.contains("asked for that once more")), (403, true), "{}", asked.text);
    assert!(!asked.text.contains(brought));
    let secret = dev.management().client_secret;
    let kept = [("origin", "brought"), ("label", "old"), ("ends", "never"), ("again_secret", secret.as_str())];
    let proved = browser.post(path, &kept).await;
    assert!(!field_error(&proved.text, "client_secret").is_empty());
    assert!(proved.text.contains("value=\"old\""), "the rest stays: {}", proved.text);
}

#[tokio::test]
async fn rights_are_handed_out_only_shortly_after_a_proof() {
    let dev = Dev::start(&["--control"]);
    let (browser, partner) = (Browser::operator(&dev).await, Browser::partner(&dev).await);
    let management = Management::of(&dev).await;
    let offered = browser.get("/clients/partner-a/grants/new").await.text;
    let api =
        offered.split("name=\"api\" value=\"").nth(1).expect("the Management API, which alone is not granted yet");
    let api = api.split('"').next().unwrap();
    management.patch("/clients/partner-b", &json!({ "enabled": false })).await;
    let edited = browser.get("/clients/partner-a/edit").await.text;
    let revision = hidden(&edited, "revision");
    let edit =
        [("name", "Partner A"), ("enabled", "on"), ("jwks_uri", "https://a.example/jwks"), ("revision", &revision)];
    let otherwise =
        [("name", "Partner A"), ("enabled", "on"), ("method", "client_secret_post"), ("revision", &revision)];
    let disabled = hidden(&browser.get("/clients/partner-b/edit").await.text, "revision");
    let enabling = [("name", "Partner B"), ("enabled", "on"), ("revision", &disabled)];
    let first = [("name", "Keyed"), ("first", "none"), ("jwks_uri", "https://a.example/jwks"), ("minutes", "5")];
    grow_stale(&dev).await;
    let before = audit_events(&dev).await.len();
    for (path, fields) in [
        ("/clients/partner-a/grants/new", &[("api", api), ("scope", "read:clients")][..]),
        ("/clients/partner-b/state", &[("state", "enabled")]),
        ("/clients/partner-a/edit", &edit),
        ("/clients/partner-a/edit", &otherwise),
        ("/clients/partner-b/edit", &enabling),
        ("/clients/new", &first),
        ("/own/token", &[("api", api)]),
    ] {
        let asked = browser.post(path, fields).await;
        assert_eq!(asked.status, 403, "{path}: {}", asked.text);
        assert!(asked.text.contains("Prove who you are once more"), "{path}: {}", asked.text);
    }
    assert_eq!(audit_events(&dev).await.len(), before, "nothing was done");
    assert_eq!(
        partner.post("/own/token", &[("api", "")]).await.status,
        200,
        "a partner's token opens no more than its page"
    );
    let stopped = browser.post("/clients/partner-a/state", &[("state", "disabled")]).await;
    assert_eq!(stopped.status, 303, "to put something out of use takes no proof: {}", stopped.text);
}

/// Sends the head of a form and half of its body, does `meanwhile`, and then sends the rest.
async fn slowly(browser: &Browser, path: &str, body: &str, meanwhile: impl AsyncFnOnce()) -> String {
    let url: url::Url = browser.url(path).parse().expect("an address");
    let address = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {host}\r\norigin: {}\r\ncookie: {}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        url.path(),
        url.origin().ascii_serialization(),
        browser.cookie.as_deref().expect("a session"),
        body.len(),
        host = url.authority(),
    );
    let (first, rest) = body.split_at(body.len() / 2);
    stream.write_all(format!("{head}{first}").as_bytes()).expect("sent");
    // The session is looked for now; were it not, the test would pass for another reason.
    tokio::time::sleep(Duration::from_millis(500)).await;
    meanwhile().await;
    stream.write_all(rest.as_bytes()).expect("sent");
    let mut answer = String::new();
    tokio::task::spawn_blocking(move || {
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    })
    .await
    .expect("read")
}

#[tokio::test]
async fn a_form_that_arrives_after_its_session_or_its_rights_ended_does_nothing() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let other = Browser::operator(&dev).await;
    let body = "name=Late&enabled=on";
    let ended = slowly(&browser, "/clients/new", body, async || {
        assert_eq!(other.post("/sign-out-everywhere", &[]).await.status, 303);
    });
    let ended = ended.await;
    assert!(ended.starts_with("HTTP/1.1 401"), "{ended}");
    assert_eq!(hidden(&ended, "kept-form"), "name=Late&#38;enabled=on", "but it is kept");

    let management = Management::of(&dev).await;
    let second = management.manager(&dev, "Second", &["read:clients", "create:clients"]).await;
    let grants = management.get(&format!("/client-grants?client_id={}", second.client_id)).await.ok();
    let grant = grants[0]["id"].as_str().expect("a grant").to_owned();
    let browser = Browser::signed_in(&dev.text("issuer"), &second.client_id, &second.client_secret).await;
    let lessened = slowly(&browser, "/clients/new", body, async || {
        let fewer = json!({ "scope": ["read:clients"] });
        let changed = management.patch(&format!("/client-grants/{grant}"), &fewer).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    });
    let lessened = lessened.await;
    assert!(lessened.starts_with("HTTP/1.1 409"), "{lessened}");
    assert!(lessened.contains("What your client may do was changed"), "{lessened}");
    let listed = Browser::operator(&dev).await.get("/clients?q=Late").await.text;
    assert!(!listed.contains(">Late<"), "{listed}");
}

#[tokio::test]
async fn what_was_typed_outlives_the_session() {
    let dev = Dev::start(&[]);
    let mut browser = Browser::at(&dev.text("issuer"));
    let typed = [
        ("client_id", "typed-before"),
        ("name", "<img src=x>"),
        ("first", "none"),
        ("client_secret", "not written back"),
    ];
    let refused = browser.post("/clients/new", &typed).await;
    assert_eq!(refused.status, 401);
    assert!(refused.text.contains("What you sent is kept"), "{}", refused.text);
    assert!(!refused.text.contains("not written back") && !refused.text.contains("<img"), "{}", refused.text);
    let names = ["kept-action", "kept-form", "kept-loses-secret"];
    let values = names.map(|name| hidden(&refused.text, name).replace("&#38;", "&"));
    let along: Vec<(&str, &str)> = names.into_iter().zip(values.iter().map(String::as_str)).collect();
    let management = dev.management();
    let wrong =
        browser.post("/sign-in", &[&along[..], &[("client_id", "management"), ("client_secret", "x")]].concat()).await;
    assert_eq!((wrong.status, hidden(&wrong.text, "kept-form").replace("&#38;", "&")), (401, values[1].clone()));
    let credentials = [("client_id", management.client_id.as_str()), ("client_secret", &management.client_secret)];
    let entered = browser.post("/sign-in", &[&along[..], &credentials].concat()).await;
    assert_eq!(entered.status, 200, "{}", entered.text);
    assert!(entered.text.contains("Send it now") && entered.text.contains("action=\"/console/clients/new\""));
    assert!(entered.text.contains("but for the secret in it"), "{}", entered.text);
    browser.keep_cookie(&entered);
    let again: Vec<(&str, String)> =
        ["client_id", "name", "first"].into_iter().map(|name| (name, hidden(&entered.text, name))).collect();
    let again: Vec<(&str, &str)> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(browser.post("/clients/new", &again).await.status, 303);
    assert_eq!(browser.get("/clients/typed-before").await.status, 200);

    let elsewhere = [("kept-action", "/oauth/token"), ("kept-form", "client_id=x")];
    let led = Browser::at(&dev.text("issuer")).post("/sign-in", &[&elsewhere[..], &credentials].concat()).await;
    assert_eq!(led.status, 303, "a form goes to pages of the console only");
}

#[tokio::test]
async fn strangers_cannot_have_long_forms_kept() {
    let dev = Dev::start(&[]);
    let browser = Browser::at(&dev.text("issuer"));
    let long = "x".repeat(200_000);
    let refused = browser.post("/clients/new", &[("name", &long)]).await;
    assert_eq!(refused.status, 401);
    assert!(refused.text.contains("Sign in, and begin anew") && !refused.text.contains("xxxxxxxx"));
}

#[tokio::test]
async fn whoever_signs_in_again_and_again_waits() {
    let dev = Dev::start(&[]);
    let mut browser = Browser::at(&dev.text("issuer"));
    let partner = dev.partner(0);
    let fields = [("client_id", partner.client_id.as_str()), ("client_secret", &partner.client_secret)];
    let mut answer = browser.post("/sign-in", &fields).await;
    browser.keep_cookie(&answer);
    let first = browser.cookie.clone();
    for _ in 0..29 {
        answer = browser.post("/sign-in", &fields).await;
        assert_eq!(answer.status, 303);
        browser.keep_cookie(&answer);
    }
    let last = browser.cookie.clone();
    browser.cookie = first;
    assert_eq!(browser.get("/own").await.status, 401, "the session that another one follows in its browser is over");
    browser.cookie = last;
    assert_eq!(browser.get("/own").await.status, 200);
    let late = browser.post("/sign-in", &fields).await;
    assert_eq!(late.status, 429);
    assert!(late.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=6).contains(&seconds)));
    assert!(late.text.contains("value=\"partner-a\""), "what was typed stays: {}", late.text);
    assert_eq!(dev.token(&[]).await.status, 200, "tokens are another matter");
    Browser::operator(&dev).await;
}

#[tokio::test]
async fn a_page_is_looked_for_without_being_fetched() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    for (path, status) in [("/clients", 200), ("/nothing-here", 404), ("/claim?link=x", 410), ("/sign-out", 405)] {
        let request = client().head(browser.url(path)).header("cookie", browser.cookie.clone().unwrap());
        let answer = Answer::to(request).await;
        assert_eq!((answer.status, answer.text.as_str()), (status, ""), "{path}");
    }
}

#[tokio::test]
async fn what_a_link_opens_is_not_in_the_log_of_requests() {
    let dev = Dev::start(&["--control"]);
    let operator = Browser::operator(&dev).await;
    let made = operator.post("/clients/partner-a/claim-link", &[("minutes", "5")]).await;
    let link = copied(&made.text, "link");
    let token = link.split_once("link=").expect("a link").1.to_owned();
    let owner = Browser::at(&dev.text("issuer"));
    assert_eq!(owner.get(&format!("/claim?link={token}")).await.status, 200);
    assert_eq!(owner.post("/claim", &[("link", &token)]).await.status, 200);
    let requests = Control::of(&dev.ready).get("requests").await.to_string();
    assert!(requests.contains("/console/claim"), "{requests}");
    assert!(!requests.contains(&token), "{requests}");
}
