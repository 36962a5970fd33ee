//! RFC 8414, RFC 7517 and RFC 9728: what server and API tell about themselves.

use crate::support::Dev;
use crate::support::answer::{Answer, client};
use crate::support::assertion::{self, PartnerKey, document, key_client};
use crate::support::dev::token_part;

const METADATA: &str = "/.well-known/oauth-authorization-server";

/// RFC 8414 §3 | the metadata is at `/.well-known/oauth-authorization-server`, 200 and JSON
#[tokio::test]
async fn rfc8414_3_metadata_is_served() {
    let dev = Dev::start(&[]);
    let answer = dev.get(&dev.issuer(METADATA)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
}

/// RFC 8414 §3.3 | `issuer` is the configured identifier, byte for byte, and the `iss` of tokens
#[tokio::test]
async fn rfc8414_3_3_issuer_is_identical() {
    let dev = Dev::start(&[]);
    let metadata = dev.get(&dev.issuer(METADATA)).await.json();
    let token = dev.token(&[]).await.access_token();
    assert_eq!(metadata["issuer"], dev.ready["issuer"]);
    assert_eq!(token_part(&token, 1)["iss"], dev.ready["issuer"]);
}

/// RFC 8414 §2 | the required members are there, and the endpoints they name answer
#[tokio::test]
async fn rfc8414_2_required_members() {
    let dev = Dev::start(&[]);
    let metadata = dev.get(&dev.issuer(METADATA)).await.json();
    assert!(metadata["response_types_supported"].is_array());
    assert_eq!(metadata["grant_types_supported"], serde_json::json!(["client_credentials"]));
    assert_eq!(metadata["token_endpoint"], dev.ready["token_endpoint"]);
    let keys = dev.get(metadata["jwks_uri"].as_str().unwrap()).await;
    assert_eq!(keys.status, 200);
    let authorization = dev.get(metadata["authorization_endpoint"].as_str().unwrap()).await;
    assert!((400..500).contains(&authorization.status));
}

/// RFC 8414 §2 | `none` is offered neither as an authentication method nor as an algorithm
#[tokio::test]
async fn rfc8414_2_none_is_not_offered() {
    let dev = Dev::start(&[]);
    assert!(!dev.get(&dev.issuer(METADATA)).await.text.contains("\"none\""));
}

/// RFC 8414 §2 | what is offered works: each authentication method named gets a token
#[tokio::test]
async fn rfc8414_2_offered_methods_work() {
    let dev = Dev::start(&[]);
    let metadata = dev.get(&dev.issuer(METADATA)).await.json();
    let methods = metadata["token_endpoint_auth_methods_supported"].clone();
    assert_eq!(methods, serde_json::json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]));
    let partner = dev.partner(0);
    let header = crate::support::dev::basic(&partner.client_id, &partner.client_secret);
    let none = [("client_id", None), ("client_secret", None)];
    assert_eq!(dev.token_with(&none, &[("authorization", &header)]).await.status, 200);
    assert_eq!(dev.token(&[]).await.status, 200);
}

/// RFC 8414 §2 | `private_key_jwt` is offered with its algorithms, and an assertion signed with each gets a token
#[tokio::test]
async fn rfc8414_2_offered_algorithms_of_assertions_work() {
    let offered = Dev::start(&[]);
    let metadata = offered.get(&offered.issuer(METADATA)).await.json();
    let algorithms = metadata["token_endpoint_auth_signing_alg_values_supported"].as_array().unwrap().clone();
    assert_eq!(algorithms.len(), 5);
    let keys: Vec<_> = algorithms.iter().map(|alg| PartnerKey::new(alg.as_str().unwrap())).collect();
    let id = |number: usize| format!("c-{number}");
    let clients: Vec<_> = keys.iter().enumerate().map(|(number, key)| key_client(&id(number), &[key.jwk()])).collect();
    let dev = Dev::seeded(&document(&clients), &[]);
    for (number, key) in keys.iter().enumerate() {
        let assertion = key.assertion(&id(number), &dev.text("issuer"), &serde_json::json!({}));
        let answer = assertion::token(&dev.text("token_endpoint"), &assertion, &[]).await;
        assert_eq!(answer.status, 200, "{}: {answer:?}", algorithms[number]);
    }
}

/// RFC 7517 §4 | each key has `kty`, `kid`, `alg` and `use`, and its kid is its RFC 7638 thumbprint
#[tokio::test]
async fn rfc7517_4_members_of_a_key() {
    use base64::Engine as _;
    let dev = Dev::start(&[]);
    let keys = dev.get(&dev.text("jwks_uri")).await.json();
    for key in keys["keys"].as_array().unwrap() {
        assert_eq!((&key["use"], &key["kty"]), (&"sig".into(), &"RSA".into()));
        let canonical = format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, key["e"], key["n"]);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes());
        assert_eq!(key["kid"], base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(digest));
    }
}

/// RFC 7517 §5 | the set holds no private member
#[tokio::test]
async fn rfc7517_5_no_private_members() {
    let dev = Dev::start(&[]);
    let keys = dev.get(&dev.text("jwks_uri")).await.json();
    for key in keys["keys"].as_array().unwrap() {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
}

/// RFC 9110 §13.1.2 | `If-None-Match` with the entity tag of the JWK Set → 304 without a body
#[tokio::test]
async fn rfc9110_13_1_2_not_modified() {
    let dev = Dev::start(&[]);
    let first = dev.get(&dev.text("jwks_uri")).await;
    let again = client().get(dev.text("jwks_uri")).header("if-none-match", first.header("etag"));
    let again = Answer::to(again).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
}

/// RFC 9728 §3 | the API's metadata names itself, its authorization server and how tokens are sent
#[tokio::test]
async fn rfc9728_3_protected_resource_metadata() {
    let dev = Dev::start(&[]);
    let metadata = dev.get(&dev.api("/.well-known/oauth-protected-resource")).await.json();
    assert_eq!(metadata["resource"], dev.ready["resource_api"]);
    assert_eq!(metadata["authorization_servers"], serde_json::json!([dev.ready["issuer"]]));
    assert_eq!(metadata["bearer_methods_supported"], serde_json::json!(["header"]));
}

/// RFC 9728 §5.1 | the challenge points to that metadata
#[tokio::test]
async fn rfc9728_5_1_challenge_names_the_metadata() {
    let dev = Dev::start(&[]);
    let answer = dev.get(&dev.api("/users")).await;
    let url = dev.api("/.well-known/oauth-protected-resource");
    assert!(answer.header("www-authenticate").contains(&format!("resource_metadata=\"{url}\"")), "{answer:?}");
}
