//! Does the page explain what the token endpoint does, to those that may know, and without doing anything?

use serde_json::{Value, json};

use super::page::{HOSTILE, escaped};
use crate::management::Management;
use crate::support::Dev;
use crate::support::answer::Answer;
use crate::support::console::{Browser, audit_events};
use crate::support::dev::{Partner, percent_encoded, token_part};

const DEMO: &str = "https://api.example.com/";

/// The page about this request; what is empty is not in it.
async fn explained(browser: &Browser, client_id: &str, audience: &str, scope: &str) -> Answer {
    let [client_id, audience, scope] = [client_id, audience, scope].map(percent_encoded);
    browser.get(&format!("/explain?client_id={client_id}&audience={audience}&scope={scope}")).await
}

/// The answer to this request.
async fn asked(dev: &Dev, client: &Partner, audience: &str, scope: &str) -> Answer {
    let given = |value| Some(value).filter(|value: &&str| !value.is_empty());
    let id = ("client_id", Some(client.client_id.as_str()));
    let secret = ("client_secret", Some(client.client_secret.as_str()));
    dev.token(&[id, secret, ("audience", given(audience)), ("scope", given(scope))]).await
}

/// What `page` says of the fact `term`, as text.
fn fact(page: &str, term: &str) -> String {
    let opening = format!("<dt>{term}</dt><dd>");
    let from = page.find(&opening).unwrap_or_else(|| panic!("no {term}: {page}")) + opening.len();
    let text = page[from..].split("</dd>").next().unwrap().replace("<code>", "").replace("</code>", "");
    text.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&")
}

/// The ways to put it right that `page` offers: where they lead.
fn remedies(page: &str) -> Vec<&str> {
    let Some(actions) = page.split("<p class=\"actions\">").nth(1) else { return Vec::new() };
    let actions = actions.split("</p>").next().unwrap();
    actions.split("href=\"").skip(1).map(|link| link.split('"').next().unwrap()).collect()
}

/// A client of `management` with these members that holds `grants`: an API and one of its scopes each.
async fn client(management: &Management, members: &Value, grants: &[(&str, &str)]) -> Partner {
    let mut partner = management.partner("One of many", "").await;
    for (audience, scope) in grants {
        partner.audience = (*audience).to_owned();
        management.grant(&partner, &[scope]).await;
    }
    management.patch(&format!("/clients/{}", partner.client_id), members).await.ok();
    partner
}

#[tokio::test]
async fn every_refusal_is_the_one_of_the_token_endpoint_and_leads_to_what_helps() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let management = Management::of(&dev).await;
    for (identifier, scope) in [("urn:a", "read:a"), ("urn:b", "read:b"), ("urn:named", "read")] {
        management.api(identifier, &[scope]).await;
    }
    let named = format!("/resource-servers/{}", percent_encoded("urn:named"));
    management.patch(&named, &json!({ "default_scope": "error" })).await.ok();
    let none = json!({});
    let partner = client(&management, &none, &[(DEMO, "list:users"), ("urn:named", "read")]).await;
    let two = client(&management, &none, &[("urn:a", "read:a"), ("urn:b", "read:b")]).await;
    let disabled = client(&management, &json!({ "enabled": false }), &[(DEMO, "list:users")]).await;
    let other_grant = client(&management, &json!({ "grant_types": [] }), &[(DEMO, "list:users")]).await;
    let without = client(&management, &none, &[(DEMO, "list:users")]).await;
    for secret in management.get(&format!("/clients/{}/secrets", without.client_id)).await.ok().as_array().unwrap() {
        let path = format!("/clients/{}/secrets/{}", without.client_id, secret["id"].as_str().unwrap());
        assert_eq!(management.delete(&path).await.status, 204);
    }

    let grant = management.get(&format!("/client-grants?client_id={}", partner.client_id)).await.ok();
    let grant = grant.as_array().unwrap().iter().find(|grant| grant["audience"] == DEMO).expect("a grant").clone();
    let grant: uuid::Uuid = grant["id"].as_str().unwrap().trim_start_matches("cgr_").parse().expect("an id");
    let (grant, long) = (format!("grants/{grant}"), "x".repeat(601));
    for (client, audience, scope, error, title, helps) in [
        (&partner, "urn:nothing", "", "invalid_target", "There is no API with that identifier", "/apis/new"),
        (&partner, long.as_str(), "", "invalid_target", "There is no API with that identifier", "/apis/new"),
        (&partner, "urn:a", "read:a", "invalid_target", "The client has no grant for that API", "grants/new"),
        (&partner, DEMO, "list:users fly", "invalid_scope", "A scope that is not granted", grant.as_str()),
        (&partner, DEMO, "list:users \"x\"", "invalid_scope", "The scope breaks its grammar", ""),
        (&partner, "urn:named", "", "invalid_scope", "The API wants a scope to be named", ""),
        (&two, "", "", "invalid_target", "No API named, and none follows", "edit"),
        (&two, "", "read:a read:b", "invalid_target", "No API named, and the scopes belong to several", "edit"),
        (&other_grant, DEMO, "", "unauthorized_client", "The client may not use client_credentials", "edit"),
        (&disabled, DEMO, "", "invalid_client", "", "state"),
        (&without, DEMO, "", "invalid_client", "", "secrets/new"),
    ] {
        let what = format!("{}: {audience} {scope}", client.client_id);
        let real = asked(&dev, client, audience, scope).await;
        let page = explained(&browser, &client.client_id, audience, scope).await;
        assert_eq!(page.status, 200, "{what}");
        assert!(page.text.contains("The request is refused") && page.text.contains(title), "{what}: {}", page.text);
        let (told, described) =
            (fact(&page.text, "error"), fact(&page.text, "error_description, as the caller reads it"));
        assert_eq!(real.error().1, error, "{what}: {real:?}");
        assert_eq!(
            (json!(told), json!(described)),
            (real.json()["error"].clone(), real.json()["error_description"].clone())
        );
        let ways = remedies(&page.text);
        assert!(ways.iter().any(|way| way.ends_with(helps)), "{what}: no {helps} in {ways:?}");
        for way in ways {
            let status = browser.get(way.trim_start_matches("/console")).await.status;
            assert_eq!(status, 200, "{what}: a way to nowhere: {way}");
        }
    }
    let hidden = explained(&browser, &disabled.client_id, DEMO, "").await.text;
    assert!(fact(&hidden, "What the caller is not told").contains("disabled"), "{hidden}");
}

