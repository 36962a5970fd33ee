//! Which scope values does a token carry, and which does a route ask for? (RFC 6749 §3.3, RFC 9068 §2.2.3)

use std::fmt;

use crate::error::VerifyError;
use crate::json_scan::Scanned;

/// A set of scope values. Order and repetitions mean nothing (RFC 6749 §3.3).
///
/// They stand in one text with single spaces between them: a resource server keeps that of each token it has seen of late.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(String);

impl ScopeSet {
    /// Whether `scope` is in the set, compared exactly.
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|held| held == scope)
    }

    /// The values in the token's order, each once.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|value| !value.is_empty())
    }

    /// The values with single spaces between them, as `scope` is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is no scope at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Parses the `scope` claim: one string with spaces between the values, or an array of values (IdentityServer's
    /// habit).
    pub(crate) fn parse_claim(claim: &Scanned<'_>) -> Result<Self, VerifyError> {
        let mut set = Self::default();
        match claim {
            Scanned::Text(scope) if scope.is_empty() => {}
            Scanned::Text(scope) => {
                set.0.reserve_exact(scope.len());
                scope.split(' ').try_for_each(|value| set.add(value))?;
            }
            Scanned::List(values) => values.iter().try_for_each(|value| match value {
                Scanned::Text(value) => set.add(value),
                _ => Err(VerifyError::ClaimMalformed("scope")),
            })?,
            Scanned::Whole(_) | Scanned::Other => return Err(VerifyError::ClaimMalformed("scope")),
        }
        Ok(set)
    }

    fn add(&mut self, value: &str) -> Result<(), VerifyError> {
        if !is_scope_token(value) {
            return Err(VerifyError::ClaimMalformed("scope"));
        }
        if !self.contains(value) {
            if !self.0.is_empty() {
                self.0.push(' ');
            }
            self.0.push_str(value);
        }
        Ok(())
    }
}

impl fmt::Display for ScopeSet {
    /// The values with single spaces between them, as `scope` is written.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A scope that a route requires, named by a type: see [`scope!`](crate::scope!).
pub trait RequiredScope: 'static {
    /// The scope value, a `scope-token` of RFC 6749 §3.3.
    const SCOPE: &'static str;
}

/// Whether `value` is a `scope-token`: `1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749 §3.3).
pub const fn is_scope_token(value: &str) -> bool {
    let mut rest = value.as_bytes();
    while let [octet, tail @ ..] = rest {
        if !matches!(octet, 0x21 | 0x23..=0x5B | 0x5D..=0x7E) {
            return false;
        }
        rest = tail;
    }
    !value.is_empty()
}

/// Names a scope by a type, so that a route can ask for it in its signature.
///
/// ```
/// tokenhouse_verifier::scope!(
///     /// May list users.
///     pub ListUsers = "list:users"
/// );
/// # use tokenhouse_verifier::RequiredScope as _;
/// assert_eq!(ListUsers::SCOPE, "list:users");
/// ```
///
/// A value that is no `scope-token` does not compile:
///
/// ```compile_fail
/// tokenhouse_verifier::scope!(TwoScopes = "list:users create:users");
/// ```
#[macro_export]
macro_rules! scope {
    ($(#[$attribute:meta])* $visibility:vis $name:ident = $scope:literal) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        $visibility struct $name;

        impl $crate::RequiredScope for $name {
            const SCOPE: &'static str = $scope;
        }

        const _: () = assert!($crate::is_scope_token($scope), "not a scope-token (RFC 6749 §3.3)");
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_scan::ScannedObject;

    fn parse(claim: &str) -> Result<ScopeSet, VerifyError> {
        let text = format!("{{\"scope\":{claim}}}");
        ScopeSet::parse_claim(ScannedObject::scan(&text).unwrap().get("scope").unwrap())
    }

    #[test]
    fn a_string_and_an_array_mean_the_same() {
        let string = parse(r#""list:users create:users list:users""#).unwrap();
        assert_eq!(string, parse(r#"["list:users","create:users"]"#).unwrap());
        assert_eq!(string.to_string(), "list:users create:users");
        assert!(string.contains("create:users"));
        assert!(!string.contains("create"));
        assert!(!string.contains("LIST:USERS"));
        assert!(parse(r#""""#).unwrap().is_empty() && !string.is_empty());
        assert_eq!(string.iter().count(), 2);
    }

    #[test]
    fn anything_else_is_refused() {
        for claim in ["null", "1", "{}", "[1]", r#"["a b"]"#, r#"[""]"#, r#""a  b""#, r#"" a""#] {
            assert_eq!(parse(claim), Err(VerifyError::ClaimMalformed("scope")), "{claim}");
        }
        for claim in [r#""a\"b""#, r#""a\\b""#, "\"\u{e9}\"", r#""a\tb""#] {
            assert_eq!(parse(claim), Err(VerifyError::ClaimMalformed("scope")), "{claim}");
        }
    }
}
