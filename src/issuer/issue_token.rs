//! What happens between a token request and its answer? The steps of RFC 6749 §4.4 in order, in memory.

use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use super::TokenIssuer;
use super::authenticate_assertion::AssertionFailure;
use super::authenticate_client::{AuthenticatedClient, authenticate_client, too_many_failures};
use super::failed_attempts::{Claimant, SlowTurn};
use super::freshness::Freshness;
use super::granted::Granted;
use super::quota::QuotaLeft;
use super::request_memory::RequestDigest;
use super::snapshot::Snapshot;
use super::steps::{StepName, Steps};
use super::usage::Answered;
use super::work_pool::Busy;
use crate::clock::UnixMillis;
use crate::oauth::client::Client;
use crate::oauth::client_assertion::{AssertionRefusal, UnverifiedAssertion};
use crate::oauth::client_auth::{Mechanism, PresentedAssertion, PresentedCredentials, PresentedSecret};
use crate::oauth::error::TokenError;
use crate::oauth::resource::Api;
use crate::oauth::token_request::{RawTokenRequest, parse_token_request};

/// How long a caller should wait when too many signatures are waiting, in seconds.
const RETRY_AFTER_SECONDS: u32 = 1;

/// How long it should wait while the store does not answer, in seconds.
const STORE_RETRY_AFTER_SECONDS: u32 = 5;

/// What was decided about one request, for the one line in the log, which tells ids: no secret and no token.
#[derive(Clone, Debug, Default)]
pub struct TokenDecision {
    /// Where the request came from, as far as it is known.
    pub client_address: Option<IpAddr>,
    /// The client that authenticated, or else the one that was claimed, if there is such a client.
    pub client: Option<Arc<Client>>,
    /// Did it prove to be that client?
    pub authenticated: bool,
    /// How it authenticated.
    pub mechanism: Option<Mechanism>,
    /// Why its assertion was not taken, which the caller is not told.
    pub assertion_refusal: Option<AssertionRefusal>,
    /// The API the token is for.
    pub api: Option<Arc<Api>>,
    /// The scopes it carries, separated by spaces.
    pub scope: Option<Arc<str>>,
    /// Its identifier.
    pub jti: Option<String>,
    /// Was it issued before, and is handed out once more?
    pub reused: bool,
    /// What is left of the client's rate and quota.
    pub quota_left: Vec<QuotaLeft>,
    /// How long its steps took.
    pub steps: Steps,
}

impl TokenDecision {
    /// Of a request that came from `client_address`: nothing is decided yet.
    pub fn about(client_address: Option<IpAddr>) -> Self {
        Self { client_address, ..Self::default() }
    }

    /// The id of [`Self::client`].
    pub fn client_id(&self) -> Option<&str> {
        self.client.as_ref().map(|client| client.client_id.as_str())
    }

    /// How [`Self::api`] is named in tokens.
    pub fn audience(&self) -> Option<&str> {
        self.api.as_ref().map(|api| api.identifier.as_str())
    }

    fn name(&mut self, client: &Arc<Client>) {
        self.client = Some(client.clone());
    }

    pub(super) fn prove(&mut self, client: &Arc<Client>) {
        self.name(client);
        self.authenticated = true;
    }

    pub(super) fn allow(&mut self, api: &Arc<Api>, scope: &Arc<str>) {
        self.api = Some(api.clone());
        self.scope = Some(scope.clone());
    }
}

impl TokenIssuer {
    /// Answers a token request: the body of the 200, or the error. Fills in `decision` on the way, and counts it.
    ///
    /// # Errors
    /// Why no token is issued.
    pub async fn issue_token(
        &self,
        raw: &RawTokenRequest<'_>,
        decision: &mut TokenDecision,
    ) -> Result<String, TokenError> {
        let answer = self.decide(raw, decision).await;
        self.count_answer(decision, if answer.is_ok() { Answered::Issued } else { Answered::RefusedAfterProof });
        answer
    }

    async fn decide(&self, raw: &RawTokenRequest<'_>, decision: &mut TokenDecision) -> Result<String, TokenError> {
        let snapshot = self.snapshot_to_decide_by()?;
        let now = self.clock.now();
        let granted = self.grant(raw, &snapshot, now, decision).await?;
        self.issue_granted(&granted, &snapshot, now, decision).await
    }

