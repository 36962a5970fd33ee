//! A client replaces its own secret, at its endpoint or in the console: what happens between its request and the new one?
//!
//! Whoever can authenticate may: also a client that no grant lets have a token, since it proves no less.

use std::sync::Arc;

use uuid::Uuid;

use super::TokenIssuer;
use super::administration::{Administration, AdministrationError, Change, audited};
use super::apis::{MAX_TEXT_LENGTH, validated_text};
use super::console::Session;
use super::freshness::Freshness;
use super::issue_token::{TokenDecision, store_silent};
use super::rights::{Caller, Rights};
use super::secrets::{AddedSecret, SecretSummary, SecretTerms, object_id};
use super::served::Served;
use super::usage::Answered;
use crate::oauth::client::{Client, ClientId};
use crate::oauth::error::TokenError;
use crate::oauth::secret_error::SecretError;
use crate::oauth::secret_request::{NewSecretWish, parse_secret_request};
use crate::oauth::token_request::RawTokenRequest;
use crate::store::{Actor, AuditAction, ObjectKind};

/// How many secrets are replaced at a time; further requests wait. Each waits for the one writer of the store anyway.
pub(super) const CONCURRENT_REPLACEMENTS: usize = 4;

/// A secret that proved right, whose client wants another one in its place. Only an authenticated client has one.
struct Replacement {
    client_id: ClientId,
    client_row_id: Uuid,
    secret_id: Uuid,
    label: Option<String>,
    overlap: u32,
}

impl TokenIssuer {
    /// Gives a client a new secret, which this server then already takes, and lets the presented one expire after the
    /// overlap; its other secrets stay as they are. Fills in `decision` on the way, and counts the answer.
    ///
    /// # Errors
    /// Why there is no new secret.
    pub async fn replace_secret(
        &self,
        administration: &Arc<Administration>,
        raw: &RawTokenRequest<'_>,
        request_id: Option<String>,
        decision: &mut TokenDecision,
    ) -> Result<AddedSecret, SecretError> {
        let answer = self.try_to_replace(administration, raw, request_id, decision).await;
        self.count_answer(decision, if answer.is_ok() { Answered::Served } else { Answered::RefusedAfterProof });
        answer
    }

    async fn try_to_replace(
        &self,
        administration: &Arc<Administration>,
        raw: &RawTokenRequest<'_>,
        request_id: Option<String>,
        decision: &mut TokenDecision,
    ) -> Result<AddedSecret, SecretError> {
        let request = parse_secret_request(raw)?;
        let snapshot = self.served().snapshot().clone();
        let authenticated = self.authenticate(&request.credentials, &snapshot, self.clock().now(), decision).await?;
        let replacement =
            Replacement::new(authenticated.client(), authenticated.secret_id(), request.wish, administration)?;
        self.replace(administration, replacement, request_id).await
    }

    /// The same for a client that is signed in to the console: what its session was begun with is replaced.
    ///
    /// # Errors
    /// Why there is no new secret.
    pub async fn replace_secret_of_session(
        &self,
        administration: &Arc<Administration>,
        session: &Session,
        wish: NewSecretWish,
        request_id: Option<String>,
    ) -> Result<AddedSecret, SecretError> {
        let replacement = Replacement::new(&session.client, session.secret_id(), wish, administration)?;
        self.replace(administration, replacement, request_id).await
    }

    async fn replace(
        &self,
        administration: &Arc<Administration>,
        replacement: Replacement,
        request_id: Option<String>,
    ) -> Result<AddedSecret, SecretError> {
        // Begun now, it might be done when the store is back, and nobody would know the new secret.
        if self.served().freshness() != Freshness::Followed {
            return Err(store_silent().into());
        }
        let (administration, served) = (administration.clone(), self.served().clone());
        let span = tracing::Span::current();
        let done = async {
            let turn = self.replacements.clone().acquire_owned().await;
            let work = move || {
                let done = span.in_scope(|| replacement.carry_out(&administration, &served, request_id));
                drop(turn);
                done
            };
            tokio::task::spawn_blocking(work).await.unwrap_or_else(|cause| {
                tracing::error!(%cause, "replacing a secret panicked");
                Err(TokenError::ServerError.into())
            })
        };
        // A thread that waits for a store that is silent may wait for long.
        tokio::select! {
            biased;
            done = done => done,
            () = self.served().silence() => Err(store_silent().into()),
        }
    }
}

