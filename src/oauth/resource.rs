//! What is an API to the authorization server: its identifier (the audience) and its rules (RFC 8707 §2, RFC 9068 §2).

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use super::named_enum::named_enum;
use super::scope::{ScopeValue, is_nqchar};
use crate::clock::UnixMillis;
use crate::keys::SigningAlg;

/// Longest API identifier in characters; Auth0's limit, so that its exports fit.
pub const MAX_AUDIENCE_LENGTH: usize = 600;

/// An API's identifier, as it stands in `aud`: 1 to 600 printable ASCII characters without space, quote or backslash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Audience(Arc<str>);

/// Why a text is not an API identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an API identifier is 1 to {MAX_AUDIENCE_LENGTH} printable ASCII characters without space, quote or backslash, and has no fragment (RFC 8707 section 2)"
)]
pub struct InvalidAudience;

impl Audience {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Audience {
    type Err = InvalidAudience;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=MAX_AUDIENCE_LENGTH).contains(&text.len());
        // RFC 8707 §2: "The URI MUST NOT include a fragment component."
        let clean = text.bytes().all(|byte| is_nqchar(byte) && byte != b'#');
        if fits && clean { Ok(Self(text.into())) } else { Err(InvalidAudience) }
    }
}

impl Display for Audience {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A lifetime in whole seconds, from one second to ten years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifetime(u32);

/// Why a number is not a lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a lifetime is a whole number of seconds from 1 to {}", Lifetime::MAX_SECONDS)]
pub struct InvalidLifetime;

impl Lifetime {
    /// Ten years: far beyond what an access token should live, near enough that no sum overflows.
    pub const MAX_SECONDS: u32 = 315_360_000;

    /// The length in seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for Lifetime {
    type Error = InvalidLifetime;

    fn try_from(seconds: i64) -> Result<Self, Self::Error> {
        u32::try_from(seconds)
            .ok()
            .filter(|seconds| (1..=Self::MAX_SECONDS).contains(seconds))
            .map(Self)
            .ok_or(InvalidLifetime)
    }
}

named_enum! {
    /// Whose habits the server follows where they differ; it moves error codes, texts and the default dialect only.
    Compat {
        /// RFC 6749, RFC 8707, RFC 9068.
        Standard = "standard",
        /// Auth0's error codes and its `access_token` dialect.
        Auth0 = "auth0",
        /// IdentityServer's token dialect; errors as in `standard`.
        IdentityServer = "identityserver",
    }
}

impl Compat {
    /// The dialect of an API that names none.
    pub const fn default_dialect(self) -> TokenDialect {
        match self {
            Self::Standard => TokenDialect::Rfc9068Profile,
            Self::Auth0 => TokenDialect::AccessToken,
            Self::IdentityServer => TokenDialect::IdentityServer,
        }
    }
}

named_enum! {
    /// Which header `typ` and claims an API's access tokens carry.
    TokenDialect {
        /// RFC 9068.
        Rfc9068Profile = "rfc9068_profile",
        /// RFC 9068 and the array `permissions`.
        Rfc9068ProfileAuthz = "rfc9068_profile_authz",
        /// Auth0's own form.
        AccessToken = "access_token",
        /// Auth0's own form and the array `permissions`.
        AccessTokenAuthz = "access_token_authz",
        /// IdentityServer's form: scope as an array, prefixed client claims, no `sub`.
        IdentityServer = "identityserver",
    }
}

impl TokenDialect {
    /// The header `typ` of its tokens.
    pub const fn typ(self) -> &'static str {
        match self {
            Self::Rfc9068Profile | Self::Rfc9068ProfileAuthz | Self::IdentityServer => "at+jwt",
            Self::AccessToken | Self::AccessTokenAuthz => "JWT",
        }
    }

    /// Do its tokens carry the array `permissions`?
    pub const fn has_permissions(self) -> bool {
        matches!(self, Self::Rfc9068ProfileAuthz | Self::AccessTokenAuthz)
    }

    /// How the claim `scope` is written where the API does not say.
    pub const fn default_scope_format(self) -> ScopeFormat {
        match self {
            Self::IdentityServer => ScopeFormat::Array,
            _ => ScopeFormat::String,
        }
    }
}

