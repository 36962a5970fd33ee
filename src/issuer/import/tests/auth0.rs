//! Auth0, as its deploy CLI exports a tenant.

use serde_json::json;

use super::super::{Auth0Export, KeywordMappings, import_auth0};
use super::*;
use crate::keys::SigningAlg;
use crate::oauth::resource::{ScopePolicy, TokenDialect};

const TENANT: &str = r###"
tenant:
  friendly_name: "##ENV## tenant"
  default_audience: https://##ENV##.example.com/api
rules: []
connections:
  - name: Username-Password-Authentication
    strategy: auth0
resourceServers:
  - name: Partner API
    identifier: https://##ENV##.example.com/api
    scopes:
      - { value: "read:users", description: "Read users" }
      - { value: "write:users" }
    signing_alg: RS256
    token_lifetime: 3600
    token_dialect: rfc9068_profile_authz
    allow_offline_access: false
    enforce_policies: true
    skip_consent_for_verifiable_first_party_clients: true
  - name: Legacy API
    identifier: urn:legacy
    signing_alg: HS256
  - name: Auth0 Management API
    identifier: https://t.eu.auth0.com/api/v2/
    is_system: true
clients:
  - name: Partner A
    client_id: aBcD1234aBcD1234aBcD1234aBcD1234
    client_secret: _VALUE_NOT_SHOWN_
    app_type: non_interactive
    grant_types: [client_credentials]
    token_endpoint_auth_method: client_secret_post
    jwt_configuration: { alg: RS256, lifetime_in_seconds: 36000, secret_encoded: false }
    client_metadata: { team: partners }
    token_quota: { client_credentials: { enforce: true, per_hour: 10 } }
    allowed_origins: @@ORIGINS@@
  - name: Without id
    app_type: non_interactive
    client_secret: weak
  - name: The SPA
    client_id: spa
    app_type: spa
    grant_types: [authorization_code, refresh_token]
    token_endpoint_auth_method: none
    callbacks: ["https://##ENV##.example.com/callback"]
  - name: With a key
    client_id: key
    app_type: non_interactive
    client_authentication_methods:
      private_key_jwt: { credentials: [{ name: k, credential_type: public_key }] }
  - name: All Applications
    global: true
clientGrants:
  - { client_id: Partner A, audience: "https://##ENV##.example.com/api", scope: ["read:users", "undefined:scope"] }
  - { client_id: Without id, audience: urn:legacy, scope: [], organization_usage: deny }
  - { client_id: spa, audience: "https://##ENV##.example.com/api", allow_all_scopes: true, subject_type: client }
  - { client_id: Partner A, audience: urn:legacy, scope: [], subject_type: user }
  - { client_id: Partner A, audience: "https://t.eu.auth0.com/api/v2/", scope: ["read:clients"] }
  - { client_id: Nobody, audience: urn:legacy, scope: [] }
  - { client_id: Partner A, audience: "urn:elsewhere", scope: [] }
"###;

fn mappings() -> KeywordMappings {
    let mapping = json!({"AUTH0_KEYWORD_REPLACE_MAPPINGS": {"ENV": "dev", "ORIGINS": ["https://a.example.com"]}});
    KeywordMappings::read(&file("config.json", &mapping)).unwrap()
}

fn tenant(text: &str, mappings: &KeywordMappings) -> Result<Imported, ImportError> {
    import_auth0(&Auth0Export::Tenant(SourceFile::new("tenant.yaml", text.to_owned())), mappings)
}

