//! `tokenhouse import identityserver`

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{claims, fixture, import_twice, noted, put, token};
use crate::support::{Answer, Serve};

const SECRET: &str = "the secret of the worker";
const OTHER: &str = "another secret of it";

fn appsettings() -> String {
    let sha256 = BASE64_STANDARD.encode(digest(&SHA256, SECRET.as_bytes()));
    let sha512 = BASE64_STANDARD.encode(digest(&SHA512, OTHER.as_bytes()));
    fixture("appsettings.json").replace("SHA256_OF_SECRET", &sha256).replace("SHA512_OF_OTHER", &sha512)
}

#[tokio::test]
async fn hashed_secrets_stay_valid() {
    let serve = Serve::start(&[]).await;
    put(&serve, "appsettings.json", &appsettings());
    let first =
        import_twice(&serve, &["identityserver", "appsettings.json", "--audience", "https://reports.example.com"]);
    assert_eq!(noted(&first, "api_made"), ["https://reports.example.com"]);
    assert_eq!(noted(&first, "client_refused"), ["web"]);
    for secret in [SECRET, OTHER] {
        let issued = claims(&token(&serve, "worker", secret, "orders").await);
        assert_eq!(issued["scope"], json!(["orders.read", "orders.write"]));
        assert_eq!((&issued["client_tier"], &issued["client_id"]), (&json!("gold"), &json!("worker")));
        assert_eq!(issued["exp"].as_i64().unwrap() - issued["iat"].as_i64().unwrap(), 600);
    }
    // Used, the digests are replaced by better hashes; the export still names them.
    let upgraded = || serve.cli(&["export"]).success().stdout.matches("$argon2id$").count() == 2;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !upgraded() && std::time::Instant::now() < deadline {
        token(&serve, "worker", OTHER, "orders").await;
        token(&serve, "worker", SECRET, "orders").await;
    }
    assert!(upgraded(), "both secrets of the worker");
    let again = ["import", "identityserver", "appsettings.json", "--audience", "https://reports.example.com"];
    assert!(serve.cli(&again).success().stdout.contains("nothing to change"));
    assert_eq!(token(&serve, "reporter", SECRET, "https://reports.example.com").await.status, 200);
    let secrets = serve.cli(&["client", "secret", "list", "worker", "--output", "json"]).success().json();
    let current = secrets.as_array().unwrap().iter().find(|secret| secret["label"] == "current").unwrap();
    assert_eq!(current["expires_at"], "2099-12-31T00:00:00Z");
}

#[tokio::test]
async fn who_never_sends_an_audience_is_understood_by_scope_and_two_apis_are_two_requests() {
    let serve = Serve::start(&["--set", "compat=identityserver"]).await;
    let invoices = r#"{ "Name": "invoices", "Scopes": [ "invoices.read" ] }, { "Name": "orders","#;
    let settings = appsettings()
        .replace(r#"{ "Name": "orders","#, invoices)
        .replace(r#""orders.read", "orders.write" ],"#, r#""orders.read", "orders.write", "invoices.read" ],"#);
    put(&serve, "appsettings.json", &settings);
    let first =
        import_twice(&serve, &["identityserver", "appsettings.json", "--audience", "https://reports.example.com"]);
    assert_eq!(noted(&first, "several_apis"), ["worker"]);
    // Until the server has seen the import.
    claims(&token(&serve, "worker", SECRET, "orders").await);

    let ask = async |scope: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "worker"),
            ("client_secret", SECRET),
            ("scope", scope),
        ];
        Answer::to(crate::support::answer::client().post(serve.url("/connect/token")).form(&form)).await
    };
    for (scope, audience) in [("orders.read orders.write", "orders"), ("invoices.read", "invoices")] {
        let issued = claims(&ask(scope).await);
        assert_eq!(
            (issued["aud"].as_str(), &issued["scope"]),
            (Some(audience), &json!(scope.split(' ').collect::<Vec<_>>()))
        );
    }
    let across = ask("orders.read invoices.read").await;
    assert_eq!(across.error(), (400, "invalid_target".to_owned()));
    let description = across.json()["error_description"].as_str().unwrap().to_owned();
    assert!(
        description.contains("orders and invoices") && description.contains("one request for each"),
        "{description}"
    );
    let explained = serve.cli(&["explain", "worker", "--scope", "orders.read invoices.read"]);
    assert!(explained.code != 0 && explained.stdout.contains("orders and invoices"), "{explained:?}");
}

#[tokio::test]
async fn tables_are_read_from_a_folder() {
    let serve = Serve::start(&[]).await;
    let sha256 = BASE64_STANDARD.encode(digest(&SHA256, SECRET.as_bytes()));
    let tables: [(&str, Value); 6] = [
        (
            "Clients",
            json!([{"Id": 1, "Enabled": true, "ClientId": "worker", "ProtocolType": "oidc",
            "RequireClientSecret": true, "ClientName": "Worker", "AccessTokenLifetime": 3600}]),
        ),
        (
            "ClientSecrets",
            json!([{"Id": 1, "ClientId": 1, "Value": sha256, "Type": "SharedSecret", "Expiration": null}]),
        ),
        ("ClientScopes", json!([{"Id": 1, "ClientId": 1, "Scope": "orders.read"}])),
        ("ClientGrantTypes", json!([{"Id": 1, "ClientId": 1, "GrantType": "client_credentials"}])),
        ("ApiResources", json!([{"Id": 1, "Enabled": true, "Name": "orders"}])),
        ("ApiResourceScopes", json!([{"Id": 1, "ApiResourceId": 1, "Scope": "orders.read"}])),
    ];
    for (name, rows) in tables {
        put(&serve, &format!("dump/{name}.json"), &rows.to_string());
    }
    import_twice(&serve, &["identityserver", "dump"]);
    assert_eq!(claims(&token(&serve, "worker", SECRET, "orders").await)["scope"], json!(["orders.read"]));
}
