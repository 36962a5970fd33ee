//! Can an operator see, make, change and delete APIs, and is nothing lost or lost unawares?

use serde_json::Value;

use super::escaped;
use crate::management::Management;
use crate::support::Dev;
use crate::support::answer::Answer;
use crate::support::console::{Browser, audit_events};
use crate::support::dev::percent_encoded;

const DEMO: &str = "https://api.example.com/";
const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// The fields of the form of an API, with `changes` in place of what it has by itself.
fn fields<'a>(changes: &[(&'a str, &'a str)], scopes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("identifier", "urn:orders"),
        ("name", "Orders"),
        ("token_lifetime", "90"),
        ("token_lifetime_unit", "minutes"),
        ("token_reuse_seconds", "0"),
        ("signing_alg", "RS256"),
        ("token_dialect", ""),
        ("default_scope", "all"),
        ("scope_policy", "exact"),
        ("scope_format", ""),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let mut fields: Vec<_> = kept.chain(changes.iter().copied()).collect();
    for (value, description) in scopes {
        fields.extend([("scope_value", *value), ("scope_description", *description)]);
    }
    fields
}

/// The page of the API `identifier`, by its identifier.
fn page_of(identifier: &str) -> String {
    format!("/apis/{}", percent_encoded(identifier))
}

/// The revision that the form at `path` was opened at.
async fn revision(browser: &Browser, path: &str) -> String {
    let form = browser.get(&format!("{path}/edit")).await;
    assert_eq!(form.status, 200, "{}", form.text);
    super::value_of(&form.text, "revision")
}

async fn api(dev: &Dev, identifier: &str) -> Value {
    Management::of(dev).await.get(&format!("/resource-servers/{}", percent_encoded(identifier))).await.json()
}

/// What stands beside the field `name` as its error.
fn error_of(answer: &Answer, name: &str) -> String {
    let opening = format!("id=\"f-{name}-error\">");
    let at = answer.text.find(&opening).unwrap_or_else(|| panic!("no error at {name}: {}", answer.text));
    answer.text[at..].split("</p>").next().expect("an end").to_owned()
}

