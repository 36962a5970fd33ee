//! RFC 7521 and RFC 7523: clients that authenticate with an assertion.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::Dev;
use crate::support::answer::{Answer, client};
use crate::support::assertion::{JWT_BEARER, PartnerKey, claims, document, key_client, token, unix_seconds};

/// A server with the client `c`, and its key.
struct Rig {
    dev: Dev,
    key: PartnerKey,
}

impl Rig {
    fn start() -> Self {
        let key = PartnerKey::new("RS256");
        Self { dev: Dev::seeded(&document(&[key_client("c", &[key.jwk()])]), &[]), key }
    }

    fn endpoint(&self) -> String {
        self.dev.text("token_endpoint")
    }

    fn assertion(&self, changes: &Value) -> String {
        self.key.assertion("c", &self.dev.text("issuer"), changes)
    }

    async fn token(&self, assertion: &str) -> Answer {
        token(&self.endpoint(), assertion, &[]).await
    }

    /// The status for an assertion whose claims differ from a good one's.
    async fn with(&self, changes: Value) -> u16 {
        let answer = self.token(&self.assertion(&changes)).await;
        assert!(answer.status == 200 || answer.error() == (401, "invalid_client".to_owned()), "{answer:?}");
        answer.status
    }
}

/// RFC 7523 §2.2 | `client_assertion` authenticates the client; `client_id` need not stand beside it → 200
#[tokio::test]
async fn rfc7523_2_2_an_assertion_authenticates() {
    let rig = Rig::start();
    let answer = rig.token(&rig.assertion(&json!({}))).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let both = token(&rig.endpoint(), &rig.assertion(&json!({})), &[("client_id", "c")]).await;
    assert_eq!(both.status, 200);
}

/// RFC 7521 §4.2 | `client_id` beside the assertion must be its `sub`: another → 401 `invalid_client`
#[tokio::test]
async fn rfc7521_4_2_client_id_is_the_subject() {
    let rig = Rig::start();
    let answer = token(&rig.endpoint(), &rig.assertion(&json!({})), &[("client_id", "other")]).await;
    assert_eq!(answer.error(), (401, "invalid_client".to_owned()));
}

/// RFC 7521 §4.2 | `client_assertion_type` must be there: none → 400 `invalid_request`; another type → 401 `invalid_client`
#[tokio::test]
async fn rfc7521_4_2_the_assertion_has_its_type() {
    let rig = Rig::start();
    let assertion = rig.assertion(&json!({}));
    let form = [("grant_type", "client_credentials"), ("client_assertion", &assertion)];
    let untyped = Answer::to(client().post(rig.endpoint()).form(&form)).await;
    assert_eq!(untyped.error(), (400, "invalid_request".to_owned()));
    let saml = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    let other = Answer::to(client().post(rig.endpoint()).form(&[form[0], form[1], saml])).await;
    assert_eq!(other.error(), (401, "invalid_client".to_owned()));
}

