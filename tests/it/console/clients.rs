//! Which clients are there, and how is one made, changed, put out of use and deleted?

use serde_json::json;

use super::page::{HOSTILE, escaped, field_error, hidden};
use crate::management::Management;
use crate::support::Dev;
use crate::support::console::{Browser, audit_events, copied};

/// What the form for a new client holds at least.
const NEW: [(&str, &str); 4] = [("name", "Acme"), ("enabled", "on"), ("first", "none"), ("minutes", "60")];

fn with<'a>(fields: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = fields.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes).copied().collect()
}

#[tokio::test]
async fn clients_are_listed_searched_and_paged() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let listed = browser.get("/clients").await;
    assert_eq!(listed.status, 200);
    for text in ["partner-a", "Partner B", "href=\"/console/clients/partner-a\"", "href=\"/console/clients/new\""] {
        assert!(listed.text.contains(text), "{text} in {}", listed.text);
    }
    let found = browser.get("/clients?q=PARTNER+b").await.text;
    assert!(found.contains("partner-b") && !found.contains("/clients/partner-a"), "{found}");
    let nothing = browser.get("/clients?q=%25").await.text;
    assert!(nothing.contains("No client matches"), "a per cent sign stands for itself: {nothing}");
    assert!(browser.get("/clients?state=disabled").await.text.contains("No client matches"));

    let management = Management::of(&dev).await;
    for number in 0..60 {
        management.post("/clients", &json!({ "name": format!("Many {number:02}") })).await.created();
    }
    let first = browser.get("/clients?q=many&state=enabled").await.text;
    assert!(first.contains("1–50 of 60 clients") && first.contains("Many 59") && !first.contains("Many 09"), "{first}");
    let next = "/console/clients?q=many&amp;state=enabled&amp;page=2";
    assert!(first.contains(&next.replace("&amp;", "&#38;")) || first.contains(next), "{first}");
    let second = browser.get("/clients?q=many&state=enabled&page=2").await.text;
    assert!(second.contains("51–60 of 60 clients") && second.contains("Many 09"), "{second}");
    assert!(browser.get("/clients?q=many&page=99").await.text.contains("51–60 of 60"), "the last there is");
}

#[tokio::test]
async fn a_client_is_made_with_a_secret_that_is_shown_once() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let form = browser.get("/clients/new").await;
    assert_eq!(form.status, 200, "{}", form.text);
    let fields = with(
        &NEW,
        &[
            ("client_id", "acme.1"),
            ("default_audience", "https://api.example.com/"),
            ("method", "client_secret_basic"),
            ("method", "client_secret_post"),
            ("quota_per_hour", "1000"),
            ("claims", "{\"tenant\": \"north\"}"),
            ("first", "now"),
        ],
    );
    let made = browser.post("/clients/new", &fields).await;
    assert_eq!((made.status, made.header("cache-control")), (200, "no-store"), "{}", made.text);
    let secret = copied(&made.text, "secret");
    assert!(made.text.contains("Shown once"), "{}", made.text);
    let shown = browser.get("/clients/acme.1").await;
    assert_eq!(shown.status, 200);
    assert!(!shown.text.contains(&secret), "and never again");
    for text in ["Acme", "1,000 tokens an hour; what goes beyond is only logged", "tenant", "No API is granted"] {
        assert!(shown.text.contains(text), "{text} in {}", shown.text);
    }
    let changes = [("client_id", Some("acme.1")), ("client_secret", Some(secret.as_str())), ("audience", None)];
    assert_eq!(dev.token(&changes).await.error().1, "invalid_target", "the secret works; nothing is granted yet");
    let view = Management::of(&dev).await.get("/clients/acme.1").await.ok();
    assert_eq!((&view["name"], &view["claims"]["tenant"]), (&json!("Acme"), &json!("north")));
    let events = audit_events(&dev).await;
    let made = events.iter().find(|event| event["object_id"] == "acme.1" && event["action"] == "create").unwrap();
    assert_eq!((&made["actor_kind"], &made["actor"]), (&json!("client"), &json!("management")));
    assert!(!made["request_id"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn a_client_is_made_with_a_link_for_its_owner() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let made = browser.post("/clients/new", &with(&NEW, &[("client_id", "linked"), ("first", "link")])).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let link = copied(&made.text, "link");
    assert!(link.starts_with(&format!("{}/claim?link=", browser.base)), "{link}");
    let (_, token) = link.split_once("link=").unwrap();
    let owner = Browser::at(&dev.text("issuer"));
    let claimed = owner.post("/claim", &[("link", token)]).await;
    assert_eq!(claimed.status, 200, "{}", claimed.text);
    assert!(copied(&claimed.text, "secret").starts_with("ths_"));
}

#[tokio::test]
async fn what_is_wrong_with_a_new_client_stands_beside_its_field() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    for (changes, field, said) in [
        (&[("name", " ")][..], "name", "Give the client a name"),
        (&[("client_id", "a b")], "client_id", "Choose a client id of 1 to 64 characters"),
        (&[("client_id", "partner-a")], "client_id", "exists already"),
        (&[("default_audience", "urn:nothing")], "default_audience", "no such API"),
        (&[("jwks_uri", "http://partner.example/")], "jwks_uri", "https URL"),
        (&[("quota_per_day", "1.5")], "quota_per_day", "whole number"),
        (&[("claims", "{\n\"a\": }")], "claims", "Line 2, column 6"),
        (&[("claims", "[]")], "claims", "one JSON object"),
        (&[("method", "private_key_jwt"), ("method", "client_secret_post")], "method", "stands alone"),
        (&[("method", "private_key_jwt"), ("first", "now")], "first", "cannot use a secret"),
        (&[("first", "link"), ("minutes", "1441")], "minutes", "from 1 to 1,440"),
        (&[("first", "whatever")], "first", "Use one of"),
    ] {
        let refused = browser.post("/clients/new", &with(&NEW, changes)).await;
        assert!(matches!(refused.status, 400 | 409), "{changes:?}: {}", refused.status);
        let error = field_error(&refused.text, field);
        assert!(error.contains(said), "{changes:?}: {error}");
        if field != "name" {
            assert!(refused.text.contains("value=\"Acme\""), "what was typed stays: {}", refused.text);
        }
    }
    assert_eq!(browser.get("/clients?q=acme").await.text.matches("class=\"under\"").count(), 0, "nothing was made");
}

