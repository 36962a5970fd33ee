//! What does a one-time link do, and for whom?

use crate::support::console::{Browser, copied};
use crate::support::{Dev, Serve};

fn link_of(printed: &serde_json::Value) -> (String, String) {
    let link = printed["url"].as_str().expect("a link").to_owned();
    let token = link.rsplit_once("link=").expect("a token").1.to_owned();
    (link, token)
}

#[tokio::test]
async fn a_partner_picks_up_its_secret_once() {
    let serve = Serve::start(&[]).await;
    serve.cli(&["client", "create", "--id", "partner", "--no-secret"]).success();
    let (link, token) = link_of(&serve.cli(&["client", "claim-link", "partner", "--output", "json"]).success().json());
    let mut browser = Browser::at(&serve.url("/"));
    assert!(link.starts_with(&browser.base), "{link}");

    for _ in 0..3 {
        let seen = browser.get(&format!("/claim?link={token}")).await;
        assert_eq!(seen.status, 200);
        assert!(seen.text.contains("partner") && seen.text.contains("Show me the secret"), "{}", seen.text);
        assert!(!seen.text.contains("id=\"secret\""));
    }
    let claimed = browser.post("/claim", &[("link", &token)]).await;
    assert_eq!(claimed.status, 200, "a page, not a redirect: {}", claimed.text);
    assert_eq!(claimed.header("cache-control"), "no-store");
    let secret = copied(&claimed.text, "secret");
    let request = copied(&claimed.text, "first-request");
    assert!(request.contains("client_id=partner") && request.contains("$CLIENT_SECRET"), "{request}");
    assert!(!request.contains(&secret), "{request}");
    let issued = serve.token_within_a_second("partner", &secret, |answer| answer.error().1 != "invalid_client").await;
    assert_eq!(issued.error().1, "invalid_target", "the secret works; it has no grant yet");

    browser.keep_cookie(&claimed);
    assert_eq!(browser.get("/own").await.status, 200, "and it is signed in");
    for used in [browser.get(&format!("/claim?link={token}")).await, browser.post("/claim", &[("link", &token)]).await]
    {
        assert_eq!(used.status, 410);
        assert!(!used.text.contains(&secret));
    }
    let database = std::fs::read(serve.path().join("tokenhouse.db")).expect("the database");
    assert!(!database.windows(token.len()).any(|window| window == token.as_bytes()), "kept in clear");
    assert!(!serve.log().contains(&token), "in the log");
}

#[tokio::test]
async fn the_host_lets_an_operator_in() {
    let serve = Serve::start(&[]).await;
    serve.cli(&["client", "create", "--id", "manager", "--management"]).success();
    let (_, token) = link_of(&serve.cli(&["console", "login", "--output", "json"]).success().json());
    let mut browser = Browser::at(&serve.url("/"));
    assert_eq!(browser.get(&format!("/enter?link={token}")).await.status, 200);
    assert_eq!(browser.post("/claim", &[("link", &token)]).await.status, 410, "it gives no secret");
    let entered = browser.post("/enter", &[("link", &token)]).await;
    assert_eq!(entered.status, 200, "{}", entered.text);
    browser.keep_cookie(&entered);
    let start = browser.get("/").await;
    assert_eq!((start.status, start.header("location")), (303, "/console/overview"));
    assert_eq!(browser.post("/enter", &[("link", &token)]).await.status, 410);

    let (_, token) = link_of(&serve.cli(&["console", "login", "--output", "json"]).success().json());
    assert_eq!(browser.post("/enter", &[("link", &token)]).await.status, 200);
    assert_eq!(
        browser.get("/overview").await.status,
        401,
        "the session that another one follows in its browser is over"
    );
}

#[tokio::test]
async fn what_is_no_link_opens_nothing() {
    let dev = Dev::start(&[]);
    let browser = Browser::at(&dev.text("issuer"));
    for nothing in ["", "x", &"a".repeat(43), "%00", "..%2F..%2F"] {
        for page in ["enter", "claim"] {
            assert_eq!(browser.get(&format!("/{page}?link={nothing}")).await.status, 410, "{nothing}");
            assert_eq!(browser.post(&format!("/{page}"), &[("link", nothing)]).await.status, 410, "{nothing}");
        }
    }
}

#[tokio::test]
async fn links_that_nobody_used_can_be_taken_back() {
    let dev = Dev::start(&[]);
    let operator = Browser::operator(&dev).await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let made = operator.post("/clients/partner-a/claim-link", &[("minutes", "60")]).await;
        assert_eq!(made.status, 200, "{}", made.text);
        let at = made.text.find("claim?link=").expect("a link") + "claim?link=".len();
        tokens.push(made.text[at..at + 43].to_owned());
    }
    let asked = operator.get("/clients/partner-a/claim-link").await;
    assert!(asked.text.contains("2 links"), "{}", asked.text);
    let partner = Browser::partner(&dev).await;
    assert_eq!(partner.post("/clients/partner-a/claim-link/withdraw", &[]).await.status, 403);
    assert_eq!(operator.get(&format!("/claim?link={}", tokens[0])).await.status, 200);
    let withdrawn = operator.post("/clients/partner-a/claim-link/withdraw", &[]).await;
    assert_eq!(withdrawn.header("location"), "/console/clients/partner-a?done=links-withdrawn");
    for token in &tokens {
        assert_eq!(operator.post("/claim", &[("link", token)]).await.status, 410);
    }
    assert!(!operator.get("/clients/partner-a/claim-link").await.text.contains("2 links"));
    let events = crate::support::console::audit_events(&dev).await;
    assert_eq!(events[0]["action"], "delete", "{}", events[0]);
}