#[tokio::test]
async fn an_api_is_made_shown_changed_and_deleted() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let blank = browser.get("/apis/new").await;
    assert_eq!((blank.status, blank.text.matches("name=\"scope_value\"").count()), (200, 3));
    let scopes = [("read:orders", "Read orders"), ("", ""), ("write:orders", "")];
    let made = browser.post("/apis/new", &fields(&[], &scopes)).await;
    let page = browser.follow(&made).await;
    assert!(page.text.contains("Done.") && page.text.contains("Grant its scopes"), "{}", page.text);
    for told in ["urn:orders", "90 minutes", "Read orders", "RS256", "/.well-known/jwks.json", "at+jwt"] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    let stored = api(&dev, "urn:orders").await;
    assert_eq!((&stored["name"], &stored["token_lifetime"]), (&"Orders".into(), &5400.into()));
    assert!(stored.get("token_dialect").is_none(), "it follows the server's: {stored}");

    let path = page_of("urn:orders");
    let seen = revision(&browser, &path).await;
    let changes = [
        ("revision", seen.as_str()),
        ("token_lifetime", "2"),
        ("token_lifetime_unit", "hours"),
        ("token_dialect", "access_token"),
        ("default_scope", "error"),
        ("scope_policy", "whole_grant"),
        ("scope_format", "array"),
        ("token_reuse_seconds", "60"),
        ("scope_remove", "1"),
    ];
    let scopes = [("read:orders", "Read orders"), ("write:orders", ""), ("list:orders", "List")];
    let changed = browser.post(&format!("{path}/edit"), &fields(&changes, &scopes)).await;
    assert!(browser.follow(&changed).await.text.contains("The API is changed"));
    let stored = api(&dev, "urn:orders").await;
    for (member, value) in [
        ("token_dialect", "access_token"),
        ("default_scope", "error"),
        ("scope_policy", "whole_grant"),
        ("scope_format", "array"),
    ] {
        assert_eq!(stored[member], value, "{stored}");
    }
    assert_eq!((&stored["token_lifetime"], &stored["token_reuse_seconds"]), (&7200.into(), &60.into()));
    let values: Vec<_> = stored["scopes"].as_array().unwrap().iter().map(|scope| scope["value"].clone()).collect();
    assert_eq!(values, ["read:orders", "list:orders"]);

    let asked = browser.get(&format!("{path}/delete")).await;
    assert!(asked.text.contains("No client holds a grant"), "{}", asked.text);
    let deleted = browser.post(&format!("{path}/delete"), &[]).await;
    assert!(browser.follow(&deleted).await.text.contains("The API is deleted"));
    assert_eq!(browser.get(&path).await.status, 404);
    let actions: Vec<_> =
        audit_events(&dev).await.into_iter().filter(|event| event["object_id"] == "urn:orders").collect();
    let actions: Vec<_> = actions.iter().map(|event| (&event["action"], &event["actor"])).collect();
    let by_us = Value::from("management");
    assert_eq!(actions, [(&"delete".into(), &by_us), (&"update".into(), &by_us), (&"create".into(), &by_us)]);
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_nothing_is_lost() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    for (field, value, told) in [
        ("identifier", "with space", "RFC 8707"),
        ("identifier", "", "RFC 8707"),
        ("token_lifetime", "soon", "whole number"),
        ("token_lifetime", "0", "from 1 to"),
        ("token_lifetime", "999999", "max_lifetime_seconds"),
        ("token_reuse_seconds", "5400", "not below"),
        ("token_reuse_seconds", "-1", "whole number"),
        ("signing_alg", "none", "Choose"),
        ("token_dialect", "x", "rfc9068_profile"),
        ("default_scope", "x", "all, none, error"),
    ] {
        let refused = browser.post("/apis/new", &fields(&[(field, value)], &[("kept:scope", "Kept text")])).await;
        assert_eq!(refused.status, 400, "{field}: {}", refused.text);
        assert!(error_of(&refused, field).contains(told), "{field}: {}", error_of(&refused, field));
        for kept in ["value=\"kept:scope\"", "value=\"Kept text\"", "value=\"Orders\""] {
            assert!(refused.text.contains(kept), "{field}: {}", refused.text);
        }
        if !field.ends_with("alg") && !matches!(field, "token_dialect" | "default_scope") {
            assert!(refused.text.contains(&format!("value=\"{value}\"")), "{field}: {}", refused.text);
        }
    }
    let turned = [("read", "Reads \u{2066}everything")];
    let refused = browser.post("/apis/new", &fields(&[("name", "Acme \u{202e}gpj")], &turned)).await;
    assert!(error_of(&refused, "name").contains("U+202E") && error_of(&refused, "scope-0").contains("U+2066"));
    let rows = [("a b", ""), ("", "nameless"), ("twice", ""), ("twice", "")];
    let refused = browser.post("/apis/new", &fields(&[], &rows)).await;
    for row in ["scope-0", "scope-1", "scope-3"] {
        assert!(!error_of(&refused, row).is_empty());
    }
    let taken = browser.post("/apis/new", &fields(&[("identifier", DEMO)], &[])).await;
    assert_eq!(taken.status, 409);
    assert!(error_of(&taken, "identifier").contains("exists already"));
    let more = browser.post("/apis/new", &fields(&[("more", "1"), ("identifier", "")], &[("a", "b")])).await;
    assert_eq!((more.status, more.text.matches("name=\"scope_value\"").count()), (200, 4), "{}", more.text);
    assert!(!more.text.contains("role=\"alert\""), "asking for rows is no mistake");
}

