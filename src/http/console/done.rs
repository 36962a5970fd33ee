//! What was just done? A code in the address of the page after a change, so that no text of anybody's stands there.

/// A change, as the page after it tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// All sessions of the client were ended.
    SignedOutEverywhere,
}

const ALL: &[(Done, &str, &str)] = &[(
    Done::SignedOutEverywhere,
    "signed-out-everywhere",
    "You are signed out everywhere. Sign in again to go on here.",
)];

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
