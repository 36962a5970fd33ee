//! RFC 7515, RFC 7519, RFC 8725 and RFC 9068: the tokens that are issued, and those that are refused.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokenhouse::keys::Signer;
use tokenhouse::keys::public_test_keys::PublicTestKey;

use crate::support::Dev;
use crate::support::dev::token_part;

fn signer() -> Signer {
    Signer::from_private_key(&PublicTestKey::Rs256Active.load()).expect("a test key")
}

/// A token that `dev` would have issued, but for `change`.
async fn claims_with(dev: &Dev, change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = token_part(&dev.token(&[]).await.access_token(), 1);
    change(&mut claims);
    claims
}

/// `header` and `claims` as they are, signed with the key that `dev` signs with.
fn sign_raw(header: &str, claims: &str) -> String {
    let input = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(claims));
    let key = PublicTestKey::Rs256Active.load();
    let pair = aws_lc_rs::signature::RsaKeyPair::from_pkcs8(key.expose_pkcs8()).expect("a key");
    let mut signature = vec![0; pair.public_modulus_len()];
    let random = aws_lc_rs::rand::SystemRandom::new();
    pair.sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &random, input.as_bytes(), &mut signature).expect("a signature");
    format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn header(change: impl FnOnce(&mut Value)) -> String {
    let mut header = json!({"alg": "RS256", "typ": "at+jwt", "kid": signer().kid()});
    change(&mut header);
    header.to_string()
}

async fn refused(dev: &Dev, token: &str) {
    let answer = dev.call("GET", "/whoami", token).await;
    assert_eq!(answer.error(), (401, "invalid_token".to_owned()), "{token}");
}

async fn accepted(dev: &Dev, token: &str) {
    assert_eq!(dev.call("GET", "/whoami", token).await.status, 200, "{token}");
}

/// Signs claims with `change` under the ordinary header and expects them to be refused.
async fn refused_claims(dev: &Dev, change: impl FnOnce(&mut Value)) {
    let claims = claims_with(dev, change).await;
    refused(dev, &sign_raw(&header(|_| {}), &claims.to_string())).await;
}

/// RFC 9068 §2.1 | issued tokens are `at+jwt`, signed with RS256, and name their key
#[tokio::test]
async fn rfc9068_2_1_header() {
    let dev = Dev::start(&[]);
    let header = token_part(&dev.token(&[]).await.access_token(), 0);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("RS256")));
    assert!(header["kid"].is_string());
}

/// RFC 9068 §2.2 | issued tokens carry iss, exp, aud, sub, client_id, iat and jti; sub is the client
#[tokio::test]
async fn rfc9068_2_2_claims() {
    let dev = Dev::start(&[]);
    let claims = token_part(&dev.token(&[]).await.access_token(), 1);
    for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        assert!(!claims[name].is_null(), "{name}");
    }
    assert_eq!(claims["sub"], claims["client_id"]);
    assert!(claims["aud"].is_string() && claims["iat"].is_u64() && claims["exp"].is_u64());
}

/// RFC 9068 §2.2.3 | `scope` is one string of the scopes granted
#[tokio::test]
async fn rfc9068_2_2_3_scope() {
    let dev = Dev::start(&[]);
    let claims = token_part(&dev.token(&[]).await.access_token(), 1);
    assert_eq!(claims["scope"], "list:users create:users");
}

/// RFC 9068 §4 | another `typ`, or none, is refused
#[tokio::test]
async fn rfc9068_4_typ() {
    let dev = Dev::start(&[]);
    let claims = claims_with(&dev, |_| {}).await.to_string();
    accepted(&dev, &sign_raw(&header(|header| header["typ"] = json!("application/AT+JWT")), &claims)).await;
    for typ in [json!("JWT"), json!("dpop+jwt"), Value::Null, json!(1)] {
        refused(&dev, &sign_raw(&header(|header| header["typ"] = typ), &claims)).await;
    }
}

/// RFC 9068 §4 | `iss` must be the issuer exactly: another, a prefix, an array → refused
#[tokio::test]
async fn rfc9068_4_issuer() {
    let dev = Dev::start(&[]);
    let issuer = dev.text("issuer");
    for other in [json!("https://evil.example/"), json!(issuer.trim_end_matches('/')), json!([issuer]), Value::Null] {
        refused_claims(&dev, |claims| claims["iss"] = other).await;
    }
}

/// RFC 9068 §4 | `aud` must name this API: another, a prefix, an object, an array with a number → refused
#[tokio::test]
async fn rfc9068_4_audience() {
    let dev = Dev::start(&[]);
    let audience = dev.partner(0).audience;
    for other in
        [json!("https://other/"), json!(&audience[..10]), json!({"aud": audience}), json!([audience, 1]), json!([])]
    {
        refused_claims(&dev, |claims| claims["aud"] = other).await;
    }
}

/// RFC 9068 §4, RFC 7519 §4.1.4 | an expired token, or `exp` that is no whole number → refused
#[tokio::test]
async fn rfc7519_4_1_4_expiry() {
    let dev = Dev::start(&[]);
    for exp in [json!(1_000), json!("9999999999"), json!(1e300), json!(-1), Value::Null, json!(4_000_000_000.5)] {
        refused_claims(&dev, |claims| claims["exp"] = exp).await;
    }
}

