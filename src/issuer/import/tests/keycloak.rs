//! Keycloak, as it exports a realm.

use serde_json::json;

use super::super::import_keycloak;
use super::*;

fn mapper(config: &Value) -> Value {
    json!({"name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper", "config": config})
}

fn realm() -> Value {
    json!({
        "id": "demo", "realm": "demo", "accessTokenLifespan": 300, "enabled": true,
        "identityProviders": [{"alias": "github"}], "groups": [],
        "roles": {"realm": [{"name": "offline_access"}], "client": {
            "orders": [{"name": "read", "description": "Read orders"}, {"name": "write"},
                {"name": "all", "composite": true, "composites": {"client": {"orders": ["read", "write", "all"]}}}],
            "realm-management": [{"name": "manage-users"}], "worker": [{"name": "uma_protection"}]
        }},
        "clientScopes": [
            {"name": "profile", "protocol": "openid-connect"},
            {"name": "billing", "description": "Bills", "attributes": {"include.in.token.scope": "true"},
             "protocolMappers": [mapper(&json!({"included.custom.audience": "https://billing/", "access.token.claim": "true"}))]},
            {"name": "audit"},
            {"name": "hidden", "attributes": {"include.in.token.scope": "false"},
             "protocolMappers": [mapper(&json!({"included.client.audience": "orders", "included.custom.audience": "no"}))]}
        ],
        "clients": [
            {"clientId": "account", "enabled": true},
            {"clientId": "orders", "name": "Orders", "bearerOnly": true, "enabled": true},
            {"clientId": "worker", "name": "Worker", "enabled": true, "clientAuthenticatorType": "client-secret",
             "secret": "a secret that Keycloak made", "serviceAccountsEnabled": true, "publicClient": false,
             "attributes": {"access.token.lifespan": "60", "client.secret.expiration.time": "1830297600",
                "client.secret.rotated": "the secret before", "client.secret.rotated.expiration.time": 1_830_297_600},
             "defaultClientScopes": ["web-origins", "profile", "roles", "billing"],
             "optionalClientScopes": ["audit", "gone"], "redirectUris": ["https://w/*"]},
            {"clientId": "masked", "secret": "**********", "serviceAccountsEnabled": true, "defaultClientScopes": ["hidden"],
             "protocolMappers": [mapper(&json!({"included.custom.audience": "off", "access.token.claim": "false"}))]},
            {"clientId": "frontend", "publicClient": true, "standardFlowEnabled": true},
            {"clientId": "jwt", "serviceAccountsEnabled": true, "clientAuthenticatorType": "client-jwt", "secret": "unused",
             "attributes": {"use.jwks.url": "true", "jwks.url": "https://jwt.example.com/jwks"}},
            {"clientId": "x509", "serviceAccountsEnabled": true, "clientAuthenticatorType": "client-x509"},
            {"clientId": "sp", "protocol": "saml"}
        ],
        "users": [
            {"username": "service-account-worker", "serviceAccountClientId": "worker", "realmRoles": ["default-roles-demo", "auditor"],
             "clientRoles": {"orders": ["all"], "realm-management": ["manage-users"]}, "groups": ["/staff"]},
            {"username": "alice"}
        ]
    })
}

fn import(value: &Value, audience: Option<&str>) -> Result<Imported, ImportError> {
    import_keycloak(&file("realm.json", value), audience)
}

