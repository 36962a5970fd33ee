//! A broken export: told by file and member, and nothing is stored.

use serde_json::json;

use super::{fixture, put};
use crate::support::Serve;

#[tokio::test]
async fn a_broken_export_names_its_mistake_and_stores_nothing() {
    let serve = Serve::start(&[]).await;
    let cases: [(&[&str], &str, &str); 9] = [
        (
            &["auth0", "e"],
            "clients: [{name: a, client_secret: [canary]}]",
            "e: clients[0]: client_secret must be a text",
        ),
        (&["auth0", "e"], "clients: [{name: '##GONE##'}]", "no value for the keyword GONE"),
        (&["auth0", "e"], "clients: [{name: a}, {name: a}]", "the client a stands twice"),
        (&["identityserver", "e"], "{\"Clients\": [{}]}", "e: Clients[0]: ClientId is missing"),
        (&["identityserver", "e"], "{\"Clients\": [", "e: no JSON: EOF"),
        (&["hydra", "e"], "[{\"client_id\": 7}]", "e: [0]: client_id must be a text"),
        (&["keycloak", "e"], "{\"clients\": 7}", "e: clients must be a list of objects"),
        (&["keycloak", "e"], "", "e: the file is empty"),
        (&["hydra", "missing"], "", "cannot read missing"),
    ];
    for (arguments, text, expected) in cases {
        put(&serve, "e", text);
        let output = serve.cli(&[&["import"], arguments].concat());
        assert!(output.code == 2 && output.stderr.contains(expected), "{expected}: {output:?}");
        assert!(!format!("{output:?}").contains("canary"), "{output:?}");
    }
    let stored = |kind: &str| serve.cli(&[kind, "list", "--output", "json"]).success().json();
    assert_eq!((stored("client"), stored("api").as_array().unwrap().len()), (json!([]), 1), "the Management API alone");
}

#[tokio::test]
async fn what_cannot_be_stored_takes_everything_back() {
    let serve = Serve::start(&[]).await;
    let export = json!({
        "resourceServers": [{"name": "A", "identifier": "urn:a"}, {"name": "B", "identifier": "urn:b", "token_lifetime": 99_999_999}],
        "clients": [{"name": "C", "client_id": "c"}]
    });
    put(&serve, "tenant.yaml", &export.to_string());
    let output = serve.cli(&["import", "auth0", "tenant.yaml"]);
    assert!(output.code == 2 && output.stderr.contains("token.max_lifetime_seconds"), "{output:?}");
    assert_eq!(serve.cli(&["client", "list", "--output", "json"]).json(), json!([]));
    assert_eq!(serve.cli(&["api", "show", "urn:a"]).code, 3);
    put(&serve, "tenant.yaml", &fixture("tenant.yaml"));
    let output = serve.cli(&["import", "auth0", "tenant.yaml"]);
    let missing = "ENV, PARTNER_SCOPES, PARTNER_A_SECRET, WEAK_SECRET";
    assert!(output.code == 2 && output.stderr.contains(missing), "{output:?}");
}