named_enum! {
    /// What a request without `scope` gets.
    DefaultScope {
        /// Every granted scope.
        All = "all",
        /// A token without scope.
        None = "none",
        /// `invalid_scope`.
        Error = "error",
    }
}

named_enum! {
    /// What the `scope` parameter does.
    ScopePolicy {
        /// It names exactly what is issued.
        Exact = "exact",
        /// Any granted request gets the whole grant.
        WholeGrant = "whole_grant",
        /// It is not looked at.
        Ignore = "ignore",
    }
}

named_enum! {
    /// How the claim `scope` is written.
    ScopeFormat {
        /// One string, values separated by spaces (RFC 9068 §2.2.3).
        String = "string",
        /// A JSON array of strings, as IdentityServer writes it.
        Array = "array",
    }
}

/// A scope that an API defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeDefinition {
    /// What stands in `scope`.
    pub value: ScopeValue,
    /// What it allows, for people.
    pub description: Option<String>,
}

/// An API (protected resource) that tokens are issued for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// Our own id; never changes.
    pub id: Uuid,
    /// The audience; never changes.
    pub identifier: Audience,
    /// For people.
    pub name: String,
    /// The scopes it defines, in the order given.
    pub scopes: Vec<ScopeDefinition>,
    /// How long its tokens live.
    pub token_lifetime: Lifetime,
    /// How its tokens are signed.
    pub signing_alg: SigningAlg,
    /// The form of its tokens; `None` follows the server's `compat`.
    pub token_dialect: Option<TokenDialect>,
    /// What a request without `scope` gets.
    pub default_scope: DefaultScope,
    /// What the `scope` parameter does.
    pub scope_policy: ScopePolicy,
    /// How the claim `scope` is written; `None` follows the dialect.
    pub scope_format: Option<ScopeFormat>,
    /// For how many seconds the same request may get the same token; 0 is never.
    pub token_reuse_seconds: u32,
    /// Is it the Management API, which belongs to the server and cannot be deleted?
    pub is_system: bool,
    /// What Auth0 documents beside the above: kept and shown, never acted upon.
    pub auth0_fields: serde_json::Map<String, serde_json::Value>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}

impl Api {
    /// An API without scopes and with every default, made at `now`.
    pub fn new(id: Uuid, identifier: Audience, token_lifetime: Lifetime, now: UnixMillis) -> Self {
        Self {
            id,
            name: identifier.to_string(),
            identifier,
            scopes: Vec::new(),
            token_lifetime,
            signing_alg: SigningAlg::Rs256,
            token_dialect: None,
            default_scope: DefaultScope::All,
            scope_policy: ScopePolicy::Exact,
            scope_format: None,
            token_reuse_seconds: 0,
            is_system: false,
            auth0_fields: serde_json::Map::new(),
            created_at: now,
            updated_at: now,
        }
    }

    /// Does this API define `value`?
    pub fn defines(&self, value: &ScopeValue) -> bool {
        self.scopes.iter().any(|scope| scope.value == *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_any_uri_without_a_fragment() {
        for good in ["https://api.example.com/", "my-api", "urn:example:api"] {
            assert!(good.parse::<Audience>().is_ok(), "{good}");
        }
        for bad in ["", "https://api/#part", "with space", "quo\"te", "back\\slash", "ü"] {
            assert!(bad.parse::<Audience>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_lifetime_is_at_least_a_second_and_at_most_ten_years() {
        assert!(Lifetime::try_from(0).is_err());
        assert!(Lifetime::try_from(-1).is_err());
        assert!(Lifetime::try_from(i64::MAX).is_err());
        assert_eq!(Lifetime::try_from(3600).unwrap().seconds(), 3600);
    }

    #[test]
    fn names_round_trip_and_an_unknown_one_lists_what_is_allowed() {
        for dialect in TokenDialect::ALL {
            assert_eq!(dialect.as_str().parse::<TokenDialect>().unwrap(), *dialect);
        }
        let error = "nearly".parse::<DefaultScope>().unwrap_err();
        assert_eq!(error.to_string(), "use one of: all, none, error");
    }
}
