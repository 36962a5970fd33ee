//! Who gets in, who may send a form, and what do browsers keep?

use serde_json::json;

use crate::support::Dev;
use crate::support::answer::{Answer, client};
use crate::support::assertion::{PartnerKey, document, key_client};
use crate::support::console::{Browser, audit_events};

#[tokio::test]
async fn a_client_signs_in_with_its_secret_and_out() {
    let dev = Dev::start(&[]);
    let mut browser = Browser::at(&dev.text("issuer"));
    let closed = browser.get("/overview").await;
    assert_eq!(closed.status, 401);
    assert!(closed.text.contains("name=\"client_secret\""), "the way in stands there: {}", closed.text);
    assert!(closed.text.contains("value=\"/console/overview\""), "and leads on: {}", closed.text);

    let management = dev.management();
    let fields = [("client_id", management.client_id.as_str()), ("client_secret", &management.client_secret)];
    let entered = browser.post("/sign-in", &[&fields[..], &[("next", "/console/own")]].concat()).await;
    assert_eq!((entered.status, entered.header("location")), (303, "/console/own"));
    let cookie = entered.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-tokenhouse="), "{cookie}");
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(&format!("; {attribute}")), "{cookie}");
    }
    assert!(!cookie.contains("Domain") && !cookie.contains("Max-Age"), "{cookie}");
    browser.keep_cookie(&entered);
    assert_eq!(browser.get("/own").await.status, 200);
    let signed_in = audit_events(&dev).await.into_iter().find(|event| event["action"] == "sign_in");
    assert_eq!(signed_in.expect("an event")["actor"], "management");

    let session = browser.cookie.clone();
    let left = browser.post("/sign-out", &[]).await;
    assert_eq!(left.status, 303);
    assert!(left.header("set-cookie").contains("Max-Age=0") && !left.header("clear-site-data").is_empty());
    browser.cookie = session;
    assert_eq!(browser.get("/own").await.status, 401, "the session is over, not only forgotten");
}

#[tokio::test]
async fn a_wrong_secret_is_told_apart_from_nothing() {
    let dev = Dev::start(&[]);
    let browser = Browser::at(&dev.text("issuer"));
    let try_with = async |client_id: &str, secret: &str| {
        browser.post("/sign-in", &[("client_id", client_id), ("client_secret", secret)]).await
    };
    let said = |answer: &Answer| {
        let at = answer.text.find("role=\"alert\"").expect("a summary");
        answer.text[at..].split("</div>").next().expect("a part").to_owned()
    };
    let partner = dev.partner(0);
    let wrong = try_with(&partner.client_id, &dev.partner(1).client_secret).await;
    let unknown = try_with("nobody", &partner.client_secret).await;
    assert_eq!((wrong.status, unknown.status), (401, 401));
    assert_eq!(said(&wrong), said(&unknown));
    assert!(wrong.text.contains(&format!("value=\"{}\"", partner.client_id)), "what was typed stays");
    assert!(!wrong.text.contains(&dev.partner(1).client_secret), "but for the secret");
    assert!(wrong.headers.get("set-cookie").is_none());
    let missing = try_with("", "").await;
    assert_eq!(missing.status, 400);
    assert!(missing.text.contains("id=\"f-client_id-error\""), "{}", missing.text);
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let dev = Dev::start(&[]);
    let browser = Browser::at(&dev.text("issuer"));
    let mut last = None;
    for attempt in 0..40 {
        let secret = format!("guess-{attempt}");
        last = Some(browser.post("/sign-in", &[("client_id", "partner-a"), ("client_secret", &secret)]).await);
    }
    let last = last.expect("an answer");
    assert_eq!(last.status, 429);
    assert!(last.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{:?}", last.headers);
    let partner = dev.partner(0);
    let fields = [("client_id", partner.client_id.as_str()), ("client_secret", partner.client_secret.as_str())];
    assert_eq!(browser.post("/sign-in", &fields).await.status, 303, "and a right secret always works");
}

#[tokio::test]
async fn a_client_signs_in_with_its_key() {
    let key = PartnerKey::new("ES256");
    let dev = Dev::seeded(&document(&[key_client("keyed", &[key.jwk()])]), &[]);
    let mut browser = Browser::at(&dev.text("issuer"));
    let assertion = key.assertion("keyed", &dev.text("issuer"), &json!({}));
    let entered = browser.post("/sign-in", &[("assertion", &format!("  {assertion}\n"))]).await;
    assert_eq!(entered.status, 303, "{}", entered.text);
    browser.keep_cookie(&entered);
    assert_eq!(browser.get("/own").await.status, 200);
    let again = browser.post("/sign-in", &[("assertion", &assertion)]).await;
    assert_eq!(again.status, 401, "an assertion is good once");
    assert!(!again.text.contains(&assertion), "and is not written back");
}

#[tokio::test]
async fn only_forms_of_this_console_are_carried_out() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    for origin in ["https://evil.example", "null", "http://localhost", ""] {
        let refused = browser.post_from(origin, "/sign-out-everywhere", &[]).await;
        assert_eq!(refused.status, 403, "{origin}");
        assert!(refused.text.contains("<h1>Not sent from this console</h1>"), "{origin}");
    }
    let bare = client().post(browser.url("/sign-out-everywhere")).header("cookie", browser.cookie.clone().unwrap());
    assert_eq!(Answer::to(bare).await.status, 403, "no origin at all");
    let crossed = client().post(browser.url("/sign-out-everywhere")).header("cookie", browser.cookie.clone().unwrap());
    let origin = dev.text("issuer");
    let crossed = crossed.header("origin", origin.trim_end_matches('/')).header("sec-fetch-site", "cross-site");
    assert_eq!(Answer::to(crossed).await.status, 403);
    assert_eq!(browser.get("/own").await.status, 200, "nothing was done");
    let json = client().post(browser.url("/sign-in")).header("origin", origin.trim_end_matches('/'));
    let json = Answer::to(json.json(&json!({ "client_id": "x" }))).await;
    assert_eq!(json.status, 415);
}

