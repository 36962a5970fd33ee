//! Who may open a session? A client that proves who it is as it does at the token endpoint; failed attempts count the same.

use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::issuer::TokenIssuer;
use crate::issuer::authenticate_client::AuthenticatedClient;
use crate::issuer::freshness::Freshness;
use crate::issuer::issue_token::{TokenDecision, store_silent};
use crate::oauth::client_auth::{Candidate, Mechanism, PresentedAssertion, PresentedCredentials, PresentedSecret};
use crate::oauth::error::TokenError;

/// What somebody who wants to sign in has typed. Not `Debug`: it holds a secret.
pub struct Presented(PresentedCredentials);

/// What is missing from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Whose secret it is.
    #[error("Give the client id that belongs to the secret.")]
    ClientId,
    /// Anything that proves it.
    #[error("Give the client's secret, or an assertion signed by its key.")]
    Proof,
}

impl Presented {
    /// An assertion, where there is one, else a secret.
    ///
    /// # Errors
    /// If there is not enough of either.
    pub fn of(client_id: &str, secret: &str, assertion: &str) -> Result<Self, Missing> {
        // Whoever copies takes the spaces around it along. No client id and no generated secret has any.
        let (client_id, secret, assertion) = (client_id.trim(), secret.trim(), assertion.trim());
        if !assertion.is_empty() {
            let client_id = (!client_id.is_empty()).then(|| client_id.to_owned());
            let assertion = Zeroizing::new(assertion.to_owned());
            return Ok(Self(PresentedCredentials::Assertion(PresentedAssertion { assertion, client_id })));
        }
        if secret.is_empty() {
            return Err(if client_id.is_empty() { Missing::ClientId } else { Missing::Proof });
        }
        if client_id.is_empty() {
            return Err(Missing::ClientId);
        }
        let candidate = Candidate { client_id: client_id.to_owned(), secret: Zeroizing::new(secret.to_owned()) };
        Ok(Self(PresentedCredentials::Secret(PresentedSecret {
            mechanism: Mechanism::ClientSecretPost,
            candidates: vec![candidate],
        })))
    }
}

impl TokenIssuer {
    /// The client that `presented`, from the address `from`, proves to be.
    ///
    /// # Errors
    /// As at the token endpoint.
    pub async fn authenticate_for_console(
        &self,
        Presented(credentials): Presented,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedClient, TokenError> {
        if self.served().freshness() != Freshness::Followed {
            return Err(store_silent());
        }
        let mut decision = TokenDecision::about(from);
        let snapshot = self.served().snapshot().clone();
        let outcome = self.authenticate(&credentials, &snapshot, self.clock().now(), &mut decision).await;
        tracing::info!(
            target: "tokenhouse::console",
            outcome = if outcome.is_ok() { "proved" } else { "refused" },
            cause = outcome.as_ref().err().map(|error| error.cause().as_str()),
            client_id = decision.client_id(),
            mechanism = credentials.mechanism().as_str(),
            client_address = from.map(tracing::field::display),
            "console sign-in"
        );
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_by_its_field() {
        let missing = |client_id, secret, assertion| Presented::of(client_id, secret, assertion).err();
        assert_eq!(missing("", "", ""), Some(Missing::ClientId));
        assert_eq!(missing(" ", "secret", ""), Some(Missing::ClientId));
        assert_eq!(missing("c", " \n", "\t"), Some(Missing::Proof));
        assert_eq!(missing("c", "secret", ""), None);
        assert_eq!(missing("", "", "a.b.c"), None);
    }

    #[test]
    fn the_spaces_around_what_was_copied_are_left_out() {
        let Presented(PresentedCredentials::Secret(secret)) = Presented::of(" c\n", "\ts ", "").ok().unwrap() else {
            panic!("a secret")
        };
        assert_eq!((secret.candidates[0].client_id.as_str(), secret.candidates[0].secret.as_str()), ("c", "s"));
        let Presented(PresentedCredentials::Assertion(assertion)) = Presented::of(" c ", "s", " a.b.c\n").ok().unwrap()
        else {
            panic!("an assertion")
        };
        assert_eq!((assertion.client_id.as_deref(), assertion.assertion.as_str()), (Some("c"), "a.b.c"));
    }
}