#[tokio::test]
async fn a_scope_that_clients_hold_goes_only_after_asking() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let path = page_of(DEMO);
    let page = browser.get(&path).await;
    assert!(page.text.contains("partner-a") && page.text.contains("partner-b"), "{}", page.text);
    let seen = revision(&browser, &path).await;
    // Both hold list:users, one create:users; nobody the others.
    let changes = [("revision", seen.as_str()), ("name", "Partner API")];
    let kept = [("list:users", "List users"), ("update:users", "Update users")];
    let without = fields(&changes, &kept);
    let asked = browser.post(&format!("{path}/edit"), &without).await;
    assert_eq!(asked.status, 200);
    assert!(asked.text.contains("create:users: 1 client loses it"), "{}", asked.text);
    assert!(!asked.text.contains("delete:users: "), "nobody holds it: {}", asked.text);
    assert!(asked.text.contains("name=\"scope_value\" value=\"update:users\""), "nothing is lost: {}", asked.text);
    assert_eq!(api(&dev, DEMO).await["scopes"].as_array().unwrap().len(), 4, "nothing was done");

    let back = browser.post(&format!("{path}/edit"), &[&without[..], &[("back", "1")]].concat()).await;
    assert_eq!((back.status, back.text.matches("name=\"scope_value\"").count()), (200, 2));
    let one = browser.post(&format!("{path}/edit"), &[&without[..], &[("confirmed", "delete:users")]].concat()).await;
    assert!(one.text.contains("create:users: 1 client loses it"), "another was confirmed: {}", one.text);
    let confirmed = [("confirmed", "create:users"), ("confirmed", "delete:users")];
    let done = browser.post(&format!("{path}/edit"), &[&without[..], &confirmed].concat()).await;
    let page = browser.follow(&done).await;
    assert!(!page.text.contains("create:users"), "{}", page.text);
    assert!(browser.get(&format!("{path}/delete")).await.text.contains("2 grants go with it"));
}

#[tokio::test]
async fn who_has_seen_an_older_state_is_told_and_loses_nothing() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let path = page_of(DEMO);
    let seen = revision(&browser, &path).await;
    let scopes = [("list:users", ""), ("create:users", ""), ("update:users", ""), ("delete:users", "")];
    let first =
        browser.post(&format!("{path}/edit"), &fields(&[("revision", &seen), ("name", "First")], &scopes)).await;
    assert_eq!(first.status, 303, "{}", first.text);
    let late =
        browser.post(&format!("{path}/edit"), &fields(&[("revision", &seen), ("name", "Second")], &scopes)).await;
    assert_eq!(late.status, 409);
    assert!(late.text.contains("Somebody else has changed this API") && late.text.contains("value=\"Second\""));
    assert_eq!(api(&dev, DEMO).await["name"], "First");
    let now = super::value_of(&late.text, "revision");
    let again =
        browser.post(&format!("{path}/edit"), &fields(&[("revision", &now), ("name", "Second")], &scopes)).await;
    assert_eq!(again.status, 303, "{}", again.text);
    assert_eq!(api(&dev, DEMO).await["name"], "Second");
}

#[tokio::test]
async fn the_management_api_is_shown_as_what_it_is() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let audience = dev.management().audience;
    let path = page_of(&audience);
    let page = browser.get(&path).await;
    assert!(page.text.contains("It belongs to this server") && !page.text.contains("/delete\""), "{}", page.text);
    let form = browser.get(&format!("{path}/edit")).await;
    assert!(!form.text.contains("name=\"scope_value\""), "{}", form.text);
    let seen = super::value_of(&form.text, "revision");
    let scopes = api(&dev, &audience).await["scopes"].clone();
    let changes = [("revision", seen.as_str()), ("name", "Rule them all")];
    let changed = browser.post(&format!("{path}/edit"), &fields(&changes, &[("evil", "")])).await;
    assert_eq!(changed.status, 303, "{}", changed.text);
    let stored = api(&dev, &audience).await;
    assert_eq!((&stored["name"], &stored["scopes"]), (&"Rule them all".into(), &scopes));
    let kept = browser.post(&format!("{path}/delete"), &[]).await;
    assert_eq!(kept.status, 400);
    assert!(kept.text.contains("cannot be deleted"), "{}", kept.text);
}

