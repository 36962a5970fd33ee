//! Which public keys does a client have: registered, given an end, put in and out of use, deleted?

use jiff::Timestamp;
use serde::Serialize;
use tokenhouse_verifier::Algorithm;
use uuid::Uuid;

use super::administration::{AdministrationError, Change, audited};
use super::apis::validated_text;
use super::document::entries::to_timestamp;
use crate::clock::UnixMillis;
use crate::keys::{PublicKey, ReadKey};
use crate::oauth::client::{AuthenticationMethod, Client};
use crate::oauth::client_key::{ClientKey, CredentialType, KeyId, MAX_CLIENT_KEYS};
use crate::store::{AuditAction, ObjectKind};

/// A public key to be registered.
#[derive(Clone, Debug)]
pub struct NewClientKey {
    /// What it is.
    pub credential_type: CredentialType,
    /// For people.
    pub name: Option<String>,
    /// The key itself.
    pub material: KeyMaterial,
    /// The algorithm that it is for; by default that of the JWK, else RS256, ES256 or EdDSA by the kind of key.
    pub alg: Option<Algorithm>,
    /// By which assertions name it; by default that of the JWK, else the thumbprint (RFC 7638).
    pub kid: Option<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// Does it stop working with the certificate that it is in? Only where `expires_at` does not say.
    pub parse_expiry_from_cert: bool,
    /// Does it authenticate the client from now on?
    pub enabled: bool,
}

/// A public key as it was given.
#[derive(Clone, Debug)]
pub enum KeyMaterial {
    /// PEM: SubjectPublicKeyInfo, PKCS#1 or an X.509 certificate.
    Pem(String),
    /// The text of a JWK.
    Jwk(String),
}

impl NewClientKey {
    /// The key in `material`, in use from now on and without an end, with every default.
    pub const fn new(material: KeyMaterial) -> Self {
        Self {
            credential_type: CredentialType::PublicKey,
            name: None,
            material,
            alg: None,
            kid: None,
            expires_at: None,
            parse_expiry_from_cert: false,
            enabled: true,
        }
    }

    fn read(&self) -> Result<ReadKey, AdministrationError> {
        let read = match &self.material {
            KeyMaterial::Pem(pem) => PublicKey::from_pem(pem, self.alg),
            KeyMaterial::Jwk(jwk) => PublicKey::from_jwk_text(jwk, self.alg),
        };
        read.map_err(AdministrationError::invalid)
    }
}

/// A key as the audit trail and the lists show it.
#[derive(Clone, Debug, Serialize)]
pub struct ClientKeySummary {
    /// Our own id.
    pub id: String,
    /// What it is.
    pub credential_type: CredentialType,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// By which assertions name it.
    pub kid: String,
    /// Its one algorithm.
    pub alg: &'static str,
    /// By which it is recognised, whatever it is called (RFC 7638).
    pub thumbprint: String,
    /// Does it authenticate the client?
    pub enabled: bool,
    /// When it was registered.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

impl From<&ClientKey> for ClientKeySummary {
    fn from(key: &ClientKey) -> Self {
        Self {
            id: key.id.to_string(),
            credential_type: key.credential_type,
            name: key.name.clone(),
            kid: key.kid.to_string(),
            alg: key.key.algorithm().name(),
            thumbprint: key.key.parameters().thumbprint(),
            enabled: key.enabled,
            created_at: to_timestamp(key.created_at),
            updated_at: to_timestamp(key.updated_at),
            expires_at: key.expires_at.and_then(to_timestamp),
        }
    }
}

impl Change<'_> {
    /// The client `client_id` as it is now, with its keys.
    ///
    /// # Errors
    /// If there is none.
    pub fn client(&mut self, client_id: &str) -> Result<Client, AdministrationError> {
        self.existing_client(client_id)
    }

