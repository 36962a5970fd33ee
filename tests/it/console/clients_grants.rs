//! How does a client get an API granted, changed and taken away, and what may each operator do?

use serde_json::json;

use super::page::{field_error, hidden};
use crate::management::Management;
use crate::support::Dev;
use crate::support::console::{Browser, audit_events};

const API: &str = "https://api.example.com/";

/// The part of the address of the page of the API `audience` that names it, from the page that offers it.
async fn api_id(browser: &Browser, client: &str, audience: &str) -> String {
    let offered = browser.get(&format!("/clients/{client}/grants/new")).await.text;
    let choice = offered.split("<label").find(|part| part.contains(audience)).unwrap_or_else(|| panic!("{offered}"));
    choice.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Where the page is that changes the only grant of `client`.
async fn grant_path(browser: &Browser, client: &str) -> String {
    let shown = browser.get(&format!("/clients/{client}")).await.text;
    let link = shown.split("href=\"/console").find(|part| part.contains("/grants/") && part.contains("/delete\""));
    link.expect("a grant").split("/delete\"").next().unwrap().to_owned()
}

#[tokio::test]
async fn an_api_is_granted_changed_and_taken_away() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let partner = Management::of(&dev).await.partner("Acme", API).await;
    let client = format!("/clients/{}", partner.client_id);
    let api = api_id(&browser, &partner.client_id, API).await;
    let scopes = browser.get(&format!("{client}/grants/new?api={api}")).await.text;
    assert!(scopes.contains("list:users") && scopes.contains("List users"), "{scopes}");
    let granted = browser.post(&format!("{client}/grants/new"), &[("api", &api), ("scope", "list:users")]).await;
    assert_eq!(granted.status, 303, "{}", granted.text);
    assert!(browser.follow(&granted).await.text.contains("The API is granted."));
    assert_eq!(crate::management::token(&dev, &partner).await.status, 200);
    let nothing_left = browser.get(&format!("{client}/grants/new")).await.text;
    assert!(!nothing_left.contains(API), "only what is not granted is offered: {nothing_left}");
    let twice = browser.post(&format!("{client}/grants/new"), &[("api", &api)]).await;
    assert_eq!(twice.status, 400);
    assert!(field_error(&twice.text, "api").contains("no grant yet"));

    let path = grant_path(&browser, &partner.client_id).await;
    let form = browser.get(&path).await.text;
    let revision = hidden(&form, "revision");
    let all = browser.post(&path, &[("revision", &revision), ("all", "on")]).await;
    assert_eq!(all.status, 303, "{}", all.text);
    let claims = crate::management::token(&dev, &partner).await.json();
    assert_eq!(claims["scope"], "list:users create:users delete:users update:users");
    let outdated = browser.post(&path, &[("revision", &revision), ("scope", "list:users")]).await;
    assert_eq!(outdated.status, 409);
    assert!(outdated.text.contains("value=\"list:users\" checked"), "{}", outdated.text);
    let revision = hidden(&outdated.text, "revision");
    let unknown = browser.post(&path, &[("revision", &revision), ("scope", "fly")]).await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.text.contains("does not define fly"), "{}", unknown.text);

    let asked = browser.get(&format!("{path}/delete")).await.text;
    assert!(asked.contains("gets no more tokens for https://api.example.com/"), "{asked}");
    assert_eq!(browser.post(&format!("{path}/delete"), &[]).await.status, 303);
    assert_eq!(crate::management::token(&dev, &partner).await.status, 400);
    let events = audit_events(&dev).await;
    assert_eq!((&events[0]["object_kind"], &events[0]["action"]), (&json!("grant"), &json!("delete")));
    assert_eq!(browser.get(&path).await.status, 404);
}

#[tokio::test]
async fn nobody_grants_rights_that_it_does_not_hold() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let rights = ["read:clients", "create:client_grants", "read:resource_servers", "read:client_credentials"];
    let manager = management.manager(&dev, "Small", &rights).await;
    let browser = Browser::signed_in(&dev.text("issuer"), &manager.client_id, &manager.client_secret).await;
    let audience = dev.management().audience;
    let api = api_id(&browser, "partner-a", &audience).await;
    let form = browser.get(&format!("/clients/partner-a/grants/new?api={api}")).await.text;
    assert!(form.contains("You do not hold it, so you cannot grant it."), "{form}");
    let fields = [("api", api.as_str()), ("scope", "read:clients"), ("scope", "delete:clients")];
    let refused = browser.post("/clients/partner-a/grants/new", &fields).await;
    assert_eq!(refused.status, 403);
    let error = field_error(&refused.text, "scope");
    assert!(error.contains("you do not hold delete:clients"), "{error}");
    assert!(refused.text.contains("value=\"delete:clients\" checked"), "what was chosen stays");
    assert_eq!(browser.post("/clients/partner-a/grants/new", &fields[..2]).await.status, 303);

    let shown = browser.get(&format!("/clients/{}", dev.management().client_id)).await.text;
    assert!(shown.contains("holds rights of the Management API that yours does not hold"), "{shown}");
}