/// RFC 7519 §4.1.5 | `nbf` in the future → refused
#[tokio::test]
async fn rfc7519_4_1_5_not_before() {
    let dev = Dev::start(&[]);
    refused_claims(&dev, |claims| claims["nbf"] = json!(claims["exp"].as_u64().unwrap())).await;
}

/// RFC 7519 §4 | a claim given twice → refused
#[tokio::test]
async fn rfc7519_4_duplicate_claims() {
    let dev = Dev::start(&[]);
    let claims = claims_with(&dev, |_| {}).await.to_string();
    let twice = claims.replacen('{', "{\"scope\":\"delete:users\",", 1);
    refused(&dev, &sign_raw(&header(|_| {}), &twice)).await;
}

/// RFC 7519 §7.2 | claims that are not one JSON object → refused
#[tokio::test]
async fn rfc7519_7_2_one_object() {
    let dev = Dev::start(&[]);
    for claims in ["[]", "\"x\"", "{} {}", "\u{feff}{}", ""] {
        refused(&dev, &sign_raw(&header(|_| {}), claims)).await;
    }
}

/// RFC 7515 §2, §7.1 | three parts of canonical base64url without padding: anything else → refused
#[tokio::test]
async fn rfc7515_7_1_compact_form() {
    let dev = Dev::start(&[]);
    let token = dev.token(&[]).await.access_token();
    let (input, signature) = token.rsplit_once('.').unwrap();
    for broken in [
        format!("{token}="),
        format!("{token}.x"),
        format!("{input}."),
        input.to_owned(),
        format!("{input}.{}", signature.replace(['-', '_'], "+")),
        format!("{token}{token}"),
    ] {
        let answer = dev.call("GET", "/whoami", &broken).await;
        assert!((400..=401).contains(&answer.status), "{broken}");
    }
}

/// RFC 7515 §4.1.11 | `crit` → refused, also an empty one
#[tokio::test]
async fn rfc7515_4_1_11_crit() {
    let dev = Dev::start(&[]);
    let claims = claims_with(&dev, |_| {}).await.to_string();
    for crit in [json!(["exp"]), json!([]), json!(["b64"])] {
        refused(&dev, &sign_raw(&header(|header| header["crit"] = crit), &claims)).await;
    }
}

/// RFC 7797 §3 | `b64` → refused
#[tokio::test]
async fn rfc7797_3_b64() {
    let dev = Dev::start(&[]);
    let claims = claims_with(&dev, |_| {}).await.to_string();
    refused(&dev, &sign_raw(&header(|header| header["b64"] = json!(false)), &claims)).await;
}

/// RFC 7515 §4 | a header member given twice → refused
#[tokio::test]
async fn rfc7515_4_duplicate_header_members() {
    let dev = Dev::start(&[]);
    let claims = claims_with(&dev, |_| {}).await.to_string();
    let twice = header(|_| {}).replacen('{', "{\"alg\":\"none\",", 1);
    refused(&dev, &sign_raw(&twice, &claims)).await;
}

/// RFC 8725 §3.1 | the algorithm is pinned to the key: none, HMAC with the public key, another RSA algorithm → refused
#[tokio::test]
async fn rfc8725_3_1_algorithm() {
    let dev = Dev::start(&[]);
    let claims = claims_with(&dev, |_| {}).await.to_string();
    for alg in ["none", "None", "HS256", "PS256", "RS512", "ES256", ""] {
        let header = header(|header| header["alg"] = json!(alg));
        refused(&dev, &sign_raw(&header, &claims)).await;
        let input = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(&header), BASE64_URL_SAFE_NO_PAD.encode(&claims));
        refused(&dev, &format!("{input}.")).await;
        let keys = dev.get(&dev.text("jwks_uri")).await.text;
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, keys.as_bytes());
        let tag = aws_lc_rs::hmac::sign(&key, input.as_bytes());
        refused(&dev, &format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))).await;
    }
}

/// RFC 8725 §3.10 | keys in the header (`jwk`, `jku`, `x5u`, `x5c`) are never used: signed with one of them → refused
#[tokio::test]
async fn rfc8725_3_10_keys_in_the_header() {
    let dev = Dev::start(&[]);
    let claims = claims_with(&dev, |_| {}).await.to_string();
    let other = Signer::from_private_key(&PublicTestKey::Ps256Active.load()).unwrap();
    let foreign = other.sign_compact("at+jwt", claims.as_bytes()).unwrap();
    refused(&dev, &foreign).await;
    for (name, value) in [("jku", json!("https://evil.example/")), ("x5u", json!("https://evil.example/"))] {
        accepted(&dev, &sign_raw(&header(|header| header[name] = value), &claims)).await;
    }
    let unknown = header(|header| header["kid"] = json!("../../etc/passwd"));
    refused(&dev, &sign_raw(&unknown, &claims)).await;
}

/// RFC 7516 | encrypted tokens are not supported: five parts → refused
#[tokio::test]
async fn rfc7516_five_parts() {
    refused(&Dev::start(&[]), "eyJhbGciOiJSU0EtT0FFUCJ9.x.y.z.w").await;
}

/// RFC 7519 §4.1.7 | `jti` differs from token to token
#[tokio::test]
async fn rfc7519_4_1_7_jti() {
    let dev = Dev::start(&[]);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        assert!(seen.insert(token_part(&dev.token(&[]).await.access_token(), 1)["jti"].to_string()));
    }
}
