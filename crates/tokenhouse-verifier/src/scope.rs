//! Which scope values does a token carry, and which does a route ask for? (RFC 6749 §3.3, RFC 9068 §2.2.3)

use std::borrow::Cow;
use std::fmt;

use crate::error::VerifyError;
use crate::json_scan::Scanned;

/// A set of scope values. Order and repetitions mean nothing (RFC 6749 §3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet<'a>(&'a str);

impl<'a> ScopeSet<'a> {
    /// The values of a text that [`normalized`] has made.
    pub(crate) const fn of_normalized(text: &'a str) -> Self {
        Self(text)
    }

    /// Whether `scope` is in the set, compared exactly.
    pub fn contains(self, scope: &str) -> bool {
        self.iter().any(|held| held == scope)
    }

    /// The values in the token's order, each once.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        self.0.split(' ').filter(|value| !value.is_empty())
    }

    /// The values with single spaces between them, as `scope` is written.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether there is no scope at all.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for ScopeSet<'_> {
    /// The same as [`ScopeSet::as_str`].
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// The values of the `scope` claim in one text, each once and with single spaces between them. The claim is such a text, but for
/// repetitions, or an array of values (IdentityServer's habit).
pub(crate) fn normalized<'p>(claim: &Scanned<'p>) -> Result<Cow<'p, str>, VerifyError> {
    let malformed = || VerifyError::ClaimMalformed("scope");
    match claim {
        Scanned::Text(scope) if scope.is_empty() => Ok(Cow::Borrowed("")),
        Scanned::Text(scope) => {
            let (mut read, mut repeats) = (0, false);
            for value in scope.split(' ') {
                if !is_scope_token(value) {
                    return Err(malformed());
                }
                repeats |= ScopeSet(scope.get(..read).unwrap_or_default()).contains(value);
                read += value.len() + 1;
            }
            if repeats { Ok(each_once(scope.split(' ')).into()) } else { Ok(scope.clone()) }
        }
        Scanned::List(values) => {
            let values = values.iter().map(|value| match value {
                Scanned::Text(value) if is_scope_token(value) => Ok(value.as_ref()),
                _ => Err(malformed()),
            });
            let values = values.collect::<Result<Vec<&str>, _>>()?;
            Ok(each_once(values).into())
        }
        Scanned::Whole(_) | Scanned::Other => Err(malformed()),
    }
}

fn each_once<'v>(values: impl IntoIterator<Item = &'v str>) -> String {
    let mut text = String::new();
    for value in values {
        if !ScopeSet(&text).contains(value) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(value);
        }
    }
    text
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

    fn parse(claim: &str) -> Result<String, VerifyError> {
        let text = format!("{{\"scope\":{claim}}}");
        normalized(ScannedObject::scan(&text).unwrap().get("scope").unwrap()).map(Cow::into_owned)
    }

    #[test]
    fn a_string_and_an_array_mean_the_same() {
        for claim in [
            r#""list:users create:users""#,
            r#""list:users create:users list:users""#,
            r#""list\u003ausers create:users""#,
            r#"["list:users","create:users","create:users"]"#,
        ] {
            assert_eq!(parse(claim).as_deref(), Ok("list:users create:users"), "{claim}");
        }
        for (repeating, once) in [("x y y", "x y"), ("x x x", "x"), ("xy x y", "xy x y"), ("x x y y x", "x y")] {
            assert_eq!(parse(&format!("\"{repeating}\"")).as_deref(), Ok(once), "{repeating}");
        }
        for claim in [r#""""#, "[]"] {
            assert_eq!(parse(claim).as_deref(), Ok(""), "{claim}");
        }
    }

    #[test]
    fn values_are_compared_whole() {
        let set = ScopeSet::of_normalized("list:users create:users");
        assert!(set.contains("create:users"));
        for other in ["create", "LIST:USERS", "", " ", "list:users create:users"] {
            assert!(!set.contains(other), "{other}");
        }
        assert_eq!((set.iter().count(), set.to_string().as_str()), (2, set.as_str()));
        assert!(ScopeSet::default().is_empty() && !set.is_empty());
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
