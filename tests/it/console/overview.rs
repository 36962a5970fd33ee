//! Does the start page say how it is, whatever has happened, and tell nobody more than it may read?

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use rstest::rstest;
use serde_json::json;

use super::document::apply;
use super::{escaped, operator_of};
use crate::management::{Management, token};
use crate::support::answer::Answer;
use crate::support::assertion::unix_seconds;
use crate::support::console::Browser;
use crate::support::{Dev, Serve};

/// What the page says of the refusals with this cause: in the last hour, and since the start.
fn refusals<'p>(page: &'p str, cause: &str) -> Option<[&'p str; 2]> {
    let mut rows = page.split("data-label=\"Cause\">").skip(1).filter_map(|row| row.split("</tr>").next());
    let row = rows.find(|row| row.contains(&format!("<code class=\"under\">{cause}</code>")))?;
    let figure = |label: &str| row.split(&format!("data-label=\"{label}\">")).nth(1)?.split('<').next();
    Some([figure("Last hour")?, figure("Since start")?])
}

/// Opens the part of the page that changes until it says `wanted`.
async fn wait_for(browser: &Browser, wanted: &str) -> Answer {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let now = browser.get("/overview/now").await;
        if now.text.contains(wanted) {
            return now;
        }
        assert!(Instant::now() < deadline, "{wanted}: {}", now.text);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Does something to the database of `serve` behind its back.
fn meddle(serve: &Serve, statement: &str) {
    let path = serve.path().join("tokenhouse.db");
    let mut database = SqliteConnection::establish(path.to_str().expect("UTF-8")).expect("the database");
    database.batch_execute(&format!("PRAGMA busy_timeout = 5000; {statement}")).expect(statement);
}

/// The Management API of `serve`, called by the client of [`operator_of`].
async fn management_of(serve: &Serve, secret: &str) -> Management {
    Management { base: serve.url("/api/v2"), token: serve.token("manager", secret).await.access_token() }
}

#[tokio::test]
async fn all_is_well_where_nothing_is_to_be_done() {
    let dev = Dev::start(&[]);
    let browser = Browser::operator(&dev).await;
    let page = browser.get("/overview").await;
    assert_eq!(page.status, 200);
    for told in ["All is well", "the database answers", "No request was refused", "Keys that sign", "RS256"] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    assert!(!page.text.contains("Needs a look") && !page.text.contains("Three steps"), "{}", page.text);
    assert!(page.text.contains("hx-get=\"/console/overview/now\""), "{}", page.text);
    let now = browser.get("/overview/now").await;
    assert_eq!(now.status, 200);
    assert!(now.text.contains("All is well") && !now.text.contains("<html"), "a part: {}", now.text);
    let still = browser.get("/overview?refresh=off").await;
    assert!(still.text.contains("All is well") && !still.text.contains("hx-get=\"/console/overview/now\""));
}

#[tokio::test]
async fn refusals_are_told_by_cause_with_what_to_do() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let limited = json!({ "token_quota": { "client_credentials": { "per_hour": 1 } } });
    management.patch("/clients/partner-b", &limited).await.ok();
    let partner = dev.partner(1);
    assert_eq!([200, 429], [token(&dev, &partner).await.status, token(&dev, &partner).await.status]);
    for (name, value) in [("client_secret", "wrong"), ("audience", "urn:x"), ("audience", "urn:y"), ("scope", "fly")] {
        assert!(dev.token(&[(name, Some(value))]).await.status >= 400, "{name}");
    }
    dev.token(&[("client_id", Some("nobody"))]).await;

    let browser = Browser::operator(&dev).await;
    let page = browser.get("/overview").await.text;
    for (cause, count) in [("quota", "1"), ("invalid_client", "2"), ("unknown_api", "2"), ("scope_not_granted", "1")] {
        assert_eq!(refusals(&page, cause), Some([count; 2]), "{cause}: {page}");
    }
    assert!(page.contains("raise the client&#39;s quota"), "what to do: {page}");
    assert_eq!(refusals(&page, "no_grant"), None, "it has not occurred: {page}");
    // One token for managing, and the one of the quota.
    assert!(page.contains("75.0 %") && page.contains("6 of 8 requests"), "{page}");
    assert!(page.contains("1 further request was refused that named no client"), "{page}");
    for client in ["partner-a", "partner-b"] {
        assert!(page.contains(&format!("href=\"/console/clients/{client}\"")), "the busiest: {page}");
    }
    assert!(page.contains("All is well"), "a caller's mistakes are not the server's: {page}");
}