    /// What a request that comes now is decided by.
    pub(super) fn snapshot_to_decide_by(&self) -> Result<Arc<Snapshot>, TokenError> {
        if self.served.freshness() == Freshness::Stale {
            return Err(store_silent());
        }
        let snapshot = self.served.snapshot().clone();
        if snapshot.every_token_waits() {
            // Under overload, what is refused in the end is refused before any work: all time is for those who get an answer.
            self.signatures.admit().map_err(|Busy| overloaded())?;
        }
        Ok(snapshot)
    }

    /// What the request is granted: as it was decided before, or else by the rules.
    async fn grant(
        &self,
        raw: &RawTokenRequest<'_>,
        snapshot: &Arc<Snapshot>,
        now: UnixMillis,
        decision: &mut TokenDecision,
    ) -> Result<Arc<Granted>, TokenError> {
        let digest = self.requests.digest(raw);
        if let Some(granted) = digest.and_then(|digest| self.requests.find(&digest, snapshot, now)) {
            if let Some(secret_id) = granted.authenticated.secret_id() {
                self.usage.note_secret(secret_id, now);
            }
            decision.mechanism = Some(granted.mechanism);
            decision.prove(granted.authenticated.client());
            decision.allow(&granted.api, &granted.scope);
            self.keep_rate(granted.authenticated.client(), decision)?;
            return Ok(granted);
        }
        // Elsewhere, since what is awaited there is large, and is moved and kept with each request otherwise.
        Box::pin(self.grant_by_rules(raw, digest, snapshot, now, decision)).await
    }

    async fn grant_by_rules(
        &self,
        raw: &RawTokenRequest<'_>,
        digest: Option<RequestDigest>,
        snapshot: &Arc<Snapshot>,
        now: UnixMillis,
        decision: &mut TokenDecision,
    ) -> Result<Arc<Granted>, TokenError> {
        let request = parse_token_request(raw)?;
        let authenticated = self.authenticate(&request.credentials, snapshot, now, decision).await?;
        let mechanism = request.credentials.mechanism();
        let granted = Arc::new(self.allow(&request.access, authenticated, mechanism, snapshot, decision)?);
        if let Some(digest) = digest {
            self.requests.keep(digest, snapshot, &granted, now);
        }
        Ok(granted)
    }

    /// Finds the client that `credentials` prove to be, notes that its secret was used, and counts the request against its rate.
    pub(super) async fn authenticate(
        &self,
        credentials: &PresentedCredentials,
        snapshot: &Snapshot,
        now: UnixMillis,
        decision: &mut TokenDecision,
    ) -> Result<AuthenticatedClient, TokenError> {
        decision.mechanism = Some(credentials.mechanism());
        let begun = decision.steps.begin();
        let outcome = match credentials {
            PresentedCredentials::Secret(secret) => self.by_secret(secret, snapshot, now, decision).await,
            PresentedCredentials::Assertion(assertion) => self.by_assertion(assertion, snapshot, now, decision).await,
        };
        decision.steps.end(StepName::Authenticate, begun);
        let authenticated = outcome?;
        decision.prove(authenticated.client());
        self.keep_rate(authenticated.client(), decision)?;
        Ok(authenticated)
    }

    /// Counts the request against the rate of `client`, which has proved who it is.
    pub(super) fn keep_rate(&self, client: &Client, decision: &mut TokenDecision) -> Result<(), TokenError> {
        let verdict = self.rates.count(client);
        decision.quota_left.extend(verdict.left);
        verdict.wait.map_or(Ok(()), |retry_after| Err(TokenError::TooOften { retry_after }))
    }

    /// How many requests were refused since the start because too many signatures were waiting.
    pub fn overload_refusals(&self) -> u64 {
        self.signatures.load().refused
    }

    /// Counts an answer: `proven`, unless nobody has proved to be a client.
    pub(super) fn count_answer(&self, decision: &TokenDecision, proven: Answered) {
        let answered = if decision.authenticated { proven } else { Answered::Refused };
        self.usage.count(decision.client.as_ref().map(|client| client.id), answered, self.clock.now());
    }

