//! IdentityServer, by its configuration and by its tables.

use serde_json::json;

use super::super::import_identityserver;
use super::*;
use crate::oauth::resource::TokenDialect;

// SHA-256 and SHA-512 of `an imported legacy secret`, by Python's hashlib.
const SHA256: &str = "9MrYBSwnBSBaAfRKuoqs+quCKhhV7P1eBkdMJW14yBI=";
const SHA512: &str = "iFmFwn05sShTrOyu038zx3686i69+c1q+VZjSjHfaVLYwXlfjbyiWvLu+h1ZkFqfAy+nRReOGGOWVkr5IRoxSw==";

fn configuration() -> Value {
    json!({"Logging": {"LogLevel": {"Default": "Information"}}, "IdentityServer": {
        "IdentityResources": [{"Name": "openid"}],
        "ApiScopes": [
            {"Name": "read", "DisplayName": "Read things"}, {"Name": "write"}, {"Name": "shared"},
            {"Name": "alone"}, {"Name": "off", "Enabled": false}
        ],
        "ApiResources": [
            {"Name": "api1", "DisplayName": "First API", "Scopes": ["read", "write", "shared"], "ApiSecrets": [{"Value": "x"}]},
            {"Name": "api2", "Scopes": ["shared"], "AllowedAccessTokenSigningAlgorithms": ["PS256"]},
            {"Name": "api3", "Enabled": "false"}
        ],
        "Clients": [
            {"ClientId": "m2m", "ClientName": "Machine", "AllowedGrantTypes": ["client_credentials"],
             "ClientSecrets": [
                {"Value": SHA256, "Description": "first", "Expiration": "2027-12-31T00:00:00"},
                {"Value": SHA512}, {"Value": "in clear"}, {"Type": "X509Thumbprint", "Value": "AB12"},
                {"Type": "JWK", "Value": "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"}],
             "AllowedScopes": ["openid", "read", "gone", "off"], "AccessTokenLifetime": 600,
             "Claims": [{"Type": "tier", "Value": "gold"}, {"Type": "area", "Value": "1"}, {"Type": "area", "Value": "2"},
                {"Type": "limit", "Value": "5", "ValueType": "http://www.w3.org/2001/XMLSchema#integer"}]},
            {"clientid": "both", "AllowedGrantTypes": ["client_credentials"], "AllowedScopes": ["shared", "read"],
             "ClientSecrets": [{"Value": SHA256}], "AccessTokenLifetime": "3600", "AccessTokenType": "Reference"},
            {"ClientId": "web", "AllowedGrantTypes": ["authorization_code"], "AllowedScopes": ["read"],
             "RedirectUris": ["https://a/"], "AccessTokenLifetime": 60},
            {"ClientId": "ws", "ProtocolType": "wsfed"}
        ]
    }})
}

fn import(value: &Value, audience: Option<&str>) -> Result<Imported, ImportError> {
    import_identityserver(&[file("appsettings.json", value)], audience)
}