#[tokio::test]
async fn a_client_is_changed_unless_somebody_was_quicker() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let form = browser.get("/clients/partner-a/edit").await;
    let revision = hidden(&form.text, "revision");
    assert!(form.text.contains("value=\"Partner A\""), "{}", form.text);
    let fields = [("name", "Partner Ä"), ("enabled", "on"), ("quota_per_day", "5"), ("quota_enforce", "on")];
    let changed = browser.post("/clients/partner-a/edit", &[&fields[..], &[("revision", &revision)]].concat()).await;
    assert_eq!((changed.status, changed.header("location")), (303, "/console/clients/partner-a?done=client-changed"));
    let shown = browser.follow(&changed).await.text;
    assert!(shown.contains("The client is changed.") && shown.contains("Partner Ä"), "{shown}");
    assert!(shown.contains("5 tokens a day; what goes beyond is refused"), "{shown}");

    let late = [("name", "Too late"), ("enabled", "on"), ("revision", revision.as_str())];
    let outdated = browser.post("/clients/partner-a/edit", &late).await;
    assert_eq!(outdated.status, 409);
    assert!(outdated.text.contains("has been changed since it was read"), "{}", outdated.text);
    assert!(outdated.text.contains("value=\"Too late\"") && outdated.text.contains("See what it is now"));
    let told = [("name", "Told"), ("enabled", "on"), ("revision", &hidden(&outdated.text, "revision"))];
    assert_eq!(browser.post("/clients/partner-a/edit", &told).await.status, 303, "whoever was told may go on");
    let events = audit_events(&dev).await;
    assert_eq!((&events[0]["action"], &events[0]["after"]["name"]), (&json!("update"), &json!("Told")));
}

#[tokio::test]
async fn a_client_is_put_out_of_use_and_back() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let asked = browser.get("/clients/partner-a/state").await.text;
    assert!(asked.contains("Disable Partner A?") && asked.contains("work until they expire"), "{asked}");
    let disabled = browser.post("/clients/partner-a/state", &[("state", &hidden(&asked, "state"))]).await;
    assert!(browser.follow(&disabled).await.text.contains("Disabled"));
    assert_eq!(dev.token(&[]).await.error().1, "invalid_client");
    assert!(browser.get("/clients?state=disabled").await.text.contains("/clients/partner-a\""));
    let again = browser.post("/clients/partner-a/state", &[("state", "disabled")]).await;
    assert_eq!(again.status, 303, "pressed twice, it stays disabled");
    let asked = browser.get("/clients/partner-a/state").await.text;
    let enabled = browser.post("/clients/partner-a/state", &[("state", &hidden(&asked, "state"))]).await;
    assert_eq!(enabled.status, 303);
    assert_eq!(dev.token(&[]).await.status, 200);

    let own = dev.management().client_id;
    let refused = browser.post(&format!("/clients/{own}/state"), &[("state", "disabled")]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("is the one that calls"), "{}", refused.text);
}