#[rstest]
#[case::from_memory("3600", "Needs a look", "Tokens are issued from memory", 200)]
#[case::without_any_allowance("0", "Not issuing", "longer ago than store.max_staleness_seconds allows", 503)]
#[tokio::test]
async fn an_outage_is_told_on_a_page_that_stays(
    #[case] allowance: &str,
    #[case] verdict: &str,
    #[case] told: &str,
    #[case] status: u16,
) {
    let serve = Serve::start(&["--set", &format!("store.max_staleness_seconds={allowance}")]).await;
    let secret = serve.set_up();
    let (browser, _) = operator_of(&serve).await;
    serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await;
    wait_for(&browser, "All is well").await;
    meddle(&serve, "ALTER TABLE meta RENAME TO away");
    let now = wait_for(&browser, told).await;
    assert!(now.text.contains(verdict) && !now.text.contains("All is well"), "{}", now.text);
    let page = browser.get("/overview").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.text.matches("Not to be had while the database does not answer").count(), 3, "{}", page.text);
    for known in [told, "Revision served", "Keys that sign", "Why requests were refused"] {
        assert!(page.text.contains(known), "{known}: {}", page.text);
    }
    assert_eq!(serve.token("c", &secret).await.status, status);
    meddle(&serve, "ALTER TABLE away RENAME TO meta");
    wait_for(&browser, "the database answers").await;
}

