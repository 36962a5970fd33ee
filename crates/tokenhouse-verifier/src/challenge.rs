//! How does a resource server say which token it wants? (RFC 6750 §3, RFC 9110 §11.6.1, RFC 9728 §5.1)

use std::fmt::{self, Write as _};

/// The error codes of RFC 6750 §3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerErrorCode {
    /// The request is malformed: more than one token, or a token in more than one place. Status 400.
    InvalidRequest,
    /// The token is expired, revoked, malformed or otherwise not valid here. Status 401.
    InvalidToken,
    /// The token lacks the scope of the resource. Status 403.
    InsufficientScope,
}

impl BearerErrorCode {
    /// The code as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }

    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
        }
    }
}

/// A `WWW-Authenticate` value of the scheme `Bearer`; `Display` renders it.
///
/// ```
/// use tokenhouse_verifier::{BearerErrorCode, Challenge};
///
/// let challenge = Challenge::new("partners")
///     .error(BearerErrorCode::InsufficientScope, "The access token lacks the scope")
///     .scope("list:users");
/// assert_eq!(
///     challenge.to_string(),
///     r#"Bearer realm="partners", error="insufficient_scope", error_description="The access token lacks the scope", scope="list:users""#
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Challenge {
    realm: String,
    error: Option<(BearerErrorCode, &'static str)>,
    scope: Option<&'static str>,
    resource_metadata: Option<String>,
}

impl Challenge {
    /// A challenge without an error: what a request without a token gets (RFC 6750 §3.1).
    pub fn new(realm: impl Into<String>) -> Self {
        Self { realm: realm.into(), error: None, scope: None, resource_metadata: None }
    }

    /// Says what was wrong with the token. The description is a constant of the program's, so that nothing a caller
    /// sent can get into it.
    #[must_use]
    pub const fn error(mut self, code: BearerErrorCode, description: &'static str) -> Self {
        self.error = Some((code, description));
        self
    }

    /// Names the scope that is needed.
    #[must_use]
    pub const fn scope(mut self, scope: &'static str) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Points to the metadata of the protected resource (RFC 9728 §5.1).
    #[must_use]
    pub fn resource_metadata(mut self, url: impl Into<String>) -> Self {
        self.resource_metadata = Some(url.into());
        self
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bearer realm=")?;
        quote(formatter, &self.realm)?;
        let error = self.error.map(|(code, description)| (code.name(), description));
        for (name, value) in [
            ("error", error.map(|(code, _)| code)),
            ("error_description", error.map(|(_, description)| description)),
            ("scope", self.scope),
            ("resource_metadata", self.resource_metadata.as_deref()),
        ] {
            if let Some(value) = value {
                write!(formatter, ", {name}=")?;
                quote(formatter, value)?;
            }
        }
        Ok(())
    }
}

/// Writes a `quoted-string` (RFC 9110 §5.6.4). Octets that a header must not carry become `?`.
fn quote(formatter: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    formatter.write_char('"')?;
    for character in value.chars() {
        match character {
            '"' | '\\' => write!(formatter, "\\{character}")?,
            ' '..='~' => formatter.write_char(character)?,
            _ => formatter.write_char('?')?,
        }
    }
    formatter.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_without_a_token_names_no_error() {
        let challenge =
            Challenge::new("api").resource_metadata("https://api.example/.well-known/oauth-protected-resource");
        assert_eq!(
            challenge.to_string(),
            r#"Bearer realm="api", resource_metadata="https://api.example/.well-known/oauth-protected-resource""#
        );
    }

    #[test]
    fn values_are_quoted_so_that_they_stay_values() {
        let challenge = Challenge::new("a\"b\\c\r\nX: y\u{e9}");
        assert_eq!(challenge.to_string(), r#"Bearer realm="a\"b\\c??X: y?""#);
    }

    #[test]
    fn each_code_has_its_status() {
        for (code, name, status) in [
            (BearerErrorCode::InvalidRequest, "invalid_request", 400),
            (BearerErrorCode::InvalidToken, "invalid_token", 401),
            (BearerErrorCode::InsufficientScope, "insufficient_scope", 403),
        ] {
            assert_eq!((code.name(), code.status()), (name, status));
        }
    }
}
