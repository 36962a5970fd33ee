//! What does each cause of a refusal mean, and what does an operator do about it?

use super::frame::Tone;
use crate::oauth::token_error_cause::TokenErrorCause;

/// A cause in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CauseWords {
    /// What happened.
    pub(super) title: &'static str,
    /// What to do about it.
    pub(super) advice: &'static str,
    /// Is it the server's, or the caller's?
    pub(super) tone: Tone,
}

/// `cause` in words.
pub(super) const fn words(cause: TokenErrorCause) -> CauseWords {
    use TokenErrorCause as Cause;
    let (title, advice) = match cause {
        Cause::MalformedRequest => (
            "The request breaks the rules of its form",
            "The caller's program is wrong: the error_description in its answer says where. The log has the client's address.",
        ),
        Cause::BodyTooLarge => (
            "The body is too large",
            "The caller sends something else than a token request, or an assertion that is far too long.",
        ),
        Cause::InvalidClient => (
            "The client is unknown, disabled, or its secret or key is wrong or has expired",
            "Callers are not told which. Under Explain, the checklist of the client says what may be the cause; give it a new secret if it \
             lost its own.",
        ),
        Cause::NoCredentials => (
            "Nothing to authenticate with",
            "The caller sends no client_secret and no assertion. A proxy in between may have taken away the Authorization header.",
        ),
        Cause::UnsupportedAuthorizationScheme => (
            "An Authorization header of another scheme than Basic",
            "The caller may have sent an access token where its secret belongs.",
        ),
        Cause::UnsupportedAssertionType => (
            "A client assertion of another type than JWT",
            "The caller sends SAML, or misspells client_assertion_type.",
        ),
        Cause::GrantTypeNotAllowed => (
            "The client may not use client_credentials",
            "Allow the grant type client_credentials for the client if it is to have tokens.",
        ),
        Cause::MissingGrantType => (
            "No grant_type",
            "The caller leaves out grant_type=client_credentials, or sends another Content-Type than its body has.",
        ),
        Cause::UnsupportedGrantType => (
            "Another grant type",
            "The caller wants to sign in people or to refresh tokens: this server issues to programs only.",
        ),
        Cause::UnknownApi => (
            "There is no API with that identifier",
            "The caller misspells audience (a slash at its end counts), or the API must be created here.",
        ),
        Cause::NoGrant => ("The client has no grant for that API", "Grant the API to the client if it is to call it."),
        Cause::NoAudience => (
            "No API named, and none follows from the client's grants",
            "Let the caller send audience, or give the client a default audience.",
        ),
        Cause::SeveralAudiences => {
            ("Several APIs in one request", "A token is for one API: the caller sends one request for each.")
        }
        Cause::ScopeAcrossApis => (
            "No API named, and the scopes belong to several",
            "Let the caller send audience, or ask for scopes of one API only.",
        ),
        Cause::MalformedScope => (
            "The scope breaks its grammar",
            "Scopes are separated by one space each: the caller sends commas, quotes or an array.",
        ),
        Cause::MissingScope => (
            "The API wants a scope to be named",
            "Let the caller send scope, or let the API give all granted scopes by default.",
        ),
        Cause::ScopeNotGranted => (
            "A scope that is not granted",
            "Add the scope to the client's grant if it is to have it, or let the caller leave it out.",
        ),
        Cause::Quota => (
            "The client has had its tokens for this hour or day",
            "The caller should keep a token until it expires. If it does, raise the client's quota.",
        ),
        Cause::RequestRate => (
            "The client asks more often than one client may",
            "The caller should keep a token until it expires, and not ask for one with each call.",
        ),
        Cause::TooManyFailures => (
            "So many attempts have failed that the next must wait",
            "Somebody guesses, or a program goes on with a secret that was replaced. The log has the client id and the address.",
        ),
        Cause::Overloaded => (
            "More signatures are asked for than can be made now",
            "Let callers keep tokens, set token_reuse_seconds of busy APIs, sign with ES256 or EdDSA, or run more servers.",
        ),
        Cause::TemporarilyUnavailable => (
            "The database was needed and away, or too many secrets were being checked",
            "Look whether the database answers. Secrets that people chose are slow to check: replace them by generated ones.",
        ),
        Cause::ServerError => {
            ("A fault of this server", "The log has the cause, at level error, under the id of the request.")
        }
    };
    let tone = match cause {
        Cause::Overloaded | Cause::TemporarilyUnavailable | Cause::ServerError => Tone::Bad,
        Cause::Quota | Cause::RequestRate | Cause::TooManyFailures | Cause::InvalidClient => Tone::Warning,
        _ => Tone::Quiet,
    };
    CauseWords { title, advice, tone }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_words_of_its_own() {
        let mut titles: Vec<_> = TokenErrorCause::ALL.iter().map(|cause| words(*cause).title).collect();
        assert!(TokenErrorCause::ALL.iter().all(|cause| words(*cause).advice.ends_with('.')));
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), TokenErrorCause::ALL.len());
    }
}
