//! `POST /oauth/token` in its three modes, and what it issues.

use serde_json::json;

use crate::support::Dev;
use crate::support::dev::{basic, percent_encoded, token_part};

#[tokio::test]
async fn both_spellings_of_basic_and_both_bodies_get_a_token() {
    let dev = Dev::start(&[]);
    let partner = dev.partner(0);
    let none = [("client_id", None), ("client_secret", None)];
    let (id, secret) = (&partner.client_id, &partner.client_secret);
    for header in [
        basic(id, secret),
        basic(&percent_encoded(id), &percent_encoded(secret)),
        basic(id, secret).replace("Basic", "bAsIc"),
    ] {
        assert_eq!(dev.token_with(&none, &[("authorization", &header)]).await.status, 200, "{header}");
    }
    let body = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret, "scope": null});
    for content_type in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(dev.token_body(content_type, body.to_string()).await.status, 200, "{content_type}");
    }
    let without = json!({"grant_type": "client_credentials", "audience": partner.audience}).to_string();
    let request = crate::support::answer::client()
        .post(dev.issuer("/connect/token"))
        .header("authorization", basic(id, secret))
        .header("content-type", "application/json")
        .body(without);
    assert_eq!(crate::support::Answer::to(request).await.status, 200, "Basic with a JSON body, on the alias");
}

