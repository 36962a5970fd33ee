//! Which objects do the tests store, and how are they compared?

use diesel::connection::SimpleConnection as _;
use serde_json::json;
use uuid::Uuid;

use crate::clock::UnixMillis;
use crate::entropy::{SystemEntropy, new_uuid};
use crate::keys::lifecycle::{KeyState, SigningKeyRecord};
use crate::keys::{KeyUse, PublicJwk, PublicKey, PublicParameters, SigningAlg};
use crate::oauth::client::{AuthenticationMethod, Client, ClientGrant, Quota};
use crate::oauth::client_key::{ClientKey, CredentialType};
use crate::oauth::resource::{Api, DefaultScope, Lifetime, ScopeDefinition, ScopePolicy};
use crate::oauth::scope::ScopeSet;
use crate::secret::{GeneratedSecret, StoredSecret, hash_generated};
use crate::store::{
    Actor, AuditAction, AuditEntry, ChangeContext, ObjectKind, Store, StoreError, Transaction, Written,
};

pub(super) const CREATED: UnixMillis = UnixMillis(1_700_000_000_000);
pub(super) const CHANGED: UnixMillis = UnixMillis(1_800_000_000_000);

pub(super) fn id() -> Uuid {
    new_uuid(CREATED, &SystemEntropy)
}

pub(super) fn context() -> ChangeContext {
    ChangeContext { actor: Actor::System, at: CHANGED, request_id: None }
}

pub(super) fn entry() -> AuditEntry {
    AuditEntry {
        action: AuditAction::Update,
        object_kind: ObjectKind::Configuration,
        object_id: "test".to_owned(),
        before: None,
        after: Some(json!({ "b": 1, "a": [true, null, "é"] })),
    }
}

/// Writes `change` with an audit entry.
pub(super) fn try_write<T>(
    store: &Store,
    change: impl FnOnce(&mut Transaction) -> Result<T, StoreError>,
) -> Result<Written<T>, StoreError> {
    store.write(&context(), |transaction| {
        let value = change(transaction)?;
        transaction.record(entry())?;
        Ok(value)
    })
}

/// Writes `change`, which must succeed.
pub(super) fn write<T>(store: &Store, change: impl FnOnce(&mut Transaction) -> Result<T, StoreError>) -> Written<T> {
    try_write(store, change).unwrap()
}

/// Does to the database what Tokenhouse never would.
pub(super) fn tamper(store: &Store, sql: &str) {
    store.pools.writer().unwrap().batch_execute(sql).unwrap();
}

pub(super) fn scope(values: &str) -> ScopeSet {
    ScopeSet::parse(values).unwrap()
}

/// What is kept for Auth0's sake.
pub(super) fn fields() -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_str(r#"{"description":"kept \"as given\"","nested":{"list":[1,null]}}"#).unwrap()
}

pub(super) fn api(identifier: &str, scopes: &str) -> Api {
    let definition = |value: &str| ScopeDefinition {
        value: value.parse().unwrap(),
        description: value.ends_with('s').then(|| format!("May {value}")),
    };
    Api {
        id: id(),
        identifier: identifier.parse().unwrap(),
        name: "Ärzte's \"API\"".to_owned(),
        scopes: scopes.split_whitespace().map(definition).collect(),
        token_lifetime: Lifetime::try_from(3600).unwrap(),
        signing_alg: SigningAlg::Rs256,
        token_dialect: None,
        default_scope: DefaultScope::All,
        scope_policy: ScopePolicy::Exact,
        scope_format: None,
        token_reuse_seconds: 0,
        is_system: false,
        auth0_fields: fields(),
        created_at: CREATED,
        updated_at: CREATED,
    }
}

pub(super) fn client(client_id: &str) -> Client {
    Client {
        id: id(),
        client_id: client_id.parse().unwrap(),
        name: "Partner".to_owned(),
        enabled: true,
        client_credentials_allowed: true,
        default_audience: None,
        authentication_methods: vec![AuthenticationMethod::ClientSecretPost, AuthenticationMethod::ClientSecretBasic],
        secrets: Vec::new(),
        keys: Vec::new(),
        jwks_uri: None,
        grants: Vec::new(),
        quota: None,
        claims: serde_json::Map::new(),
        auth0_fields: serde_json::Map::new(),
        created_at: CREATED,
        updated_at: CREATED,
    }
}

