//! What does a client see of itself, and how does it get a new secret?

use serde_json::{Value, json};

use crate::support::Dev;
use crate::support::assertion::{PartnerKey, document, key_client, unix_seconds};
use crate::support::console::{Browser, audit_events, copied};
use crate::support::control::Control;

const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// A client with two grants, whose texts are all markup, and one without any.
fn hostile() -> Value {
    json!({
        "apis": [
            { "identifier": "https://one.example/?a='&b=$c", "name": HOSTILE, "token_lifetime": 600,
              "scopes": [{ "value": "read<b>", "description": HOSTILE }, { "value": "write$'x" }] },
            { "identifier": "https://two.example/", "name": "Two", "scopes": [{ "value": "list:users" }] },
        ],
        "clients": [
            { "client_id": "a'b\"c\\d$e`f", "name": HOSTILE,
              "secrets": [{ "value": "hostile-client-secret-of-forty-characters", "label": HOSTILE }],
              "quota": { "per_hour": 100, "enforce": true },
              "grants": [
                  { "audience": "https://one.example/?a='&b=$c", "scope": ["read<b>", "write$'x"] },
                  { "audience": "https://two.example/", "scope": ["list:users"] },
              ] },
            { "client_id": "nothing", "secrets": [{ "value": "another-client-secret-of-forty-characters" }] },
        ],
    })
}

async fn hostile_client(dev: &Dev) -> Browser {
    let secret = "hostile-client-secret-of-forty-characters";
    Browser::signed_in(&dev.text("issuer"), "a'b\"c\\d$e`f", secret).await
}

#[tokio::test]
async fn a_partner_sees_what_it_may_do_and_where() {
    let dev = Dev::start(&[]);
    let partner = Browser::partner(&dev).await;
    dev.token(&[]).await;
    let page = partner.get("/own").await;
    assert_eq!(page.status, 200);
    for seen in ["Partner A", "Partner API", "list:users", "List users", "1 hour", "one token", "only open session"] {
        assert!(page.text.contains(seen), "{seen}: {}", page.text);
    }
    assert!(!page.text.contains("delete:users"), "what it may not do is not told");
    assert_eq!(copied(&page.text, "client-id"), dev.partner(0).client_id);
    assert_eq!(copied(&page.text, "token-endpoint"), dev.text("token_endpoint"));
    assert_eq!(copied(&page.text, "issuer"), dev.text("issuer"));
    assert!(page.text.contains("action=\"/console/sign-out-everywhere\""));

    let _second = Browser::partner(&dev).await;
    assert!(partner.get("/own").await.text.contains("2 sessions of your client are open"));
    assert_eq!(Browser::operator(&dev).await.get("/own").await.status, 200, "an operator's client has a page as well");
}

#[tokio::test]
async fn nothing_granted_says_what_to_ask_for() {
    let dev = Dev::seeded(&hostile(), &[]);
    let secret = "another-client-secret-of-forty-characters";
    let browser = Browser::signed_in(&dev.text("issuer"), "nothing", secret).await;
    for page in ["/own", "/own/token", "/own/code"] {
        let page = browser.get(page).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("Ask whoever runs this server for a grant"), "{}", page.text);
    }
    let asked = browser.post("/own/token", &[("api", "x")]).await;
    assert_eq!(asked.status, 200, "and nothing is asked for");
}

