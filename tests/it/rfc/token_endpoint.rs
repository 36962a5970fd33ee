//! RFC 6749 and RFC 8707 at the token endpoint.

use crate::support::Dev;
use crate::support::answer::{Answer, client};
use crate::support::dev::{basic, percent_encoded};

const NONE: [(&str, Option<&str>); 2] = [("client_id", None), ("client_secret", None)];

fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.error(), (status, error.to_owned()), "{answer:?}");
}

/// RFC 6749 §2.3 | one authentication method per request: Basic and a secret in the body → 400 `invalid_request`
#[tokio::test]
async fn rfc6749_2_3_one_method_per_request() {
    let dev = Dev::start(&[]);
    let partner = dev.partner(0);
    let header = basic(&partner.client_id, &partner.client_secret);
    refused(&dev.token_with(&[], &[("authorization", &header)]).await, 400, "invalid_request");
    let two = [("authorization", header.as_str()), ("authorization", header.as_str())];
    refused(&dev.token_with(&NONE, &two).await, 400, "invalid_request");
}

/// RFC 6749 §2.3.1, App. B | Basic carries id and secret form-encoded → 200
#[tokio::test]
async fn rfc6749_2_3_1_basic_is_form_encoded() {
    let dev = Dev::start(&[]);
    let partner = dev.partner(0);
    let header = basic(&percent_encoded(&partner.client_id), &percent_encoded(&partner.client_secret));
    assert_eq!(dev.token_with(&NONE, &[("authorization", &header)]).await.status, 200);
}

/// RFC 6749 §2.3.1 | credentials may stand in the body → 200
#[tokio::test]
async fn rfc6749_2_3_1_body_credentials() {
    assert_eq!(Dev::start(&[]).token(&[]).await.status, 200);
}

/// RFC 6749 §2.3.1 | credentials in the URI are never read → 401
#[tokio::test]
async fn rfc6749_2_3_1_never_in_the_uri() {
    let dev = Dev::start(&[]);
    let partner = dev.partner(0);
    let url = format!(
        "{}?client_id={}&client_secret={}",
        dev.text("token_endpoint"),
        partner.client_id,
        partner.client_secret
    );
    let request = client().post(url).form(&[("grant_type", "client_credentials")]);
    refused(&Answer::to(request).await, 401, "invalid_client");
}

/// RFC 6749 §3.1.2.4 | the token endpoint never redirects
#[tokio::test]
async fn rfc6749_never_a_redirect() {
    let dev = Dev::start(&[]);
    for changes in [&[][..], &[("redirect_uri", Some("https://evil.example/"))], &[("client_secret", Some("x"))]] {
        let answer = dev.token(changes).await;
        assert!(!(300..400).contains(&answer.status) && answer.header("location").is_empty());
    }
}

/// RFC 6749 §3.2 | POST only: GET → 405 with `Allow: POST`
#[tokio::test]
async fn rfc6749_3_2_post_only() {
    let dev = Dev::start(&[]);
    let answer = dev.get(&dev.text("token_endpoint")).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
}

/// RFC 6749 §3.2 | a parameter without a value counts as absent: empty `scope` → 200, empty `grant_type` → 400
#[tokio::test]
async fn rfc6749_3_2_empty_is_absent() {
    let dev = Dev::start(&[]);
    assert_eq!(dev.token(&[("scope", Some(""))]).await.status, 200);
    refused(&dev.token(&[("grant_type", Some(""))]).await, 400, "invalid_request");
}

/// RFC 6749 §3.2 | unknown parameters are ignored → 200
#[tokio::test]
async fn rfc6749_3_2_unknown_parameters_are_ignored() {
    assert_eq!(Dev::start(&[]).token(&[("foo", Some("bar"))]).await.status, 200);
}

/// RFC 6749 §3.2 | no parameter more than once → 400 `invalid_request`
#[tokio::test]
async fn rfc6749_3_2_no_parameter_twice() {
    let dev = Dev::start(&[]);
    let partner = dev.partner(0);
    let whole = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=list:users",
        partner.client_id, partner.client_secret
    );
    for name in ["grant_type=client_credentials", "scope=", "client_id=x", "client_secret=x"] {
        let answer = dev.token_body("application/x-www-form-urlencoded", format!("{whole}&{name}")).await;
        refused(&answer, 400, "invalid_request");
    }
}

