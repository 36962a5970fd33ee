//! The Management API, as its callers meet it: one file per endpoint, and one on who may call at all.

mod access;
mod client_grants;
mod clients;
mod resource_servers;
mod signing_keys;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::answer::{Answer, client};
use crate::support::dev::Partner;
use crate::support::{Dev, Serve};

/// The Management API of a server, called with one token.
pub struct Management {
    pub base: String,
    pub token: String,
}

impl Management {
    /// That of `dev`, called by its management client.
    pub async fn of(dev: &Dev) -> Self {
        Self::called_by(dev, &dev.management()).await
    }

    /// That of `dev`, called by `partner`.
    pub async fn called_by(dev: &Dev, partner: &Partner) -> Self {
        Self { base: dev.issuer("/api/v2"), token: dev.token_of(partner).await }
    }

    /// That of `serve`, called by a client made for it.
    pub async fn of_server(serve: &Serve) -> Self {
        let created = serve.cli(&["client", "create", "--id", "manager", "--management", "--output", "json"]).success();
        let created = created.json();
        let secret = created["client_secret"].as_str().unwrap();
        let issued = serve.token_within_a_second("manager", secret, |answer| answer.status == 200).await;
        Self { base: serve.url("/api/v2"), token: issued.access_token() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("POST", path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("PATCH", path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path)).await
    }

    /// A request without a body.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        client().request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// The answer, which has what every answer has.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        complete(Answer::to(request).await)
    }

    /// Creates an API with these scopes.
    pub async fn api(&self, identifier: &str, scopes: &[&str]) -> Value {
        let scopes: Vec<_> = scopes.iter().map(|value| json!({ "value": value })).collect();
        self.post("/resource-servers", &json!({ "identifier": identifier, "scopes": scopes })).await.created()
    }

    /// Creates a client, which may get tokens for `audience` once it has a grant.
    pub async fn partner(&self, name: &str, audience: &str) -> Partner {
        let created = self.post("/clients", &json!({ "name": name })).await.created();
        let text = |member: &str| created[member].as_str().expect("a text").to_owned();
        Partner { client_id: text("client_id"), client_secret: text("client_secret"), audience: audience.to_owned() }
    }

    /// Creates a client with these rights on the Management API.
    pub async fn manager(&self, dev: &Dev, name: &str, scope: &[&str]) -> Partner {
        let partner = self.partner(name, &dev.management().audience).await;
        self.grant(&partner, scope).await;
        partner
    }

    /// Grants `scope` of its audience to `partner`; returns the id of the grant.
    pub async fn grant(&self, partner: &Partner, scope: &[&str]) -> String {
        let body = json!({ "client_id": partner.client_id, "audience": partner.audience, "scope": scope });
        self.post("/client-grants", &body).await.created()["id"].as_str().expect("an id").to_owned()
    }
}

impl Answer {
    /// The body of a 200.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    /// The body of a 201.
    pub fn created(&self) -> Value {
        assert_eq!(self.status, 201, "{self:?}");
        self.json()
    }