#[tokio::test]
async fn no_text_of_anybody_becomes_markup_or_code() {
    let dev = Dev::seeded(&hostile(), &[]);
    let browser = hostile_client(&dev).await;
    let languages = ["curl", "node", "openid-client", "python", "authlib", "go", "java", "csharp", "rust", "nonsense"];
    let programs = languages.map(|language| format!("/own/code?lang={language}"));
    let pages = ["/own", "/own/token", "/own/secrets"].map(str::to_owned);
    for path in pages.iter().chain(&programs) {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.text.contains("<img") && !page.text.contains("read<b>"), "{path}: {}", page.text);
        assert!(!page.text.contains("hostile-client-secret"), "{path}");
    }
    assert!(browser.get("/own").await.text.contains("&#60;img src=x onerror=alert(1)&#62;"));
    let go = browser.get("/own/code?lang=go").await.text;
    assert!(go.contains(r"&#34;a&#39;b\&#34;c\\d$e`f&#34;"), "quoted for Go, then for HTML: {go}");
    let curl = browser.get("/own/code").await.text;
    assert!(curl.contains(r"CLIENT_ID=&#39;a&#39;\&#39;&#39;b&#34;c\d$e`f&#39;"), "{curl}");
    assert!(curl.contains("&#34;client_secret=$CLIENT_SECRET&#34;"), "the secret stays outside: {curl}");
    let asked = browser.post("/own/token", &[("more", HOSTILE)]).await;
    assert!(asked.text.contains("invalid_scope") && !asked.text.contains("<img"), "{}", asked.text);
}

#[tokio::test]
async fn a_quota_is_told_with_what_is_left() {
    let dev = Dev::seeded(&hostile(), &[]);
    let browser = hostile_client(&dev).await;
    assert!(browser.get("/own").await.text.contains("100 of 100"));
    let asked = browser.post("/own/token", &[]).await;
    assert!(asked.text.contains("99 of 100 left in this hour"), "{}", asked.text);
    assert!(browser.get("/own").await.text.contains("99 of 100"));
}

#[tokio::test]
async fn a_secret_is_replaced_by_its_holder() {
    let dev = Dev::start(&[]);
    let (partner, old) = (Browser::partner(&dev).await, dev.partner(0));
    let page = partner.get("/own/secrets").await;
    assert!(page.text.contains(&old.client_secret[..12]), "{}", page.text);
    assert!(page.text.contains("You signed in with this one") && !page.text.contains(&old.client_secret));

    let fields = [("label", "autumn <b>"), ("overlap", "3600")];
    let replaced = partner.post("/own/secrets", &fields).await;
    assert_eq!(replaced.status, 200, "a page, not a redirect: {}", replaced.text);
    assert_eq!(replaced.header("cache-control"), "no-store");
    let secret = copied(&replaced.text, "secret");
    assert!(
        replaced.text.contains("Shown once") && replaced.text.contains("The old one works on until"),
        "{}",
        replaced.text
    );
    for works in [&secret, &old.client_secret] {
        assert_eq!(dev.token(&[("client_secret", Some(works))]).await.status, 200);
    }
    let made = audit_events(&dev)
        .await
        .into_iter()
        .find(|event| event["action"] == "create" && event["object_kind"] == "client_secret");
    assert_eq!(made.expect("an event")["actor"], old.client_id.as_str());

    let after = partner.get("/own/secrets").await;
    assert!(!after.text.contains(&secret) && after.text.contains("autumn &#60;b&#62;"), "{}", after.text);
    assert!(after.text.contains("Ends soon"), "the old one: {}", after.text);
    let at_once = partner.post("/own/secrets", &[("overlap", "0")]).await;
    assert_eq!(at_once.status, 200, "{}", at_once.text);
    assert_eq!(dev.token(&[("client_secret", Some(&secret))]).await.status, 401, "what was replaced is the session's");
    assert_eq!(partner.get("/own").await.status, 200, "and the session goes on with the newest");
    assert!(!dev.log().contains(&secret), "in the log");
}

#[tokio::test]
async fn what_is_wrong_with_a_new_secret_stands_beside_its_field() {
    let dev = Dev::start(&[]);
    let partner = Browser::partner(&dev).await;
    for (label, overlap, field) in
        [("winter", "", "overlap"), ("winter", "-1", "overlap"), ("winter", "999999999", "overlap")]
    {
        let refused = partner.post("/own/secrets", &[("label", label), ("overlap", overlap)]).await;
        assert_eq!(refused.status, 400, "{overlap}");
        assert!(refused.text.contains(&format!("id=\"f-{field}-error\"")), "{overlap}: {}", refused.text);
        assert!(refused.text.contains("value=\"winter\""), "what was typed stays: {}", refused.text);
    }
    let long = "x".repeat(2_000);
    let refused = partner.post("/own/secrets", &[("label", &long), ("overlap", "0")]).await;
    assert!(refused.status == 400 && refused.text.contains("id=\"f-label-error\""), "{}", refused.text);
    for _ in 0..9 {
        assert_eq!(partner.post("/own/secrets", &[("overlap", "3600")]).await.status, 200);
    }
    let full = partner.post("/own/secrets", &[("overlap", "3600")]).await;
    assert!(full.status == 409 && full.text.contains("10 secrets that work"), "{}", full.text);
    assert!(!full.text.contains("id=\"secret\""));
}

