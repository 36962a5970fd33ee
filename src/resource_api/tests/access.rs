//! Who gets in, and what is everybody else told? (RFC 6750 §3, RFC 9728 §5.1)

use serde_json::{Value, json};
use tokenhouse_verifier::AccessTokenDialect;

use super::{ALL_SCOPES, AUDIENCE, Database, ISSUER, NOW, Rig, answer, open, settings, signed, token};

const METADATA: &str = r#"resource_metadata="https://api.example/.well-known/oauth-protected-resource""#;

const PROTECTED: [(&str, &str, &str); 5] = [
    ("GET", "/users", "list:users"),
    ("GET", "/users/1", "list:users"),
    ("POST", "/users", "create:users"),
    ("PATCH", "/users/1", "update:users"),
    ("DELETE", "/users/1", "delete:users"),
];

async fn refused(request: reqwest::RequestBuilder) -> (u16, String, Value) {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
    (response.status().as_u16(), challenge, response.json().await.unwrap())
}

#[actix_web::test]
async fn each_route_asks_for_its_own_scope() {
    let rig = Rig::start();
    for (method, path, scope) in PROTECTED {
        let (status, challenge, _) = refused(rig.request(method, path)).await;
        assert_eq!((status, challenge), (401, format!("Bearer realm=\"partners\", {METADATA}")), "{method} {path}");
        let others: Vec<&str> = ALL_SCOPES.split(' ').filter(|other| *other != scope).collect();
        let (status, challenge, body) =
            refused(rig.request(method, path).bearer_auth(token("a", &others.join(" ")))).await;
        assert_eq!((status, &body["error"], &body["scope"]), (403, &json!("insufficient_scope"), &json!(scope)));
        assert!(challenge.contains(&format!("scope=\"{scope}\"")) && challenge.ends_with(METADATA), "{challenge}");
        let status = rig.request(method, path).bearer_auth(token("a", scope)).send().await.unwrap().status().as_u16();
        assert!(![401, 403].contains(&status), "{method} {path}: {status}");
    }
}

#[actix_web::test]
async fn a_token_that_is_not_for_this_api_is_invalid() {
    let rig = Rig::start();
    let claims = |aud: &str, exp: i64, sub: &str| {
        let (iat, scope) = (NOW - 900, "list:users");
        json!({"iss": ISSUER, "aud": aud, "sub": sub, "client_id": "a", "jti": "1", "scope": scope, "iat": iat, "exp": exp})
    };
    for wrong in [
        signed("at+jwt", &claims("http://localhost:8080/api/v2/", NOW + 600, "a")),
        signed("at+jwt", &claims(AUDIENCE, NOW - 300, "a")),
        signed("at+jwt", &claims(AUDIENCE, NOW + 600, "b")),
        signed("JWT", &claims(AUDIENCE, NOW + 600, "a")),
        format!("{}AAAA", &token("a", "list:users")[..100]),
    ] {
        let (status, challenge, body) = refused(rig.request("GET", "/users").bearer_auth(wrong)).await;
        assert_eq!((status, &body["error"]), (401, &json!("invalid_token")));
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    let in_query = rig.request("GET", &format!("/users?access_token={}", token("a", "list:users")));
    assert_eq!(refused(in_query).await.0, 401);
}

#[actix_web::test]
async fn two_tokens_are_one_too_many() {
    let rig = Rig::start();
    let token = token("a", ALL_SCOPES);
    let fields = rig.request("GET", "/users").bearer_auth(&token).header("authorization", format!("Bearer {token}"));
    let body = rig.request("POST", "/users").bearer_auth(&token).form(&[("access_token", &token)]);
    for request in [fields, body] {
        let (status, _, body) = refused(request).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_request")));
    }
}

#[actix_web::test]
async fn whoami_tells_what_the_token_says() {
    let rig = Rig::start();
    let (status, whoami) = answer(rig.request("GET", "/whoami").bearer_auth(token("a", "list:users x"))).await;
    let expected = json!({"client_id": "a", "scope": "list:users x", "expires_at": "2027-01-15T08:10:00Z"});
    assert_eq!((status, whoami), (200, expected));
}

#[actix_web::test]
async fn other_dialects_are_taken_where_they_are_configured() {
    let auth0 = signed(
        "JWT",
        &json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "a@clients", "azp": "a", "gty": "client-credentials",
            "iat": NOW, "exp": NOW + 600}),
    );
    let mut accepting = settings(Database::InMemory);
    accepting.dialects = vec![AccessTokenDialect::Auth0];
    let rig = Rig::serve(&open(accepting));
    assert_eq!(answer(rig.request("GET", "/whoami").bearer_auth(&auth0)).await.1["client_id"], "a");
    assert_eq!(answer(rig.request("GET", "/whoami").bearer_auth(token("a", ""))).await.0, 401);
}
