//! What do callers and APIs that come from another product rely on? The guides `docs/migrate-from-*.md` promise it.

use serde_json::{Value, json};

use crate::support::dev::token_part;
use crate::support::{Answer, Dev, Serve};

/// One API with `rules`, and a client that may `read` and `write` there.
fn one_api(rules: &Value) -> Dev {
    let mut api =
        json!({"identifier": "https://api/", "scopes": [{"value": "read"}, {"value": "write"}, {"value": "purge"}]});
    api.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
    let client = json!({"client_id": "c", "secrets": [{"value": "0123456789abcdef"}],
                        "grants": [{"audience": "https://api/", "scope": ["read", "write"]}]});
    Dev::seeded(&json!({"apis": [api], "clients": [client]}), &[])
}

fn issued_scope(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    token_part(&answer.access_token(), 1)["scope"].clone()
}

#[tokio::test]
async fn the_scope_parameter_does_what_the_api_says_and_never_more_than_was_granted() {
    for (policy, one, junk) in
        [("exact", "read", None), ("whole_grant", "read write", None), ("ignore", "read write", Some("read write"))]
    {
        let dev = one_api(&json!({"scope_policy": policy}));
        let answer = dev.token(&[("scope", Some("read"))]).await;
        assert_eq!((issued_scope(&answer), &answer.json()["scope"]), (json!(one), &json!(one)), "{policy}");
        for ungranted in ["openid", "read purge"] {
            let answer = dev.token(&[("scope", Some(ungranted))]).await;
            match junk {
                Some(scope) => assert_eq!(issued_scope(&answer), scope, "{policy}: {ungranted}"),
                None => assert_eq!(answer.error(), (400, "invalid_scope".to_owned()), "{policy}: {ungranted}"),
            }
        }
    }
}

#[tokio::test]
async fn scope_is_an_array_or_a_text_as_the_api_says_and_a_text_in_every_answer() {
    for (dialect, format, expected) in [
        ("rfc9068_profile", "array", json!(["read"])),
        ("access_token", "array", json!(["read"])),
        ("identityserver", "array", json!(["read"])),
        ("identityserver", "string", json!("read")),
    ] {
        let dev = one_api(&json!({"token_dialect": dialect, "scope_format": format}));
        let answer = dev.token(&[("scope", Some("read"))]).await;
        assert_eq!(issued_scope(&answer), expected, "{dialect} {format}");
        assert_eq!(answer.json()["scope"], "read", "libraries refuse an array here");
    }
}

#[tokio::test]
async fn a_default_audience_comes_before_the_inference_from_scope() {
    let api = |id: &str, scope: &str| json!({"identifier": id, "scopes": [{"value": scope}]});
    let client = |id: &str, default: &str| {
        let grant = |audience: &str, scope: &str| json!({"audience": audience, "scope": [scope]});
        let grants = [grant("orders", "orders.read"), grant("invoices", "invoices.read")];
        let mut client = json!({"client_id": id, "secrets": [{"value": "0123456789abcdef"}], "grants": grants});
        if !default.is_empty() {
            client["default_audience"] = json!(default);
        }
        client
    };
    let seed = json!({"apis": [api("orders", "orders.read"), api("invoices", "invoices.read")],
                      "clients": [client("infers", ""), client("defaults", "orders")]});
    for (compat, no_audience, not_granted) in [
        ("identityserver", (400, "invalid_target"), (400, "invalid_scope")),
        ("auth0", (403, "access_denied"), (403, "access_denied")),
    ] {
        let dev = Dev::seeded(&seed, &["--compat", compat]);
        let ask = async |id: &str, scope: Option<&str>| {
            let id = [("client_id", Some(id)), ("audience", None), ("scope", scope)];
            let answer = dev.token(&id).await;
            if answer.status == 200 {
                return Ok(token_part(&answer.access_token(), 1)["aud"].as_str().unwrap().to_owned());
            }
            let description = answer.json()["error_description"].as_str().unwrap().to_owned();
            Err((answer.error(), description))
        };
        assert_eq!(ask("infers", Some("invoices.read")).await, Ok("invoices".to_owned()), "{compat}");
        assert_eq!(ask("defaults", None).await, Ok("orders".to_owned()), "{compat}");
        let other = ask("defaults", Some("invoices.read")).await.unwrap_err().0;
        assert_eq!(other, (not_granted.0, not_granted.1.to_owned()), "{compat}");
        for scope in [None, Some("orders.read invoices.read")] {
            let (error, description) = ask("infers", scope).await.unwrap_err();
            assert_eq!(error, (no_audience.0, no_audience.1.to_owned()), "{compat}");
            assert_eq!(description.contains("orders and invoices"), scope.is_some(), "{compat}: {description}");
        }
    }
}

#[tokio::test]
async fn an_issuer_without_a_slash_is_the_same_text_everywhere() {
    let mut serve = Serve::start(&[]).await;
    let secret = serve.set_up();
    serve.terminate();
    let issuer = serve.url("");
    serve.start_again(&["--set", &format!("issuer={issuer}")]).await;
    let metadata =
        Answer::to(crate::support::answer::client().get(serve.url("/.well-known/openid-configuration"))).await;
    let token = serve.token("c", &secret).await.access_token();
    assert_eq!((&metadata.json()["issuer"], &token_part(&token, 1)["iss"]), (&json!(issuer), &json!(issuer)));
    assert_eq!(metadata.json()["token_endpoint"], json!(serve.url("/oauth/token")));
}
