//! Hydra, as its API lists clients and as its table holds them.

use serde_json::json;

use super::super::import_hydra;
use super::*;
use crate::oauth::resource::DefaultScope;

const PBKDF2: &str = "$pbkdf2-sha256$i=25000,l=32$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8";

/// A client as the admin API shows it.
fn client(id: &str, more: &Value) -> Value {
    let mut client = json!({
        "client_id": id, "client_name": "", "redirect_uris": [], "grant_types": ["client_credentials"],
        "response_types": ["code"], "scope": "openid read write", "audience": ["https://api/"], "owner": "",
        "contacts": [], "client_secret_expires_at": 0, "subject_type": "public", "jwks": {},
        "token_endpoint_auth_method": "client_secret_basic", "userinfo_signed_response_alg": "none", "metadata": {},
        "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z", "skip_consent": false,
        "client_credentials_grant_access_token_lifespan": null
    });
    for (name, value) in more.as_object().unwrap() {
        client[name] = value.clone();
    }
    client
}

fn clients() -> Value {
    json!({"items": [
        client("one", &json!({"client_secret": "given when it was made", "client_secret_expires_at": 1_830_297_600,
            "client_credentials_grant_access_token_lifespan": "30m0s", "metadata": {"team": "a"}})),
        client("two", &json!({"scope": "read admin users.*", "audience": ["https://api/", "https://other/"],
            "client_credentials_grant_access_token_lifespan": "1h0m0s", "access_token_strategy": "opaque"})),
        client("web", &json!({"grant_types": ["authorization_code"], "audience": []})),
        client("key", &json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://k/",
            "jwks": {"keys": [
                // RFC 8037 A.2, and what is no key.
                {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "d": "private",
                 "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}, {"kty": "oct"}, 7]}})),
    ], "next_page_token": "", "is_last_page": true})
}

#[test]
fn an_audience_becomes_an_api_with_the_scopes_of_its_clients() {
    let imported = import_hydra(&file("clients.json", &clients()), None).unwrap();
    let api = imported.api("https://api/");
    let scopes: Vec<_> = api.scopes.iter().map(|scope| scope.value.as_str()).collect();
    assert_eq!(scopes, ["read", "write", "admin"]);
    assert_eq!((api.token_lifetime, api.default_scope), (Some(1800), DefaultScope::None));
    assert_eq!(imported.grants("one"), ["https://api/: read write"]);
    assert_eq!(imported.grants("two"), ["https://api/: read admin", "https://other/: read admin"]);
    let secret = &imported.client("one").secrets[0];
    assert_eq!(secret.value.as_deref(), Some("given when it was made"));
    assert_eq!(secret.expires_at.unwrap().to_string(), "2028-01-01T00:00:00Z");
    assert!(!imported.client("web").client_credentials_allowed);

    assert_eq!(imported.noted(NoteKind::ApiMade), ["https://api/", "https://other/"]);
    assert_eq!(imported.noted(NoteKind::ClientWithoutCredential), ["two"]);
    let key = imported.client("key");
    assert_eq!(
        (key.jwks_uri.as_deref(), key.authentication_methods[0].as_str()),
        (Some("https://k/"), "private_key_jwt")
    );
    let keys = &key.jwks.as_ref().unwrap().keys;
    assert!(keys.len() == 1 && keys[0].jwk["kid"] == "ed" && !keys[0].jwk.contains_key("d"), "{keys:?}");
    assert_eq!(imported.noted(NoteKind::LifetimeDiffers), ["two"]);
    assert_eq!(imported.noted(NoteKind::TokenDiffers), ["two"]);
    assert_eq!(imported.noted(NoteKind::CredentialLeftOut), ["key", "key"]);
    assert!(imported.noted(NoteKind::ScopeLeftOut).contains(&"users.*"));
    assert_eq!(imported.noted(NoteKind::MembersLeftOut), ["metadata"]);
}

#[test]
fn a_list_one_client_and_lines_are_read_too() {
    let one = client("one", &json!({}));
    for text in [one.to_string(), json!([one]).to_string(), format!("{one}\n{}\n", client("two", &json!({})))] {
        let imported = import_hydra(&SourceFile::new("c.json", text), None).unwrap();
        assert_eq!(imported.grants("one"), ["https://api/: read write"]);
    }
}

#[test]
fn rows_of_the_table_bring_the_hashes() {
    let row = json!({
        "pk": "0d6c-1", "nid": "2470-1", "id": "one", "client_name": "One", "client_secret": PBKDF2,
        "grant_types": "[\"client_credentials\"]", "scope": "read write", "audience": "[\"https://api/\"]",
        "token_endpoint_auth_method": "client_secret_post", "client_secret_expires_at": 0, "metadata": "{}",
        "client_credentials_grant_access_token_lifespan": 3_600_000_000_000_i64, "rotated_secrets": "[\"$2a$10$x\"]"
    });
    let old = json!({"id": "old", "client_secret": "$2a$10$lsrJjLPOUF7I75s3339R2uwqpjSlYGfhFyg7YsPtrSoITVy5UF3B2",
        "grant_types": "client_credentials|implicit", "scope": "read", "audience": "https://api/"});
    let imported = import_hydra(&file("rows.json", &json!([row, old])), None).unwrap();
    assert_eq!(imported.client("one").secrets[0].hash.as_deref(), Some(PBKDF2));
    assert_eq!(imported.client("one").authentication_methods[0].as_str(), "client_secret_post");
    assert_eq!(imported.api("https://api/").token_lifetime, Some(3600));
    assert!(imported.client("old").secrets[0].hash.as_deref().unwrap().starts_with("$2a$10$"));
    assert_eq!(imported.noted(NoteKind::SecretLeftOut), ["one"], "the rotated one");
}

#[test]
fn clients_without_an_audience_need_one() {
    let without = json!([client("one", &json!({"audience": []}))]);
    let error = told(import_hydra(&file("c.json", &without), None));
    assert!(error.contains("(read write)") && error.contains("Hydra leaves aud empty"), "{error}");
    let imported = import_hydra(&file("c.json", &without), Some("https://api/")).unwrap();
    assert_eq!(imported.grants("one"), ["https://api/: read write"]);
}

#[test]
fn mistakes_name_the_member() {
    for (value, expected) in [
        (json!([{"client_id": "a", "audience": ["x", 1]}]), "c.json: [0]: audience must be a list of texts"),
        (
            json!([client("a", &json!({"client_credentials_grant_access_token_lifespan": "canary"}))]),
            "[0]: client_credentials_grant",
        ),
        (json!({"items": "canary"}), "c.json: items must be a list of objects"),
        (json!({"kid": "canary"}), "no export of Ory Hydra"),
        (json!("canary"), "no export of Ory Hydra"),
    ] {
        let error = told(import_hydra(&file("c.json", &value), None));
        assert!(error.contains(expected) && !error.contains("canary"), "{error}");
    }
}
