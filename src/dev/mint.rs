//! How does a test get any token at all? Built as the issuer builds one, changed as the test says, then signed.

use std::sync::Arc;

use serde::de::{Error as _, IntoDeserializer as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::defect::{Defect, DefectEntry};
use super::drive_error::DriveError;
use super::driven_issuer::DrivenIssuer;
use super::mint_defect::spoil;
use crate::clock::Clock as _;
use crate::entropy::new_uuid;
use crate::issuer::rights::Caller;
use crate::issuer::snapshot::Snapshot;
use crate::keys::SigningAlg;
use crate::oauth::access_token::{AccessTokenTemplate, TokenSubject};
use crate::oauth::client::Client;
use crate::oauth::client_credentials::ApiDirectory as _;
use crate::oauth::resource::{Api, Audience, Lifetime};
use crate::oauth::scope::ScopeSet;
use crate::specimen::{Draft, KeyRing, SpecimenKey, changed, from_b64};

/// Seconds that a token lives that is for no API of the issuer.
const LIFETIME: i64 = 3600;

/// The furthest that a token may expire from now, in seconds: no sum overflows.
const FURTHEST: i64 = 10_000_000_000;

/// Which token is wanted. What is absent has its default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MintRequest {
    /// Whom it is issued to; by default the first client.
    pub client_id: Option<String>,
    /// Whom it is for; by default the API of that client's first grant.
    pub audience: Option<String>,
    /// Its scopes; by default those that were granted.
    pub scope: Option<String>,
    /// Seconds from now until it expires; negative is in the past.
    pub expires_in: Option<i64>,
    /// Members for the header; null removes one.
    pub header: Map<String, Value>,
    /// Members for the claims; null removes one.
    pub claims: Map<String, Value>,
    /// How it is signed; by default as the API says.
    #[serde(deserialize_with = "signing_alg")]
    pub alg: Option<SigningAlg>,
    /// By which key.
    pub key: MintKey,
    /// What is wrong with it.
    pub defect: Option<Defect>,
}

/// What is no algorithm to sign with is a defect.
fn signing_alg<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SigningAlg>, D::Error> {
    let Some(name) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let defect = match name.as_str() {
        "none" => Defect::AlgNone,
        "HS256" => Defect::Hs256WithPublicKey,
        _ => return SigningAlg::deserialize(name.into_deserializer()).map(Some),
    };
    let text = format!("no key of the issuer signs with {name}: leave alg out and set defect to {}", defect.name());
    Err(D::Error::custom(text))
}

/// The key that signs a minted token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MintKey {
    /// That of the issuer.
    #[default]
    Active,
    /// One that is published nowhere.
    Other,
}

/// A token, and what it says. Not `Debug`.
#[derive(Clone, Serialize)]
pub struct MintedToken {
    /// The token.
    pub access_token: String,
    /// `Bearer`
    pub token_type: &'static str,
    /// Its header.
    pub header: Map<String, Value>,
    /// Its claims.
    pub claims: Map<String, Value>,
    /// What is wrong with it.
    pub defect: Option<DefectEntry>,
}