#[test]
fn roles_and_audiences_become_scopes_and_apis() {
    let imported = import(&realm(), None).unwrap();
    let orders = imported.api("orders");
    let scopes: Vec<_> = orders.scopes.iter().map(|scope| scope.value.as_str()).collect();
    assert_eq!(scopes, ["read", "write", "all", "audit"]);
    assert_eq!(orders.scopes[0].description.as_deref(), Some("Read orders"));
    assert_eq!(imported.document.apis.len(), 2, "{:?}", imported.document.apis);
    assert_eq!(imported.grants("worker"), ["orders: all read write audit", "https://billing/: billing audit"]);
    assert_eq!((orders.token_lifetime, imported.api("https://billing/").token_lifetime), (Some(60), Some(60)));
    assert_eq!(imported.grants("masked"), ["orders: "]);

    let secrets = &imported.client("worker").secrets;
    let values: Vec<_> = secrets.iter().map(|secret| secret.value.as_deref().unwrap()).collect();
    assert_eq!(values, ["a secret that Keycloak made", "the secret before"]);
    assert!(secrets.iter().all(|secret| secret.expires_at.unwrap().to_string() == "2028-01-01T00:00:00Z"));
    assert!(!imported.client("frontend").client_credentials_allowed);
    let jwt = imported.client("jwt");
    assert!(jwt.secrets.is_empty() && jwt.jwks_uri.as_deref() == Some("https://jwt.example.com/jwks"));
}

#[test]
fn everything_left_out_is_reported() {
    let imported = import(&realm(), None).unwrap();
    assert_eq!(imported.noted(NoteKind::SectionLeftOut), ["identityProviders", "users"]);
    assert_eq!(imported.noted(NoteKind::ClientLeftOut), ["account", "sp"]);
    assert_eq!(imported.noted(NoteKind::ClientRefused), ["frontend"]);
    assert_eq!(imported.noted(NoteKind::SecretLeftOut), ["masked"]);
    assert_eq!(imported.noted(NoteKind::CredentialLeftOut), ["x509"]);
    assert_eq!(imported.noted(NoteKind::ClientWithoutCredential), ["masked", "x509"]);
    let grants = imported.noted(NoteKind::GrantLeftOut);
    assert_eq!(grants, ["manage-users for worker", "auditor for worker", "group /staff for worker"]);
    assert_eq!(imported.noted(NoteKind::ScopeLeftOut), ["gone"]);
    assert_eq!(imported.noted(NoteKind::LifetimeDiffers), ["masked"]);
    assert_eq!(imported.noted(NoteKind::SeveralApis), ["worker"]);
    assert!(imported.noted(NoteKind::MembersLeftOut).contains(&"redirectUris"));
}

#[test]
fn a_partial_export_lacks_service_accounts_and_says_so() {
    let mut partial = realm();
    partial.as_object_mut().unwrap().remove("users");
    let imported = import(&json!([partial]), None).unwrap();
    let left = imported.report.notes(NoteKind::SectionLeftOut);
    assert!(left[1].detail.as_deref().unwrap().contains("kc.sh export"), "{left:?}");
    assert_eq!(imported.grants("worker"), ["https://billing/: billing audit"]);
}

#[test]
fn scopes_that_reach_no_api_need_an_audience() {
    let value = json!({"realm": "r", "clientScopes": [{"name": "audit"}], "clients": [
        {"clientId": "c", "secret": "x", "serviceAccountsEnabled": true, "defaultClientScopes": ["audit"]}]});
    let error = told(import(&value, None));
    assert!(error.contains("(audit)") && error.contains("no audience mapper"), "{error}");
    assert_eq!(import(&value, Some("urn:a")).unwrap().grants("c"), ["urn:a: audit"]);
}

#[test]
fn mistakes_name_the_member() {
    for (value, expected) in [
        (json!({"clients": [{"name": "canary"}]}), "realm.json: clients[0]: clientId is missing"),
        (
            json!({"clients": [], "users": [{"serviceAccountClientId": ["canary"]}]}),
            "users[0]: serviceAccountClientId must be",
        ),
        (
            json!({"clients": [], "roles": {"client": {"a": [{"name": 1}]}}}),
            "realm.json: roles.client.a[0]: name must be",
        ),
        (json!([{"clients": []}, {"clients": []}]), "no export of Keycloak: one realm"),
        (json!({"realm": "canary"}), "no export of Keycloak"),
    ] {
        let error = told(import(&value, None));
        assert!(error.contains(expected) && !error.contains("canary"), "{error}");
    }
}