#[tokio::test]
async fn wrong_secrets_of_every_form_answer_alike() {
    let dev = Dev::start(&[]);
    let partner = dev.partner(0);
    let other = dev.partner(1).client_secret;
    let mistyped = format!("{}A", &partner.client_secret[..partner.client_secret.len() - 1]);
    let mistyped = if mistyped == partner.client_secret { mistyped.replace('A', "B") } else { mistyped };
    let mut answers = Vec::new();
    for (id, secret) in [
        (partner.client_id.as_str(), "wrong"),
        (partner.client_id.as_str(), other.as_str()),
        (partner.client_id.as_str(), mistyped.as_str()),
        ("nobody", partner.client_secret.as_str()),
        ("nobody", "wrong"),
        ("no\nbody\u{1b}", "wrong"),
    ] {
        let answer = dev.token(&[("client_id", Some(id)), ("client_secret", Some(secret))]).await;
        assert_eq!(answer.error(), (401, "invalid_client".to_owned()), "{id:?}");
        assert_eq!(answer.header("www-authenticate"), "", "no challenge without Basic");
        answers.push(answer.text);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(dev.token(&[]).await.status, 200, "wrong secrets lock nobody out");
}

#[tokio::test]
async fn a_secret_that_a_person_brought_works_and_is_remembered() {
    let seed = json!({
        "apis": [{"identifier": "https://api/", "scopes": [{"value": "a"}]}],
        "clients": [{"client_id": "old", "secrets": [{"value": "brought + from % elsewhere"}],
                     "grants": [{"audience": "https://api/", "scope": ["a"]}]}]
    });
    let dev = Dev::seeded(&seed, &[]);
    let none = [("client_id", None), ("client_secret", None)];
    for _ in 0..3 {
        assert_eq!(dev.token(&[]).await.status, 200);
        let raw = basic("old", "brought + from % elsewhere");
        assert_eq!(dev.token_with(&none, &[("authorization", &raw)]).await.status, 200);
        let encoded = basic("old", "brought+%2B+from+%25+elsewhere");
        assert_eq!(dev.token_with(&none, &[("authorization", &encoded)]).await.status, 200);
    }
    assert_eq!(dev.token(&[("client_secret", Some("not it"))]).await.status, 401);
    assert_eq!(dev.token(&[("client_id", Some("nobody"))]).await.status, 401);
}

#[tokio::test]
async fn every_imported_hash_verifies() {
    // The secret of each is "a secret that was brought", hashed by Python's hashlib and by bcrypt.
    let secret = "a secret that was brought";
    let hashes = [
        ("sha256", "8vuBXTnTHUm974K++paE3MoT1TWqmLpwkZr0OnsCRRs="),
        ("sha512", "19/CYqQszMtCIpFdm/oyhgsAYSEW8rBmgbzsqXtC32s9YyGzJFkVJ8G+LELiwJP9b0bz4zwbqYAkT5ep8N2Zsw=="),
        ("pbkdf2", "$pbkdf2-sha256$i=25000,l=32$c2FsdHNhbHRzYWx0c2FsdA$Z2G8qVNldC6E7Tz8qNXMArwYqfj9hSIWsUfpC02jgII"),
    ];
    let clients: Vec<_> = hashes
        .iter()
        .map(|(id, hash)| {
            json!({"client_id": id, "secrets": [{"hash": hash}], "grants": [{"audience": "https://api/", "scope": []}]})
        })
        .collect();
    let dev = Dev::seeded(&json!({"apis": [{"identifier": "https://api/"}], "clients": clients}), &[]);
    for (id, _) in hashes {
        let changes = [("client_id", Some(id)), ("client_secret", Some(secret)), ("audience", None)];
        assert_eq!(dev.token(&changes).await.status, 200, "{id}");
        let wrong = [("client_id", Some(id)), ("client_secret", Some("wrong")), ("audience", None)];
        assert_eq!(dev.token(&wrong).await.status, 401, "{id}");
    }
}

#[tokio::test]
async fn each_algorithm_can_be_chosen_and_is_published() {
    let algorithms = ["RS256", "PS256", "ES256", "EdDSA"];
    let apis: Vec<_> =
        algorithms.iter().map(|alg| json!({"identifier": format!("https://{alg}/"), "signing_alg": alg})).collect();
    let grants: Vec<_> = algorithms.iter().map(|alg| json!({"audience": format!("https://{alg}/")})).collect();
    let seed = json!({"apis": apis, "clients": [{"client_id": "c", "secrets": [{"value": "0123456789abcdef"}], "grants": grants}]});
    let dev = Dev::seeded(&seed, &[]);
    let keys = dev.get(&dev.text("jwks_uri")).await.json();
    for alg in algorithms {
        let audience = format!("https://{alg}/");
        let token = dev.token(&[("audience", Some(&audience))]).await.access_token();
        let header = token_part(&token, 0);
        assert_eq!(header["alg"], alg);
        let published = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]);
        assert_eq!(published.unwrap_or_else(|| panic!("{alg} is not published"))["alg"], alg);
        let issuer = dev.text("issuer");
        let verified =
            crate::support::program::run(dev.path(), &["verify", &token, "--issuer", &issuer, "--audience", &audience]);
        assert_eq!(verified.code, 0, "{alg}: {verified:?}");
    }
    let metadata = dev.get(&dev.issuer("/.well-known/openid-configuration")).await.json();
    assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(algorithms));
}

#[tokio::test]
async fn rsa_keys_only_unless_another_algorithm_is_turned_on() {
    let dev = Dev::start(&[]);
    let keys = dev.get(&dev.text("jwks_uri")).await.json();
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2, "the one that signs and the next one");
    assert!(keys.iter().all(|key| key["kty"] == "RSA" && key["alg"] == "RS256"));
}