    /// The message of an error in Auth0's form, with this status and `errorCode`.
    pub fn refused(&self, status: u16, code: &str) -> String {
        let body = self.json();
        assert_eq!((self.status, body["errorCode"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(body["statusCode"], status, "{self:?}");
        assert!(!body["error"].as_str().unwrap_or_default().is_empty(), "{self:?}");
        body["message"].as_str().expect("a message").to_owned()
    }
}

/// `answer`, with the headers that every answer of the Management API has.
pub fn complete(answer: Answer) -> Answer {
    for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
        assert!(answer.header(name).parse::<u64>().is_ok(), "{name} in {answer:?}");
    }
    assert!(!answer.header("x-request-id").is_empty(), "{answer:?}");
    if answer.status != 204 {
        assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
    }
    assert_eq!(answer.header("access-control-allow-origin"), "", "no CORS");
    answer
}

/// The identifier as one segment of a path.
pub fn segment(identifier: &str) -> String {
    crate::support::dev::percent_encoded(identifier)
}

/// A token request of `partner`.
pub async fn token(dev: &Dev, partner: &Partner) -> Answer {
    let changes = [
        ("client_id", Some(partner.client_id.as_str())),
        ("client_secret", Some(partner.client_secret.as_str())),
        ("audience", Some(partner.audience.as_str())),
    ];
    dev.token(&changes).await
}

/// Three shapes of one list, and the end of it: what is asked of every endpoint that lists.
///
/// `path` lists at least three objects under `name`.
pub async fn check_paging(management: &Management, path: &str, name: &str) {
    let all = management.get(path).await.ok();
    let all = all.as_array().expect("an array by default");
    assert!(all.len() >= 3, "{all:?}");
    let with = |query: &str| format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' });

    let totals = management.get(&with("page=1&per_page=2&include_totals=true")).await.ok();
    let expected = json!({ "start": 2, "limit": 2, "total": all.len(), name: all[2..all.len().min(4)] });
    assert_eq!(totals, expected);
    let past = management.get(&with("page=9&include_totals=true")).await.ok();
    assert_eq!((&past[name], &past["total"]), (&json!([]), &json!(all.len())), "past the end is empty");
    assert_eq!(management.get(&with("page=9")).await.ok(), json!([]));

    let (mut walked, mut from) = (Vec::new(), String::new());
    loop {
        // As the SDKs send it: the checkpoint goes before the totals.
        let part = management.get(&with(&format!("include_totals=true&take=2{from}"))).await.ok();
        walked.extend(part[name].as_array().expect("a list").iter().cloned());
        let Some(next) = part["next"].as_str() else { break };
        from = format!("&from={next}");
    }
    assert_eq!(&walked, all);

    let ids = management.get(&with("fields=name,id,client_id&per_page=1")).await.ok();
    let shown: Vec<_> = ids[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(!shown.is_empty() && shown.iter().all(|name| ["name", "id", "client_id"].contains(name)), "{ids}");
    let without = management.get(&with("fields=client_id&include_fields=false&per_page=1")).await.ok();
    assert!(without[0].get("client_id").is_none() && without[0].as_object().unwrap().len() > 3, "{without}");

    for wrong in ["per_page=0", "per_page=101", "page=-1", "page=x", "take=0", "include_totals=1", "from=nonsense"] {
        management.get(&with(wrong)).await.refused(400, "invalid_query_string");
    }
    management.get(&with("per_page=1&per_page=2")).await.refused(400, "invalid_query_string");
    assert_eq!(management.get(&with("unknown=1&per_page=")).await.status, 200, "unknown and empty ones are ignored");
}

/// The errors that every endpoint with a body shares.
pub async fn check_bodies(management: &Management, path: &str) {
    let post = || management.request("POST", path);
    management.send(post()).await.refused(415, "unsupported_media_type");
    management.send(post().form(&[("name", "x")])).await.refused(415, "unsupported_media_type");
    let json = |body: &'static str| post().header("content-type", "application/json; charset=utf-8").body(body);
    for wrong in ["", "{", "[]", "null", "\"text\"", "{} {}", "{\"name\":1}", "{\"name\":\"a\",\"name\":\"b\"}"] {
        let message = management.send(json(wrong)).await.refused(400, "invalid_body");
        assert!(!message.contains("struct "), "{wrong}: {message}");
    }
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(300 * 1024));
    let sent = post().header("content-type", "application/json").body(long);
    management.send(sent).await.refused(413, "payload_too_large");
}

/// The methods that `path` takes; every other is refused by naming them.
pub async fn check_methods(management: &Management, path: &str, allowed: &[&str]) {
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] {
        if allowed.contains(&method) {
            continue;
        }
        let answer = management.send(management.request(method, path)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, allowed.join(", ").as_str()), "{method} {path}");
        if method != "HEAD" {
            answer.refused(405, "method_not_allowed");
        }
    }
}
