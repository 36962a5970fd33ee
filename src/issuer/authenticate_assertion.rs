//! Which client sent this assertion? Its signature is checked first, then its claims, and at last that it is used once.
//!
//! As with secrets, whatever is wrong is answered alike, and an unknown client costs a check of a signature too.
//! Only who has the key of a client gets as far as the database.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokenhouse_verifier::{Algorithm, JwkSet, VerificationKey};
use uuid::Uuid;

use super::assertion_uses::AssertionUses;
use super::authenticate_client::{AuthenticatedClient, Credential};
use super::issue_token::internal;
use super::published_keys::{PublishedKeys, PublishedKeysSettings};
use super::served::Served;
use super::snapshot::Snapshot;
use super::steps::{StepName, Steps};
use super::work_pool::QueueLoad;
use crate::clock::UnixMillis;
use crate::keys::{PublicKey, PublicParameters};
use crate::oauth::client::{Client, ClientId};
use crate::oauth::client_assertion::{
    AcceptedAssertion, AssertionRefusal, AssertionRules, UnverifiedAssertion, VerifiedAssertion,
};
use crate::oauth::client_key::MAX_CLIENT_KEYS;
use crate::oauth::error::TokenError;
use crate::store::{AssertionUse, StoreError};

/// How long a caller should wait when the database is busy or away, in seconds.
const RETRY_AFTER_SECONDS: u32 = 1;

/// How client assertions are judged.
#[derive(Clone, Debug)]
pub struct AssertionSettings {
    /// Only the rules of rfc7523bis?
    pub strict: bool,
    /// How long an assertion may live, in seconds.
    pub max_lifetime: u32,
    /// By how much clocks may differ, in seconds.
    pub clock_tolerance: u32,
    /// How the keys are fetched that clients publish themselves.
    pub published_keys: PublishedKeysSettings,
}

/// Why an assertion authenticates nobody.
#[derive(Debug)]
pub enum AssertionFailure {
    /// It is wrong.
    Refused(AssertionRefusal),
    /// We could not tell.
    Failed(TokenError),
}