    /// Registers a key for the client `client_id`.
    ///
    /// # Errors
    /// If there is no such client, the key cannot be used, or the client has as many as it may or one with that `kid`.
    pub fn add_client_key(&mut self, client_id: &str, new: &NewClientKey) -> Result<ClientKey, AdministrationError> {
        let client = self.existing_client(client_id)?;
        let key = self.read_client_key(new)?;
        if let Some(at) = key.expires_at.filter(|at| *at <= self.now) {
            let at = to_timestamp(at).map_or_else(|| "its end".to_owned(), |at| at.to_string());
            return Err(AdministrationError::Invalid(format!("{at} is past: the key would never work")));
        }
        self.store_client_key(&client, key)
    }

    /// The key that `new` describes, with an id of its own.
    pub(super) fn read_client_key(&self, new: &NewClientKey) -> Result<ClientKey, AdministrationError> {
        let read = new.read()?;
        let kid = new.kid.clone().or(read.kid).unwrap_or_else(|| read.key.parameters().thumbprint());
        let expires_at = new.expires_at.map(|at| UnixMillis(at.as_millisecond()));
        let of_certificate = read.certificate_expires_at.filter(|_| new.parse_expiry_from_cert);
        Ok(ClientKey {
            id: self.new_id(),
            credential_type: new.credential_type,
            name: new.name.as_deref().map(|name| validated_text("name", name)).transpose()?,
            kid: kid.parse::<KeyId>().map_err(AdministrationError::invalid)?,
            key: read.key,
            enabled: new.enabled,
            created_at: self.now,
            updated_at: self.now,
            expires_at: expires_at.or(of_certificate),
        })
    }

    /// Gives the client `key`, which may have expired already.
    pub(super) fn store_client_key(
        &mut self,
        client: &Client,
        key: ClientKey,
    ) -> Result<ClientKey, AdministrationError> {
        self.may_touch_credentials(client)?;
        // Counted from the store: earlier steps of the same change may have added some.
        let client = self.existing_client(client.client_id.as_str())?;
        refuse_surplus(&client, &key)?;
        self.transaction.insert_client_key(client.id, &key)?;
        let after = audited(&ClientKeySummary::from(&key));
        self.record(AuditAction::Create, ObjectKind::ClientKey, &object_id(&client, &key), None, after)?;
        Ok(key)
    }

