//! Which forms of access token are accepted, and what must each contain? (RFC 9068 §2, RFC 8725 §3.11 and §3.12)

use std::str::FromStr;

use thiserror::Error;

use crate::claims::Claims;
use crate::error::VerifyError;

/// A form of JWT access token, told apart by `typ` and by the claims it must have.
///
/// Every dialect requires `iss`, `aud` and `exp`. The explicit `typ` and the claims that only access tokens carry keep
/// an ID token or a client assertion of the same issuer from being taken for one (RFC 8725 §3.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessTokenDialect {
    /// RFC 9068: `typ` is `at+jwt`; `sub`, `client_id`, `iat` and `jti` are required.
    Rfc9068,
    /// Auth0's default: `typ` is `JWT`; `sub` is `<client id>@clients`, `gty` is `client-credentials`; `azp` and `iat`
    /// are required.
    Auth0,
    /// IdentityServer's: `typ` is `at+jwt`; `client_id`, `jti` and `nbf` are required, `scope` is an array, and there
    /// is no `sub`.
    IdentityServer,
}

/// A name that is no dialect's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a token dialect: use rfc9068_profile, access_token or identityserver")]
pub struct UnknownDialect;

impl FromStr for AccessTokenDialect {
    type Err = UnknownDialect;

    /// Parses the name by which an API's `token_dialect` is configured in Tokenhouse and Auth0.
    fn from_str(name: &str) -> Result<Self, UnknownDialect> {
        match name {
            "rfc9068_profile" | "rfc9068_profile_authz" => Ok(Self::Rfc9068),
            "access_token" | "access_token_authz" => Ok(Self::Auth0),
            "identityserver" => Ok(Self::IdentityServer),
            _ => Err(UnknownDialect),
        }
    }
}

impl AccessTokenDialect {
    /// Whether a token with this `typ` may be of the dialect. Media types compare without regard to case, and
    /// `application/` may be left out (RFC 7515 §4.1.9, RFC 9068 §2.1).
    pub(crate) fn accepts_typ(self, typ: Option<&str>) -> bool {
        let Some(typ) = typ else { return false };
        match self {
            Self::Rfc9068 | Self::IdentityServer => {
                typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
            }
            Self::Auth0 => typ.eq_ignore_ascii_case("JWT"),
        }
    }

    /// Checks that the claims are those of the dialect.
    pub(crate) fn validate(self, claims: &Claims) -> Result<(), VerifyError> {
        match self {
            Self::Rfc9068 => {
                require("sub", claims.sub().is_some())?;
                require("client_id", claims.client_id().is_some())?;
                require("iat", claims.iat.is_some())?;
                require("jti", claims.jti().is_some())
            }
            Self::Auth0 => {
                require("azp", claims.azp().is_some())?;
                require("iat", claims.iat.is_some())?;
                let sub = claims.sub().ok_or(VerifyError::ClaimMissing("sub"))?;
                let gty = claims.gty().ok_or(VerifyError::ClaimMissing("gty"))?;
                well_formed("sub", client_of_subject(sub).is_some())?;
                well_formed("gty", gty == "client-credentials")
            }
            Self::IdentityServer => {
                require("client_id", claims.client_id().is_some())?;
                require("jti", claims.jti().is_some())?;
                require("nbf", claims.nbf.is_some())?;
                well_formed("scope", !claims.scope_is_text)?;
                // With `sub` it would be a user's token.
                if claims.sub().is_some() { Err(VerifyError::ClaimUnexpected("sub")) } else { Ok(()) }
            }
        }
    }
}

/// The client that a `sub` of Auth0's form names.
pub(crate) fn client_of_subject(sub: &str) -> Option<&str> {
    sub.strip_suffix("@clients").filter(|client| !client.is_empty())
}

const fn require(claim: &'static str, present: bool) -> Result<(), VerifyError> {
    if present { Ok(()) } else { Err(VerifyError::ClaimMissing(claim)) }
}

