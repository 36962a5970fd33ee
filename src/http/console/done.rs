//! What was just done? A code in the address of the page after a change, so that no text of anybody's stands there.

/// A change, as the page after it tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// The session was ended.
    SignedOut,
    /// The browser has forgotten the session, and the store did not answer.
    SignedOutHereOnly,
    /// All sessions of the client were ended.
    SignedOutEverywhere,
    /// An API was made.
    ApiCreated,
    /// An API was changed.
    ApiChanged,
    /// An API was deleted.
    ApiDeleted,
    /// The next key of an algorithm signs now.
    KeyRotated,
    /// A key was withdrawn.
    KeyRevoked,
    /// A client was made.
    ClientCreated,
    /// A client was changed.
    ClientChanged,
    /// A client was put back into use.
    ClientEnabled,
    /// A client was put out of use.
    ClientDisabled,
    /// A client was deleted.
    ClientDeleted,
    /// A client got a grant.
    GrantCreated,
    /// The scopes of a grant were changed.
    GrantChanged,
    /// A grant was deleted.
    GrantDeleted,
    /// A secret that was brought was added.
    SecretAdded,
    /// Label or end of a secret were changed.
    SecretChanged,
    /// A secret was retired.
    SecretRetired,
    /// The links of a client that nobody had used were taken back.
    LinksWithdrawn,
    /// A public key was registered.
    KeyAdded,
    /// A public key was removed.
    KeyRemoved,
}

const ALL: &[(Done, &str, &str)] = &[
    (Done::SignedOut, "signed-out", "You are signed out."),
    (
        Done::SignedOutHereOnly,
        "signed-out-here-only",
        "This browser has forgotten your session. The database does not answer, so the session itself ends after fifteen minutes without use.",
    ),
    (Done::SignedOutEverywhere, "signed-out-everywhere", "You are signed out everywhere. Sign in again to go on here."),
    (Done::ApiCreated, "api-created", "The API is there. Grant its scopes to the clients that may call it."),
    (Done::ApiChanged, "api-changed", "The API is changed. Tokens that were issued before stay as they are."),
    (Done::ApiDeleted, "api-deleted", "The API is deleted, with its scopes and grants."),
    (
        Done::KeyRotated,
        "key-rotated",
        "The next key signs now. The one before stays published until its last token has expired.",
    ),
    (Done::KeyRevoked, "key-revoked", "The key is revoked, and has left the JWK Set."),
    (Done::ClientCreated, "client-created", "The client is made. Give it a grant next: without one it gets no tokens."),
    (Done::ClientChanged, "client-changed", "The client is changed."),
    (Done::ClientEnabled, "client-enabled", "The client is enabled and gets tokens again."),
    (
        Done::ClientDisabled,
        "client-disabled",
        "The client is disabled and gets no more tokens. Those that it holds work until they expire.",
    ),
    (Done::ClientDeleted, "client-deleted", "The client is deleted, with its secrets, keys and grants."),
    (Done::GrantCreated, "grant-created", "The API is granted."),
    (
        Done::GrantChanged,
        "grant-changed",
        "The grant is changed. Tokens that were issued before keep their scopes until they expire.",
    ),
    (
        Done::GrantDeleted,
        "grant-deleted",
        "The grant is deleted. Tokens that were issued before work until they expire.",
    ),
    (Done::SecretAdded, "secret-added", "The secret is added and works from now on."),
    (Done::SecretChanged, "secret-changed", "The secret is changed."),
    (Done::SecretRetired, "secret-retired", "The secret is retired and works no more."),
    (Done::LinksWithdrawn, "links-withdrawn", "The links that nobody has used open nothing any more."),
    (Done::KeyAdded, "key-added", "The key is added."),
    (Done::KeyRemoved, "key-removed", "The key is removed and works no more."),
];

impl Done {
    /// The change that `code` stands for.
    pub(super) fn of(code: &str) -> Option<Self> {
        ALL.iter().find(|(_, known, _)| *known == code).map(|(done, _, _)| *done)
    }

    /// The code that stands for it.
    pub(super) fn code(self) -> &'static str {
        ALL.iter().find(|(done, _, _)| *done == self).map_or("", |(_, code, _)| code)
    }

    /// It in words.
    pub(super) fn text(self) -> &'static str {
        ALL.iter().find(|(done, _, _)| *done == self).map_or("", |(_, _, text)| text)
    }
}
