//! Which claims does the payload hold, and has each its specified type? (RFC 7519 §4.1, RFC 9068 §2.2)

use std::sync::OnceLock;

use crate::error::{TokenPart, VerifyError};
use crate::json_object::{JsonObject, build_json_object};
use crate::json_scan::{Scanned, ScannedObject};
use crate::scope::ScopeSet;

/// Largest instant accepted, in Unix seconds: beyond it not every JSON parser reads the same integer (RFC 8259 §6).
const MAX_INSTANT: u64 = 1 << 53;

/// The claims that are judged, typed. Present means well-formed.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    /// `aud` as a list: a single string is a list of one (RFC 7519 §4.1.3).
    pub(crate) aud: Vec<String>,
    pub(crate) exp: u64,
    pub(crate) iat: Option<u64>,
    pub(crate) nbf: Option<u64>,
    pub(crate) sub: Option<String>,
    pub(crate) jti: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) azp: Option<String>,
    pub(crate) gty: Option<String>,
    pub(crate) scope: ScopeSet,
    /// Is `scope` written as a string, rather than as an array or not at all?
    pub(crate) scope_is_text: bool,
    payload: Vec<u8>,
    all: OnceLock<JsonObject>,
}

impl Claims {
    /// Reads the decoded payload of a token whose signature is valid.
    pub(crate) fn parse(payload: Vec<u8>) -> Result<Self, VerifyError> {
        let claims = ScannedObject::scan(&payload)
            .map_err(|reason| VerifyError::NotAJsonObject { part: TokenPart::Payload, reason })?;
        // RFC 7800 §3: a token with `cnf` is worth nothing without a proof, and a Bearer request brings none
        // (CVE-2024-49755).
        if claims.get("cnf").is_some() {
            return Err(VerifyError::SenderConstrained);
        }
        let scope = claims.get("scope");
        Ok(Self {
            iss: string(&claims, "iss")?.ok_or(VerifyError::ClaimMissing("iss"))?,
            aud: audience(&claims)?,
            exp: instant(&claims, "exp")?.ok_or(VerifyError::ClaimMissing("exp"))?,
            iat: instant(&claims, "iat")?,
            nbf: instant(&claims, "nbf")?,
            sub: string(&claims, "sub")?,
            jti: string(&claims, "jti")?,
            client_id: string(&claims, "client_id")?,
            azp: string(&claims, "azp")?,
            gty: string(&claims, "gty")?,
            scope_is_text: matches!(scope, Some(Scanned::Text(_))),
            scope: scope.map(ScopeSet::parse_claim).transpose()?.unwrap_or_default(),
            all: OnceLock::new(),
            payload,
        })
    }

    /// Every claim as it came: built when it is asked for, which most resource servers never do.
    pub(crate) fn all(&self) -> &JsonObject {
        // It was scanned before: there is nothing that could fail.
        self.all.get_or_init(|| build_json_object(&self.payload).unwrap_or_default())
    }
}

/// A claim that must be a string with something in it, where it is present.
fn string(claims: &ScannedObject<'_>, name: &'static str) -> Result<Option<String>, VerifyError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Scanned::Text(value)) if !value.is_empty() => Ok(Some(value.clone().into_owned())),
        Some(_) => Err(VerifyError::ClaimMalformed(name)),
    }
}

/// A `NumericDate` (RFC 7519 §2), as every issuer of access tokens writes it: a whole number of seconds, no fraction or
/// exponent.
fn instant(claims: &ScannedObject<'_>, name: &'static str) -> Result<Option<u64>, VerifyError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Scanned::Whole(seconds)) if *seconds <= MAX_INSTANT => Ok(Some(*seconds)),
        Some(_) => Err(VerifyError::ClaimMalformed(name)),
    }
}