impl Replacement {
    /// Of the secret `proved` of `client`, with which that has proved who it is.
    fn new(
        client: &Client,
        proved: Option<Uuid>,
        wish: NewSecretWish,
        administration: &Administration,
    ) -> Result<Self, SecretError> {
        // A client that has proved itself by anything else has no secret that this could replace.
        let secret_id = proved.ok_or(SecretError::NotBySecret)?;
        let bounds = administration.policy().overlap;
        let overlap = wish.overlap.unwrap_or(bounds.default);
        if overlap > bounds.longest {
            return Err(SecretError::OverlapTooLong { longest: bounds.longest });
        }
        if wish.label.as_deref().is_some_and(|label| validated_text("label", label).is_err()) {
            return Err(SecretError::Label { longest: MAX_TEXT_LENGTH });
        }
        Ok(Self {
            client_id: client.client_id.clone(),
            client_row_id: client.id,
            secret_id,
            label: wish.label,
            overlap,
        })
    }

    /// Blocks until the new secret is stored and served.
    fn carry_out(
        &self,
        administration: &Administration,
        served: &Served,
        request_id: Option<String>,
    ) -> Result<AddedSecret, SecretError> {
        let actor = Actor::Client { client_id: self.client_id.to_string() };
        let caller = Caller { actor, request_id, rights: Rights::Itself(self.client_row_id) };
        let limit = administration.policy().max_live_secrets;
        let added = administration.change(&caller, |change| change.replace_secret(self));
        let added = added.map_err(|error| refusal(error, limit))?;
        if let Err(cause) = served.follow() {
            // It is stored, and this answer is the only time it is known: better early than never.
            tracing::error!(%cause, "a new secret is stored but not served yet; the store does not answer");
        }
        Ok(added)
    }
}

impl Change<'_> {
    fn replace_secret(&mut self, replacement: &Replacement) -> Result<AddedSecret, AdministrationError> {
        let client_id = replacement.client_id.as_str();
        let client = self.existing_client(client_id)?;
        // Looked at once more: what was believed a moment ago may be deleted, disabled or retired by now.
        let is_same = client.id == replacement.client_row_id && client.is_usable(self.now) && client.accepts_secrets();
        let live = client.secrets.iter().filter(|stored| is_same && stored.is_live(self.now));
        let presented = live.clone().find(|stored| stored.id == replacement.secret_id);
        let presented = presented.ok_or_else(|| AdministrationError::not_found("secret", client_id))?;

        let ends = self.now.plus_seconds(i64::from(replacement.overlap));
        let ends = presented.expires_at.map_or(ends, |already| already.min(ends));
        if presented.expires_at != Some(ends) {
            self.change_secret(&client, presented, presented.label.clone(), Some(ends))?;
        }
        let terms = SecretTerms { label: replacement.label.clone(), expires_at: None };
        let added = self.add_secret(client_id, terms)?;
        self.delete_surplus_secrets(client_id)?;
        Ok(AddedSecret { previous_expires_at: Some(ends), ..added })
    }

    /// Deletes expired secrets beyond as many as may live, those that expired first: a client that replaces its secret
    /// again and again must not fill the store.
    fn delete_surplus_secrets(&mut self, client_id: &str) -> Result<(), AdministrationError> {
        let client = self.existing_client(client_id)?;
        let mut expired: Vec<_> = client.secrets.iter().filter(|stored| !stored.is_live(self.now)).collect();
        expired.sort_by_key(|stored| std::cmp::Reverse(stored.expires_at));
        for stored in expired.into_iter().skip(self.admin.policy.max_live_secrets) {
            self.transaction.delete_secret(stored.id)?;
            let (object, before) = (object_id(&client, stored), audited(&SecretSummary::from(stored)));
            self.record(AuditAction::Delete, ObjectKind::ClientSecret, &object, before, None)?;
        }
        Ok(())
    }
}