/// RFC 6749 §3.2.1 | a confidential client authenticates: its id alone → 401 `invalid_client`
#[tokio::test]
async fn rfc6749_3_2_1_clients_authenticate() {
    refused(&Dev::start(&[]).token(&[("client_secret", None)]).await, 401, "invalid_client");
}

/// RFC 6749 §3.3 | scope has a grammar and is case-sensitive: quote, backslash, non-ASCII, other case → 400 `invalid_scope`
#[tokio::test]
async fn rfc6749_3_3_scope_syntax_and_case() {
    let dev = Dev::start(&[]);
    for scope in ["a\"b", "a\\b", "ä", "list:users\u{7f}", "LIST:USERS"] {
        refused(&dev.token(&[("scope", Some(scope))]).await, 400, "invalid_scope");
    }
}

/// RFC 6749 §3.3 | an omitted scope has a documented default, which the answer states: the whole grant
#[tokio::test]
async fn rfc6749_3_3_omitted_scope_is_stated() {
    let answer = Dev::start(&[]).token(&[]).await;
    assert_eq!(answer.json()["scope"], "list:users create:users");
}

/// RFC 6749 §3.3 | a scope beyond the grant is refused, never silently narrowed → 400 `invalid_scope` naming it
#[tokio::test]
async fn rfc6749_3_3_scope_is_never_narrowed() {
    let answer = Dev::start(&[]).token(&[("scope", Some("list:users delete:users"))]).await;
    refused(&answer, 400, "invalid_scope");
    let description = answer.json()["error_description"].as_str().unwrap().to_owned();
    assert!(description.contains("delete:users") && !description.contains("list:users"), "{description}");
}

/// RFC 6749 §4.4.3 | no refresh token is issued
#[tokio::test]
async fn rfc6749_4_4_3_no_refresh_token() {
    assert!(Dev::start(&[]).token(&[]).await.json().get("refresh_token").is_none());
}