impl From<AssertionRefusal> for AssertionFailure {
    fn from(refusal: AssertionRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Authenticates clients by their assertions.
#[derive(Debug)]
pub struct AssertionAuthenticator {
    rules: AssertionRules,
    published: PublishedKeys,
    uses: AssertionUses,
}

impl AssertionAuthenticator {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the operating system gives none, or the certificates cannot be read.
    pub fn start(settings: AssertionSettings, served: &Served) -> std::io::Result<Self> {
        let AssertionSettings { strict, max_lifetime, clock_tolerance, published_keys } = settings;
        Ok(Self {
            rules: AssertionRules::new(&served.context().issuer, strict, max_lifetime, clock_tolerance),
            published: PublishedKeys::start(published_keys)?,
            uses: AssertionUses::start(served.store().clone())?,
        })
    }

    /// How many uses of assertions wait to be noted, and how many were refused since the start.
    pub fn load(&self) -> QueueLoad {
        self.uses.load()
    }

    /// Finds the client that `assertion` proves to be, and tells `steps` how long the store took. `client_id` is what stood beside it.
    ///
    /// # Errors
    /// Why it is none.
    pub async fn authenticate(
        &self,
        assertion: &UnverifiedAssertion<'_>,
        client_id: Option<&str>,
        snapshot: &Snapshot,
        now: UnixMillis,
        steps: &mut Steps,
    ) -> Result<AuthenticatedClient, AssertionFailure> {
        let claimed = snapshot.client(assertion.claimed_client_id());
        let client = match admitted(claimed, client_id, now) {
            Ok(client) => client,
            Err(refusal) => {
                spend_as_much(assertion);
                return Err(refusal.into());
            }
        };
        let (verified, credential) = self.verify(assertion, client, now).await?;
        let accepted = verified.validate(&self.rules, &client.client_id, now)?;
        let storing = steps.begin();
        let used = self.use_once(&client.client_id, accepted).await;
        steps.end(StepName::StoreAssertionUse, storing);
        used?;
        Ok(AuthenticatedClient::by_key(client.clone(), credential))
    }

    /// Checks the signature: with the registered keys first, then with those that the client publishes.
    async fn verify<'a>(
        &self,
        assertion: &'a UnverifiedAssertion<'_>,
        client: &Client,
        now: UnixMillis,
    ) -> Result<(VerifiedAssertion<'a>, Credential), AssertionRefusal> {
        let registered = registered_keys(assertion, client, now);
        for (id, key) in &registered {
            if let Ok(verified) = assertion.verify([key]) {
                return Ok((verified, Credential::RegisteredKey(*id)));
            }
        }
        let published = self.verify_with_published(assertion, client, !registered.is_empty()).await?;
        Ok((published, Credential::PublishedKey))
    }

    /// Checks the signature with the keys that the client publishes. `has_registered`: others were tried before.
    async fn verify_with_published<'a>(
        &self,
        assertion: &'a UnverifiedAssertion<'_>,
        client: &Client,
        has_registered: bool,
    ) -> Result<VerifiedAssertion<'a>, AssertionRefusal> {
        let is_named = assertion.kid().is_some() && has_registered;
        match client.jwks_uri.as_ref().filter(|_| !is_named) {
            Some(uri) => {
                let unavailable = |_| AssertionRefusal::KeysUnavailable;
                let published = self.published.keys(uri, assertion.kid()).await.map_err(unavailable)?;
                if let Ok(verified) = verify_with(assertion, &published) {
                    return Ok(verified);
                }
                if assertion.kid().is_some() {
                    return refuse(assertion, &published);
                }
                // Nothing says which key is meant: it may be one that is newer than what is held.
                let anew = self.published.keys_anew(uri).await.map_err(unavailable)?;
                verify_with(assertion, &anew).or_else(|_| refuse(assertion, &anew))
            }
            None if !has_registered => {
                spend_as_much(assertion);
                Err(AssertionRefusal::NoSuchKey)
            }
            None => Err(AssertionRefusal::WrongSignature),
        }
    }

    /// The one write of a token request: an assertion is good once, on whatever replica (RFC 7523 §3, `jti`).
    async fn use_once(&self, client_id: &ClientId, accepted: AcceptedAssertion) -> Result<(), AssertionFailure> {
        let one = AssertionUse { digest: digest(client_id, &accepted.jti), expires_at: accepted.remember_until };
        judge_use(self.uses.note(one).await.map_err(|_| cannot_tell())?)
    }
}

/// What the store's answer means: is it the first use?
fn judge_use(is_first: Result<bool, StoreError>) -> Result<(), AssertionFailure> {
    match is_first {
        Ok(true) => Ok(()),
        Ok(false) => Err(AssertionRefusal::Replayed.into()),
        // Without the database nobody knows whether it was used before: no token, but not the client's fault.
        Err(cause) if cause.is_unavailable() => {
            tracing::error!(%cause, "cannot tell whether a client assertion was used before");
            Err(cannot_tell())
        }
        Err(cause) => Err(AssertionFailure::Failed(internal("noting the use of a client assertion", &cause))),
    }
}

const fn cannot_tell() -> AssertionFailure {
    AssertionFailure::Failed(TokenError::TemporarilyUnavailable { retry_after: RETRY_AFTER_SECONDS })
}

/// The gates that need no signature. They stand before the work, but their refusals cost as much.
fn admitted<'c>(
    claimed: Option<&'c Arc<Client>>,
    client_id: Option<&str>,
    now: UnixMillis,
) -> Result<&'c Arc<Client>, AssertionRefusal> {
    let client = claimed.ok_or(AssertionRefusal::UnknownClient)?;
    if client_id.is_some_and(|beside| beside != client.client_id.as_str()) {
        return Err(AssertionRefusal::ClientIdsDiffer);
    }
    if !client.is_usable(now) {
        return Err(AssertionRefusal::ClientDisabled);
    }
    if !client.accepts_assertions() {
        return Err(AssertionRefusal::NotSetToKeys);
    }
    Ok(client)
}

