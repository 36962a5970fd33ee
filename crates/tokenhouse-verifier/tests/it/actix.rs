//! What does a caller of an actix-web API get, over a real connection? (RFC 6750 §2 and §3, RFC 9728 §5.1)

use std::sync::Arc;

use actix_web::{App, HttpServer, web};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokenhouse_verifier::actix::{OneBearerMethod, Scoped};
use tokenhouse_verifier::{AccessToken, Clock, RemoteJwks, ResourceServer, StaticJwks, scope};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::issuer::{NOW, jwks, key_set, token, verifier};

scope!(ListUsers = "list:users");
scope!(DeleteUsers = "delete:users");

#[derive(Debug)]
struct AtIssue;

impl Clock for AtIssue {
    fn unix_seconds(&self) -> u64 {
        NOW
    }
}

fn right() -> ResourceServer {
    ResourceServer::new(verifier(), StaticJwks::new(key_set()))
}

/// Serves on a free port and returns the base URL without a closing slash.
fn serve(resource_server: Option<ResourceServer>) -> String {
    let resource_server = resource_server.map(|server| {
        web::Data::new(server.clock(Arc::new(AtIssue)).realm("partners").resource_metadata("https://api.example/meta"))
    });
    let server = HttpServer::new(move || {
        let mut app = App::new().wrap(OneBearerMethod);
        if let Some(data) = &resource_server {
            app = app.app_data(data.clone());
        }
        app.route("/users", web::get().to(async |token: Scoped<ListUsers>| token.into_inner().client().to_owned()))
            .route("/users", web::delete().to(async |token: Scoped<DeleteUsers>| token.client().to_owned()))
            .route("/form", web::post().to(async |_: AccessToken, body: String| body))
            .route("/whoami", web::get().to(async |token: AccessToken| token.client().to_owned()))
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    let base = format!("http://{}", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    base
}

fn good() -> String {
    token(json!({}), json!({}))
}

fn get(url: &str) -> RequestBuilder {
    // The issuer's own client would do; this one needs no CA certificates.
    client().get(url)
}

fn client() -> Client {
    let provider = rustls_provider();
    Client::builder().no_proxy().tls_backend_preconfigured(provider).build().unwrap()
}

fn rustls_provider() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// Status, `WWW-Authenticate`, and the JSON body of a refusal.
async fn refused(response: Response) -> (StatusCode, String, Value) {
    let headers = response.headers();
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["content-type"], "application/json");
    let challenge = headers.get("www-authenticate").map(|field| field.to_str().unwrap().to_owned());
    (response.status(), challenge.unwrap_or_default(), response.json().await.unwrap())
}

#[actix_web::test]
async fn a_right_token_reaches_the_handler() {
    let base = serve(Some(right()));
    for scheme in ["Bearer", "bearer", "BEARER"] {
        for path in ["/users", "/whoami"] {
            let response = get(&format!("{base}{path}"))
                .header("authorization", format!("{scheme} {}", good()))
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.text().await.unwrap(), "partner");
        }
    }
}

#[actix_web::test]
async fn no_token_is_challenged_without_an_error() {
    let base = serve(Some(right()));
    let expected = r#"Bearer realm="partners", resource_metadata="https://api.example/meta""#;
    let in_query = format!("{base}/users?access_token={}", good());
    for request in
        [get(&format!("{base}/users")), get(&in_query), get(&format!("{base}/users")).basic_auth("a", Some("b"))]
    {
        let (status, challenge, body) = refused(request.send().await.unwrap()).await;
        assert_eq!((status, challenge.as_str()), (StatusCode::UNAUTHORIZED, expected));
        assert_eq!(body.get("error"), None);
    }
}

#[actix_web::test]
async fn a_wrong_token_is_invalid() {
    let base = serve(Some(right()));
    for (wrong, description) in [
        (token(json!({}), json!({"exp": NOW - 60})), "The access token has expired"),
        (token(json!({}), json!({"aud": "https://other.example/"})), "The access token is for another audience"),
        (token(json!({"kid": "\"x\""}), json!({})), "The signature of the access token is not valid"),
        ("x".to_owned(), "The access token is malformed"),
        (format!("{} x", good()), "The access token is malformed"),
    ] {
        let (status, challenge, body) =
            refused(get(&format!("{base}/users")).bearer_auth(wrong).send().await.unwrap()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(body, json!({"error": "invalid_token", "error_description": description}));
        let expected = format!(
            r#"Bearer realm="partners", error="invalid_token", error_description="{description}", resource_metadata="https://api.example/meta""#
        );
        assert_eq!(challenge, expected);
    }
}

#[actix_web::test]
async fn a_missing_scope_is_named() {
    let base = serve(Some(right()));
    let response = client().delete(format!("{base}/users")).bearer_auth(good()).send().await.unwrap();
    let (status, challenge, body) = refused(response).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(
        challenge.contains(r#"error="insufficient_scope""#) && challenge.contains(r#"scope="delete:users""#),
        "{challenge}"
    );
    assert_eq!((&body["error"], &body["scope"]), (&json!("insufficient_scope"), &json!("delete:users")));
}

#[actix_web::test]
async fn two_tokens_are_an_invalid_request() {
    let base = serve(Some(right()));
    let url = format!("{base}/form");
    let two_fields = client().post(&url).bearer_auth(good()).header("authorization", format!("Bearer {}", good()));
    let joined = client().post(&url).header("authorization", format!("Bearer {}, Bearer {0}", good()));
    let in_body = client().post(&url).bearer_auth(good()).form(&[("access_token", good())]);
    let huge = client().post(&url).bearer_auth(good()).form(&[("name", "x".repeat(300_000))]);
    for request in [two_fields, joined, in_body, huge] {
        let (status, challenge, body) = refused(request.send().await.unwrap()).await;
        assert_eq!((status, &body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
        assert!(challenge.contains(r#"error="invalid_request""#), "{challenge}");
    }
    let form = client().post(&url).bearer_auth(good()).form(&[("name", "x"), ("access", "y")]).send().await.unwrap();
    assert_eq!((form.status(), form.text().await.unwrap()), (StatusCode::OK, "name=x&access=y".to_owned()));
    let text = client().post(&url).bearer_auth(good()).header("content-type", "text/plain").body("access_token=x");
    assert_eq!(text.send().await.unwrap().status(), StatusCode::OK, "another kind of body is none of its business");
    let body_only = client().post(&url).form(&[("access_token", good())]).send().await.unwrap();
    assert_eq!(body_only.status(), 401);
}

#[actix_web::test]
async fn a_scope_is_asked_for_too_where_the_key_must_be_fetched() {
    let issuer = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(jwks())).mount(&issuer).await;
    let base = serve(Some(ResourceServer::new(verifier(), RemoteJwks::at(issuer.uri()).build().unwrap())));
    let response = client().delete(format!("{base}/users")).bearer_auth(good()).send().await.unwrap();
    assert_eq!(refused(response).await.0, StatusCode::FORBIDDEN);
    let response = get(&format!("{base}/users")).bearer_auth(good()).send().await.unwrap();
    assert_eq!((response.status(), response.text().await.unwrap()), (StatusCode::OK, "partner".to_owned()));
}

#[actix_web::test]
async fn missing_keys_are_not_the_callers_fault() {
    let keys = RemoteJwks::at("http://127.0.0.1:1/jwks").build().unwrap();
    let base = serve(Some(ResourceServer::new(verifier(), keys)));
    let response = get(&format!("{base}/users")).bearer_auth(good()).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "5");
    let (status, challenge, body) = refused(response).await;
    assert_eq!((status, challenge.as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""));
    assert_eq!(body["error"], "temporarily_unavailable");
}

#[actix_web::test]
async fn a_program_without_a_resource_server_lets_nobody_through() {
    let base = serve(None);
    let response = get(&format!("{base}/users")).bearer_auth(good()).send().await.unwrap();
    let (status, _, body) = refused(response).await;
    assert_eq!((status, &body["error"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("server_error")));
}