    async fn by_secret(
        &self,
        presented: &PresentedSecret,
        snapshot: &Snapshot,
        now: UnixMillis,
        decision: &mut TokenDecision,
    ) -> Result<AuthenticatedClient, TokenError> {
        // Only ids that are some client's: people mix up the two fields, and a secret must not reach the log.
        let mut claimed = presented.candidates.iter().filter_map(|one| snapshot.client(&one.client_id));
        if let Some(client) = claimed.next() {
            decision.name(client);
        }
        let claimant =
            presented.candidates.first().map(|one| self.failures.claimant(&one.client_id, decision.client_address));
        let turn = SlowTurn::new(&self.failures, claimant, now);
        let outcome = authenticate_client(presented, snapshot, &self.hashes, &turn, now).await;
        let authenticated = self.count_attempt(outcome, claimant, turn.is_taken())?;
        if let Some(secret_id) = authenticated.secret_id() {
            self.usage.note_secret(secret_id, now);
            self.queue_upgrade(presented, secret_id, &authenticated);
        }
        Ok(authenticated)
    }

    async fn by_assertion(
        &self,
        presented: &PresentedAssertion,
        snapshot: &Snapshot,
        now: UnixMillis,
        decision: &mut TokenDecision,
    ) -> Result<AuthenticatedClient, TokenError> {
        let mut claimant = None;
        let outcome = match UnverifiedAssertion::parse(&presented.assertion) {
            Ok(assertion) => {
                claimant = Some(self.failures.claimant(assertion.claimed_client_id(), decision.client_address));
                if let Some(client) = snapshot.client(assertion.claimed_client_id()) {
                    decision.name(client);
                }
                // Only the store can tell whether it was used before, and nobody waits for one that is silent.
                tokio::select! {
                    biased;
                    () = self.served.silence() => Err(AssertionFailure::Failed(store_silent())),
                    judged = self.assertions.authenticate(&assertion, presented.client_id.as_deref(), snapshot, now, &mut decision.steps) => judged,
                }
            }
            Err(refusal) => Err(AssertionFailure::Refused(refusal)),
        };
        let outcome = outcome.map_err(|failure| match failure {
            AssertionFailure::Refused(refusal) => {
                // Somebody who has the key, or whose keys cannot be had, is not guessing.
                if matches!(refusal, AssertionRefusal::Replayed | AssertionRefusal::KeysUnavailable) {
                    claimant = None;
                }
                decision.assertion_refusal = Some(refusal);
                TokenError::InvalidClient
            }
            AssertionFailure::Failed(error) => error,
        });
        self.count_attempt(outcome, claimant, false)
    }

    /// What an attempt to authenticate comes to, which counts for those that follow, unless it `is_counted` already.
    fn count_attempt(
        &self,
        outcome: Result<AuthenticatedClient, TokenError>,
        claimant: Option<Claimant>,
        is_counted: bool,
    ) -> Result<AuthenticatedClient, TokenError> {
        match (outcome, claimant) {
            (Err(TokenError::InvalidClient), claimant) => {
                let uncounted = claimant.filter(|_| !is_counted);
                let counted = uncounted.map_or(Ok(()), |claimant| self.failures.count(claimant, self.clock.now()));
                // While the store is silent a client, or its secret, may be there that this server was not told of. All are answered
                // alike, or the difference would tell which clients there are.
                if self.served.freshness() != Freshness::Followed {
                    return Err(store_silent());
                }
                counted.map_err(too_many_failures)?;
                Err(TokenError::InvalidClient)
            }
            (Ok(authenticated), Some(claimant)) => {
                self.failures.forget(&claimant);
                Ok(authenticated)
            }
            (outcome, _) => outcome,
        }
    }

    /// Puts a better hash in the place of an imported one, off the path of this request; it may be lost.
    fn queue_upgrade(&self, presented: &PresentedSecret, secret_id: Uuid, authenticated: &AuthenticatedClient) {
        if let Some(outdated) = authenticated.outdated_hash() {
            let readings = presented.candidates.iter().map(|one| one.secret.clone()).collect();
            self.upgrades.queue(authenticated.client(), secret_id, outdated.clone(), readings);
        }
    }
}

/// What a caller hears when only the store could tell, and does not answer.
pub(super) const fn store_silent() -> TokenError {
    TokenError::TemporarilyUnavailable { retry_after: STORE_RETRY_AFTER_SECONDS }
}

/// What a caller hears when too many signatures are waiting.
pub(super) const fn overloaded() -> TokenError {
    TokenError::Overloaded { retry_after: RETRY_AFTER_SECONDS }
}

/// Logs a fault of ours, which the caller hears of only as such.
pub(super) fn internal(step: &'static str, cause: &dyn std::fmt::Display) -> TokenError {
    tracing::error!(step, %cause, "a token request failed through a fault of the server");
    TokenError::ServerError
}
