//! A thousand edits at once: none is lost, none is made twice, and the audit trail has them all.

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use serde_json::{Value, json};

use super::support::answer::{Answer, client};
use super::support::serve::Serve;

const AT_ONCE: usize = 50;

/// A server with one client to edit, and a way to the Management API.
struct Setting {
    serve: Serve,
    token: String,
    edited: String,
}

impl Setting {
    async fn new() -> Self {
        let limits = ["--set", "limits.management_per_second=10000", "--set", "limits.management_burst=100000"];
        let serve = Serve::start(&limits).await;
        let created = serve.cli(&["client", "create", "--id", "manager", "--management", "--output", "json"]).success();
        let secret = created.json()["client_secret"].as_str().expect("a secret").to_owned();
        let audience = serve.url("/api/v2/");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "manager"),
            ("client_secret", &secret),
            ("audience", &audience),
        ];
        let mut answer = Answer::to(client().post(serve.url("/oauth/token")).form(&form)).await;
        for _ in 0..20 {
            if answer.status == 200 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            answer = Answer::to(client().post(serve.url("/oauth/token")).form(&form)).await;
        }
        let mut setting = Self { serve, token: answer.access_token(), edited: String::new() };
        let body = json!({ "name": "edited", "client_metadata": { "count": "0" } });
        let created = setting.call("POST", "/api/v2/clients", Some(&body), None).await;
        setting.edited = format!("/api/v2/clients/{}", created.json()["client_id"].as_str().expect("a client id"));
        setting
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>, if_match: Option<&str>) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = client().request(method, self.serve.url(path)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        Answer::to(request).await
    }

    /// Reads the count, and writes it one higher if nobody else has changed anything meanwhile; else again.
    async fn count_up(&self) {
        loop {
            let seen = self.call("GET", &self.edited, None, None).await;
            let count: u32 =
                seen.json()["client_metadata"]["count"].as_str().expect("a count").parse().expect("a number");
            let next = json!({ "client_metadata": { "count": (count + 1).to_string() } });
            let answer = self.call("PATCH", &self.edited, Some(&next), Some(seen.header("etag"))).await;
            match answer.status {
                200 => return,
                412 => {}
                _ => panic!("{answer:?}"),
            }
        }
    }
}

#[actix_web::test]
async fn a_thousand_edits_at_once_lose_nothing() {
    let setting = Setting::new().await;
    // Auth0 merges metadata: each edit names its own member only.
    let merging = iter(0..900_u32).for_each_concurrent(AT_ONCE, |number| {
        let setting = &setting;
        async move {
            let body = json!({ "client_metadata": { format!("m{number}"): "x" } });
            let answer = setting.call("PATCH", &setting.edited, Some(&body), None).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            // The answer to an edit is served already: whoever reads after it sees it.
            assert_eq!(answer.json()["client_metadata"][format!("m{number}")], "x");
        }
    });
    merging.await;
    // Counting reads first: only the entity tag keeps one from overwriting another.
    iter(0..100_u32).for_each_concurrent(5, |_| setting.count_up()).await;

    let edited = setting.call("GET", &setting.edited, None, None).await.json();
    let metadata = edited["client_metadata"].as_object().expect("metadata");
    assert_eq!(metadata.len(), 901);
    assert_eq!(metadata["count"], "100");
    let filter = format!(
        "/api/v2/audit-events?include_totals=true&per_page=1&action=update&object_id={}",
        &setting.edited[16..]
    );
    let events = setting.call("GET", &filter, None, None).await.json();
    assert_eq!(events["total"], 1000);
    assert_eq!(setting.serve.cli(&["audit", "verify", "--output", "json"]).success().json()["intact"], true);
}
