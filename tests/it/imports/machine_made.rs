//! Secrets that a machine made elsewhere cost a small hash, and tell nothing by it.

use serde_json::json;

use super::{machine_made, put, token};
use crate::support::Serve;

#[tokio::test]
async fn a_machine_made_secret_is_stored_as_a_small_hash_that_stays() {
    let serve = Serve::start(&[]).await;
    let secret = machine_made();
    let grants = ["made", "off", "person"].map(|id| json!({"client_id": id, "audience": "urn:a", "scope": []}));
    let export = json!({
        "resourceServers": [{"name": "A", "identifier": "urn:a"}],
        "clients": [
            {"name": "Made", "client_id": "made", "client_secret": secret},
            {"name": "Off", "client_id": "off", "client_secret": secret},
            {"name": "Person", "client_id": "person", "client_secret": "a secret that a person chose"}
        ],
        "clientGrants": grants,
    });
    put(&serve, "tenant.yaml", &export.to_string());
    serve.cli(&["import", "auth0", "tenant.yaml"]).success();
    serve.cli(&["client", "update", "off", "--enabled", "false"]).success();
    let hashes = || {
        let exported = serve.cli(&["export", "--format", "json"]).success().json();
        let clients = exported["clients"].as_array().unwrap().clone();
        clients.iter().map(|client| client["secrets"][0]["hash"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let before = hashes();
    assert!(before[0].contains("$m=32,t=1,p=1$") && before[2].contains("$m=19456,t=2,p=1$"), "{before:?}");
    assert_eq!(token(&serve, "made", &secret, "urn:a").await.status, 200);
    assert_eq!(token(&serve, "person", "a secret that a person chose", "urn:a").await.status, 200);
    // The server sees within a second that the client is disabled.
    let off = serve.token_within_a_second("off", &secret, |answer| answer.status == 401).await;
    assert_eq!(off.error(), (401, "invalid_client".to_owned()));
    for (client, wrong) in [("made", machine_made()), ("nobody", secret.clone()), ("person", secret)] {
        assert_eq!(serve.token(client, &wrong).await.error(), (401, "invalid_client".to_owned()), "{client}");
    }
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(hashes(), before, "it needs no better hash after its first use");
}