#[tokio::test]
async fn a_client_with_a_key_sees_its_keys() {
    let key = PartnerKey::new("RS256");
    let dev = Dev::seeded(&document(&[key_client("keyed", &[key.jwk()])]), &[]);
    let mut browser = Browser::at(&dev.text("issuer"));
    let assertion = key.assertion("keyed", &dev.text("issuer"), &json!({}));
    let entered = browser.post("/sign-in", &[("assertion", &assertion)]).await;
    browser.keep_cookie(&entered);
    let page = browser.get("/own/secrets").await;
    let kid = key.jwk()["kid"].as_str().expect("a kid").to_owned();
    assert!(page.text.contains(&kid) && page.text.contains("RS256"), "{}", page.text);
    let replaced = browser.post("/own/secrets", &[("overlap", "0")]).await;
    assert_eq!(replaced.status, 400, "there is no secret to be replaced");
    assert!(!replaced.text.contains("id=\"secret\""), "{}", replaced.text);
    let code = browser.get("/own/code").await.text;
    assert!(code.contains("private.pem") && !code.contains("CLIENT_SECRET"), "{code}");
}

#[tokio::test]
async fn a_new_secret_is_given_to_who_has_proved_of_late_who_it_is() {
    let dev = Dev::start(&["--control"]);
    let (partner, control, old) = (Browser::partner(&dev).await, Control::of(&dev.ready), dev.partner(0));
    control.post("clock/advance", &json!({ "seconds": 360 })).await;
    let fields = [("label", "kept <b>"), ("overlap", "0")];
    let question = partner.post("/own/secrets", &fields).await;
    assert_eq!(question.status, 403);
    assert!(question.text.contains("Prove who you are once more"), "{}", question.text);
    assert!(question.text.contains("value=\"kept &#60;b&#62;\""), "nothing is lost: {}", question.text);
    let wrong = partner.post("/own/secrets", &[&fields[..], &[("again_secret", "wrong")]].concat()).await;
    assert_eq!(wrong.status, 403);
    assert_eq!(dev.token(&[]).await.status, 200, "nothing was done");
    let proved = partner.post("/own/secrets", &[&fields[..], &[("again_secret", &old.client_secret)]].concat()).await;
    assert_eq!(proved.status, 200, "{}", proved.text);
    assert_eq!(dev.token(&[]).await.status, 401);
    assert_eq!(dev.token(&[("client_secret", Some(&copied(&proved.text, "secret")))]).await.status, 200);
}

#[tokio::test]
async fn a_secret_that_ends_soon_is_warned_of() {
    let dev = Dev::start(&[]);
    let management = crate::management::Management::of(&dev).await;
    let path = format!("/clients/{}/secrets", dev.partner(0).client_id);
    let listed = management.get(&path).await.json();
    let id = listed[0]["id"].as_str().expect("an id").to_owned();
    let warned = async |days: i64| {
        let ends = jiff::Timestamp::from_second(unix_seconds() + days * 86_400 + 3_600).expect("a moment");
        let changed = management.patch(&format!("{path}/{id}"), &json!({ "expires_at": ends.to_string() })).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        Browser::partner(&dev).await.get("/own/secrets").await.text
    };
    let far = warned(15).await;
    assert!(!far.contains("Ends soon") && far.contains("in 15 days"), "{far}");
    let near = warned(13).await;
    assert!(near.contains("The last of your secrets stops working in 13 days"), "{near}");
}
