//! What can be done to an issuer at once: its keys, its time, its objects? Each is served before it is answered.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::clock::ClockReading;
use super::drive_error::DriveError;
use super::driven_issuer::DrivenIssuer;
use crate::issuer::document::Document;
use crate::issuer::document::apply::{ApplyOptions, Plan};
use crate::issuer::document::export::export;
use crate::issuer::document::parse::SecretSources;
use crate::issuer::rights::Caller;
use crate::issuer::rotate_keys::summary;
use crate::keys::lifecycle::{KeyState, RotationUrgency, SigningKeyRecord};
use crate::keys::{PrivateKey, SigningAlg};
use crate::store::StoreError;

/// The key that signs now, and the one that comes next.
#[derive(Clone, Debug)]
pub struct KeysAfter {
    /// Signs now; none where none of that algorithm does any more.
    pub active: Option<SigningKeyRecord>,
    /// Is announced; none where nothing was rotated.
    pub next: Option<SigningKeyRecord>,
}

/// What becomes of objects that a document lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unnamed {
    /// They stay.
    #[default]
    Stay,
    /// They are deleted.
    Go,
}

/// A document that came over HTTP names no variable and no file of this process.
struct NoSources;

impl SecretSources for NoSources {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &Path) -> io::Result<String> {
        Err(io::Error::other("a document that is sent can name no file: send the secret as value"))
    }
}

/// A key as the control API shows it.
pub(super) fn shown(key: &SigningKeyRecord) -> Value {
    summary(key)
}

/// The document in `text`, with its secrets.
///
/// # Errors
/// If it is none, or names a secret that it does not hold.
pub fn parse_document(text: &str) -> Result<Document, DriveError> {
    // An array would do for a struct, and an empty one for a document without anything in it.
    if text.trim_start().starts_with('[') {
        return Err(DriveError::Invalid("a document is an object, not an array".to_owned()));
    }
    let mut document = Document::parse(text)?;
    if let Some(variable) =
        document.clients.iter().flat_map(|client| &client.secrets).find_map(|secret| secret.value_env.as_ref())
    {
        return Err(DriveError::Invalid(format!(
            "a document that is sent can name no variable, such as {}: send the secret as value",
            variable.escape_debug()
        )));
    }
    document.resolve_secrets(&NoSources)?;
    Ok(document)
}

/// Each blocks: call it off the async workers.
impl DrivenIssuer {
    /// The signing keys: those that sign, then the next, then the previous, then those that are gone.
    ///
    /// # Errors
    /// If the store does not answer.
    pub fn keys(&self) -> Result<Vec<SigningKeyRecord>, DriveError> {
        let endpoints = self.endpoints();
        let mut keys = endpoints.administration.store().read(|reader| reader.list_signing_keys())?;
        keys.sort_by_key(|key| (key.state, key.alg));
        Ok(keys)
    }

    /// Lets the next key of `alg` sign at once.
    ///
    /// # Errors
    /// If no key of `alg` signs.
    pub fn rotate_keys(&self, alg: SigningAlg) -> Result<KeysAfter, DriveError> {
        let endpoints = self.endpoints();
        let rotated = endpoints.administration.rotate_key(&Caller::system(), alg, RotationUrgency::Forced)?;
        endpoints.issuer.served().follow()?;
        self.forget_keys();
        Ok(KeysAfter { active: Some(rotated.active), next: Some(rotated.next) })
    }

    /// Withdraws the key `kid`, or the active RS256 one: no JWK Set shows it any more. Answers with it, and with what signs now.
    ///
    /// # Errors
    /// If there is none.
    pub fn drop_key(&self, kid: Option<&str>) -> Result<(SigningKeyRecord, KeysAfter), DriveError> {
        let endpoints = self.endpoints();
        let served = endpoints.issuer.served();
        let active = |alg| served.snapshot().keys.active(alg).map(|signer| signer.kid().to_owned());
        let kid = match kid {
            Some(kid) => kid.to_owned(),
            None => active(SigningAlg::Rs256).ok_or_else(|| DriveError::NotFound("no RS256 key signs".to_owned()))?,
        };
        let dropped = endpoints.administration.revoke_key(&Caller::system(), &kid, RotationUrgency::Forced)?;
        served.follow()?;
        self.forget_keys();
        let active = active(dropped.alg).map(|kid| self.key(&kid)).transpose()?;
        Ok((dropped, KeysAfter { active, next: None }))
    }

    fn key(&self, kid: &str) -> Result<SigningKeyRecord, DriveError> {
        let endpoints = self.endpoints();
        let found = endpoints.administration.store().read(|reader| reader.find_signing_key(kid))?;
        found.ok_or_else(|| DriveError::NotFound(format!("there is no signing key {}", kid.escape_debug())))
    }

    /// The private half of a key that signs.
    pub(super) fn private_key(&self, kid: &str) -> Result<PrivateKey, DriveError> {
        let record = self.key(kid)?;
        let endpoints = self.endpoints();
        let sealed = record.sealed_private_key.as_deref().unwrap_or_default();
        let context = endpoints.issuer.served().context();
        let opened = context.master_keys.open(kid, record.alg, sealed).map_err(DriveError::internal)?;
        Ok(PrivateKey::from_pkcs8(record.alg, opened)?)
    }

    /// Makes the issuer say what `document` says, all of it or nothing.
    ///
    /// # Errors
    /// The first thing in it that cannot be stored.
    pub fn apply(&self, document: &Document, unnamed: Unnamed) -> Result<Plan, DriveError> {
        let endpoints = self.endpoints();
        let options = ApplyOptions { weak_secrets: true, prune: unnamed == Unnamed::Go, ..ApplyOptions::default() };
        let applied = endpoints.administration.apply(&Caller::system(), document, options);
        let plan = applied.map_err(DriveError::in_document)?;
        endpoints.issuer.served().follow()?;
        Ok(plan)
    }

    /// Everything it holds, with hashes in place of secrets.
    ///
    /// # Errors
    /// If the store does not answer.
    pub fn export(&self) -> Result<Document, DriveError> {
        let endpoints = self.endpoints();
        Ok(export(&endpoints.administration.store().load_all()?))
    }

    /// Changes its time as `change` does.
    ///
    /// # Errors
    /// If that is out of range.
    pub fn set_clock(
        &self,
        change: impl FnOnce(&super::clock::DrivenClock) -> Result<(), super::clock::OutOfRange>,
    ) -> Result<ClockReading, DriveError> {
        // What was asked until now is of the minutes before.
        self.endpoints().issuer.note_rates();
        change(self.clock())?;
        let endpoints = self.endpoints();
        // Retired keys whose time is over leave the JWK Set; nobody else looks after them.
        endpoints.administration.tend_keys(&Caller::system())?;
        endpoints.issuer.served().follow()?;
        Ok(self.clock().read())
    }

    /// How many of each there are: clients, APIs, signing keys that are published.
    pub fn counts(&self) -> Result<[usize; 3], StoreError> {
        let endpoints = self.endpoints();
        let snapshot = endpoints.issuer.served().snapshot().clone();
        let keys = endpoints.administration.store().read(|reader| reader.list_signing_keys())?;
        let published = keys.iter().filter(|key| key.state != KeyState::Removed).count();
        Ok([snapshot.client_count(), snapshot.api_count(), published])
    }
}