#[tokio::test]
async fn a_token_is_explained_as_it_is_issued() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let browser = Browser::operator(&dev).await;
    let change = json!({ "token_lifetime": 90, "token_dialect": "access_token", "signing_alg": "RS256" });
    management.patch(&format!("/resource-servers/{}", percent_encoded(DEMO)), &change).await.ok();
    let partner = dev.partner(0);
    for (audience, scope) in [(DEMO, "list:users"), (DEMO, ""), ("", "")] {
        let real = asked(&dev, &partner, audience, scope).await;
        let page = explained(&browser, &partner.client_id, audience, scope).await.text;
        assert!(page.contains("A token is issued") && !page.contains("The refusal"), "{page}");
        let header = token_part(&real.access_token(), 0);
        assert_eq!(fact(&page, "Audience"), DEMO);
        assert_eq!(fact(&page, "Scope"), real.json()["scope"].as_str().unwrap());
        assert_eq!((fact(&page, "Lives").as_str(), &real.json()["expires_in"]), ("90 seconds", &json!(90)));
        assert_eq!(fact(&page, "Signed with"), header["alg"].as_str().unwrap());
        assert_eq!(fact(&page, "Form of its claims"), "access_token");
    }
}

#[tokio::test]
async fn explaining_leaves_no_trace() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let browser = Browser::operator(&dev).await;
    management.patch("/clients/partner-b", &json!({ "enabled": false })).await.ok();
    let limited = json!({ "token_quota": { "client_credentials": { "per_hour": 1 } } });
    management.patch("/clients/partner-a", &limited).await.ok();
    let traces = async || {
        let mut traces = vec![json!(audit_events(&dev).await.len())];
        for client in ["partner-a", "partner-b"] {
            let usage = management.get(&format!("/clients/{client}/usage")).await.ok();
            traces.push(json!([usage["issued"], usage["refused"], usage["last_seen_at"]]));
            let secrets = management.get(&format!("/clients/{client}/secrets")).await.ok();
            traces.push(secrets[0]["last_used_at"].clone());
        }
        let overview = browser.get("/overview").await.text;
        traces.push(json!(overview.contains("No request was refused since this server was started")));
        traces
    };
    let before = traces().await;
    // More than there may be failed attempts.
    for _ in 0..25 {
        for (client, scope) in [("partner-a", "list:users"), ("partner-a", "fly"), ("partner-b", "")] {
            assert_eq!(explained(&browser, client, DEMO, scope).await.status, 200);
        }
    }
    assert_eq!(traces().await, before);
    let page = explained(&browser, "partner-b", DEMO, "").await.text;
    assert!(page.contains("nobody who claims to be it has to wait"), "{page}");
    let page = explained(&browser, "partner-a", DEMO, "").await.text;
    assert!(page.contains("1 of 1 are left for this hour"), "no quota is used: {page}");
}