fn refusal(error: AdministrationError, limit: usize) -> SecretError {
    match error {
        AdministrationError::NotFound { .. } => TokenError::InvalidClient.into(),
        AdministrationError::Conflict(_) => SecretError::TooManySecrets { limit },
        AdministrationError::Store(cause) if cause.is_unavailable() => {
            tracing::error!(%cause, "a secret could not be replaced; the store does not answer");
            store_silent().into()
        }
        cause => {
            tracing::error!(%cause, "a secret could not be replaced through a fault of the server");
            TokenError::ServerError.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, UnixMillis};
    use crate::entropy::SystemEntropy;
    use crate::issuer::administration::{AdministrationPolicy, OverlapPolicy};
    use crate::issuer::clients::IdRule;
    use crate::issuer::document::ClientEntry;
    use crate::issuer::signing_keys::TestKeys;
    use crate::issuer::snapshot::SnapshotContext;
    use crate::keys::MasterKey;
    use crate::oauth::metadata::Issuer;
    use crate::store::{Database, Migrate, Store, StoreError, StoreSettings};

    /// A client with one secret, and what an authenticated request of that client wants.
    struct Setting {
        administration: Administration,
        served: Served,
        clock: Arc<ManualClock>,
        replacement: Replacement,
    }

    fn setting() -> Setting {
        let clock = Arc::new(ManualClock::new(UnixMillis(1_000_000)));
        let store = StoreSettings { database: Database::InMemory, pool_size: 2 };
        let store = Store::open(&store, Migrate::Always).unwrap();
        let (master_keys, issuer) =
            (Arc::new(MasterKey::generate(&SystemEntropy).into()), Issuer::new("http://localhost/"));
        let policy = AdministrationPolicy {
            max_live_secrets: 2,
            overlap: OverlapPolicy { default: 60, longest: 60 },
            ..AdministrationPolicy::of_dev(issuer.clone())
        };
        let entropy = Arc::new(SystemEntropy);
        let administration =
            Administration::new(store.clone(), Arc::clone(&master_keys), clock.clone(), entropy, policy);
        let (client, secret) = administration
            .change(&Caller::system(), |change| {
                let client = change.create_client(&ClientEntry::new(Some("c".to_owned()), None), IdRule::Chosen)?;
                Ok((client, change.add_secret("c", SecretTerms::default())?))
            })
            .unwrap();
        let context = SnapshotContext { issuer, master_keys, test_keys: TestKeys::Refused };
        let served = Served::load(store, clock.clone(), context).unwrap();
        let (client_id, secret_id) = (client.client_id, secret.stored.id);
        let replacement = Replacement { client_id, client_row_id: client.id, secret_id, label: None, overlap: 10 };
        Setting { administration, served, clock, replacement }
    }

    impl Setting {
        fn carry_out(&self) -> Result<AddedSecret, SecretError> {
            self.replacement.carry_out(&self.administration, &self.served, None)
        }

        fn change(&self, steps: impl FnOnce(&mut Change<'_>) -> Result<(), AdministrationError>) {
            self.administration.change(&Caller::system(), steps).unwrap();
        }

        /// Is it refused as if it had not authenticated, and is nothing changed?
        fn is_unauthorized(&self) -> bool {
            let before = self.administration.store().revision().unwrap();
            let outcome = self.carry_out().err();
            outcome == Some(TokenError::InvalidClient.into()) && self.administration.store().revision() == Ok(before)
        }
    }

    #[test]
    fn the_new_secret_is_served_when_it_is_told() {
        let setting = setting();
        let added = setting.carry_out().ok().unwrap();
        assert_eq!(added.previous_expires_at, Some(UnixMillis(1_010_000)));
        let snapshot = setting.served.snapshot();
        let served = snapshot.client("c").unwrap();
        assert!(served.secrets.iter().any(|stored| stored.id == added.stored.id && stored.expires_at.is_none()));
    }

    #[test]
    fn what_was_believed_a_moment_ago_is_looked_at_again() {
        let disabled = setting();
        disabled.change(|change| {
            let disable = |entry: &mut ClientEntry| {
                entry.enabled = false;
                Ok(())
            };
            change.update_client("c", disable).map(drop)
        });
        assert!(disabled.is_unauthorized(), "disabled");

        let retired = setting();
        retired.change(|change| change.retire_secret("c", &retired.replacement.secret_id.to_string()));
        assert!(retired.is_unauthorized(), "the secret is gone");

        let expired = setting();
        expired.carry_out().ok().unwrap();
        expired.clock.advance(10);
        assert!(expired.is_unauthorized(), "the secret has expired");

        let deleted = setting();
        deleted.change(|change| change.delete_client("c"));
        assert!(deleted.is_unauthorized(), "the client is gone");
        deleted.change(|change| {
            change.create_client(&ClientEntry::new(Some("c".to_owned()), None), IdRule::Chosen).map(drop)
        });
        assert!(deleted.is_unauthorized(), "another client has the id now");
    }

    #[test]
    fn at_the_cap_nothing_changes_and_an_earlier_end_stays() {
        let mut setting = setting();
        let first = setting.carry_out().ok().unwrap();
        setting.clock.advance(5);
        setting.replacement.overlap = 60;
        assert_eq!(setting.carry_out().err(), Some(SecretError::TooManySecrets { limit: 2 }));
        let snapshot = setting.served.snapshot().clone();
        let old = |snapshot: &crate::issuer::snapshot::Snapshot| {
            let client = snapshot.client("c").unwrap().clone();
            client.secrets.iter().find(|stored| stored.id == setting.replacement.secret_id).unwrap().expires_at
        };
        assert_eq!(old(&snapshot), first.previous_expires_at, "neither is the old one's end moved");
    }

    #[test]
    fn a_store_that_is_away_is_not_the_clients_fault() {
        let refused =
            |cause| refusal(AdministrationError::Store(cause), 1).render(crate::oauth::resource::Compat::Standard);
        assert_eq!(refused(StoreError::DiskFull).status, 503);
        assert_eq!(refused(StoreError::DiskFull).retry_after, Some(5));
        assert_eq!(refused(StoreError::Unrecorded).status, 500);
    }
}
