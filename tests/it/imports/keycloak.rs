//! `tokenhouse import keycloak`

use super::{claims, fixture, import_twice, machine_made, noted, put, token};
use crate::support::Serve;

#[tokio::test]
async fn a_realm_moves_with_its_service_accounts() {
    let serve = Serve::start(&[]).await;
    // 32 characters, as Keycloak makes them.
    let secret = &machine_made()[..32];
    put(&serve, "realm.json", &fixture("realm.json").replace("CLIENT_SECRET", secret));
    let first = import_twice(&serve, &["keycloak", "realm.json"]);
    assert_eq!(noted(&first, "grant_left_out"), ["auditor for robot"]);
    assert_eq!(noted(&first, "section_left_out"), ["identityProviders", "users"]);
    assert_eq!(noted(&first, "client_left_out"), ["account"]);
    let issued = claims(&token(&serve, "robot", secret, "inventory").await);
    assert_eq!(issued["scope"], "view-stock");
    assert_eq!(issued["exp"].as_i64().unwrap() - issued["iat"].as_i64().unwrap(), 120);
    assert_eq!(claims(&token(&serve, "robot", secret, "https://pricing.example.com").await)["scope"], "pricing");
}