#[tokio::test]
async fn what_may_keep_a_client_out_is_told_and_no_secret() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let partner = dev.partner(0);
    let fine = explained(&browser, &partner.client_id, DEMO, "").await.text;
    assert!(fine.contains("1 secret is live") && !fine.contains("Hinders"), "{fine}");
    for secret in [&partner.client_secret, "$argon2", "sha256"] {
        assert!(!fine.contains(secret), "{fine}");
    }
    for _ in 0..25 {
        dev.token(&[("client_secret", Some("wrong"))]).await;
    }
    let failed = explained(&browser, &partner.client_id, DEMO, "").await.text;
    assert!(failed.contains("has failed too often of late") && failed.contains("May be it"), "{failed}");
}

#[tokio::test]
async fn it_takes_the_right_to_read_clients_and_tells_nothing_that_takes_more() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    management.api("urn:hidden", &["read:hidden"]).await;
    let issuer = dev.text("issuer");
    let sign_in = async |name: &str, scope: &[&str]| {
        let client = management.manager(&dev, name, scope).await;
        Browser::signed_in(&issuer, &client.client_id, &client.client_secret).await
    };
    let other = sign_in("Other", &["read:stats", "read:resource_servers", "read:client_credentials"]).await;
    for browser in [&other, &Browser::partner(&dev).await] {
        for path in ["/explain", "/explain?client_id=partner-a", "/explain?client_id=nobody"] {
            let refused = browser.get(path).await;
            assert_eq!(refused.status, 403, "{path}");
            assert!(refused.text.contains("the scope read:clients "), "{}", refused.text);
        }
    }
    let reader = sign_in("Reader", &["read:clients"]).await;
    let operator = Browser::operator(&dev).await;
    let refused = explained(&reader, "partner-a", DEMO, "fly").await.text;
    assert_eq!(fact(&refused, "error"), "invalid_scope");
    assert_eq!(remedies(&refused), ["/console/clients/partner-a"], "only what it may open");
    let (seen, all) =
        (explained(&reader, "partner-a", "", "").await.text, explained(&operator, "partner-a", "", "").await.text);
    for hidden in ["urn:hidden", "read:hidden", "1 secret is live", "no key is registered", "no quota is enforced"] {
        assert!(all.contains(hidden), "{hidden}: {all}");
        assert!(!seen.contains(hidden), "{hidden}: {seen}");
    }
}

#[tokio::test]
async fn who_asks_for_nobody_is_told_so_and_text_of_others_stays_text() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let blank = browser.get("/explain").await;
    assert!(blank.status == 200 && blank.text.contains("Which request?"), "{}", blank.text);
    let unknown = explained(&browser, "partner-x", DEMO, "list:users").await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.text.contains("No client has this id"), "{}", unknown.text);
    for kept in ["value=\"partner-x\"", "value=\"https://api.example.com/\"", "value=\"list:users\""] {
        assert!(unknown.text.contains(kept), "{kept}: {}", unknown.text);
    }
    for (client, audience, scope) in [
        (HOSTILE, "", ""),
        ("partner-a", HOSTILE, ""),
        ("partner-a", DEMO, HOSTILE),
        ("partner-a", DEMO, "\"><img src=x>"),
    ] {
        let page = explained(&browser, client, audience, scope).await;
        assert!(!page.text.contains("<img"), "{}", page.text);
    }
    escaped(&explained(&browser, HOSTILE, "", "").await.text);
    let named = Management::of(&dev).await.partner(HOSTILE, DEMO).await;
    escaped(&explained(&browser, &named.client_id, "", "").await.text);
}

#[tokio::test]
async fn each_dialect_is_explained_in_its_own_words() {
    for compat in ["auth0", "identityserver"] {
        let dev = Dev::start(&["--compat", compat]);
        let browser = Browser::operator(&dev).await;
        let partner = dev.partner(0);
        for (audience, scope) in [("urn:nothing", ""), (DEMO, "fly")] {
            let real = asked(&dev, &partner, audience, scope).await.json();
            let page = explained(&browser, &partner.client_id, audience, scope).await.text;
            let described = fact(&page, "error_description, as the caller reads it");
            assert_eq!(
                (json!(fact(&page, "error")), json!(described)),
                (real["error"].clone(), real["error_description"].clone())
            );
        }
    }
}
