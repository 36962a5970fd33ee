//! Can an operator find out who changed what, and how it was before?

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::json;

use super::escaped;
use crate::management::Management;
use crate::support::console::Browser;
use crate::support::dev::percent_encoded;
use crate::support::{Dev, Serve};

const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// What stands on the page for the newest event that matches `query`.
async fn newest(browser: &Browser, query: &str) -> String {
    let page = browser.get(&format!("/audit?{query}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let at = page.text.find("<li id=\"event-").unwrap_or_else(|| panic!("no event: {}", page.text));
    page.text[at..].split("</li>").next().expect("an end").to_owned()
}

#[tokio::test]
async fn a_change_is_told_with_what_was_before() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let created = management.api("urn:a", &["read", "write"]).await;
    let id = created["id"].as_str().unwrap();
    let change = json!({ "name": "Renamed", "scopes": [{ "value": "read" }], "token_lifetime": 60 });
    management.patch(&format!("/resource-servers/{id}"), &change).await.ok();
    let browser = Browser::operator(&dev).await;
    let event = newest(&browser, "object_kind=api&object_id=urn:a").await;
    for told in [
        "<strong>changed the API</strong> <code>urn:a</code>",
        "<code>management</code>, client",
        "<del>urn:a</del>",
        "<ins>Renamed</ins>",
        "<del>value: write</del>",
        "<ins>60</ins>",
        "href=\"/console/apis/urn%3Aa\"",
        "As JSON",
    ] {
        assert!(event.contains(told), "{told}: {event}");
    }
    assert!(!event.contains("signing_alg</code>"), "what is as it was is not told: {event}");
    let link = browser.get("/apis/urn%3Aa").await;
    assert!(link.text.contains("/console/audit?object_kind=api&amp;object_id=urn%3Aa"), "{}", link.text);
    let signed_in = newest(&browser, "action=sign_in").await;
    assert!(signed_in.contains("<strong>signed in to the console</strong>") && signed_in.contains("<ins>secret</ins>"));
    let page = browser.get("/audit").await;
    assert!(page.text.contains("Unaltered.") && page.text.contains("Tokenhouse 0") && !page.text.contains("Altered."));
}

#[tokio::test]
async fn events_are_filtered_and_paged() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    for number in 0..51 {
        management.api(&format!("urn:many:{number}"), &[]).await;
    }
    let browser = Browser::operator(&dev).await;
    let first = browser.get("/audit?object_kind=api&action=create&actor=management").await;
    assert!(first.text.contains("1–50 of 51 events") && first.text.contains("urn:many:1<"), "{}", first.text);
    assert!(!first.text.contains("urn:many:0<"), "{}", first.text);
    let opening = "rel=\"next\" href=\"";
    let at = first.text.find(opening).expect("a further page") + opening.len();
    let next = first.text[at..].split('"').next().unwrap().replace("&#38;", "&");
    assert!(next.contains("actor=management") && next.contains("before="), "{next}");
    let second = browser.get(next.trim_start_matches("/console")).await;
    assert!(second.text.contains("51–51 of 51 events") && second.text.contains("urn:many:0<"), "{}", second.text);
    assert!(second.text.contains("To the newest events") && !second.text.contains("rel=\"next\""), "{}", second.text);

    let none = browser.get("/audit?actor=nobody").await;
    assert!(none.text.contains("No event matches"), "{}", none.text);
    let none = browser.get("/audit?since=2999-01-01").await;
    assert!(none.text.contains("No event matches"), "{}", none.text);
    let all = browser.get("/audit?since=2000-01-01T00:00&until=2999-01-01&object_id=urn:many:7").await;
    assert!(all.text.contains("1 event<"), "{}", all.text);
    let wrong = browser.get("/audit?since=yesterday&object_kind=freezer&actor=kept").await;
    assert_eq!(wrong.status, 400);
    for told in ["id=\"f-since-error\"", "id=\"f-object_kind-error\"", "value=\"yesterday\"", "value=\"kept\""] {
        assert!(wrong.text.contains(told), "{told}: {}", wrong.text);
    }
}

#[tokio::test]
async fn an_altered_event_is_noticed() {
    let serve = Serve::start(&[]).await;
    let created =
        serve.cli(&["client", "create", "--id", "manager", "--management", "--output", "json"]).success().json();
    let secret = created["client_secret"].as_str().unwrap();
    serve.token_within_a_second("manager", secret, |answer| answer.status == 200).await;
    let browser = Browser::signed_in(&serve.url("/"), "manager", secret).await;
    assert!(browser.get("/audit").await.text.contains("Unaltered."));
    let path = serve.path().join("tokenhouse.db");
    let mut database = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("the database");
    database.batch_execute("UPDATE audit_events SET actor = 'somebody else' WHERE position = 1").expect("a change");
    let page = browser.get("/audit").await;
    assert!(page.text.contains("Altered.") && page.text.contains("event 1: the event was changed"), "{}", page.text);
    assert!(browser.get("/audit?object_id=manager").await.text.contains("Unaltered."), "these are as they were");
}

#[tokio::test]
async fn without_the_right_nothing_is_told() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let other = management.manager(&dev, "other", &["read:clients"]).await;
    let other = Browser::signed_in(&dev.text("issuer"), &other.client_id, &other.client_secret).await;
    let refused = other.get("/audit").await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.text.contains("read:audit_events") && !refused.text.contains("<li id=\"event-"),
        "{}",
        refused.text
    );
    let own = management.manager(&dev, "auditor", &["read:audit_events"]).await;
    let auditor = Browser::signed_in(&dev.text("issuer"), &own.client_id, &own.client_secret).await;
    let page = auditor.get("/audit").await;
    assert!(!page.text.contains("href=\"/console/clients/"), "no way to what it may not open: {}", page.text);
}

#[tokio::test]
async fn text_of_others_stays_text() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let member = json!({ "identifier": "urn:<img/src=x>", "name": HOSTILE, (HOSTILE): { (HOSTILE): [HOSTILE] } });
    management.post("/resource-servers", &member).await.created();
    let browser = Browser::operator(&dev).await;
    escaped(&browser.get("/audit?object_kind=api").await);
    let hostile = percent_encoded(HOSTILE);
    for field in ["object_kind", "object_id", "actor", "action", "since", "until", "before"] {
        escaped(&browser.get(&format!("/audit?{field}={hostile}")).await);
    }
}