/// `aud`: a string, or an array of strings with at least one (RFC 7519 §4.1.3).
fn audience(claims: &ScannedObject<'_>) -> Result<Vec<String>, VerifyError> {
    let members = match claims.get("aud").ok_or(VerifyError::ClaimMissing("aud"))? {
        Scanned::List(members) => members.as_slice(),
        single => std::slice::from_ref(single),
    };
    let member = |member: &Scanned<'_>| match member {
        Scanned::Text(audience) if !audience.is_empty() => Some(audience.clone().into_owned()),
        _ => None,
    };
    let audience: Option<Vec<String>> = members.iter().map(member).collect();
    audience.filter(|audience| !audience.is_empty()).ok_or(VerifyError::ClaimMalformed("aud"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn with(name: &str, value: &str) -> Result<Claims, VerifyError> {
        let mut claims = json!({"iss": "i", "aud": "a", "exp": 10});
        let text = format!(r#"{{"{name}":{value}}}"#);
        let Value::Object(changed) = serde_json::from_str(&text).unwrap() else { unreachable!() };
        claims.as_object_mut().unwrap().extend(changed);
        Claims::parse(claims.to_string().into_bytes())
    }

    #[test]
    fn well_formed_claims_are_typed() {
        let claims = Claims::parse(
            br#"{"iss":"i","aud":["a","b"],"exp":10,"iat":1,"nbf":2,"sub":"s","jti":"j","client_id":"c","azp":"z","scope":"x y","n":{}}"#
                .to_vec(),
        )
        .unwrap();
        assert_eq!((claims.iss.as_str(), claims.exp, claims.iat, claims.nbf), ("i", 10, Some(1), Some(2)));
        assert_eq!(claims.aud, ["a", "b"]);
        assert_eq!((claims.sub.as_deref(), claims.jti.as_deref()), (Some("s"), Some("j")));
        assert_eq!((claims.client_id.as_deref(), claims.azp.as_deref()), (Some("c"), Some("z")));
        assert_eq!(claims.gty, None);
        assert!(claims.scope.contains("y"));
        assert!(claims.all().contains_key("n"));
    }

    #[test]
    fn instants_are_whole_numbers_of_seconds_within_bounds() {
        for name in ["exp", "iat", "nbf"] {
            for value in
                ["1.5", "10.0", "1e3", "-1", "-0", "\"10\"", "null", "true", "[10]", "{}", "9007199254740993", "1e30"]
            {
                let refusal = with(name, value).unwrap_err();
                assert!(
                    matches!(refusal, VerifyError::ClaimMalformed(found) if found == name),
                    "{name} {value}: {refusal}"
                );
            }
            assert!(with(name, "9007199254740992").is_ok());
        }
        assert!(Claims::parse(br#"{"iss":"i","aud":"a","exp":1e400}"#.to_vec()).is_err());
        assert!(Claims::parse(br#"{"iss":"i","aud":"a","exp":18446744073709551616}"#.to_vec()).is_err());
    }

    #[test]
    fn an_audience_is_a_string_or_an_array_of_strings() {
        for value in
            ["1", "null", "{}", "[]", "[1]", r#"["a",1]"#, r#"["a",null]"#, r#"[["a"]]"#, r#""""#, r#"["a",""]"#]
        {
            assert_eq!(with("aud", value).unwrap_err(), VerifyError::ClaimMalformed("aud"), "{value}");
        }
    }

    #[test]
    fn names_are_strings_with_something_in_them() {
        for name in ["iss", "sub", "jti", "client_id", "azp", "gty"] {
            for value in [r#""""#, "1", "null", r#"["i","evil"]"#, "{}"] {
                assert!(matches!(with(name, value).unwrap_err(), VerifyError::ClaimMalformed(found) if found == name));
            }
        }
    }

    #[test]
    fn what_every_dialect_requires_is_required() {
        for (payload, missing) in
            [(r#"{"aud":"a","exp":1}"#, "iss"), (r#"{"iss":"i","exp":1}"#, "aud"), (r#"{"iss":"i","aud":"a"}"#, "exp")]
        {
            assert_eq!(Claims::parse(payload.into()).unwrap_err(), VerifyError::ClaimMissing(missing));
        }
        assert_eq!(with("cnf", r#"{"jkt":"x"}"#).unwrap_err(), VerifyError::SenderConstrained);
        assert_eq!(with("cnf", "null").unwrap_err(), VerifyError::SenderConstrained);
    }
}