#[test]
fn a_tenant_becomes_apis_clients_and_grants() {
    let imported = tenant(TENANT, &mappings()).unwrap();
    let api = imported.api("https://dev.example.com/api");
    assert_eq!((api.token_lifetime, api.token_dialect), (Some(3600), Some(TokenDialect::Rfc9068ProfileAuthz)));
    assert_eq!(api.scope_policy, ScopePolicy::WholeGrant);
    assert_eq!(api.auth0_fields["enforce_policies"], true);
    assert!(!api.auth0_fields.contains_key("identifier"));
    let legacy = imported.api("urn:legacy");
    assert_eq!((legacy.signing_alg, legacy.token_dialect), (SigningAlg::Rs256, Some(TokenDialect::AccessToken)));

    let partner = imported.client("aBcD1234aBcD1234aBcD1234aBcD1234");
    assert!(partner.client_credentials_allowed && partner.secrets.is_empty());
    assert_eq!(partner.default_audience.as_deref(), Some("https://dev.example.com/api"));
    assert_eq!(partner.quota.and_then(|quota| quota.per_hour), Some(10));
    assert_eq!(partner.auth0_fields["allowed_origins"], json!(["https://a.example.com"]));
    assert_eq!(partner.auth0_fields["client_metadata"], json!({"team": "partners"}));
    assert!(!partner.auth0_fields.contains_key("client_id") && !partner.auth0_fields.contains_key("client_secret"));
    assert_eq!(
        imported.grants("aBcD1234aBcD1234aBcD1234aBcD1234"),
        ["https://dev.example.com/api: read:users undefined:scope"]
    );
    assert!(!imported.client("spa").client_credentials_allowed);
    assert_eq!(imported.grants("spa"), ["https://dev.example.com/api: read:users write:users"]);
    assert_eq!(imported.grants("Without id"), ["urn:legacy: "]);
    assert_eq!(imported.client("Without id").secrets[0].value.as_deref(), Some("weak"));
    assert_eq!(imported.document.clients.len(), 4, "without the global client");
}

#[test]
fn what_is_left_is_reported_with_the_reason() {
    let imported = tenant(TENANT, &mappings()).unwrap();
    assert_eq!(imported.noted(NoteKind::SectionLeftOut), ["connections"]);
    assert_eq!(imported.noted(NoteKind::ApiLeftOut), ["https://t.eu.auth0.com/api/v2/"]);
    assert_eq!(imported.noted(NoteKind::ClientRefused), ["spa"]);
    assert_eq!(imported.noted(NoteKind::CredentialLeftOut), ["key"]);
    assert_eq!(imported.noted(NoteKind::WeakSecret), ["Without id"]);
    assert_eq!(imported.noted(NoteKind::SigningDiffers), ["urn:legacy"]);
    assert_eq!(imported.noted(NoteKind::ScopeDefined), ["undefined:scope"]);
    assert_eq!(imported.noted(NoteKind::ClientWithoutCredential), ["aBcD1234aBcD1234aBcD1234aBcD1234", "key"]);
    let grants = imported.report.notes(NoteKind::GrantLeftOut);
    let reasons: Vec<_> = grants.iter().map(|noted| noted.detail.as_deref().unwrap_or_default()).collect();
    assert!(reasons[0].contains("for users") && reasons[1].contains("belongs to Auth0"), "{reasons:?}");
    assert!(reasons[2].contains("its client is not") && reasons[3].contains("its API is not"), "{reasons:?}");
    let shown = imported.report.to_string();
    assert!(shown.starts_with("auth0: APIs 2, scopes 3, clients 4 (with client credentials 3)"), "{shown}");
    assert!(shown.contains("weak_secret (1): a secret of fewer than 16") && !shown.contains("weak\n"), "{shown}");
    let json = serde_json::to_value(&imported.report).unwrap();
    assert_eq!((&json["product"], &json["taken"]["weak_secrets"]), (&json!("auth0"), &json!(1)));
    assert_eq!(json["notes"][0]["kind"], "client_without_credential");
}

