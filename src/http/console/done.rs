//! What was just done? A code in the address of the page after a change, so that no text of anybody's stands there.

/// A change, as the page after it tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
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
}

const ALL: &[(Done, &str, &str)] = &[
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
