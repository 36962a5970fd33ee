//! What would a client get from the token endpoint? That very answer, for one that is signed in to the console: its session stands for its
//! credentials.

use super::TokenIssuer;
use super::authenticate_client::AuthenticatedClient;
use super::console::Session;
use super::issue_token::TokenDecision;
use super::usage::Answered;
use crate::oauth::client_auth::Mechanism;
use crate::oauth::error::TokenError;
use crate::oauth::token_request::AccessRequest;

impl TokenIssuer {
    /// Answers the client of `session` as the token endpoint answers its request for `access`: the body of the 200, or the error.
    /// Fills in `decision` on the way, and counts it.
    ///
    /// The token is a new one each time: nobody else is handed one that somebody has looked at.
    ///
    /// # Errors
    /// Why no token is issued.
    pub async fn issue_to_session(
        &self,
        session: &Session,
        access: &AccessRequest,
        decision: &mut TokenDecision,
    ) -> Result<String, TokenError> {
        let answer = self.decide_for_session(session, access, decision).await;
        self.count_answer(decision, if answer.is_ok() { Answered::Issued } else { Answered::RefusedAfterProof });
        answer
    }

    async fn decide_for_session(
        &self,
        session: &Session,
        access: &AccessRequest,
        decision: &mut TokenDecision,
    ) -> Result<String, TokenError> {
        decision.mechanism = Some(Mechanism::ConsoleSession);
        let snapshot = self.snapshot_to_decide_by()?;
        let now = self.clock.now();
        // As it is now: it may have been changed since the session was found.
        let client = snapshot.client_by_id(session.client.id).filter(|client| client.is_usable(now));
        let client = client.ok_or(TokenError::InvalidClient)?;
        decision.prove(client);
        self.keep_rate(client, decision)?;
        let authenticated = AuthenticatedClient::by_session(client.clone());
        let granted = self.allow(access, authenticated, Mechanism::ConsoleSession, &snapshot, decision)?;
        self.issue_granted(&granted, &snapshot, now, decision).await
    }
}