#[tokio::test]
async fn every_answer_forbids_what_pages_do_not_need() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    for path in ["/own", "/sign-in", "/nothing-here", "/assets/console.css", "/claim?link=nothing"] {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        if !path.starts_with("/assets") {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            assert!(!answer.text.contains("style=") && !answer.text.contains("<script>"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_session_ends_with_what_it_was_begun_with() {
    let dev = Dev::start(&[]);
    let operator = Browser::operator(&dev).await;
    let partner = dev.partner(0);
    let first = Browser::partner(&dev).await;
    let second = Browser::partner(&dev).await;
    let everywhere = first.post("/sign-out-everywhere", &[]).await;
    assert_eq!(everywhere.status, 303);
    assert_eq!((first.get("/own").await.status, second.get("/own").await.status), (401, 401));
    assert_eq!(operator.get("/own").await.status, 200, "only that client's sessions end");

    let third = Browser::partner(&dev).await;
    let management = crate::management::Management::of(&dev).await;
    let path = format!("/clients/{}", partner.client_id);
    assert_eq!(management.patch(&path, &json!({ "enabled": false })).await.status, 200);
    assert_eq!(third.get("/own").await.status, 401, "the client is disabled");
}

#[tokio::test]
async fn whoever_follows_a_link_of_another_site_is_not_asked_to_sign_in_again() {
    let dev = Dev::start(&[]);
    let browser = Browser::at(&dev.text("issuer"));
    let led = client().get(browser.url("/own")).header("sec-fetch-site", "cross-site");
    let led = Answer::to(led).await;
    assert_eq!(led.status, 200);
    assert!(led.text.contains("http-equiv=\"refresh\""), "{}", led.text);
    let then = client().get(browser.url("/own")).header("sec-fetch-site", "same-origin");
    assert_eq!(Answer::to(then).await.status, 401);
}

#[tokio::test]
async fn an_address_that_only_takes_forms_says_so() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let shown = browser.get("/sign-out").await;
    assert_eq!(shown.status, 405);
    assert!(shown.text.contains("takes no request of that kind"), "{}", shown.text);
    assert_eq!(browser.get("/nothing-here").await.status, 404);
}
