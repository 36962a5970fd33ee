//! Does a client get the token on its page that the token endpoint would give it, and is one that it has judged as its API would?

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::Dev;
use crate::support::answer::{Answer, client};
use crate::support::console::{Browser, audit_events, copied};
use crate::support::control::Control;

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[tokio::test]
async fn a_token_is_that_of_the_token_endpoint() {
    let dev = Dev::start(&[]);
    let partner = Browser::partner(&dev).await;
    let page = partner.get("/own/token").await;
    assert!(page.text.contains("value=\"list:users\"") && !page.text.contains("delete:users"), "{}", page.text);

    let asked = partner.post("/own/token", &[("scope", "list:users")]).await;
    assert_eq!(asked.status, 200);
    assert_eq!(asked.header("cache-control"), "no-store");
    assert!(asked.text.contains("The API would accept it.") && asked.text.contains("Lives for"), "{}", asked.text);
    assert!(asked.text.contains("in 59 minutes") || asked.text.contains("in 1 hour"), "{}", asked.text);
    let mut tried = claims(&copied(&asked.text, "issued-token"));
    let issued = dev.token(&[("scope", Some("list:users"))]).await.json();
    let mut usual = claims(issued["access_token"].as_str().expect("a token"));
    for token in [&mut tried, &mut usual] {
        for differs in ["iat", "exp", "jti"] {
            token.as_object_mut().expect("claims").remove(differs).expect(differs);
        }
    }
    assert_eq!(tried, usual);

    let everything = partner.post("/own/token", &[]).await;
    let whole = claims(&copied(&everything.text, "issued-token"));
    assert_eq!(whole["scope"], "list:users create:users", "without a scope all that was granted");
    let call = client().get(dev.api("/users")).bearer_auth(copied(&everything.text, "issued-token"));
    let answer = Answer::to(call).await;
    assert_eq!(answer.status, 200, "the API does accept it");
}

#[tokio::test]
async fn trying_counts_and_is_logged_like_a_request_and_is_not_audited() {
    let dev = Dev::start(&[]);
    let partner = Browser::partner(&dev).await;
    let before = audit_events(&dev).await.len();
    let token = copied(&partner.post("/own/token", &[]).await.text, "issued-token");
    partner.post("/own/token", &[("more", "delete:users")]).await;
    assert_eq!(audit_events(&dev).await.len(), before);
    let page = partner.get("/own").await;
    assert!(page.text.contains("you got one token, and one request in your name was refused"), "{}", page.text);
    let log = dev.log();
    let line = |outcome: &str| {
        let lines = log.lines().filter(|line| line.contains("token request") && line.contains("console_session"));
        lines.filter(|line| line.contains(outcome)).count()
    };
    assert_eq!((line("issued"), line("scope_not_granted")), (1, 1), "{log}");
    assert!(!log.contains(&token));
}

#[tokio::test]
async fn a_refusal_is_that_of_the_token_endpoint_and_is_explained() {
    let dev = Dev::start(&[]);
    let partner = Browser::partner(&dev).await;
    for scope in ["delete:users", "not\"a scope"] {
        let page = partner.post("/own/token", &[("scope", "list:users"), ("more", scope)]).await;
        let refused = dev.token(&[("scope", Some(&format!("list:users {scope}")))]).await;
        let told = refused.json();
        assert_eq!(page.status, 200);
        for seen in [
            format!("<dd>{}</dd>", refused.status),
            format!("<code>{}</code>", told["error"].as_str().expect("an error")),
            told["error_description"].as_str().expect("a description").to_owned(),
        ] {
            assert!(page.text.contains(&seen), "{seen}: {}", page.text);
        }
        assert!(page.text.contains("Leave that scope out") || page.text.contains("Name scopes as"), "{}", page.text);
        assert!(!page.text.contains("id=\"issued-token\""));
        assert!(page.text.contains("value=\"list:users\" checked"), "what was chosen stays: {}", page.text);
    }
}

#[tokio::test]
async fn a_pasted_token_is_judged_as_the_api_would() {
    let dev = Dev::start(&[]);
    let partner = Browser::partner(&dev).await;
    let issued = dev.token(&[]).await.json();
    let token = issued["access_token"].as_str().expect("a token").to_owned();
    let check = async |pasted: &str| partner.post("/own/check", &[("pasted_token", pasted)]).await;

    let good = check(&format!("Bearer {token}\n")).await;
    assert_eq!(good.status, 200);
    assert!(good.text.contains("The API would accept it.") && good.text.contains("jti"), "{}", good.text);
    assert!(!good.text.contains(&token), "it is not written back");

    let parts: Vec<&str> = token.split('.').collect();
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let mut other = claims(&token);
    other["aud"] = json!("https://elsewhere.example/");
    let changed = format!("{}.{}.{}", parts[0], part(&other), parts[2]);
    let unknown = part(&json!({ "alg": "RS256", "typ": "at+jwt", "kid": "<img src=x onerror=alert(1)>" }));
    let foreign = dev.token_of(&dev.management()).await;
    for (pasted, meaning) in [
        (changed.as_str(), "something was changed or lost"),
        (&token[..token.len() - 42], "Its signature does not fit"),
        (&format!("{unknown}.{}.{}", parts[1], parts[2]), "a key that this server does not publish"),
        (&format!("{}.{}", parts[0], parts[1]), "not a whole JWT"),
        (&"x".repeat(20_000), "No access token of this server is that long"),
        (&foreign, "It is for another API"),
    ] {
        let judged = check(pasted).await;
        assert_eq!(judged.status, 200);
        assert!(
            judged.text.contains("The API would refuse it.") && judged.text.contains(meaning),
            "{meaning}: {}",
            judged.text
        );
        assert!(judged.text.contains("401 invalid_token"), "{}", judged.text);
        assert!(!judged.text.contains("<img"), "{}", judged.text);
    }
    let others = dev.token_of(&dev.partner(1)).await;
    let judged = check(&others).await;
    assert!(judged.text.contains("But it is not yours") && judged.text.contains("partner-b"), "{}", judged.text);
    for (pasted, said) in [("", "Paste a token"), (dev.partner(0).client_secret.as_str(), "This is a client secret")] {
        let wrong = check(pasted).await;
        assert_eq!(wrong.status, 400);
        assert!(wrong.text.contains("id=\"f-pasted_token-error\"") && wrong.text.contains(said), "{}", wrong.text);
        assert!(pasted.is_empty() || !wrong.text.contains(pasted));
    }
    let log = dev.log();
    assert!(!log.contains(&token) && !log.contains(&others), "in the log");
}

#[tokio::test]
async fn a_client_that_is_disabled_gets_no_token_here_either() {
    let dev = Dev::start(&[]);
    let partner = Browser::partner(&dev).await;
    let management = crate::management::Management::of(&dev).await;
    let path = format!("/clients/{}", dev.partner(0).client_id);
    assert_eq!(management.patch(&path, &json!({ "enabled": false })).await.status, 200);
    assert_eq!(partner.post("/own/token", &[]).await.status, 401);
}

#[tokio::test]
async fn a_token_whose_time_is_over_is_told_from_one_that_is_good() {
    let dev = Dev::start(&["--control"]);
    let issued = dev.token(&[]).await.json();
    Control::of(&dev.ready).post("clock/advance", &json!({ "seconds": 3_700 })).await;
    let partner = Browser::partner(&dev).await;
    let judged = partner.post("/own/check", &[("pasted_token", issued["access_token"].as_str().expect("one"))]).await;
    assert!(judged.text.contains("Its time is over") && judged.text.contains("2 minutes ago"), "{}", judged.text);
}
