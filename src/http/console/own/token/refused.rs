//! The token endpoint refuses a request: with which answer, what does that mean, and what is to be done?

use crate::oauth::error::TokenError;
use crate::oauth::resource::Compat;

/// A refusal, explained.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) error: &'static str,
    pub(super) description: String,
    /// Seconds to wait.
    pub(super) retry_after: Option<u32>,
    pub(super) meaning: &'static str,
    pub(super) to_do: &'static str,
}

impl Refusal {
    /// `error` as its caller would see it under `compat`.
    pub(super) fn of(error: &TokenError, compat: Compat) -> Self {
        let rendered = error.render(compat);
        let (meaning, to_do) = explained(error);
        Self {
            status: rendered.status,
            error: rendered.error,
            description: rendered.description.into_owned(),
            retry_after: rendered.retry_after,
            meaning,
            to_do,
        }
    }
}

/// What it means, and what to do. In the words of docs/for-partners.md.
const fn explained(error: &TokenError) -> (&'static str, &'static str) {
    match error {
        TokenError::ScopeNotGranted(_) => (
            "A scope was named that you were not granted. Nothing is left out silently: the whole request is refused.",
            "Leave that scope out, or ask whoever runs this server for it.",
        ),
        TokenError::MalformedScope => (
            "What was named cannot be a scope.",
            "Name scopes as they are listed here, separated by single spaces, without quotes and backslashes.",
        ),
        TokenError::MissingScope => {
            ("This API wants you to say what you need.", "Name at least one scope in each request.")
        }
        TokenError::UnauthorizedClient => (
            "Your client may not use the client credentials grant at all.",
            "Ask whoever runs this server to allow it.",
        ),
        TokenError::UnknownApi(_) => (
            "There is no API with this audience, or not any more.",
            "Compare the audience with what you were given, to the closing slash.",
        ),
        TokenError::NoGrant { .. } => (
            "The API is there, but nothing of it was granted to you, or not any more.",
            "Ask whoever runs this server for a grant.",
        ),
        TokenError::NoAudience | TokenError::SeveralAudiences | TokenError::ScopeAcrossApis(_) => {
            ("A token is for one API, and it is not clear which one.", "Send its audience; one request for each API.")
        }
        TokenError::TooManyRequests { .. } => (
            "Your quota is used up.",
            "Keep a token until it expires and use it for all calls. Wait before you ask again.",
        ),
        TokenError::TooOften { .. } => (
            "You ask more often than one client may here.",
            "Keep a token until it expires and use it for all calls. Wait before you ask again.",
        ),
        TokenError::Overloaded { .. } | TokenError::TemporarilyUnavailable { .. } => (
            "The server is busy, or its database is away. Your credentials are fine.",
            "Wait, then repeat the request; each time after a longer pause.",
        ),
        TokenError::ServerError => (
            "The server failed.",
            "Repeat the request later. If it fails again, tell whoever runs this server when it happened.",
        ),
        TokenError::Malformed(_)
        | TokenError::BodyTooLarge { .. }
        | TokenError::MissingGrantType
        | TokenError::UnsupportedGrantType(_) => {
            ("The request breaks the rules of its form.", "The description says which: correct the program.")
        }
        TokenError::InvalidClient
        | TokenError::NoCredentials
        | TokenError::UnsupportedAuthorizationScheme
        | TokenError::UnsupportedAssertionType
        | TokenError::TooManyFailures { .. } => {
            ("You have not proved who you are.", "Check id and secret for lost or added characters. Do not repeat it.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_that_of_the_token_endpoint_in_every_mode() {
        let error = TokenError::ScopeNotGranted(crate::oauth::scope::ScopeSet::parse("delete:users").unwrap());
        for compat in Compat::ALL {
            let (refusal, rendered) = (Refusal::of(&error, *compat), error.render(*compat));
            assert_eq!(
                (refusal.status, refusal.error, refusal.description),
                (rendered.status, rendered.error, rendered.description.into_owned())
            );
            assert!(refusal.to_do.contains("ask whoever runs"));
        }
        let waiting = Refusal::of(&TokenError::TooManyRequests { retry_after: 7 }, Compat::Standard);
        assert_eq!((waiting.status, waiting.retry_after), (429, Some(7)));
    }
}