#[test]
fn a_folder_says_the_same_as_a_file() {
    let api = json!({"name": "A", "identifier": "urn:a", "scopes": [{"value": "x"}]});
    let client = json!({"name": "C", "client_id": "c", "app_type": "non_interactive"});
    let grant = json!({"client_id": "C", "audience": "urn:a", "scope": ["x"]});
    let folder = Auth0Export::Folder {
        tenant: Some(file("tenant.json", &json!({"default_audience": "urn:a"}))),
        resource_servers: vec![file("resource-servers/A.json", &api)],
        clients: vec![file("clients/C.json", &client)],
        grants: vec![file("grants/C-A.json", &grant)],
        others: vec!["actions".to_owned()],
    };
    let from_folder = import_auth0(&folder, &KeywordMappings::default()).unwrap();
    assert_eq!(from_folder.noted(NoteKind::SectionLeftOut), ["actions"]);
    let whole = json!({
        "tenant": {"default_audience": "urn:a"}, "resourceServers": [api], "clients": [client], "clientGrants": [grant]
    });
    let from_file = tenant(&whole.to_string(), &KeywordMappings::default()).unwrap();
    assert_eq!(from_folder.document, from_file.document);
    assert_eq!(from_file.grants("c"), ["urn:a: x"]);
}

#[test]
fn missing_keywords_are_named_all_at_once() {
    let error = told(tenant(TENANT, &KeywordMappings::default()));
    assert!(error.contains("tenant.yaml: resourceServers[0]") && error.contains("ENV, ORIGINS"), "{error}");
    assert!(error.contains("--mapping"), "{error}");
    let elsewhere = "clients: [{name: a}]\nactions: [{name: '##NOT_READ##'}]";
    assert!(tenant(elsewhere, &KeywordMappings::default()).is_ok(), "what is not read needs no value");
}

#[test]
fn a_name_that_two_clients_have_is_no_id() {
    let twice = json!({
        "resourceServers": [{"name": "A", "identifier": "urn:a"}],
        "clients": [{"name": "C", "client_id": "1"}, {"name": "C", "client_id": "2"}],
        "clientGrants": [{"client_id": "C", "audience": "urn:a", "scope": []}],
    });
    let error = told(tenant(&twice.to_string(), &KeywordMappings::default()));
    assert!(error.contains("clientGrants[0]") && error.contains("AUTH0_EXPORT_IDENTIFIERS"), "{error}");
}

#[test]
fn fields_that_are_too_long_go_the_longest_first() {
    let client = json!({"name": "C", "client_id": "c", "logo_uri": "https://l", "client_metadata": {"long": "x".repeat(20_000)}});
    let imported = tenant(&json!({"clients": [client]}).to_string(), &KeywordMappings::default()).unwrap();
    let fields = &imported.client("c").auth0_fields;
    assert!(fields.contains_key("logo_uri") && !fields.contains_key("client_metadata"));
    assert_eq!(imported.noted(NoteKind::MembersLeftOut), ["c"]);
}

#[test]
fn mistakes_name_the_member() {
    for (text, expected) in [
        ("clients: [{client_id: a}]", "tenant.yaml: clients[0]: name is missing"),
        ("clients: {a: 1}", "tenant.yaml: clients must be a list of objects"),
        ("clients: [{name: a, client_secret: [canary]}]", "clients[0]: client_secret must be a text"),
        (
            "clients: [{name: a, token_quota: {client_credentials: {per_hour: -1}}}]",
            "token_quota.client_credentials: per_hour",
        ),
        ("clients: [canary]", "clients[0]: the whole must be an object"),
        ("resourceServers: [{identifier: a, token_dialect: canary}]", "token_dialect must be a token dialect"),
        ("clientGrants: [{client_id: a}]", "clientGrants[0]: audience is missing"),
        ("pages: []", "no export of Auth0's deploy CLI"),
        ("- canary", "no export of Auth0's deploy CLI"),
        ("clients: [{name: 'canary}]", "line 1"),
    ] {
        let error = told(tenant(text, &KeywordMappings::default()));
        assert!(error.contains(expected) && !error.contains("canary"), "{error}");
    }
}
