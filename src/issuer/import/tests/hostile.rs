//! Whatever an export holds, the answer is a document or an error.

use proptest::prelude::*;
use serde_json::json;

use super::super::{Auth0Export, KeywordMappings, import_auth0, import_hydra, import_identityserver, import_keycloak};
use super::*;

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "client_credentials",
            "orders",
            "c",
            "read",
            "$2b$x",
            "@@A@@",
            "2027-01-01",
            "1h",
            "",
            "[]"
        ])
        .prop_map(Value::from),
    ]
}

/// Any value that has members of these names.
fn value(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    scalar().prop_recursive(6, 60, 6, move |inner| {
        let member = (prop::sample::select(names), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            prop::collection::vec(member, 0..8).prop_map(|members| Value::Object(
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            )),
        ]
    })
}

const AUTH0: &[&str] = &[
    "tenant",
    "default_audience",
    "resourceServers",
    "clients",
    "clientGrants",
    "name",
    "identifier",
    "scopes",
    "value",
    "client_id",
    "client_secret",
    "grant_types",
    "audience",
    "scope",
    "token_quota",
    "client_credentials",
    "per_hour",
];
const IDENTITYSERVER: &[&str] = &[
    "IdentityServer",
    "Clients",
    "ApiResources",
    "ApiScopes",
    "ClientSecrets",
    "ClientScopes",
    "Id",
    "ClientId",
    "Name",
    "Scopes",
    "AllowedScopes",
    "AllowedGrantTypes",
    "Claims",
    "Type",
    "Value",
    "Expiration",
    "ApiResourceId",
    "Scope",
];
const HYDRA: &[&str] = &[
    "items",
    "client_id",
    "id",
    "client_secret",
    "grant_types",
    "audience",
    "scope",
    "client_secret_expires_at",
    "jwks_uri",
    "client_credentials_grant_access_token_lifespan",
    "rotated_secrets",
    "metadata",
];
const KEYCLOAK: &[&str] = &[
    "clients",
    "clientId",
    "clientScopes",
    "name",
    "roles",
    "client",
    "orders",
    "composites",
    "users",
    "clientRoles",
    "serviceAccountClientId",
    "serviceAccountsEnabled",
    "secret",
    "attributes",
    "protocolMappers",
    "protocolMapper",
    "config",
    "included.client.audience",
    "defaultClientScopes",
    "bearerOnly",
    "access.token.lifespan",
];

proptest! {
    #[test]
    fn auth0(export in value(AUTH0)) {
        let text = SourceFile::new("tenant.yaml", export.to_string());
        let _ = import_auth0(&Auth0Export::Tenant(text), &KeywordMappings::default());
    }

    #[test]
    fn identityserver(export in value(IDENTITYSERVER), audience in prop::option::of("[a-z ]{0,5}")) {
        let _ = import_identityserver(&[file("a.json", &export), file("Clients.json", &json!([export]))], audience.as_deref());
    }

    #[test]
    fn hydra(export in value(HYDRA), audience in prop::option::of("[a-z ]{0,5}")) {
        let _ = import_hydra(&file("a.json", &json!([export])), audience.as_deref());
        let _ = import_hydra(&file("a.json", &export), audience.as_deref());
    }

    #[test]
    fn keycloak(export in value(KEYCLOAK), audience in prop::option::of("[a-z ]{0,5}")) {
        let _ = import_keycloak(&file("a.json", &export), audience.as_deref());
        let _ = import_keycloak(&file("a.json", &json!({"clients": [export], "users": [], "roles": {}})), audience.as_deref());
    }
}
