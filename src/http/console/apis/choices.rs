//! What can be chosen for an API, and what does each choice do?

use super::super::form::Choice;
use crate::keys::SigningAlg;
use crate::oauth::resource::{Compat, DefaultScope, ScopeFormat, ScopePolicy, TokenDialect};

/// Stands for leaving it to the server, or to the dialect.
pub(super) const BY_DEFAULT: &str = "";

/// How tokens can be signed.
pub(super) fn signing_algs() -> Vec<Choice> {
    let hint = |alg| match alg {
        SigningAlg::Rs256 => "RSA. Every verifier knows it.",
        SigningAlg::Ps256 => "RSA with a salt. Asked for by some profiles, such as FAPI.",
        SigningAlg::Es256 => "ECDSA on P-256. Short signatures; some verifiers know RSA only.",
        SigningAlg::EdDsa => "Ed25519. Short and quick; fewer verifiers know it.",
    };
    SigningAlg::ALL.map(|alg| Choice::new(alg.as_str(), alg.as_str()).hint(hint(alg))).to_vec()
}

/// Which forms tokens can have, on a server of these habits.
pub(super) fn token_dialects(compat: Compat) -> Vec<Choice> {
    let hint = |dialect| match dialect {
        TokenDialect::Rfc9068Profile => "As RFC 9068 has it: typ at+jwt, client_id, sub.",
        TokenDialect::AccessToken => "As Auth0 writes it: typ JWT, azp, gty, and @clients behind sub.",
        TokenDialect::Rfc9068ProfileAuthz | TokenDialect::AccessTokenAuthz => {
            "The same, with the scopes also as the array permissions."
        }
        TokenDialect::IdentityServer => "As IdentityServer writes it: scope as an array, the client's claims, no sub.",
    };
    let server = format!("Now {}, by the setting compat.", compat.default_dialect());
    let by_default = Choice::new(BY_DEFAULT, "As the server does").hint(server);
    let named =
        TokenDialect::ALL.iter().map(|dialect| Choice::new(dialect.as_str(), dialect.as_str()).hint(hint(*dialect)));
    std::iter::once(by_default).chain(named).collect()
}

/// What a request without `scope` can get.
pub(super) fn default_scopes() -> Vec<Choice> {
    let of = |choice| match choice {
        DefaultScope::All => ("Everything", "Every scope that the client was granted."),
        DefaultScope::None => ("Nothing", "A token without scopes."),
        DefaultScope::Error => {
            ("An error", "The request is refused with invalid_scope: clients must say what they need.")
        }
    };
    named(DefaultScope::ALL, DefaultScope::as_str, of)
}

/// What the parameter `scope` can do.
pub(super) fn scope_policies() -> Vec<Choice> {
    let of = |choice| match choice {
        ScopePolicy::Exact => {
            ("Exactly what is asked for", "The token carries the scopes that were asked for, and no others.")
        }
        ScopePolicy::WholeGrant => {
            ("The whole grant", "Whatever granted scope is asked for, the token carries all that were granted.")
        }
        ScopePolicy::Ignore => ("Ignored", "The parameter is not looked at, as if it were not there."),
    };
    named(ScopePolicy::ALL, ScopePolicy::as_str, of)
}

/// How the claim `scope` can be written.
pub(super) fn scope_formats() -> Vec<Choice> {
    let of = |choice| match choice {
        ScopeFormat::String => ("One string", "The values with spaces between them, as RFC 9068 has it."),
        ScopeFormat::Array => ("An array", "A JSON array of strings, as IdentityServer writes it."),
    };
    let by_default = Choice::new(BY_DEFAULT, "As the token format has it");
    std::iter::once(by_default).chain(named(ScopeFormat::ALL, ScopeFormat::as_str, of)).collect()
}

/// What is read for the choice `value`.
pub(super) fn label_of(choices: &[Choice], value: &str) -> String {
    choices.iter().find(|choice| choice.value == value).map_or_else(|| value.to_owned(), |choice| choice.label.clone())
}

fn named<T: Copy>(
    all: &[T],
    name: impl Fn(T) -> &'static str,
    words: impl Fn(T) -> (&'static str, &'static str),
) -> Vec<Choice> {
    let choice = |value: &T| {
        let (label, hint) = words(*value);
        Choice::new(name(*value), label).hint(hint)
    };
    all.iter().map(choice).collect()
}