#[tokio::test]
async fn a_client_is_deleted_after_its_consequences_were_told() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    dev.token(&[]).await.access_token();
    let asked = browser.get("/clients/partner-a/delete").await.text;
    for said in [
        "Delete Partner A?",
        "1 grant, 1 secret and 0 keys",
        "1 token was issued to it in the last 24 hours",
        "nothing calls them back",
    ] {
        assert!(asked.contains(said), "{said} in {asked}");
    }
    let deleted = browser.post("/clients/partner-a/delete", &[]).await;
    assert_eq!((deleted.status, deleted.header("location")), (303, "/console/clients?done=client-deleted"));
    assert_eq!(dev.token(&[]).await.error().1, "invalid_client");
    let gone = browser.get("/clients/partner-a").await;
    assert_eq!(gone.status, 404);
    assert_eq!(browser.post("/clients/partner-a/delete", &[]).await.status, 404);
    assert_eq!(audit_events(&dev).await[0]["action"], "delete");
}

#[tokio::test]
async fn what_people_typed_is_text_wherever_it_is_shown() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let claims = json!({ "note": HOSTILE }).to_string();
    let fields = with(&NEW, &[("client_id", "hostile"), ("name", HOSTILE), ("claims", &claims)]);
    assert_eq!(browser.post("/clients/new", &fields).await.status, 303);
    let label = [("origin", "generated"), ("ends", "never"), ("label", HOSTILE)];
    let made = browser.post("/clients/hostile/secrets/new", &label).await;
    escaped(&made.text);
    let shown = browser.get("/clients/hostile").await;
    escaped(&shown.text);
    let retire = shown.text.split("href=\"").find(|part| part.contains("/retire\"")).expect("a secret");
    let retire = retire.split('"').next().unwrap().trim_start_matches("/console").to_owned();
    for path in [
        "/clients",
        "/clients/hostile/edit",
        "/clients/hostile/state",
        "/clients/hostile/delete",
        "/clients/hostile/claim-link",
        "/clients/hostile/grants/new",
        "/clients/hostile/secrets/new",
        "/clients/hostile/secrets/rotate",
        "/clients/hostile/keys/new",
        retire.as_str(),
        retire.trim_end_matches("/retire"),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        escaped(&page.text);
    }
    let searched = browser.get(&format!("/clients?q={}", crate::support::dev::percent_encoded(HOSTILE))).await;
    escaped(&searched.text);
    for field in ["client_id", "default_audience", "jwks_uri", "quota_per_hour", "claims", "method", "first", "minutes"]
    {
        let refused =
            browser.post("/clients/new", &with(&NEW, &[("name", HOSTILE), (field, HOSTILE), ("first", "link")])).await;
        assert_eq!(refused.status, 400, "{field}");
        escaped(&refused.text);
    }
}

#[tokio::test]
async fn a_client_with_an_odd_id_has_a_page() {
    let ids = ["a/b?c#d%20", "..", ".", "new"];
    let clients: Vec<_> = ids.iter().map(|id| json!({ "client_id": id, "name": format!("Odd {id}") })).collect();
    let dev = Dev::seeded(&json!({ "apis": [{ "identifier": "urn:a" }], "clients": clients }), &[]);
    let browser = Browser::operator(&dev).await;
    let listed = browser.get("/clients?q=odd").await.text;
    for id in ids {
        let row = listed.split("<tr>").find(|row| row.contains(&format!(">Odd {id}</a>"))).expect("a row");
        let href = row.split("href=\"/console").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let shown = browser.get(&href).await;
        assert_eq!(shown.status, 200, "{href}");
        assert!(shown.text.contains(&format!("<h1>Odd {id}</h1>")), "{href}: {}", shown.text);
        let disabled = browser.post(&format!("{href}/state"), &[("state", "disabled")]).await;
        assert_eq!(disabled.status, 303, "{href}");
    }
}

#[tokio::test]
async fn what_one_may_not_read_is_not_counted_either() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let few = management.manager(&dev, "Few", &["read:clients", "delete:clients", "update:client_keys"]).await;
    let browser = Browser::signed_in(&dev.text("issuer"), &few.client_id, &few.client_secret).await;
    let asked = browser.get("/clients/partner-a/delete").await.text;
    assert!(asked.contains("With it are deleted its grants, its secrets and keys."), "{asked}");
    let rotate = browser.get("/clients/partner-a/secrets/rotate").await.text;
    assert!(rotate.contains("They work on for") && !rotate.contains("1 secret"), "{rotate}");
    let refused =
        browser.post("/clients/management/secrets/rotate", &[("overlap", "1"), ("unit", "days"), ("ends", "never")]);
    let refused = refused.await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("rights of the Management API that your client does not hold: "), "{}", refused.text);
}