/// RFC 6749 §5.1 | success is 200 JSON with `access_token`, `token_type` Bearer and a number `expires_in`
#[tokio::test]
async fn rfc6749_5_1_members_of_the_answer() {
    let answer = Dev::start(&[]).token(&[]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let members = answer.json();
    assert_eq!(members["token_type"], "Bearer");
    assert!(members["expires_in"].is_u64() && members["access_token"].is_string());
}

/// RFC 6749 §5.1 | answers are not stored: `Cache-Control: no-store` and `Pragma: no-cache`, on success and on error
#[tokio::test]
async fn rfc6749_5_1_no_store() {
    let dev = Dev::start(&[]);
    for changes in [&[][..], &[("client_secret", Some("x"))], &[("scope", Some("x"))], &[("grant_type", None)]] {
        let answer = dev.token(changes).await;
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"), "{answer:?}");
    }
}

/// RFC 6749 §5.2 | `error_description` holds %x20-21 / %x23-5B / %x5D-7E only, whatever was sent
#[tokio::test]
async fn rfc6749_5_2_characters_of_descriptions() {
    let dev = Dev::start(&[]);
    for changes in [
        [("audience", Some("https://x/\"\\\n\u{e9}"))],
        [("scope", Some("a\"\\\n"))],
        [("grant_type", Some("\"\\\n\u{e9}"))],
        [("client_id", Some("\"\\\n"))],
        [("organization", Some("\"\\"))],
    ] {
        let description = dev.token(&changes).await.json()["error_description"].as_str().unwrap().to_owned();
        let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        assert!(description.bytes().all(allowed), "{description:?}");
    }
}

/// RFC 6749 §5.2 | a client that failed with Basic gets 401 and a Basic challenge
#[tokio::test]
async fn rfc6749_5_2_basic_challenge() {
    let dev = Dev::start(&[]);
    let answer = dev.token_with(&NONE, &[("authorization", &basic("partner-a", "wrong"))]).await;
    refused(&answer, 401, "invalid_client");
    assert!(answer.header("www-authenticate").starts_with("Basic realm="), "{answer:?}");
}

/// RFC 6749 §5.2 | a client that failed in the body gets 401 without a challenge
#[tokio::test]
async fn rfc6749_5_2_no_challenge_without_basic() {
    let answer = Dev::start(&[]).token(&[("client_secret", Some("wrong"))]).await;
    refused(&answer, 401, "invalid_client");
    assert_eq!(answer.header("www-authenticate"), "");
}

/// RFC 6749 §5.2 | another grant type → 400 `unsupported_grant_type`
#[tokio::test]
async fn rfc6749_5_2_unsupported_grant_type() {
    let dev = Dev::start(&[]);
    for other in ["password", "authorization_code", "refresh_token", "CLIENT_CREDENTIALS"] {
        refused(&dev.token(&[("grant_type", Some(other))]).await, 400, "unsupported_grant_type");
    }
}

/// RFC 6749 §5.2 | a missing required parameter → 400 `invalid_request`
#[tokio::test]
async fn rfc6749_5_2_missing_grant_type() {
    refused(&Dev::start(&[]).token(&[("grant_type", None)]).await, 400, "invalid_request");
}

/// RFC 6749 §10.10 | guessing is useless and locks nobody out: after twenty wrong secrets the right one works
#[tokio::test]
async fn rfc6749_10_10_guessing_locks_nobody_out() {
    let dev = Dev::start(&[]);
    for _ in 0..20 {
        refused(&dev.token(&[("client_secret", Some("wrong"))]).await, 401, "invalid_client");
    }
    assert_eq!(dev.token(&[]).await.status, 200);
}

/// RFC 8707 §2 | `resource` names the API → a token with that `aud`
#[tokio::test]
async fn rfc8707_2_resource_names_the_api() {
    let dev = Dev::start(&[]);
    let audience = dev.partner(0).audience;
    assert_eq!(dev.token(&[("audience", None), ("resource", Some(&audience))]).await.status, 200);
}

/// RFC 8707 §2 | `resource` may repeat: equal values count once, different ones → 400 `invalid_target`
#[tokio::test]
async fn rfc8707_2_resource_may_repeat() {
    let dev = Dev::start(&[]);
    let partner = dev.partner(0);
    let whole = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&resource={}",
        partner.client_id, partner.client_secret, partner.audience
    );
    let form = "application/x-www-form-urlencoded";
    let same = dev.token_body(form, format!("{whole}&resource={}", partner.audience)).await;
    assert_eq!(same.status, 200);
    let other = dev.token_body(form, format!("{whole}&resource=https://other.example/")).await;
    refused(&other, 400, "invalid_target");
}

/// RFC 8707 §2 | an unknown resource, a fragment or a relative reference → 400 `invalid_target`
#[tokio::test]
async fn rfc8707_2_invalid_target() {
    let dev = Dev::start(&[]);
    let fragment = format!("{}#part", dev.partner(0).audience);
    for resource in ["https://unknown.example/", "/relative", &fragment] {
        let answer = dev.token(&[("audience", None), ("resource", Some(resource))]).await;
        refused(&answer, 400, "invalid_target");
    }
}

/// RFC 9110 §11.1 | the authentication scheme is case-insensitive: `basic` → 200
#[tokio::test]
async fn rfc9110_11_1_scheme_in_any_case() {
    let dev = Dev::start(&[]);
    let partner = dev.partner(0);
    let header = basic(&partner.client_id, &partner.client_secret).replace("Basic", "BASIC");
    assert_eq!(dev.token_with(&NONE, &[("authorization", &header)]).await.status, 200);
}

/// RFC 9110 §8.3.1 | media types are case-insensitive and may carry parameters → 200
#[tokio::test]
async fn rfc9110_8_3_1_media_type_in_any_case() {
    let dev = Dev::start(&[]);
    let partner = dev.partner(0);
    let body = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        partner.client_id, partner.client_secret
    );
    let answer = dev.token_body("Application/X-WWW-Form-URLencoded ; Charset=UTF-8", body).await;
    assert_eq!(answer.status, 200);
}