#[tokio::test]
async fn each_server_is_told_with_what_is_wrong_with_it() {
    let serve = Serve::start(&[]).await;
    let (browser, _) = operator_of(&serve).await;
    let alone = wait_for(&browser, "Issuing").await;
    assert!(!alone.text.contains("Behind"), "{}", alone.text);
    // Another one has served a later revision, before what these served was last told.
    let told = |name: &str, revision: &str, state: &str, ago: u32| {
        let at = format!("strftime('%s', 'now') * 1000 - {ago} * 1000");
        format!("INSERT INTO servers VALUES ('{name}', '{name}', '9.9', {revision}, '{state}', {at}, {at});")
    };
    let servers = [
        told("00000000-0000-0000-0000-000000000001", "99", "issuing", 5),
        told("00000000-0000-0000-0000-000000000002", "1", "issuing", 1),
        told("00000000-0000-0000-0000-000000000003", "1", "stale", 6),
        told("00000000-0000-0000-0000-000000000004", "1", "issuing", 90),
        "UPDATE servers SET name = '<img src=x onerror=alert(1)>' WHERE id LIKE '%02'".to_owned(),
    ];
    meddle(&serve, &servers.concat());
    let page = browser.get("/overview").await;
    escaped(&page);
    let rows: Vec<_> = page.text.split("data-label=\"Server\">").skip(1).collect();
    let row = |name: &str| {
        let row = rows.iter().filter_map(|row| row.split("</tr>").next()).find(|row| row.contains(name));
        row.unwrap_or_else(|| panic!("{name}: {}", page.text))
    };
    assert!(!row("0001").contains("Behind") && row("onerror").contains("Behind"), "{}", page.text);
    assert!(row("0003").contains("Not issuing: no database") && row("0004").contains("Not heard of"), "{}", page.text);
    assert!(page.text.contains("Needs a look"), "{}", page.text);
    for reason in ["0003 has not heard of changes for too long", "0004 has not been heard of since"] {
        assert!(page.text.contains(reason), "{reason}: {}", page.text);
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_opened_is_told() {
    let serve = Serve::start(&[]).await;
    let (browser, _) = operator_of(&serve).await;
    wait_for(&browser, "All is well").await;
    meddle(
        &serve,
        "UPDATE meta SET revision = revision + 1;
         UPDATE signing_keys SET sealed_private_key = 'spoilt', revision = (SELECT revision FROM meta) WHERE state = 'next'",
    );
    let now = wait_for(&browser, "A signing key cannot be opened").await;
    assert!(now.text.contains("Needs a look") && now.text.contains("href=\"/console/keys\">Go there"), "{}", now.text);
    assert!(!now.text.contains("spoilt"), "{}", now.text);
}

#[tokio::test]
async fn secrets_that_end_soon_are_shown_to_those_that_may_see_them() {
    let dev = Dev::start(&[]);
    let management = Management::of(&dev).await;
    let operator = Browser::operator(&dev).await;
    let at = |days: i64| jiff::Timestamp::from_second(unix_seconds() + days * 86_400).expect("a moment").to_string();
    // So many of a stronger client end first that no part that is read at a time holds another.
    let secret = |number: usize| format!("{{hash: {number:x>42}0=, expires_at: '{}'}}", at(2));
    let strong = (0..11).map(|client| {
        let secrets: Vec<_> = (client * 10..client * 10 + 10).map(secret).collect();
        let grants = format!("[{{audience: '{}', scope: ['delete:clients']}}]", dev.management().audience);
        format!("- {{client_id: strong-{client}, secrets: [{}], grants: {grants}}}\n", secrets.join(", "))
    });
    let document = format!("clients:\n{}", strong.collect::<String>());
    apply(&operator, &document).await;
    for (client, label, days) in [("partner-a", "ends soon", 3), ("partner-b", "ends later", 31)] {
        let body = json!({ "label": label, "expires_at": at(days) });
        management.post(&format!("/clients/{client}/secrets"), &body).await.created();
    }
    let part = |page: Answer| page.text.split("expire within 30 days</h2>").nth(1).expect("a part").to_owned();
    let seen = part(operator.get("/overview").await);
    assert!(seen.contains("strong-") && !seen.contains("ends soon"), "20 at most: {seen}");

    let small = management.manager(&dev, "Small", &["read:clients", "read:client_credentials"]).await;
    let small = Browser::signed_in(&dev.text("issuer"), &small.client_id, &small.client_secret).await;
    let seen = part(small.get("/overview").await);
    assert!(seen.contains("ends soon") && seen.contains("partner-a"), "{seen}");
    assert!(!seen.contains("strong-") && !seen.contains("ends later"), "{seen}");
}

#[tokio::test]
async fn who_holds_one_right_sees_what_that_one_shows() {
    let serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    let (_, manager) = operator_of(&serve).await;
    let management = management_of(&serve, &manager).await;
    serve.token_within_a_second("c", &secret, |answer| answer.status == 200).await;
    let parts = [
        ("read:stats", "Tokens in the last minute"),
        ("read:stats", "Why requests were refused"),
        ("read:stats", "Servers on this database"),
        ("read:clients", ">Clients</p>"),
        ("read:resource_servers", ">APIs</p>"),
    ];
    let whole = [
        ("read:stats", "Busiest clients"),
        ("read:signing_keys", "Keys that sign"),
        // It takes two.
        ("read:clients read:client_credentials", "Secrets that expire within 30 days"),
    ];
    let rights = [
        "read:stats",
        "read:clients",
        "read:client_credentials",
        "read:client_grants",
        "read:resource_servers",
        "read:signing_keys",
        "read:audit_events",
        "read:clients read:client_credentials",
    ];
    for held in rights {
        let scopes: Vec<_> = held.split(' ').collect();
        let partner = management.partner(held, &serve.url("/api/v2/")).await;
        management.grant(&partner, &scopes).await;
        let browser = Browser::signed_in(&serve.url("/"), &partner.client_id, &partner.client_secret).await;
        let (page, now) = (browser.get("/overview").await, browser.get("/overview/now").await);
        assert_eq!((page.status, now.status), (200, 200), "{held}");
        let is_shown = |needed: &str| needed.split(' ').all(|scope| scopes.contains(&scope));
        for (needed, part) in parts {
            for (what, text) in [("page", &page.text), ("part", &now.text)] {
                assert_eq!(text.contains(part), is_shown(needed), "{held}: {part} in the {what}: {text}");
            }
        }
        for (needed, part) in whole {
            assert_eq!(page.text.contains(part), is_shown(needed), "{held}: {part}: {}", page.text);
            assert!(!now.text.contains(part), "{held}: {part}: {}", now.text);
        }
        assert!(page.text.contains("All is well"), "how it is, all may know: {}", page.text);
        let opens_clients = page.text.contains("href=\"/console/clients/c\"");
        assert!(!opens_clients, "{held}: a way to what it may not open: {}", page.text);
    }
}

#[tokio::test]
async fn partners_are_led_to_their_own_page() {
    let dev = Dev::start(&[]);
    let (operator, partner) = (Browser::operator(&dev).await, Browser::partner(&dev).await);
    for (browser, first) in [(&operator, "/console/overview"), (&partner, "/console/own")] {
        let led = browser.get("/").await;
        assert_eq!((led.status, led.header("location")), (303, first));
    }
    for path in ["/overview", "/overview/now"] {
        let refused = partner.get(path).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(!refused.text.contains("All is well") && !refused.text.contains("partner-b"), "{}", refused.text);
        let nobody = Browser::at(&dev.text("issuer")).get(path).await;
        assert!(!nobody.text.contains("All is well"), "{path}: {}", nobody.text);
    }
}

#[tokio::test]
async fn the_first_steps_are_shown_until_they_are_done() {
    let serve = Serve::start(&[]).await;
    let (browser, secret) = operator_of(&serve).await;
    let page = browser.get("/overview").await.text;
    assert!(page.contains("Three steps to the first token") && !page.contains("Done</span></h3>"), "{page}");
    for path in ["/console/apis/new", "/console/clients/new"] {
        assert!(page.contains(&format!("href=\"{path}\"")), "{path}: {page}");
    }
    let management = management_of(&serve, &secret).await;
    management.api("urn:a", &[]).await;
    let page = browser.get("/overview").await.text;
    assert_eq!(page.matches("Done</span></h3>").count(), 1, "{page}");
    let reader = management.partner("reader", &serve.url("/api/v2/")).await;
    management.grant(&reader, &["read:stats"]).await;
    assert!(!browser.get("/overview").await.text.contains("Three steps"), "there is a second client");
}
