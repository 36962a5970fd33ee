//! The control API of a running `tokenhouse dev`, or of one of its named issuers.

use serde_json::{Value, json};

use super::answer::{Answer, client};
use super::dev::Dev;

/// A control API: where it is, and what opens it.
#[derive(Clone, Debug)]
pub struct Control {
    pub url: String,
    pub key: String,
    /// The ready object of the issuer.
    pub ready: Value,
}

impl Control {
    /// That of the issuer with this ready object.
    pub fn of(ready: &Value) -> Self {
        let text = |member: &str| {
            ready["control"][member].as_str().unwrap_or_else(|| panic!("no control: {ready}")).to_owned()
        };
        Self { url: text("url"), key: text("key"), ready: ready.clone() }
    }

    /// Any call.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = client().request(method, format!("{}{path}", self.url)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::to(request).await
    }

    /// A GET that must succeed.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, None).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// A POST that must succeed.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.call("POST", path, Some(body)).await;
        assert!(matches!(answer.status, 200 | 201), "{path} {body}: {answer:?}");
        answer.json()
    }

    /// A PUT that must succeed.
    pub async fn put(&self, path: &str, body: &Value) -> Value {
        let answer = self.call("PUT", path, Some(body)).await;
        assert_eq!(answer.status, 200, "{path} {body}: {answer:?}");
        answer.json()
    }

    /// A DELETE that must succeed.
    pub async fn delete(&self, path: &str) {
        let answer = self.call("DELETE", path, None).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// A minted token.
    pub async fn mint(&self, wanted: Value) -> String {
        self.post("tokens", &wanted).await["access_token"].as_str().expect("a token").to_owned()
    }

    /// A further issuer.
    pub async fn issuer(&self, name: &str) -> Self {
        Self::of(&self.post("issuers", &json!({ "name": name })).await)
    }

    /// A URL under the issuer.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.ready["issuer"].as_str().expect("an issuer"))
    }

    /// A URL under the bundled resource API.
    pub fn api(&self, path: &str) -> String {
        format!("{}{path}", self.ready["resource_api"].as_str().expect("a resource API"))
    }

    /// A token request of the first client of the ready object.
    pub async fn token(&self) -> Answer {
        let first = &self.ready["clients"][0];
        let text = |member: &str| first[member].as_str().unwrap_or_default().to_owned();
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", text("client_id")),
            ("client_secret", text("client_secret")),
            ("audience", text("audience")),
        ];
        Answer::to(client().post(self.ready["token_endpoint"].as_str().expect("an endpoint")).form(&form)).await
    }

    /// A request to the bundled resource API.
    pub async fn whoami(&self, token: &str) -> Answer {
        Answer::to(client().get(self.api("whoami")).bearer_auth(token)).await
    }

    /// The JWK Set.
    pub async fn jwks(&self) -> Value {
        Answer::to(client().get(self.ready["jwks_uri"].as_str().expect("a URI"))).await.json()
    }

    /// The kids of the JWK Set.
    pub async fn kids(&self) -> Vec<String> {
        let jwks = self.jwks().await;
        let keys = jwks["keys"].as_array().cloned().unwrap_or_default();
        keys.iter().map(|key| key["kid"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// `dev` with its control API.
pub fn start(arguments: &[&str]) -> (Dev, Control) {
    let dev = Dev::start(&[&["--control"], arguments].concat());
    let control = Control::of(&dev.ready);
    (dev, control)
}