#[tokio::test]
async fn the_list_is_searched_and_paged() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let management = Management::of(&dev).await;
    for number in 0..51 {
        management.api(&format!("urn:many:{number}"), &[]).await;
    }
    let first = browser.get("/apis?q=URN:MANY").await;
    assert!(first.text.contains("1–50 of 51 APIs") && first.text.contains("urn:many:49"), "{}", first.text);
    assert!(
        !first.text.contains(DEMO) && first.text.contains("/console/apis?q=URN%3AMANY&#38;page=2"),
        "{}",
        first.text
    );
    let second = browser.get("/apis?q=urn:many&page=2").await;
    assert!(second.text.contains("urn:many:50") && !second.text.contains("urn:many:49"), "{}", second.text);
    for beyond in ["3", "9999", "18446744073709551615"] {
        let last = browser.get(&format!("/apis?q=urn:many&page={beyond}")).await;
        assert!(last.text.contains("51–51 of 51 APIs") && last.text.contains("urn:many:50"), "{}", last.text);
        assert!(last.text.contains("rel=\"prev\"") && !last.text.contains("rel=\"next\""), "{}", last.text);
    }
    let by_name = browser.get("/apis?q=partner+api").await;
    assert!(by_name.text.contains(DEMO), "{}", by_name.text);
    let none = browser.get("/apis?q=nothing").await;
    assert!(none.text.contains("No API is called that"), "{}", none.text);
}

#[tokio::test]
async fn each_right_that_is_lacking_is_refused_and_nothing_is_done() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let reader = management.manager(&dev, "reader", &["read:resource_servers"]).await;
    let other = management.manager(&dev, "other", &["read:audit_events"]).await;
    let issuer = dev.text("issuer");
    let reader = Browser::signed_in(&issuer, &reader.client_id, &reader.client_secret).await;
    let other = Browser::signed_in(&issuer, &other.client_id, &other.client_secret).await;
    let path = page_of(DEMO);
    let page = reader.get(&path).await;
    assert_eq!(page.status, 200);
    for hidden in ["/edit\"", "/delete\"", "partner-a", "/console/audit?"] {
        assert!(!page.text.contains(hidden), "{hidden}: {}", page.text);
    }
    assert!(!reader.get("/apis").await.text.contains("/apis/new"));
    for (browser, pages) in [
        (&reader, vec!["/apis/new".to_owned(), format!("{path}/edit"), format!("{path}/delete")]),
        (&other, vec!["/apis".to_owned(), path.clone(), format!("{path}/edit")]),
    ] {
        for page in pages {
            assert_eq!(browser.get(&page).await.status, 403, "{page}");
        }
    }
    let made = reader.post("/apis/new", &fields(&[], &[])).await;
    let changed = reader.post(&format!("{path}/edit"), &fields(&[], &[])).await;
    let deleted = reader.post(&format!("{path}/delete"), &[]).await;
    for (refused, scope) in [(made, "create"), (changed, "update"), (deleted, "delete")] {
        assert_eq!(refused.status, 403);
        assert!(refused.text.contains(&format!("{scope}:resource_servers")), "{}", refused.text);
    }
    assert_eq!(management.get("/resource-servers").await.ok().as_array().unwrap().len(), 2, "nothing was done");
}

#[tokio::test]
async fn the_grants_of_an_api_are_paged_and_beyond_the_end_the_last_are_shown() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let client = |number: usize| format!("- {{client_id: many-{number:02}, grants: [{{audience: '{DEMO}'}}]}}\n");
    super::document::apply(&browser, &format!("clients:\n{}", (0..49).map(client).collect::<String>())).await;
    let path = page_of(DEMO);
    let first = browser.get(&path).await.text;
    assert!(first.contains("1–50 of 51 clients") && first.contains("?page=2#grants"), "{first}");
    for beyond in ["2", "200", "4294967295"] {
        let last = browser.get(&format!("{path}?page={beyond}")).await.text;
        assert!(last.contains("51–51 of 51 clients") && last.contains("?page=1#grants"), "{beyond}: {last}");
        assert!(!last.contains("rel=\"next\""), "{beyond}: {last}");
    }
}

