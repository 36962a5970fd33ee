//! Whom would a valid token of this run satisfy?

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

/// What the API under test expects of a token.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The issuer identifier that it trusts.
    pub issuer: String,
    /// Its own identifier.
    pub audience: String,
    /// The scope that the endpoint asks for, if any.
    pub scope: Option<String>,
    /// The claim in which it looks for the scope.
    pub scope_claim: String,
    /// How that claim is written.
    pub scope_format: ScopeFormat,
    /// The client that the tokens name.
    pub client_id: String,
    /// Which rules it says that it follows.
    pub profile: Profile,
    /// The header `typ` of a valid token.
    pub typ: String,
    /// Claims that every token has besides; null takes one away.
    pub claims: Map<String, Value>,
    /// Where the trap is: nothing may ever be fetched from URLs that begin with this.
    pub trap: String,
}

/// Which rules an API says that it follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// RFC 9068: JWT access tokens, told by `typ`.
    #[default]
    Rfc9068,
    /// JWT in general (RFC 7519, RFC 8725): access tokens have no type of their own.
    Jwt,
}

impl Profile {
    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rfc9068 => "rfc9068",
            Self::Jwt => "jwt",
        }
    }

    /// The `typ` that its tokens have.
    pub const fn typ(self) -> &'static str {
        match self {
            Self::Rfc9068 => "at+jwt",
            Self::Jwt => "JWT",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "rfc9068" => Ok(Self::Rfc9068),
            "jwt" => Ok(Self::Jwt),
            _ => Err("expected rfc9068 or jwt"),
        }
    }
}

/// How the scope claim is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScopeFormat {
    /// One string, separated by spaces (RFC 9068 §2.2.3).
    #[default]
    String,
    /// An array of strings.
    Array,
}

impl ScopeFormat {
    /// These scopes as a claim.
    pub fn write(self, scopes: &[&str]) -> Value {
        match self {
            Self::String => Value::from(scopes.join(" ")),
            Self::Array => Value::from(scopes.to_vec()),
        }
    }
}

impl FromStr for ScopeFormat {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "string" => Ok(Self::String),
            "array" => Ok(Self::Array),
            _ => Err("expected string or array"),
        }
    }
}