/// The live keys of `client`, by our own id, that `assertion` may be signed with: the one it names, else all of its algorithm.
fn registered_keys(
    assertion: &UnverifiedAssertion<'_>,
    client: &Client,
    now: UnixMillis,
) -> Vec<(Uuid, VerificationKey)> {
    let is_meant = |kid: &str| assertion.kid().is_none_or(|wanted| wanted == kid);
    let live = client.keys.iter().filter(|key| key.is_live(now) && key.key.algorithm() == assertion.algorithm());
    let meant = live.filter(|key| is_meant(key.kid.as_str())).take(MAX_CLIENT_KEYS);
    meant.filter_map(|key| Some((key.id, key.key.verification_key(key.kid.as_str()).ok()?))).collect()
}

fn verify_with<'a>(
    assertion: &'a UnverifiedAssertion<'_>,
    published: &JwkSet,
) -> Result<VerifiedAssertion<'a>, AssertionRefusal> {
    assertion.verify(meant_among(assertion, published))
}

fn meant_among<'k>(
    assertion: &UnverifiedAssertion<'_>,
    published: &'k JwkSet,
) -> impl Iterator<Item = &'k VerificationKey> {
    let (algorithm, kid) = (assertion.algorithm(), assertion.kid().map(str::to_owned));
    let meant = published
        .keys()
        .iter()
        .filter(move |key| key.algorithm() == algorithm && kid.as_deref().is_none_or(|wanted| wanted == key.kid()));
    meant.take(MAX_CLIENT_KEYS)
}

fn refuse<T>(assertion: &UnverifiedAssertion<'_>, published: &JwkSet) -> Result<T, AssertionRefusal> {
    if meant_among(assertion, published).next().is_some() {
        return Err(AssertionRefusal::WrongSignature);
    }
    spend_as_much(assertion);
    Err(AssertionRefusal::NoSuchKey)
}

/// Checks the signature with a key that is nobody's, so that the time tells nothing of the client.
fn spend_as_much(assertion: &UnverifiedAssertion<'_>) {
    let nobodys = NOBODYS_KEYS.iter().find(|key| key.algorithm() == assertion.algorithm());
    if let Some(key) = nobodys.and_then(|key| key.verification_key("nobody").ok()) {
        let _ = assertion.verify([&key]);
    }
}

/// Under which name the use of the assertion `jti` of `client_id` is noted: of one length, whatever the client sends.
fn digest(client_id: &ClientId, jti: &str) -> String {
    let mut context = Context::new(&SHA256);
    for part in [b"client_assertion", client_id.as_str().as_bytes(), jti.as_bytes()] {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    BASE64_URL_SAFE_NO_PAD.encode(context.finish())
}

/// One key for each algorithm, from the RFCs' examples: RFC 7638 §3.1, RFC 9449 §4, RFC 8037 §A.2.
static NOBODYS_KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    let rsa = PublicParameters::Rsa {
        n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw".to_owned(),
        e: "AQAB".to_owned(),
    };
    let ec = PublicParameters::Ec {
        crv: "P-256".to_owned(),
        x: "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs".to_owned(),
        y: "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA".to_owned(),
    };
    let okp = PublicParameters::Okp {
        crv: "Ed25519".to_owned(),
        x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
    };
    let pairs = [
        (rsa.clone(), Algorithm::Rs256),
        (rsa.clone(), Algorithm::Rs384),
        (rsa, Algorithm::Ps256),
        (ec, Algorithm::Es256),
        (okp, Algorithm::EdDsa),
    ];
    pairs.into_iter().filter_map(|(parameters, algorithm)| PublicKey::new(parameters, Some(algorithm)).ok()).collect()
});

#[cfg(test)]
mod tests;