    /// Lets a key stop working at `expires_at`, or never; `which` is its id or its `kid`.
    ///
    /// # Errors
    /// If there is no such key.
    pub fn update_client_key(
        &mut self,
        client_id: &str,
        which: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<ClientKey, AdministrationError> {
        let (client, key) = self.existing_client_key(client_id, which)?;
        let expires_at = expires_at.map(|at| UnixMillis(at.as_millisecond()));
        self.change_client_key(&client, &key, ClientKey { expires_at, ..key.clone() })
    }

    /// Deletes a key that is not in use; `which` is its id or its `kid`.
    ///
    /// # Errors
    /// If there is no such key, or the client is set to authenticate with it: as at Auth0, it is taken out of use first.
    pub fn delete_client_key(&mut self, client_id: &str, which: &str) -> Result<(), AdministrationError> {
        let (client, key) = self.existing_client_key(client_id, which)?;
        if key.enabled && client.authentication_methods.contains(&AuthenticationMethod::PrivateKeyJwt) {
            return Err(AdministrationError::Conflict(format!(
                "the client {client_id} authenticates with the key {}: take it out of the client's authentication \
                 methods first",
                key.id
            )));
        }
        self.remove_client_key(&client, &key)
    }

    /// Deletes a key at once, in use or not; `which` is its id or its `kid`.
    ///
    /// # Errors
    /// If there is no such key.
    pub fn retire_client_key(&mut self, client_id: &str, which: &str) -> Result<(), AdministrationError> {
        let (client, key) = self.existing_client_key(client_id, which)?;
        self.remove_client_key(&client, &key)
    }

    /// Says how the client authenticates and, where `keys` is given, that of its registered keys these are in use and
    /// the others not.
    ///
    /// # Errors
    /// If there is no such client or key, the methods do not go together, or the client could not authenticate any more.
    pub fn set_authentication_methods(
        &mut self,
        client_id: &str,
        methods: &[AuthenticationMethod],
        keys: Option<&[Uuid]>,
    ) -> Result<Client, AdministrationError> {
        let client = self.existing_client(client_id)?;
        if let Some(used) = keys {
            for wanted in used {
                if !client.keys.iter().any(|key| key.id == *wanted) {
                    return Err(missing_key(client_id, &wanted.to_string()));
                }
            }
            for key in &client.keys {
                self.change_client_key(&client, key, ClientKey { enabled: used.contains(&key.id), ..key.clone() })?;
            }
        }
        self.update_client(client_id, |entry| {
            entry.authentication_methods = methods.to_vec();
            Ok(())
        })?;
        let client = self.existing_client(client_id)?;
        let by_key = client.authentication_methods.contains(&AuthenticationMethod::PrivateKeyJwt);
        if by_key && client.jwks_uri.is_none() && !client.keys.iter().any(|key| key.is_live(self.now)) {
            return Err(AdministrationError::Invalid(format!(
                "the client {client_id} has no key in use, so it could not authenticate any more: add one first, or set \
                 jwks_uri"
            )));
        }
        Ok(client)
    }

    /// Makes the terms of `before` those of `after`; nothing happens where they are the same.
    pub(super) fn change_client_key(
        &mut self,
        client: &Client,
        before: &ClientKey,
        after: ClientKey,
    ) -> Result<ClientKey, AdministrationError> {
        self.may_touch_credentials(client)?;
        if after == *before {
            return Ok(after);
        }
        let name = after.name.as_deref().map(|name| validated_text("name", name)).transpose()?;
        let after = ClientKey { name, updated_at: self.now, ..after };
        self.transaction.update_client_key(&after)?;
        let (old, new) = (ClientKeySummary::from(before), ClientKeySummary::from(&after));
        self.record(
            AuditAction::Update,
            ObjectKind::ClientKey,
            &object_id(client, before),
            audited(&old),
            audited(&new),
        )?;
        Ok(after)
    }

    fn remove_client_key(&mut self, client: &Client, key: &ClientKey) -> Result<(), AdministrationError> {
        self.may_touch_credentials(client)?;
        self.transaction.delete_client_key(key.id)?;
        let before = audited(&ClientKeySummary::from(key));
        self.record(AuditAction::Delete, ObjectKind::ClientKey, &object_id(client, key), before, None)
    }

    fn existing_client_key(
        &mut self,
        client_id: &str,
        which: &str,
    ) -> Result<(Client, ClientKey), AdministrationError> {
        let client = self.existing_client(client_id)?;
        let key = client.find_key(which).cloned().ok_or_else(|| missing_key(client_id, which))?;
        Ok((client, key))
    }
}

fn refuse_surplus(client: &Client, key: &ClientKey) -> Result<(), AdministrationError> {
    if client.keys.len() >= MAX_CLIENT_KEYS {
        return Err(AdministrationError::Conflict(format!(
            "the client {} has {} keys, and {MAX_CLIENT_KEYS} is the limit: delete one first",
            client.client_id,
            client.keys.len()
        )));
    }
    if client.keys.iter().any(|other| other.kid == key.kid) {
        return Err(AdministrationError::Conflict(format!(
            "the client {} has a key with the kid {} already: delete it first, or give this one another kid",
            client.client_id, key.kid
        )));
    }
    Ok(())
}

fn missing_key(client_id: &str, which: &str) -> AdministrationError {
    let which = which.escape_debug();
    AdministrationError::not_found("key", format!("{which} of the client {client_id}: list them first"))
}

fn object_id(client: &Client, key: &ClientKey) -> String {
    format!("{} of {}", key.id, client.client_id)
}