/// A client that uses every field, with two secrets, two keys and a grant for each of `apis`.
pub(super) fn full_client(client_id: &str, apis: &[&Api]) -> Client {
    Client {
        default_audience: apis.first().map(|api| api.identifier.clone()),
        secrets: vec![
            secret(),
            StoredSecret {
                imported_hash: Some(Box::new(secret().hash)),
                label: Some("zweites".to_owned()),
                expires_at: Some(CHANGED),
                ..secret()
            },
        ],
        keys: vec![
            client_key("first"),
            ClientKey {
                name: Some("zweiter".to_owned()),
                expires_at: Some(CHANGED),
                enabled: false,
                ..client_key("second")
            },
        ],
        jwks_uri: Some("https://partner.example/jwks".parse().unwrap()),
        grants: apis.iter().map(|api| grant_all(api)).collect(),
        quota: Some(Quota { per_hour: Some(u32::MAX), per_day: None, enforce: true }),
        claims: json!({ "tenant": "blå", "nested": { "z": 1, "a": [1.5] } }).as_object().unwrap().clone(),
        auth0_fields: fields(),
        ..client(client_id)
    }
}

pub(super) fn secret() -> StoredSecret {
    let hash = hash_generated(&GeneratedSecret::generate(&SystemEntropy), &SystemEntropy);
    let created_at = UnixMillis(CREATED.0 + i64::from(id().as_bytes()[15]));
    StoredSecret { id: id(), hash, imported_hash: None, label: None, created_at, expires_at: None, last_used_at: None }
}

pub(super) fn client_key(kid: &str) -> ClientKey {
    // RFC 8037 §A.2
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned();
    let parameters = PublicParameters::Okp { crv: "Ed25519".to_owned(), x };
    let created_at = UnixMillis(CREATED.0 + i64::from(id().as_bytes()[15]));
    ClientKey {
        id: id(),
        credential_type: CredentialType::PublicKey,
        name: None,
        kid: kid.parse().unwrap(),
        key: PublicKey::new(parameters, None).unwrap(),
        enabled: true,
        created_at,
        updated_at: created_at,
        expires_at: None,
    }
}

pub(super) fn grant(api: &Api, values: &str) -> ClientGrant {
    ClientGrant {
        id: id(),
        api_id: api.id,
        scope: scope(values),
        auth0_fields: fields(),
        created_at: CREATED,
        updated_at: CREATED,
    }
}

pub(super) fn grant_all(api: &Api) -> ClientGrant {
    let scope = api.scopes.iter().rev().map(|scope| scope.value.clone()).collect();
    ClientGrant { scope, ..grant(api, "") }
}

pub(super) fn signing_key(kid: &str, alg: SigningAlg, state: KeyState) -> SigningKeyRecord {
    let parameters = PublicParameters::Rsa { n: "0vx7".to_owned(), e: "AQAB".to_owned() };
    let (x5c, x5t) = (["MII/+=".to_owned()], "thumb".to_owned());
    SigningKeyRecord {
        kid: kid.to_owned(),
        alg,
        state,
        public_jwk: PublicJwk { parameters, kid: kid.to_owned(), alg, key_use: KeyUse::Signature, x5c, x5t },
        sealed_private_key: Some("sealed".to_owned()),
        created_at: CREATED,
        announced_at: Some(CREATED),
        activated_at: None,
        retired_at: None,
        remove_after: None,
        revoked_at: None,
    }
}

/// All of a client, to be compared: its secrets in their order, and the hashes that `Debug` hides.
pub(super) fn shape(client: &Client) -> String {
    let mut client = client.clone();
    client.secrets.sort_by_key(|secret| (secret.created_at, secret.id));
    client.keys.sort_by_key(|key| (key.created_at, key.id));
    client.grants.sort_by_key(|grant| (grant.created_at, grant.id));
    let imported = |secret: &StoredSecret| secret.imported_hash.as_ref().map(|hash| hash.text().into_owned());
    let hashes: Vec<_> = client.secrets.iter().map(|secret| (secret.hash.text(), imported(secret))).collect();
    format!("{client:?} {hashes:?}")
}