#[tokio::test]
async fn an_api_has_its_own_dialect_whatever_the_server_does() {
    let api = |id: &str, dialect: &str| json!({"identifier": id, "token_dialect": dialect, "scopes": [{"value": "x"}]});
    let grant = |id: &str| json!({"audience": id, "scope": ["x"]});
    let seed = json!({
        "apis": [api("https://9068/", "rfc9068_profile_authz"), api("https://auth0/", "access_token_authz"), api("https://ids/", "identityserver")],
        "clients": [{"client_id": "c", "secrets": [{"value": "0123456789abcdef"}], "claims": {"tier": "gold"},
                     "grants": [grant("https://9068/"), grant("https://auth0/"), grant("https://ids/")]}]
    });
    for compat in ["standard", "auth0", "identityserver"] {
        let dev = Dev::seeded(&seed, &["--compat", compat]);
        let mut claims = Vec::new();
        for (audience, typ) in [("https://9068/", "at+jwt"), ("https://auth0/", "JWT"), ("https://ids/", "at+jwt")] {
            let token = dev.token(&[("audience", Some(audience))]).await.access_token();
            assert_eq!(token_part(&token, 0)["typ"], typ, "{compat} {audience}");
            claims.push(token_part(&token, 1));
        }
        assert_eq!(claims[0]["permissions"], json!(["x"]));
        assert_eq!(claims[1]["sub"], "c@clients");
        assert_eq!((&claims[2]["scope"], &claims[2]["client_tier"]), (&json!(["x"]), &json!("gold")));
        assert!(claims[2].get("sub").is_none());
    }
}

