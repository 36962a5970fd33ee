//! How does a test run the API, speak to it, and get tokens that are right until it spoils them?

use std::sync::{Arc, LazyLock};

use actix_web::{App, HttpServer};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokenhouse_verifier::{AccessTokenDialect, JwkSet, StaticJwks};

use crate::clock::{ManualClock, UnixMillis};
use crate::entropy::SystemEntropy;
use crate::resource_api::{Database, ResourceApi, Settings};

pub(super) const ISSUER: &str = "https://issuer.example/";
pub(super) const AUDIENCE: &str = "https://api.example.com/";
pub(super) const PUBLIC_URL: &str = "https://partners.example/";
pub(super) const NOW: i64 = 1_800_000_000;
/// Every scope of the API.
pub(super) const ALL: &str = "list:users create:users update:users delete:users";

static KEY: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::generate().unwrap());

pub(super) fn settings() -> Settings {
    Settings {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        dialects: vec![AccessTokenDialect::Rfc9068],
        database: Database::InMemory,
        public_url: PUBLIC_URL.to_owned(),
        extra_ca_pem: None,
        jwks_uri: None,
        realm: "partners".to_owned(),
    }
}

pub(super) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(UnixMillis(NOW * 1000 + 123)))
}

pub(super) fn jwks() -> Value {
    let x = URL_SAFE_NO_PAD.encode(KEY.public_key());
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "test", "x": x}]})
}

/// The API with `settings` and the test's key, two users for each of `partner-a` and `partner-b`.
pub(super) fn api(settings: Settings) -> ResourceApi {
    let keys: JwkSet = jwks().to_string().parse().unwrap();
    let api = ResourceApi::with_keys(settings, StaticJwks::new(keys), clock(), Arc::new(SystemEntropy)).unwrap();
    for client_id in ["partner-a", "partner-b"] {
        api.seed_users(client_id).unwrap();
    }
    api
}

/// A running API.
pub(super) struct Running {
    base: String,
    client: Client,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// `null` if there was no content.
    pub(super) body: Value,
}

impl Running {
    pub(super) fn usual() -> Self {
        Self::of(&api(settings()))
    }

    /// Serves on a free port.
    pub(super) fn of(api: &ResourceApi) -> Self {
        let configure = api.configure();
        let server = HttpServer::new(move || App::new().configure(configure.clone()))
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
        let base = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        Self { base, client: client() }
    }

    pub(super) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", self.base))
    }

    /// Sends a request with a token of `partner-a` with every scope.
    pub(super) async fn ask(&self, method: &str, path: &str) -> Answer {
        answer(self.request(method, path).bearer_auth(token("partner-a", ALL))).await
    }

    /// The same with a JSON body.
    pub(super) async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        answer(self.request(method, path).bearer_auth(token("partner-a", ALL)).json(&body)).await
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_default()
    }
}

pub(super) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let content = response.bytes().await.unwrap();
    let body = if content.is_empty() { Value::Null } else { serde_json::from_slice(&content).unwrap() };
    Answer { status, headers, body }
}

/// A token of `client_id` as the issuer would make it.
pub(super) fn token(client_id: &str, scope: &str) -> String {
    spoilt_token(client_id, scope, json!({}), json!({}))
}

/// The same with other members in header and claims; `null` takes one out.
pub(super) fn spoilt_token(client_id: &str, scope: &str, header: Value, claims: Value) -> String {
    let right_header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "test"});
    let right_claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "exp": NOW + 3600, "jti": "1",
        "sub": client_id, "client_id": client_id, "scope": scope,
    });
    let encode = |right: Value, other: Value| {
        let (Value::Object(mut right), Value::Object(other)) = (right, other) else { unreachable!() };
        right.extend(other);
        right.retain(|_, value| !value.is_null());
        URL_SAFE_NO_PAD.encode(Value::Object(right).to_string())
    };
    let message = format!("{}.{}", encode(right_header, header), encode(right_claims, claims));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(KEY.sign(message.as_bytes())))
}

/// A client that needs no CA certificates of the machine.
fn client() -> Client {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap()
}