#[tokio::test]
async fn who_may_not_read_grants_is_not_told_how_many_there_are() {
    let dev = Dev::start(&[]);
    let rights = ["read:resource_servers", "update:resource_servers", "delete:resource_servers"];
    let client = Management::of(&dev).await.manager(&dev, "Small", &rights).await;
    let browser = Browser::signed_in(&dev.text("issuer"), &client.client_id, &client.client_secret).await;
    let path = page_of(DEMO);
    let asked = browser.get(&format!("{path}/delete")).await.text;
    assert!(asked.contains("All grants for it go with it") && !asked.contains("2 grants"), "{asked}");
    let seen = revision(&browser, &path).await;
    let kept = [("list:users", "List users"), ("update:users", "Update users")];
    let without = fields(&[("revision", seen.as_str()), ("name", "Partner API")], &kept);
    let asked = browser.post(&format!("{path}/edit"), &without).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    // One is held, the other is not.
    for scope in ["create:users", "delete:users"] {
        assert!(asked.text.contains(&format!("{scope}: whoever holds it loses it")), "{}", asked.text);
    }
    assert_eq!(api(&dev, DEMO).await["scopes"].as_array().unwrap().len(), 4, "nothing was done");
    let confirmed = [("confirmed", "create:users"), ("confirmed", "delete:users")];
    let done = browser.post(&format!("{path}/edit"), &[&without[..], &confirmed].concat()).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(api(&dev, DEMO).await["scopes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_form_takes_a_thousand_scopes_and_an_api_with_more_keeps_them() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let names: Vec<_> = (0..5_000).map(|number| format!("s:{number}")).collect();
    let rows: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    let refused = browser.post("/apis/new", &fields(&[], &rows)).await;
    assert_eq!(refused.status, 400);
    assert!(error_of(&refused, "scopes").contains("up to 1,000 scopes, and these are 5,000"), "{}", refused.text);
    assert_eq!(refused.text.matches("name=\"scope_value\"").count(), 5_000, "nothing is lost");
    let made = browser.post("/apis/new", &fields(&[], &rows[..1_000])).await;
    assert_eq!(made.status, 303, "{}", made.text);

    let names: Vec<_> = names[..1_001].iter().map(String::as_str).collect();
    Management::of(&dev).await.api("urn:large", &names).await;
    let path = page_of("urn:large");
    let form = browser.get(&format!("{path}/edit")).await.text;
    assert!(form.contains("Its 1,001 scopes are more than the 1,000") && !form.contains("scope_value"), "{form}");
    let seen = super::value_of(&form, "revision");
    let changed = browser.post(&format!("{path}/edit"), &fields(&[("revision", &seen), ("name", "Large")], &[])).await;
    assert_eq!(changed.status, 303, "{}", changed.text);
    let stored = api(&dev, "urn:large").await;
    assert_eq!((&stored["name"], stored["scopes"].as_array().unwrap().len()), (&"Large".into(), 1_001));
}

#[tokio::test]
async fn text_of_others_stays_text() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let identifier = "urn:<img/src=x/onerror=alert(1)>'";
    let scope = "<img/src=x/onerror=alert(1)>";
    let changes = [("identifier", identifier), ("name", HOSTILE)];
    let made = browser.post("/apis/new", &fields(&changes, &[(scope, HOSTILE)])).await;
    let page = browser.follow(&made).await;
    escaped(&page);
    assert!(page.text.contains("&#39;\\&#39;&#39;"), "the quote is no end of the word in the command: {}", page.text);
    let path = page_of(identifier);
    let pages =
        [path.clone(), format!("{path}/edit"), format!("{path}/delete"), "/apis".to_owned(), "/audit".to_owned()];
    for page in pages {
        escaped(&browser.get(&page).await);
    }
    escaped(&browser.get(&format!("/apis?q={}", percent_encoded(HOSTILE))).await);
    let hostile = fields(
        &[("identifier", HOSTILE), ("name", HOSTILE), ("token_lifetime", HOSTILE), ("token_lifetime_unit", HOSTILE)],
        &[(HOSTILE, HOSTILE)],
    );
    escaped(&browser.post("/apis/new", &hostile).await);
}