#[tokio::test]
async fn the_error_table_of_both_modes_is_held() {
    type Changes = &'static [(&'static str, Option<&'static str>)];
    type Expected = (u16, &'static str);
    let cases: [(&str, Changes, Expected, Expected); 8] = [
        ("wrong secret", &[("client_secret", Some("wrong"))], (401, "invalid_client"), (401, "access_denied")),
        (
            "no credentials",
            &[("client_id", None), ("client_secret", None)],
            (401, "invalid_client"),
            (401, "access_denied"),
        ),
        ("id only", &[("client_secret", None)], (401, "invalid_client"), (401, "access_denied")),
        (
            "grant type",
            &[("grant_type", Some("password"))],
            (400, "unsupported_grant_type"),
            (403, "unsupported_grant_type"),
        ),
        ("no grant type", &[("grant_type", None)], (400, "invalid_request"), (400, "invalid_request")),
        ("unknown API", &[("audience", Some("https://unknown/"))], (400, "invalid_target"), (403, "access_denied")),
        ("scope", &[("scope", Some("delete:users"))], (400, "invalid_scope"), (403, "access_denied")),
        ("organization", &[("organization", Some("org_1"))], (400, "invalid_request"), (400, "invalid_request")),
    ];
    for (compat, column) in [("standard", 0), ("identityserver", 0), ("auth0", 1)] {
        let dev = Dev::start(&["--compat", compat]);
        for (name, changes, standard, auth0) in cases {
            let expected = if column == 0 { standard } else { auth0 };
            let answer = dev.token(changes).await;
            assert_eq!(answer.error(), (expected.0, expected.1.to_owned()), "{compat}: {name}");
            assert_ne!(answer.json()["error_description"], json!(null), "{compat}: {name}");
            assert_eq!(answer.header("cache-control"), "no-store", "{compat}: {name}");
        }
        let management = dev.management().audience;
        let expected = if column == 0 { (400, "invalid_target") } else { (403, "access_denied") };
        let answer = dev.token(&[("audience", Some(&management))]).await;
        assert_eq!(answer.error(), (expected.0, expected.1.to_owned()), "{compat}: no grant");
    }
}

/// `compat` moves error codes (the table above) and the default dialect, and nothing else.
#[tokio::test]
async fn compat_moves_no_path_no_answer_and_no_metadata() {
    type Names = Vec<String>;
    let names = |value: &serde_json::Value| -> Names {
        let mut names: Names = value.as_object().expect("an object").keys().cloned().collect();
        names.sort();
        names
    };
    let mut seen: Vec<(String, Names, Names)> = Vec::new();
    for (compat, typ, own) in [
        ("standard", "at+jwt", &["client_id", "jti", "sub"][..]),
        ("auth0", "JWT", &["azp", "gty", "sub"]),
        ("identityserver", "at+jwt", &["client_id", "jti", "nbf"]),
    ] {
        let dev = Dev::start(&["--compat", compat]);
        let metadata = dev.get(&dev.issuer("/.well-known/oauth-authorization-server")).await;
        let metadata = metadata.text.replace(&dev.text("issuer"), "ISSUER/");
        let keys = dev.get(&dev.issuer("/.well-known/openid-configuration/jwks")).await.json();
        let answer = dev.token(&[]).await;
        let token = answer.access_token();
        assert_eq!(token_part(&token, 0)["typ"], typ, "{compat}");
        let mut claims = names(&token_part(&token, 1));
        claims.retain(|name| !["aud", "exp", "iat", "iss", "scope"].contains(&name.as_str()));
        assert_eq!(claims, own, "{compat}");
        seen.push((metadata, names(&keys["keys"][0]), names(&answer.json())));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn a_quota_is_enforced_where_it_says_so() {
    let client = |id: &str, enforce: bool| {
        json!({"client_id": id, "secrets": [{"value": "0123456789abcdef"}], "grants": [{"audience": "https://api/"}],
               "quota": {"per_day": 2, "enforce": enforce}})
    };
    let seed =
        json!({"apis": [{"identifier": "https://api/"}], "clients": [client("hard", true), client("soft", false)]});
    for (compat, error) in [("standard", "temporarily_unavailable"), ("auth0", "too_many_requests")] {
        let dev = Dev::seeded(&seed, &["--compat", compat]);
        for remaining in [1, 0] {
            let issued = dev.token(&[]).await;
            assert_eq!((issued.status, issued.header("ratelimit-policy")), (200, r#""day";q=2;w=86400"#));
            assert!(issued.header("ratelimit").starts_with(&format!(r#""day";r={remaining};t="#)), "{issued:?}");
        }
        let refused = dev.token(&[]).await;
        assert_eq!(refused.error(), (429, error.to_owned()));
        let retry_after: u32 = refused.header("retry-after").parse().unwrap();
        assert!((1..=86_400).contains(&retry_after));
        assert!(refused.header("ratelimit").starts_with(r#""day";r=0;t="#), "{refused:?}");
        for _ in 0..4 {
            let soft = dev.token(&[("client_id", Some("soft"))]).await;
            assert_eq!((soft.status, soft.header("ratelimit")), (200, ""));
        }
    }
}

#[tokio::test]
async fn an_imported_id_with_special_characters_works_raw_and_encoded() {
    let seed = json!({
        "apis": [{"identifier": "https://api/"}],
        "clients": [{"client_id": "svc+one%41:x", "secrets": [{"value": "0123456789abcdef"}], "grants": [{"audience": "https://api/"}]}]
    });
    let dev = Dev::seeded(&seed, &[]);
    assert_eq!(dev.token(&[]).await.status, 200, "in the body");
    let none = [("client_id", None), ("client_secret", None)];
    let encoded = basic("svc%2Bone%2541%3Ax", "0123456789abcdef");
    assert_eq!(dev.token_with(&none, &[("authorization", &encoded)]).await.status, 200);
}

#[tokio::test]
async fn an_expired_or_disabled_client_is_never_remembered() {
    let seed = json!({
        "apis": [{"identifier": "https://api/"}],
        "clients": [
            {"client_id": "expired", "secrets": [{"value": "0123456789abcdef", "expires_at": "2020-01-01T00:00:00Z"}]},
            {"client_id": "disabled", "enabled": false, "secrets": [{"value": "0123456789abcdef"}]}
        ]
    });
    let dev = Dev::seeded(&seed, &[]);
    let wrong = dev.token(&[("client_secret", Some("wrong"))]).await;
    for id in ["expired", "disabled"] {
        for _ in 0..3 {
            let answer = dev.token(&[("client_id", Some(id)), ("audience", None)]).await;
            assert_eq!((answer.status, &answer.text), (401, &wrong.text), "{id}");
        }
    }
}