const fn well_formed(claim: &'static str, holds: bool) -> Result<(), VerifyError> {
    if holds { Ok(()) } else { Err(VerifyError::ClaimMalformed(claim)) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judge(dialect: AccessTokenDialect, claims: &Value) -> Result<(), VerifyError> {
        dialect.validate(&Claims::parse(claims.to_string().into())?)
    }

    fn complete(dialect: AccessTokenDialect) -> Value {
        match dialect {
            AccessTokenDialect::Rfc9068 => {
                json!({"iss":"i","aud":"a","exp":2,"iat":1,"sub":"c","client_id":"c","jti":"j","scope":"x"})
            }
            AccessTokenDialect::Auth0 => {
                json!({"iss":"i","aud":"a","exp":2,"iat":1,"sub":"c@clients","azp":"c","gty":"client-credentials"})
            }
            AccessTokenDialect::IdentityServer => {
                json!({"iss":"i","aud":"a","exp":2,"iat":1,"nbf":1,"client_id":"c","jti":"j","scope":["x"]})
            }
        }
    }

    #[test]
    fn each_dialect_wants_all_of_its_claims() {
        for (dialect, required) in [
            (AccessTokenDialect::Rfc9068, &["iss", "aud", "exp", "iat", "sub", "client_id", "jti"][..]),
            (AccessTokenDialect::Auth0, &["iss", "aud", "exp", "iat", "sub", "azp", "gty"][..]),
            (AccessTokenDialect::IdentityServer, &["iss", "aud", "exp", "nbf", "client_id", "jti"][..]),
        ] {
            assert_eq!(judge(dialect, &complete(dialect)), Ok(()));
            for claim in required {
                let mut claims = complete(dialect);
                claims.as_object_mut().unwrap().remove(*claim);
                assert!(
                    matches!(judge(dialect, &claims), Err(VerifyError::ClaimMissing(missing)) if missing == *claim)
                );
            }
        }
    }

    #[test]
    fn what_tells_a_dialect_apart_is_checked() {
        for (dialect, claim, value, refusal) in [
            (AccessTokenDialect::Auth0, "sub", json!("c"), VerifyError::ClaimMalformed("sub")),
            (AccessTokenDialect::Auth0, "sub", json!("@clients"), VerifyError::ClaimMalformed("sub")),
            (AccessTokenDialect::Auth0, "gty", json!("password"), VerifyError::ClaimMalformed("gty")),
            (AccessTokenDialect::IdentityServer, "sub", json!("user"), VerifyError::ClaimUnexpected("sub")),
            (AccessTokenDialect::IdentityServer, "scope", json!("x"), VerifyError::ClaimMalformed("scope")),
        ] {
            let mut claims = complete(dialect);
            claims.as_object_mut().unwrap().insert(claim.into(), value);
            assert_eq!(judge(dialect, &claims), Err(refusal));
        }
    }

    #[test]
    fn typ_is_a_media_type() {
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
            assert!(AccessTokenDialect::Rfc9068.accepts_typ(Some(typ)), "{typ}");
            assert!(AccessTokenDialect::IdentityServer.accepts_typ(Some(typ)), "{typ}");
            assert!(!AccessTokenDialect::Auth0.accepts_typ(Some(typ)), "{typ}");
        }
        assert!(AccessTokenDialect::Auth0.accepts_typ(Some("JWT")));
        for typ in [None, Some("JWT"), Some(""), Some("dpop+jwt"), Some("text/at+jwt"), Some("at+jwt ")] {
            assert!(!AccessTokenDialect::Rfc9068.accepts_typ(typ), "{typ:?}");
        }
    }

    #[test]
    fn a_dialect_is_configured_by_name() {
        for (name, dialect) in [
            ("rfc9068_profile", AccessTokenDialect::Rfc9068),
            ("rfc9068_profile_authz", AccessTokenDialect::Rfc9068),
            ("access_token", AccessTokenDialect::Auth0),
            ("access_token_authz", AccessTokenDialect::Auth0),
            ("identityserver", AccessTokenDialect::IdentityServer),
        ] {
            assert_eq!(name.parse(), Ok(dialect));
        }
        assert_eq!("Rfc9068".parse::<AccessTokenDialect>(), Err(UnknownDialect));
    }
}