#[tokio::test]
async fn each_page_needs_its_scope() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let operator = Browser::operator(&dev).await;
    let api = api_id(&operator, &dev.management().client_id, API).await;
    let grant = grant_path(&operator, "partner-a").await;
    let secret = management.get("/clients/partner-a/secrets").await.ok()[0]["id"].as_str().unwrap().to_owned();
    let secret = format!("/clients/partner-a/secrets/{secret}");
    let jwk = crate::support::assertion::PartnerKey::new("EdDSA").jwk().to_string();
    let key_fields = [("public_key", jwk.as_str()), ("ends", "never")];
    assert_eq!(operator.post("/clients/partner-b/keys/new", &key_fields).await.status, 303);
    let shown = operator.get("/clients/partner-b").await.text;
    let key = shown.split("href=\"/console").find(|part| part.contains("/remove\"")).expect("a key");
    let key = key.split('"').next().unwrap().to_owned();

    let none = management.manager(&dev, "Lacks all", &["read:audit_events"]).await;
    let browser = Browser::signed_in(&dev.text("issuer"), &none.client_id, &none.client_secret).await;
    let revision = operator.get("/clients/partner-a/edit").await;
    let revision = hidden(&revision.text, "revision");
    let before = audit_events(&dev).await.len();
    let retire = format!("{secret}/retire");
    let delete_grant = format!("{grant}/delete");
    let new = [("name", "Acme"), ("first", "none")];
    let edit = [("name", "Acme"), ("revision", revision.as_str())];
    let granting = [("api", api.as_str())];
    let changed_grant = [("revision", revision.as_str())];
    let adding = [("origin", "generated"), ("ends", "never")];
    let rotating = [("overlap", "1"), ("unit", "days"), ("ends", "never")];
    let ending = [("ends", "never")];
    for (path, scope, fields) in [
        ("/clients", "read:clients", None),
        ("/clients/partner-a", "read:clients", None),
        ("/clients/new", "create:clients", Some(&new[..])),
        ("/clients/partner-a/edit", "update:clients", Some(&edit)),
        ("/clients/partner-a/state", "update:clients", Some(&[("state", "disabled")])),
        ("/clients/partner-a/delete", "delete:clients", Some(&[])),
        ("/clients/partner-a/claim-link", "create:client_credentials", Some(&[("minutes", "5")])),
        ("/clients/management/grants/new", "create:client_grants", Some(&granting)),
        (grant.as_str(), "update:client_grants", Some(&changed_grant)),
        (delete_grant.as_str(), "delete:client_grants", Some(&[])),
        ("/clients/partner-a/secrets/new", "create:client_credentials", Some(&adding)),
        ("/clients/partner-a/secrets/rotate", "update:client_keys", Some(&rotating)),
        (secret.as_str(), "update:client_credentials", Some(&ending)),
        (retire.as_str(), "delete:client_credentials", Some(&[])),
        ("/clients/partner-a/keys/new", "create:client_credentials", Some(&key_fields)),
        (key.as_str(), "delete:client_credentials", Some(&[])),
    ] {
        let seen = browser.get(path).await;
        assert_eq!(seen.status, 403, "{path}");
        assert!(seen.text.contains(&format!("the scope {scope} ")), "{path}: {}", seen.text);
        if let Some(fields) = fields {
            let refused = browser.post(path, fields).await;
            assert_eq!(refused.status, 403, "{path}");
            assert!(refused.text.contains(&format!("the scope {scope} ")), "{path}: {}", refused.text);
        }
    }
    assert_eq!(audit_events(&dev).await.len(), before, "nothing was done");
}

#[tokio::test]
async fn only_what_may_be_done_is_offered() {
    let dev = Dev::start(&[]);
    let manager = Management::of(&dev).await.manager(&dev, "Reads", &["read:clients"]).await;
    let browser = Browser::signed_in(&dev.text("issuer"), &manager.client_id, &manager.client_secret).await;
    let listed = browser.get("/clients").await.text;
    assert!(
        listed.contains("partner-a") && !listed.contains("New client") && !listed.contains("Last seen"),
        "{listed}"
    );
    let shown = browser.get("/clients/partner-a").await.text;
    for hidden in ["/edit", "/delete", "/state", "/secrets/", "/grants/", "/audit?", "Use in the last"] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
    assert!(shown.contains("/console/explain?client_id=partner-a"), "{shown}");
    let full = Browser::operator(&dev).await.get("/clients/partner-a").await.text;
    for offered in
        ["/edit", "/delete", "/state", "/secrets/rotate", "/grants/new", "/console/audit?object_id=partner-a"]
    {
        assert!(full.contains(offered), "{offered} in {full}");
    }
}

#[tokio::test]
async fn keys_are_set_only_by_those_who_may() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let manager = management.manager(&dev, "Edits", &["read:clients", "update:clients"]).await;
    let browser = Browser::signed_in(&dev.text("issuer"), &manager.client_id, &manager.client_secret).await;
    let form = browser.get("/clients/partner-a/edit").await.text;
    let revision = hidden(&form, "revision");
    let base = [("name", "Partner A"), ("enabled", "on"), ("revision", revision.as_str())];
    for changes in [("jwks_uri", "https://evil.example/keys"), ("method", "private_key_jwt")] {
        let refused = browser.post("/clients/partner-a/edit", &[&base[..], &[changes]].concat()).await;
        assert_eq!(refused.status, 403, "{changes:?}");
        assert!(refused.text.contains("update:client_credentials"), "{}", refused.text);
    }
    assert_eq!(browser.post("/clients/partner-a/edit", &base).await.status, 303, "the rest it may");
}