/// RFC 7521 §4.2 | no other way to authenticate beside an assertion → 400 `invalid_request`; and the assertion once only
#[tokio::test]
async fn rfc7521_4_2_no_other_method_beside_it() {
    let rig = Rig::start();
    let assertion = rig.assertion(&json!({}));
    let secret = token(&rig.endpoint(), &assertion, &[("client_id", "c"), ("client_secret", "x")]).await;
    assert_eq!(secret.error(), (400, "invalid_request".to_owned()));
    let twice = token(&rig.endpoint(), &assertion, &[("client_assertion", &assertion)]).await;
    assert_eq!(twice.error(), (400, "invalid_request".to_owned()));
    let form =
        [("grant_type", "client_credentials"), ("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)];
    let basic = client().post(rig.endpoint()).basic_auth("c", Some("x")).form(&form);
    assert_eq!(Answer::to(basic).await.error(), (400, "invalid_request".to_owned()));
}

/// RFC 7523 §3 (1, 2) | `iss` and `sub` must be there and be the client id, else 401 `invalid_client`
#[tokio::test]
async fn rfc7523_3_issuer_and_subject_are_the_client() {
    let rig = Rig::start();
    for changes in
        [json!({"iss": null}), json!({"sub": null}), json!({"iss": "x"}), json!({"sub": "x"}), json!({"iss": ["c"]})]
    {
        assert_eq!(rig.with(changes.clone()).await, 401, "{changes}");
    }
}

/// RFC 7523 §3 (3) | `aud` must identify this server: its issuer identifier or token endpoint, else 401 `invalid_client`
#[tokio::test]
async fn rfc7523_3_audience_is_this_server() {
    let rig = Rig::start();
    let (issuer, endpoint) = (rig.dev.text("issuer"), rig.endpoint());
    for aud in [json!(issuer), json!(issuer.trim_end_matches('/')), json!(endpoint), json!([issuer])] {
        assert_eq!(rig.with(json!({"aud": aud})).await, 200, "{aud}");
    }
    for aud in [json!(null), json!("https://evil.example/"), json!([]), json!(1), json!(format!("{issuer}x"))] {
        assert_eq!(rig.with(json!({"aud": aud})).await, 401, "{aud}");
    }
}

/// rfc7523bis §4 | an assertion for somebody else beside this server → 401 `invalid_client`
#[tokio::test]
async fn rfc7523bis_4_one_audience() {
    let rig = Rig::start();
    let issuer = rig.dev.text("issuer");
    assert_eq!(rig.with(json!({"aud": [issuer, "https://evil.example/"]})).await, 401);
    assert_eq!(rig.with(json!({"aud": ["https://evil.example/", issuer]})).await, 401);
}

/// RFC 7523 §3 (4) | `exp` must be there and ahead; one unreasonably far ahead may be refused → 401 `invalid_client`
#[tokio::test]
async fn rfc7523_3_expiry() {
    let rig = Rig::start();
    let now = unix_seconds();
    for changes in [
        json!({"exp": null}),
        json!({"exp": now - 40, "iat": now - 100}),
        json!({"exp": now + 7200}),
        json!({"exp": format!("{}", now + 60)}),
        json!({"exp": 1e300}),
    ] {
        assert_eq!(rig.with(changes.clone()).await, 401, "{changes}");
    }
    assert_eq!(rig.with(json!({"exp": now + 3600, "iat": now})).await, 200, "an hour, as Authlib sends");
}

/// RFC 7523 §3 (5, 6) | `nbf` and `iat` ahead: 10 s are tolerated, 60 s are not → 401 `invalid_client`
#[tokio::test]
async fn rfc7523_3_not_before_and_issued_at() {
    let rig = Rig::start();
    let now = unix_seconds();
    for claim in ["nbf", "iat"] {
        assert_eq!(rig.with(json!({claim: now + 10})).await, 200, "{claim}");
        assert_eq!(rig.with(json!({claim: now + 90, "exp": now + 200})).await, 401, "{claim}");
    }
}

/// RFC 7523 §3 (7) | `jti`: an assertion is good once; a second time → 401 `invalid_client`
#[tokio::test]
async fn rfc7523_3_an_assertion_is_used_once() {
    let rig = Rig::start();
    let assertion = rig.assertion(&json!({}));
    assert_eq!(rig.token(&assertion).await.status, 200);
    assert_eq!(rig.token(&assertion).await.error(), (401, "invalid_client".to_owned()));
    assert_eq!(rig.with(json!({"jti": null})).await, 401, "without a name it could not be told from the next");
}

/// RFC 7523 §3 (9) | the signature must be the client's: unsigned, by another key, by the public key as a secret → 401
#[tokio::test]
async fn rfc7523_3_the_signature_is_the_clients() {
    let rig = Rig::start();
    let good = rig.assertion(&json!({}));
    let (input, _) = good.rsplit_once('.').unwrap();
    let (_, payload) = input.split_once('.').unwrap();
    let header = |header: Value| BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
    let secrets = [rig.key.jwk().to_string(), rig.key.certificate(0), rig.key.jwk()["n"].as_str().unwrap().to_owned()];
    let mut hostile = vec![
        format!("{}.{payload}.", header(json!({"alg": "none"}))),
        format!("{}.{payload}.AA", header(json!({"alg": "none"}))),
        format!("{input}."),
        format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode([0; 256])),
        PartnerKey::new("ES256").assertion("c", &rig.dev.text("issuer"), &json!({})),
    ];
    for secret in &secrets {
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let claims = claims("c", &rig.dev.text("issuer"), &json!({}));
        hostile.push(jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap());
    }
    for assertion in &hostile {
        assert_eq!(rig.token(assertion).await.error(), (401, "invalid_client".to_owned()), "{assertion}");
    }
}

/// RFC 8725 §3.10 | keys and URLs in the header of an assertion are never used → 401 `invalid_client`
#[tokio::test]
async fn rfc8725_3_10_an_assertion_brings_no_key() {
    let rig = Rig::start();
    let evil = PartnerKey::new("ES256");
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
    header.jwk = Some(serde_json::from_value(evil.jwk()).unwrap());
    header.jku = Some("http://127.0.0.1:9/jwks".to_owned());
    let assertion = evil.sign_under(&header, &claims("c", &rig.dev.text("issuer"), &json!({})));
    assert_eq!(rig.token(&assertion).await.error(), (401, "invalid_client".to_owned()));
}

/// RFC 8725 §3.11, §3.12 | a JWT of another kind, by its `typ`, is no assertion → 401 `invalid_client`
#[tokio::test]
async fn rfc8725_3_11_other_kinds_of_token() {
    let rig = Rig::start();
    for (typ, status) in [("at+jwt", 401), ("dpop+jwt", 401), ("client-authentication+jwt", 200), ("JWT", 200)] {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
        header.typ = Some(typ.to_owned());
        let assertion = rig.key.sign_under(&header, &claims("c", &rig.dev.text("issuer"), &json!({})));
        assert_eq!(rig.token(&assertion).await.status, status, "{typ}");
    }
}
