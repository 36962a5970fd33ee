//! RFC 6750: how the resource API takes tokens and refuses them.

use crate::support::Dev;
use crate::support::answer::{Answer, client};

/// RFC 6750 §2.1 | the token in the `Authorization` header, scheme in any case → 200
#[tokio::test]
async fn rfc6750_2_1_header() {
    let dev = Dev::start(&[]);
    let token = dev.token_of(&dev.partner(0)).await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let request = client().get(dev.api("/users")).header("authorization", format!("{scheme} {token}"));
        assert_eq!(Answer::to(request).await.status, 200, "{scheme}");
    }
}

/// RFC 6750 §2 | more than one method, or two headers → 400 `invalid_request`
#[tokio::test]
async fn rfc6750_2_one_method() {
    let dev = Dev::start(&[]);
    let token = dev.token_of(&dev.partner(0)).await;
    let header = format!("Bearer {token}");
    let twice = client().get(dev.api("/users")).header("authorization", &header).header("authorization", &header);
    assert_eq!(Answer::to(twice).await.error(), (400, "invalid_request".to_owned()));
    let both = client().post(dev.api("/users")).header("authorization", &header).form(&[("access_token", &token)]);
    assert_eq!(Answer::to(both).await.error(), (400, "invalid_request".to_owned()));
}

/// RFC 6750 §2.3 | a token in the query is not looked at → 401
#[tokio::test]
async fn rfc6750_2_3_query_is_ignored() {
    let dev = Dev::start(&[]);
    let token = dev.token_of(&dev.partner(0)).await;
    assert_eq!(dev.get(&dev.api(&format!("/users?access_token={token}"))).await.status, 401);
}

/// RFC 6750 §3 | without a token: 401, a Bearer challenge and no error code
#[tokio::test]
async fn rfc6750_3_no_token() {
    let dev = Dev::start(&[]);
    let answer = dev.get(&dev.api("/users")).await;
    let challenge = answer.header("www-authenticate");
    assert_eq!(answer.status, 401);
    assert!(challenge.starts_with("Bearer realm=") && !challenge.contains("error"), "{challenge}");
}

/// RFC 6750 §3.1 | a token that is not valid: 401 `invalid_token`
#[tokio::test]
async fn rfc6750_3_1_invalid_token() {
    let dev = Dev::start(&[]);
    for token in ["nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        let answer = dev.call("GET", "/users", token).await;
        assert_eq!(answer.error(), (401, "invalid_token".to_owned()), "{token}");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
    }
}

/// RFC 6750 §3.1 | a token without the scope: 403 `insufficient_scope`, naming the scope
#[tokio::test]
async fn rfc6750_3_1_insufficient_scope() {
    let dev = Dev::start(&[]);
    let token = dev.token_of(&dev.partner(1)).await;
    let request = client().post(dev.api("/users")).bearer_auth(token).json(&serde_json::json!({}));
    let answer = Answer::to(request).await;
    assert_eq!(answer.error(), (403, "insufficient_scope".to_owned()));
    assert!(answer.header("www-authenticate").contains("scope=\"create:users\""), "{answer:?}");
}

/// RFC 6750 §5.3 | what is answered to a token is not cached by others
#[tokio::test]
async fn rfc6750_5_3_not_cached() {
    let dev = Dev::start(&[]);
    let token = dev.token_of(&dev.partner(0)).await;
    for path in ["/users", "/whoami"] {
        assert_eq!(dev.call("GET", path, &token).await.header("cache-control"), "no-store", "{path}");
    }
}
