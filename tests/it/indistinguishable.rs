//! What does an answer tell about a client that did not prove who it is? Nothing: unknown, wrong, expired and disabled are one and the same, by status, body
//! and headers, with every mechanism, at both endpoints and in each dialect. (The time is measured: `cargo bench --bench indistinguishable`.)

use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;
use serde_json::json;
use tokenhouse::entropy::SystemEntropy;
use tokenhouse::secret::GeneratedSecret;

use crate::support::Serve;
use crate::support::answer::{Answer, client};
use crate::support::assertion::{JWT_BEARER, PartnerKey, document, key_client};
use crate::support::dev::basic;

const BROUGHT: &str = "a secret that was brought";

const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// All of an answer that a caller can compare with another: but for its time and its number.
fn seen(answer: &Answer) -> String {
    let told = |name: &str| !matches!(name, "date" | "x-request-id");
    let headers: BTreeMap<_, _> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| told(name)).collect();
    format!("{} {headers:?} {}", answer.status, answer.text)
}

/// Where a secret stands in a request.
#[derive(Clone, Copy, Debug)]
enum Place {
    Header,
    Form,
    Json,
}

async fn present(serve: &Serve, path: &str, place: Place, id: &str, secret: &str) -> Answer {
    let request = client().post(serve.url(path));
    let grant = ("grant_type", "client_credentials");
    Answer::to(match place {
        Place::Header => request.header("authorization", basic(id, secret)).form(&[grant]),
        Place::Form => request.form(&[grant, ("client_id", id), ("client_secret", secret)]),
        Place::Json => {
            request.json(&json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret}))
        }
    })
    .await
}

#[rstest]
#[tokio::test]
async fn unknown_wrong_expired_and_disabled_are_answered_alike(
    #[values("standard", "identityserver", "auth0")] compat: &str,
) {
    let compat = format!("compat={compat}");
    let serve = Serve::start(&["--set", &compat, "--set", "limits.failed_attempts=0"]).await;
    let key = PartnerKey::new("ES256");
    let secrets = [(); 4].map(|()| GeneratedSecret::generate(&SystemEntropy).expose().to_owned());
    let [right, disabled, expired, nobodys] = &secrets;
    let with_secret = |id: &str, secret: &str, enabled: bool, expires_at: Option<&str>| {
        json!({
            "client_id": id, "enabled": enabled, "secrets": [{"value": secret, "expires_at": expires_at}],
            "grants": [{"audience": "https://api/", "scope": ["a"]}]
        })
    };
    let mut disabled_key = key_client("disabled-key", &[key.jwk()]);
    disabled_key["enabled"] = json!(false);
    let clients = [
        with_secret("generated", right, true, None),
        with_secret("generated-disabled", disabled, false, None),
        with_secret("generated-expired", expired, true, Some(LONG_AGO)),
        with_secret("brought", BROUGHT, true, None),
        with_secret("brought-disabled", BROUGHT, false, None),
        with_secret("brought-expired", BROUGHT, true, Some(LONG_AGO)),
        key_client("key", &[key.jwk()]),
        disabled_key,
    ];
    std::fs::write(serve.path().join("document.json"), document(&clients).to_string()).unwrap();
    serve.cli(&["apply", "-f", "document.json"]).success();
    serve.token_within_a_second("generated", right, |answer| answer.status == 200).await;

    let not_checksummed = format!("{}x", &right[..right.len() - 1]);
    let attempts = [
        ("unknown client", "nobody", nobodys.as_str()),
        ("unknown client", "nobody", "of no form that is known"),
        ("no client can have this id", "\u{fc} or ' OR 1=1", "of no form that is known"),
        ("wrong", "generated", nobodys),
        ("of another client", "generated", disabled),
        ("mistyped", "generated", &not_checksummed),
        ("of another form", "generated", BROUGHT),
        ("disabled", "generated-disabled", disabled),
        ("disabled and wrong", "generated-disabled", right),
        ("expired", "generated-expired", expired),
        ("wrong", "brought", "another secret that was brought"),
        ("of another form", "brought", right),
        ("disabled", "brought-disabled", BROUGHT),
        ("disabled and wrong", "brought-disabled", "another secret that was brought"),
        ("expired", "brought-expired", BROUGHT),
        ("a client that has only a key", "key", BROUGHT),
        ("longer than any secret", "generated", &"s".repeat(2_000)),
    ];
    for path in ["/oauth/token", "/oauth/secret"] {
        for place in [Place::Header, Place::Form, Place::Json] {
            let mut answers = BTreeMap::new();
            for (name, id, secret) in attempts {
                let answer = present(&serve, path, place, id, secret).await;
                assert_eq!(answer.status, 401, "{name}, {id}: {answer:?}");
                answers.entry(seen(&answer)).or_insert_with(Vec::new).push((name, id));
            }
            assert_eq!(answers.len(), 1, "{path} {place:?}: {answers:#?}");
        }
    }
    for (id, secret) in [("generated", right.as_str()), ("brought", BROUGHT)] {
        assert_eq!(serve.token(id, secret).await.status, 200, "{id} is what it should be");
    }

    let (stranger, issuer) = (PartnerKey::new("ES256"), serve.url("/"));
    let assertions = [
        ("unknown client", key.assertion("nobody", &issuer, &json!({}))),
        ("another key", stranger.assertion("key", &issuer, &json!({}))),
        ("disabled", key.assertion("disabled-key", &issuer, &json!({}))),
        ("disabled, another key", stranger.assertion("disabled-key", &issuer, &json!({}))),
        ("expired", key.assertion("key", &issuer, &json!({"iat": 1_000_000_000, "exp": 1_000_000_060}))),
        ("a client without a key", key.assertion("generated", &issuer, &json!({}))),
    ];
    for path in ["/oauth/token", "/oauth/secret"] {
        let mut answers = BTreeSet::new();
        for (name, assertion) in &assertions {
            let form = [
                ("grant_type", "client_credentials"),
                ("client_assertion_type", JWT_BEARER),
                ("client_assertion", assertion),
            ];
            let answer = Answer::to(client().post(serve.url(path)).form(&form)).await;
            assert_eq!(answer.status, 401, "{name}: {answer:?}");
            answers.insert(seen(&answer));
        }
        assert_eq!(answers.len(), 1, "{path}: {answers:#?}");
    }
}
