//! `/_control/tokens`: any token, good or bad.

use serde_json::{Value, json};

use crate::support::control::{Control, start};
use crate::support::dev::token_part;

#[tokio::test]
async fn the_documentation_lists_every_defect() {
    let (_dev, control) = start(&[]);
    let page = include_str!("../../../docs/testing.md");
    let listed = control.get("tokens/defects").await;
    for one in listed["defects"].as_array().unwrap() {
        let text = |member: &str| one[member].as_str().unwrap().trim_end_matches('.');
        let row = format!("| `{}` | {} |", text("name"), text("description"));
        assert!(page.contains(&row), "docs/testing.md lacks: {row}");
    }
}

async fn defects(control: &Control) -> Vec<String> {
    let listed = control.get("tokens/defects").await;
    listed["defects"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_defect_is_refused_and_no_defect_is_accepted() {
    for compat in ["standard", "auth0", "identityserver"] {
        let (_dev, control) = start(&["--compat", compat]);
        let good = control.mint(json!({})).await;
        assert_eq!(control.whoami(&good).await.status, 200, "{compat}: {good}");
        let defects = defects(&control).await;
        assert!(defects.len() >= 19, "{defects:?}");
        for defect in &defects {
            let minted = control.post("tokens", &json!({ "defect": defect })).await;
            assert_eq!(minted["defect"]["name"], defect.as_str());
            assert!(minted["defect"]["reference"].as_str().unwrap().starts_with("RFC "));
            let token = minted["access_token"].as_str().unwrap();
            let answer = control.whoami(token).await;
            assert_eq!(answer.error(), (401, "invalid_token".to_owned()), "{compat} {defect}: {token}");
        }
        let good = control.mint(json!({})).await;
        assert_eq!(control.whoami(&good).await.status, 200, "{compat}: {good}");
    }
}

#[tokio::test]
async fn every_defect_is_refused_whatever_the_algorithm() {
    for alg in ["PS256", "ES256", "EdDSA"] {
        let api = json!({ "identifier": "https://api/", "scopes": [{ "value": "s" }], "signing_alg": alg });
        let client = json!({ "client_id": "c", "grants": [{ "audience": "https://api/", "scope": ["s"] }] });
        let dev = crate::support::Dev::seeded(&json!({ "apis": [api], "clients": [client] }), &["--control"]);
        let control = Control::of(&dev.ready);
        let good = control.mint(json!({})).await;
        assert_eq!(token_part(&good, 0)["alg"], alg);
        assert_eq!(control.whoami(&good).await.status, 200, "{alg}: {good}");
        for defect in defects(&control).await {
            let token = control.mint(json!({ "defect": defect })).await;
            assert_eq!(control.whoami(&token).await.status, 401, "{alg} {defect}: {token}");
        }
    }
}

#[tokio::test]
async fn a_defect_is_what_its_name_says() {
    let (_dev, control) = start(&[]);
    let now = control.put("clock", &json!({ "frozen": true })).await["now"].as_i64().unwrap();
    let minted = async |defect: &str| control.mint(json!({ "defect": defect })).await;
    let header = async |defect| token_part(&minted(defect).await, 0);
    let claims = async |defect| token_part(&minted(defect).await, 1);
    assert_eq!(claims("expired").await["exp"], now - 3600);
    assert_eq!(claims("not_yet_valid").await["nbf"], now + 3600);
    assert_eq!(claims("wrong_issuer").await["iss"], "https://elsewhere.example/");
    assert_eq!(claims("wrong_audience").await["aud"], "https://elsewhere.example/");
    assert_eq!(claims("missing_expiry").await["exp"], Value::Null);
    assert_eq!(claims("tampered_payload").await["scope"], "everything");
    assert_eq!(header("wrong_type").await["typ"], "logout+jwt");
    assert_eq!(header("wrong_algorithm").await["alg"], "PS256");
    assert_eq!(header("hs256_with_public_key").await["alg"], "HS256");
    assert_eq!(header("embedded_key").await["jwk"]["kty"], "RSA");
    assert_eq!(header("missing_kid").await["kid"], Value::Null);
    assert!(header("unknown_crit").await["crit"].is_array());
    let published = control.kids().await;
    assert_eq!(header("forged_key").await["kid"], published[0]);
    assert!(!published.contains(&header("unknown_kid").await["kid"].as_str().unwrap().to_owned()));
    let none = minted("alg_none").await;
    assert!(none.ends_with('.') && token_part(&none, 0)["alg"] == "none", "{none}");
    assert_eq!(minted("missing_signature").await.split('.').count(), 2);
    let huge = minted("huge").await.len();
    assert!((8 * 1024 + 1..15 * 1024).contains(&huge), "{huge}");
}

#[tokio::test]
async fn everything_can_be_said_of_a_token() {
    let (_dev, control) = start(&[]);
    let wanted = json!({
        "client_id": "nobody", "audience": "https://other/", "scope": "a b", "expires_in": 60,
        "header": { "x": 1, "typ": null }, "claims": { "role": "admin", "jti": null },
    });
    let minted = control.post("tokens", &wanted).await;
    let token = minted["access_token"].as_str().unwrap();
    let (header, claims) = (token_part(token, 0), token_part(token, 1));
    assert_eq!((&minted["header"], &minted["claims"], &minted["defect"]), (&header, &claims, &Value::Null));
    assert_eq!((&header["x"], &header["typ"], &header["alg"]), (&json!(1), &Value::Null, &json!("RS256")));
    assert_eq!(
        (&claims["client_id"], &claims["aud"], &claims["scope"]),
        (&json!("nobody"), &json!("https://other/"), &json!("a b"))
    );
    assert_eq!((&claims["role"], &claims["jti"]), (&json!("admin"), &Value::Null));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);

    let foreign = control.mint(json!({ "key": "other" })).await;
    assert_eq!(control.whoami(&foreign).await.status, 401);
    let scoped = control.mint(json!({ "client_id": "partner-b", "scope": "create:users" })).await;
    assert_eq!(control.whoami(&scoped).await.json()["scope"], json!("create:users"), "no grant is asked for");
    let past = control.mint(json!({ "expires_in": -600 })).await;
    assert_eq!(control.whoami(&past).await.status, 401);
    let curve = control.mint(json!({ "alg": "ES256" })).await;
    assert_eq!(token_part(&curve, 0)["alg"], "ES256");
    assert_eq!(control.whoami(&curve).await.status, 200, "a key of that algorithm was made and published");
}

#[tokio::test]
async fn what_can_be_no_token_is_told() {
    let (_dev, control) = start(&[]);
    for (wrong, told) in [
        (json!({ "audience": "with space" }), "set aud in claims"),
        (json!({ "client_id": "" }), "client id"),
        (json!({ "scope": "\"" }), "scope"),
        (json!({ "alg": "none" }), "set defect to alg_none"),
        (json!({ "defect": "broken" }), "unknown variant `broken`"),
        (json!({ "defect": "expired", "key": "other" }), "leave it out"),
        (json!({ "expires_in": i64::MAX }), "expires_in"),
        (json!({ "sub": "x" }), "unknown field `sub`"),
    ] {
        let answer = control.call("POST", "tokens", Some(&wrong)).await;
        assert_eq!(answer.error(), (400, "invalid_request".to_owned()), "{wrong}");
        assert!(answer.text.contains(told), "{wrong}: {answer:?}");
    }
}

#[tokio::test]
async fn an_algorithm_that_is_none_points_to_its_defect() {
    let (_dev, control) = start(&[]);
    for (alg, defect) in [("none", "alg_none"), ("HS256", "hs256_with_public_key")] {
        let answer = control.call("POST", "tokens", Some(&json!({ "alg": alg }))).await;
        assert!(answer.status == 400 && answer.text.contains(defect), "{answer:?}");
    }
    let answer = control.call("POST", "tokens", Some(&json!({ "alg": "RS1" }))).await;
    assert!(answer.status == 400 && answer.text.contains("RS256"), "{answer:?}");
    control.post("tokens", &json!({ "alg": null })).await;
}