impl DrivenIssuer {
    /// Mints a token. Blocks.
    ///
    /// # Errors
    /// If nothing says whom it is for, or a value cannot stand in any token of the issuer.
    pub fn mint(&self, wanted: &MintRequest) -> Result<MintedToken, DriveError> {
        if let (MintKey::Other, Some(defect)) = (wanted.key, wanted.defect) {
            let text = format!("key other is a defect of its own: leave it out, or the defect {}", defect.name());
            return Err(DriveError::Invalid(text));
        }
        let now = self.clock().now();
        let endpoints = self.endpoints();
        let served = endpoints.issuer.served();
        let snapshot = served.snapshot().clone();
        let client = self.client(wanted, &snapshot)?;
        let api = self.api(wanted, &client, &snapshot)?;
        let scope = match &wanted.scope {
            Some(scope) => ScopeSet::parse(scope).map_err(DriveError::invalid)?,
            None => client.grant_for(api.id).map(|grant| grant.scope.clone()).unwrap_or_default(),
        };
        let alg = wanted.alg.unwrap_or(api.signing_alg);
        if snapshot.keys.active(alg).is_none() {
            endpoints.administration.change_with_alg(&Caller::system(), alg, |change| {
                change.ensure_active_key(alg)?;
                change.ensure_next_key(alg)
            })?;
            served.follow()?;
            self.forget_keys();
        }
        let snapshot = served.snapshot().clone();
        let keys = self.key_ring(wanted.key, alg, &snapshot)?;

        let issuer = self.origin().issuer.as_str();
        let compat = endpoints.issuer.compat();
        let template =
            AccessTokenTemplate::of(&TokenSubject { issuer, client: &client, api: &api, scope: &scope, compat });
        let issued_at = now.floor_seconds();
        let jti = new_uuid(now, self.entropy()).to_string();
        let mut claims: Map<String, Value> =
            serde_json::from_str(&template.claims(issued_at, &jti)).map_err(DriveError::internal)?;
        if let Some(seconds) = wanted.expires_in {
            if seconds.saturating_abs() > FURTHEST {
                return Err(DriveError::Invalid(format!("expires_in is at most {FURTHEST} seconds from now")));
            }
            claims.insert("exp".to_owned(), (issued_at + seconds).into());
        }
        let header = json!({ "alg": alg, "typ": template.typ(), "kid": keys.genuine.kid() });
        let header = changed(header, Value::Object(wanted.header.clone()));
        let claims = changed(Value::Object(claims), Value::Object(wanted.claims.clone()));
        let draft = Draft::new(header, claims, &keys);
        let token = wanted.defect.map_or_else(|| draft.valid(), |defect| spoil(defect, &draft, issued_at));
        let token = token.map_err(|_| DriveError::internal("the library does not sign"))?;
        let mut parts = token.split('.').map(said);
        let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        Ok(MintedToken {
            token_type: "Bearer",
            header,
            claims,
            access_token: token,
            defect: wanted.defect.map(DefectEntry::from),
        })
    }

    /// The key that signs as the issuer would, and one of a stranger.
    fn key_ring(&self, key: MintKey, alg: SigningAlg, snapshot: &Snapshot) -> Result<KeyRing, DriveError> {
        let attacker = self.strangers().get(alg, self.key_stock(), self.entropy())?;
        let genuine = match key {
            MintKey::Other => attacker.clone(),
            MintKey::Active => {
                let active = snapshot.keys.active(alg).ok_or_else(|| DriveError::internal("no key signs"))?;
                let key = self.private_key(active.kid())?;
                Arc::new(SpecimenKey::new(&key, self.clock().now()).map_err(DriveError::internal)?)
            }
        };
        Ok(KeyRing { genuine, attacker })
    }

    /// The client that is meant; one that the issuer does not know is as good as another.
    fn client(&self, wanted: &MintRequest, snapshot: &Snapshot) -> Result<Client, DriveError> {
        let first = || self.origin().demo.document.clients.first().and_then(|client| client.client_id.clone());
        let id = wanted.client_id.clone().or_else(first).ok_or_else(|| {
            DriveError::Invalid(
                "the issuer began without a client: say whom the token is issued to with client_id".to_owned(),
            )
        })?;
        if let Some(known) = snapshot.client(&id) {
            return Ok(Client::clone(known));
        }
        let id = id.parse().map_err(DriveError::invalid)?;
        Ok(Client::new(Uuid::nil(), id, self.clock().now()))
    }

    fn api(&self, wanted: &MintRequest, client: &Client, snapshot: &Snapshot) -> Result<Api, DriveError> {
        let granted = client.grants.first().and_then(|grant| snapshot.api(grant.api_id));
        let audience: Audience = match (&wanted.audience, granted) {
            (Some(audience), _) => audience.parse().map_err(|error| {
                DriveError::Invalid(format!("audience: {error}; for one that is none, set aud in claims"))
            })?,
            (None, Some(api)) => return Ok(Api::clone(api)),
            (None, None) => {
                let first = self.origin().demo.document.apis.first();
                let first = first.ok_or_else(|| {
                    DriveError::Invalid(
                        "the client has no grant, and the issuer began without an API: say whom the token is for with audience"
                            .to_owned(),
                    )
                })?;
                first.identifier.parse().map_err(DriveError::invalid)?
            }
        };
        if let Some(known) = snapshot.api_by_audience(&audience) {
            return Ok(known.clone());
        }
        let lifetime = Lifetime::try_from(LIFETIME).map_err(DriveError::internal)?;
        Ok(Api::new(Uuid::nil(), audience, lifetime, self.clock().now()))
    }
}

/// What a part of a token says: the last of members that stand twice.
fn said(part: &str) -> Map<String, Value> {
    serde_json::from_slice(&from_b64(part)).unwrap_or_default()
}
