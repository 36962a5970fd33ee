//! Does the partner API keep its contract over a real connection? The rig: an issuer's key, a running API, a client.

mod access;
mod database;
mod description;
mod issuer;
mod users;

use std::sync::{Arc, LazyLock};

use actix_web::{App, HttpServer};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokenhouse_verifier::{AccessTokenDialect, JwkSet, StaticJwks};

use super::{Database, ResourceApi, Settings};
use crate::clock::{ManualClock, UnixMillis};
use crate::entropy::SystemEntropy;

const ISSUER: &str = "https://issuer.example/";
const AUDIENCE: &str = "https://partners.example/";
const PUBLIC_URL: &str = "https://api.example/";
const NOW: i64 = 1_800_000_000;

static KEY: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::generate().unwrap());

fn b64(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

fn jwks() -> Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "alg": "EdDSA", "x": b64(KEY.public_key())}]})
}

/// An access token of the RFC 9068 dialect for `client`.
fn token(client: &str, scope: &str) -> String {
    signed(
        "at+jwt",
        &json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": client, "client_id": client, "jti": "1", "scope": scope,
            "iat": NOW, "exp": NOW + 600,
        }),
    )
}

fn signed(typ: &str, claims: &Value) -> String {
    let header = json!({"alg": "EdDSA", "typ": typ, "kid": "k"});
    let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = b64(KEY.sign(input.as_bytes()));
    format!("{input}.{signature}")
}

const ALL_SCOPES: &str = "list:users create:users update:users delete:users";

fn settings(database: Database) -> Settings {
    Settings {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        dialects: vec![AccessTokenDialect::Rfc9068],
        database,
        public_url: PUBLIC_URL.to_owned(),
        extra_ca_pem: None,
        jwks_uri: None,
        realm: "partners".to_owned(),
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(UnixMillis(NOW * 1000)))
}

fn open(settings: Settings) -> ResourceApi {
    let keys: JwkSet = jwks().to_string().parse().unwrap();
    ResourceApi::open_with_keys(settings, StaticJwks::new(keys), clock(), Arc::new(SystemEntropy)).unwrap()
}

/// A running API and a client for it.
struct Rig {
    base: String,
    client: Client,
}

impl Rig {
    fn start() -> Self {
        Self::serve(&open(settings(Database::InMemory)))
    }

    fn serve(api: &ResourceApi) -> Self {
        let configure = api.configure();
        let server = HttpServer::new(move || App::new().configure(configure.clone()))
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
        let base = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        // Plain http only, but reqwest wants a crypto provider before it knows.
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        Self { base, client: Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap() }
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Status and JSON body for a caller with every scope.
    async fn call(&self, client: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.request(method, path).bearer_auth(token(client, ALL_SCOPES));
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    async fn create(&self, client: &str, email: &str) -> Value {
        let (status, user) = self.call(client, "POST", "/users", Some(json!({"email": email, "name": "N"}))).await;
        assert_eq!(status, 201, "{user}");
        user
    }
}

/// Status and JSON body; null where there is none.
async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    if status == StatusCode::NO_CONTENT {
        return (204, Value::Null);
    }
    assert_eq!(response.headers()["content-type"], "application/json");
    (status.as_u16(), response.json().await.unwrap())
}