#[test]
fn a_configuration_becomes_a_document() {
    let imported = import(&configuration(), None).unwrap();
    let api = imported.api("api1");
    assert_eq!((api.name.as_deref(), api.token_dialect), (Some("First API"), Some(TokenDialect::IdentityServer)));
    assert_eq!(api.scopes[0].description.as_deref(), Some("Read things"));
    assert_eq!(api.token_lifetime, Some(600), "the shortest of its clients, the refused one aside");
    assert_eq!(imported.api("api2").signing_alg.as_str(), "PS256");
    assert_eq!(imported.document.apis.len(), 2);

    let client = imported.client("m2m");
    let secrets: Vec<_> = client.secrets.iter().map(|secret| secret.hash.as_deref().unwrap()).collect();
    assert_eq!(secrets, [SHA256, SHA512]);
    assert_eq!(client.jwks.as_ref().unwrap().keys[0].jwk["kid"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(client.secrets[0].label.as_deref(), Some("first"));
    assert_eq!(client.secrets[0].expires_at.unwrap().to_string(), "2027-12-31T00:00:00Z");
    assert_eq!(Value::Object(client.claims.clone()), json!({"tier": "gold", "area": ["1", "2"], "limit": 5}));
    assert_eq!(imported.grants("m2m"), ["api1: read"]);
    assert_eq!(imported.grants("both"), ["api1: shared read", "api2: shared"]);
    assert!(!imported.client("web").client_credentials_allowed);
}

#[test]
fn what_differs_is_reported() {
    let imported = import(&configuration(), None).unwrap();
    assert_eq!(imported.noted(NoteKind::LifetimeDiffers), ["both"]);
    assert_eq!(imported.noted(NoteKind::SeveralApis), ["both"]);
    assert_eq!(imported.noted(NoteKind::TokenDiffers), ["both"]);
    assert_eq!(imported.noted(NoteKind::SecretLeftOut), ["m2m"]);
    assert_eq!(imported.noted(NoteKind::CredentialLeftOut), ["m2m"]);
    assert_eq!(imported.noted(NoteKind::ClientLeftOut), ["ws"]);
    assert_eq!(imported.noted(NoteKind::ClientRefused), ["web"]);
    assert_eq!(imported.noted(NoteKind::ScopeLeftOut), ["off", "openid", "gone", "off"]);
    assert_eq!(imported.noted(NoteKind::MembersLeftOut), ["ApiSecrets", "RedirectUris"]);
    assert_eq!(imported.noted(NoteKind::ApiLeftOut), ["api3"]);
    assert_eq!(imported.report.taken.hashed_secrets, 3);
}

#[test]
fn scopes_of_no_api_resource_need_an_audience() {
    let mut configuration = configuration();
    configuration["IdentityServer"]["Clients"][0]["AllowedScopes"] = json!(["alone", "read"]);
    let error = told(import(&configuration, None));
    assert!(error.starts_with("scopes of 1 client(s) belong to no API") && error.contains("(alone)"), "{error}");
    assert!(error.contains("--audience") && error.contains("ISSUER/resources"), "{error}");
    let imported = import(&configuration, Some("https://api.example.com")).unwrap();
    assert_eq!(imported.grants("m2m"), ["https://api.example.com: alone", "api1: read"]);
    assert_eq!(imported.noted(NoteKind::ApiMade), ["https://api.example.com"]);
}

fn tables() -> Vec<SourceFile> {
    let secret = json!({"Id": 7, "ClientId": 2, "Value": SHA256, "Type": "SharedSecret",
        "Expiration": "2027-12-31 00:00:00.0000000", "Description": null, "Created": "2020-01-01T00:00:00"});
    vec![
        file(
            "dump/Clients.json",
            &json!([
            {"Id": 2, "Enabled": 1, "ClientId": "m2m", "ClientName": "Machine", "RequireClientSecret": 1,
             "ProtocolType": "oidc", "AccessTokenLifetime": 600, "Created": "2020-01-01T00:00:00"},
            {"Id": 3, "Enabled": 0, "ClientId": "off", "ProtocolType": "oidc"}]),
        ),
        file("dump/ClientSecrets.json", &json!([secret])),
        file("dump/ClientScopes.json", &json!([{"Id": 1, "Scope": "read", "ClientId": 2}])),
        file("dump/ClientGrantTypes.json", &json!([{"Id": 1, "GrantType": "client_credentials", "ClientId": 2}])),
        file("dump/ClientClaims.json", &json!([{"Id": 1, "Type": "tier", "Value": "gold", "ClientId": 2}])),
        file(
            "dump/ApiResources.json",
            &json!([{"Id": 5, "Enabled": true, "Name": "api1",
            "AllowedAccessTokenSigningAlgorithms": "ES512,PS256"}]),
        ),
        file("dump/ApiResourceScopes.json", &json!([{"Id": 1, "Scope": "read", "ApiResourceId": 5}])),
        file("dump/ApiScopes.json", &json!([{"Id": 1, "Name": "read"}])),
        file("dump/PersistedGrants.json", &json!([{"Key": "x"}])),
    ]
}

#[test]
fn tables_say_the_same_as_a_configuration() {
    let imported = import_identityserver(&tables(), None).unwrap();
    let client = imported.client("m2m");
    assert!(client.client_credentials_allowed && client.enabled);
    assert_eq!(client.secrets[0].expires_at.unwrap().to_string(), "2027-12-31T00:00:00Z");
    assert_eq!(imported.grants("m2m"), ["api1: read"]);
    assert_eq!(client.claims["tier"], "gold");
    assert_eq!((imported.api("api1").token_lifetime, imported.api("api1").signing_alg.as_str()), (Some(600), "PS256"));
    assert!(!imported.client("off").enabled);
    assert_eq!(imported.noted(NoteKind::SectionLeftOut), ["PersistedGrants"]);

    let mut all = serde_json::Map::new();
    for table in tables() {
        let stem = std::path::Path::new(&table.name).file_stem().unwrap().to_str().unwrap().to_owned();
        all.insert(stem, serde_json::from_str(&table.text).unwrap());
    }
    let in_one = import_identityserver(&[file("dump.json", &Value::Object(all))], None).unwrap();
    assert_eq!(in_one.document, imported.document);
}

#[test]
fn before_version_4_a_scope_named_its_api() {
    let mut files: Vec<_> = tables().into_iter().filter(|file| !file.name.contains("Scopes.json")).collect();
    files.push(file("ApiScopes.json", &json!([{"Id": 1, "Name": "read", "ApiResourceId": 5}])));
    files.push(file("ClientScopes.json", &json!([{"Id": 1, "Scope": "read", "ClientId": 2}])));
    assert_eq!(import_identityserver(&files, None).unwrap().grants("m2m"), ["api1: read"]);
}

#[test]
fn mistakes_name_the_member() {
    for (value, expected) in [
        (json!({"Clients": {"App": {"Profile": "SPA"}}}), "appsettings.json: Clients must be a list of objects"),
        (json!({"Clients": [{"ClientName": "canary"}]}), "appsettings.json: Clients[0]: ClientId is missing"),
        (
            json!({"Clients": [{"ClientId": "a", "ClientSecrets": [{"Value": SHA256, "Expiration": "canary"}]}]}),
            "Clients[0].ClientSecrets[0]: Expiration must be a time",
        ),
        (json!({"ApiScopes": []}), "no export of IdentityServer"),
        (json!("canary"), "no export of IdentityServer"),
    ] {
        let error = told(import(&value, None));
        assert!(error.contains(expected) && !error.contains("canary"), "{error}");
    }
}
