//! Which tokens are let through, and what is said to the others? (RFC 6750 §3, RFC 9728 §5.1)

use std::sync::Arc;

use serde_json::{Value, json};
use tokenhouse_verifier::AccessTokenDialect;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::running::{ALL, Answer, NOW, Running, answer, api, clock, jwks, settings, spoilt_token, token};
use crate::entropy::SystemEntropy;
use crate::resource_api::{OpenError, ResourceApi, Settings};

const METADATA: &str = r#"resource_metadata="https://partners.example/.well-known/oauth-protected-resource""#;

/// Method, path and scope of everything that needs a token.
const ROUTES: [(&str, &str, Option<&str>); 6] = [
    ("GET", "/users", Some("list:users")),
    ("POST", "/users", Some("create:users")),
    ("GET", "/users/x", Some("list:users")),
    ("PATCH", "/users/x", Some("update:users")),
    ("DELETE", "/users/x", Some("delete:users")),
    ("GET", "/whoami", None),
];

fn assert_challenge(answer: &Answer, status: u16, error: Option<&str>) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.body["error"].as_str(), error, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with(r#"Bearer realm="partners""#) && challenge.contains(METADATA), "{challenge}");
    match error {
        Some(error) => assert!(challenge.contains(&format!(r#"error="{error}""#)), "{challenge}"),
        None => assert!(!challenge.contains("error"), "{challenge}"),
    }
}

#[actix_web::test]
async fn without_a_token_there_is_a_challenge_without_an_error() {
    let running = Running::usual();
    for (method, path, _) in ROUTES {
        assert_challenge(&answer(running.request(method, path)).await, 401, None);
        let in_query = format!("{path}?access_token={}", token("partner-a", ALL));
        assert_challenge(&answer(running.request(method, &in_query)).await, 401, None);
        assert_challenge(&answer(running.request(method, path).basic_auth("a", Some("b"))).await, 401, None);
    }
}

#[actix_web::test]
async fn a_token_in_the_query_neither_helps_nor_harms() {
    let running = Running::usual();
    assert_eq!(running.ask("GET", "/users?access_token=x").await.status, 200);
}

#[actix_web::test]
async fn a_wrong_token_is_invalid_everywhere() {
    let running = Running::usual();
    let claims = |claims: Value| spoilt_token("partner-a", ALL, json!({}), claims);
    let wrong_tokens = [
        claims(json!({"iss": "https://other.example/"})),
        claims(json!({"aud": "https://other.example/"})),
        claims(json!({"exp": NOW - 31})),
        claims(json!({"nbf": NOW + 31})),
        claims(json!({"sub": "partner-b"})),
        claims(json!({"azp": "partner-b"})),
        claims(json!({"client_id": null})),
        spoilt_token("partner-a", ALL, json!({"typ": "JWT"}), json!({})),
        spoilt_token("partner-a", ALL, json!({"kid": "other"}), json!({})),
        spoilt_token("partner-a", ALL, json!({"alg": "none"}), json!({})),
        format!("{}AAAA", token("partner-a", ALL)),
        "x".to_owned(),
    ];
    for wrong in wrong_tokens {
        for (method, path, _) in ROUTES {
            let refused = answer(running.request(method, path).bearer_auth(&wrong)).await;
            assert_challenge(&refused, 401, Some("invalid_token"));
        }
    }
}

#[actix_web::test]
async fn each_route_wants_its_scope() {
    let running = Running::usual();
    for (method, path, scope) in ROUTES {
        let Some(scope) = scope else { continue };
        let others: Vec<&str> = ALL.split(' ').filter(|other| *other != scope).collect();
        for held in [String::new(), others.join(" "), scope.to_uppercase(), format!("{scope}s")] {
            let refused = answer(running.request(method, path).bearer_auth(token("partner-a", &held))).await;
            assert_challenge(&refused, 403, Some("insufficient_scope"));
            assert!(refused.header("www-authenticate").contains(&format!(r#"scope="{scope}""#)), "{refused:?}");
            assert_eq!(refused.text("scope"), scope);
        }
        let granted = answer(running.request(method, path).bearer_auth(token("partner-a", scope))).await;
        assert!(!matches!(granted.status, 401 | 403), "{granted:?}");
    }
}

#[actix_web::test]
async fn a_caller_without_the_scope_learns_nothing_about_its_body() {
    let running = Running::usual();
    let request = running.request("POST", "/users").bearer_auth(token("partner-a", "list:users"));
    assert_eq!(answer(request.body("x".repeat(100_000))).await.status, 403);
}

#[actix_web::test]
async fn two_tokens_are_an_invalid_request() {
    let running = Running::usual();
    let right = token("partner-a", ALL);
    for (method, path, _) in ROUTES {
        let request = || running.request(method, path).bearer_auth(&right);
        for two in [
            request().header("authorization", format!("Bearer {right}")),
            running.request(method, path).header("authorization", format!("Bearer {right}, Bearer {right}")),
            request().form(&[("access_token", &right)]),
        ] {
            assert_challenge(&answer(two).await, 400, Some("invalid_request"));
        }
    }
}

#[actix_web::test]
async fn whoami_tells_what_the_token_says() {
    let running = Running::usual();
    let told = answer(running.request("GET", "/whoami").bearer_auth(token("partner-a", "b a"))).await;
    let expected = json!({"client_id": "partner-a", "scope": "b a", "expires_at": "2027-01-15T09:00:00Z"});
    assert_eq!((told.status, told.body.clone(), told.header("cache-control")), (200, expected, "no-store"));
    let no_scope = spoilt_token("partner-a", "", json!({}), json!({"scope": null}));
    let told = answer(running.request("GET", "/whoami").bearer_auth(no_scope)).await;
    assert_eq!((told.status, told.text("scope")), (200, ""));
}

#[actix_web::test]
async fn the_accepted_dialects_are_configured() {
    let auth0 = json!({"sub": "partner-a@clients", "azp": "partner-a", "gty": "client-credentials", "client_id": null});
    let auth0 = spoilt_token("partner-a", ALL, json!({"typ": "JWT"}), auth0);
    let identityserver = json!({"scope": ["list:users"], "sub": null, "nbf": NOW});
    let identityserver = spoilt_token("partner-a", ALL, json!({}), identityserver);
    let rfc9068 = token("partner-a", ALL);
    for (dialect, accepted) in [
        (AccessTokenDialect::Rfc9068, [true, false, false]),
        (AccessTokenDialect::Auth0, [false, true, false]),
        (AccessTokenDialect::IdentityServer, [false, false, true]),
    ] {
        let running = Running::of(&api(Settings { dialects: vec![dialect], ..settings() }));
        for (token, accepted) in [&rfc9068, &auth0, &identityserver].into_iter().zip(accepted) {
            let listed = answer(running.request("GET", "/users").bearer_auth(token)).await;
            assert_eq!(listed.status, if accepted { 200 } else { 401 }, "{dialect:?}");
            // The same client, whatever the dialect: it has its own two users.
            assert!(!accepted || listed.body["total"] == 2);
        }
    }
}

#[actix_web::test]
async fn the_keys_come_from_the_issuer() {
    let server = MockServer::start().await;
    let issuer = format!("{}/", server.uri());
    let metadata = json!({"issuer": issuer, "jwks_uri": format!("{issuer}jwks")});
    for (at, body) in [
        ("/.well-known/openid-configuration", &metadata),
        ("/.well-known/oauth-authorization-server", &metadata),
        ("/jwks", &jwks()),
    ] {
        Mock::given(method("GET"))
            .and(path(at))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
    }
    let discovered = Settings { issuer: issuer.clone(), ..settings() };
    let told = Settings { jwks_uri: Some(format!("{issuer}jwks")), ..settings() };
    for (settings, claims) in [(discovered, json!({"iss": issuer})), (told, json!({}))] {
        let running = Running::of(&ResourceApi::open(settings, clock(), Arc::new(SystemEntropy)).unwrap());
        let right = spoilt_token("partner-a", ALL, json!({}), claims);
        assert_eq!(answer(running.request("GET", "/whoami").bearer_auth(right)).await.status, 200);
    }
}

#[actix_web::test]
async fn keys_that_are_away_are_not_the_callers_fault() {
    let away = Settings { jwks_uri: Some("http://127.0.0.1:1/jwks".to_owned()), ..settings() };
    let running = Running::of(&ResourceApi::open(away, clock(), Arc::new(SystemEntropy)).unwrap());
    for (method, path, _) in ROUTES {
        let answer = answer(running.request(method, path).bearer_auth(token("partner-a", ALL))).await;
        assert_eq!((answer.status, answer.text("error")), (503, "temporarily_unavailable"), "{answer:?}");
        assert_eq!((answer.header("www-authenticate"), answer.header("cache-control")), ("", "no-store"));
        assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    }
    // What needs no token is there, and a request without one learns what it lacks.
    assert_eq!(answer(running.request("GET", "/healthz")).await.status, 200);
    assert_challenge(&answer(running.request("GET", "/users")).await, 401, None);
}

#[test]
fn settings_with_which_nobody_would_be_let_in_are_refused() {
    let refusal = |settings| ResourceApi::open(settings, clock(), Arc::new(SystemEntropy)).unwrap_err();
    assert!(matches!(refusal(Settings { audience: String::new(), ..settings() }), OpenError::NoAudience));
    assert!(matches!(refusal(Settings { dialects: vec![], ..settings() }), OpenError::NoDialect));
    let no_url = refusal(Settings { public_url: "partners".to_owned(), ..settings() });
    assert!(no_url.to_string().contains("\"partners\""), "{no_url}");
    assert!(matches!(
        refusal(Settings { issuer: "http://issuer.example/".to_owned(), ..settings() }),
        OpenError::Keys(_)
    ));
    assert!(matches!(refusal(Settings { extra_ca_pem: Some(b"x".to_vec()), ..settings() }), OpenError::Keys(_)));
}
