//! Whose users are these? The client that an access token was issued to (RFC 6749 §2.2, RFC 9068 §2.2)

use tokenhouse_verifier::AccessToken;

/// The client id of a partner. Every query needs one, so that none can reach another partner's users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientId(String);

impl ClientId {
    /// The client that a verified token names.
    pub(super) fn of(token: &AccessToken) -> Self {
        Self(token.client().to_owned())
    }

    /// A client known by name, to put in users for it.
    pub(super) fn named(client_id: &str) -> Self {
        Self(client_id.to_owned())
    }

    /// The id as tokens carry it.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
