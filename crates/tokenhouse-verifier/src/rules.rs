//! Is what the issuer has signed an access token for us, now? (RFC 9068 §4, RFC 7519 §4.1)

use std::sync::Arc;

use crate::access_token::{AccessToken, SubjectRule};
use crate::claims::Claims;
use crate::dialect::AccessTokenDialect;
use crate::error::VerifyError;
use crate::signature_cache::SignedToken;

/// What a token with a valid signature is judged by, each time that it comes.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) dialects: Vec<AccessTokenDialect>,
    pub(crate) subject: SubjectRule,
    /// How far clocks may differ, in seconds.
    pub(crate) leeway: u64,
    /// The longest lifetime, in seconds.
    pub(crate) max_lifetime: Option<u64>,
}

impl Rules {
    /// Whether some accepted dialect has tokens of this `typ`: as much as is known before the signature.
    pub(crate) fn accept_typ(&self, typ: Option<&str>) -> bool {
        self.dialects.iter().any(|dialect| dialect.accepts_typ(typ))
    }

    /// Is what is signed an access token for us, at `now`?
    pub(crate) fn judge(&self, signed: Arc<SignedToken>, now: u64) -> Result<AccessToken, VerifyError> {
        let claims = &signed.claims;
        let dialect = self.recognise(signed.header.typ.as_deref(), claims)?;
        self.validate_issuer_and_audience(claims)?;
        self.validate_times(claims, now)?;
        AccessToken::new(signed, dialect, self.subject)
    }

    /// The first accepted dialect that the token is of; where it is of none, what the first one with its `typ` misses.
    fn recognise(&self, typ: Option<&str>, claims: &Claims) -> Result<AccessTokenDialect, VerifyError> {
        let mut first_refusal = None;
        for dialect in self.dialects.iter().copied().filter(|dialect| dialect.accepts_typ(typ)) {
            match dialect.validate(claims) {
                Ok(()) => return Ok(dialect),
                Err(refusal) => first_refusal = first_refusal.or(Some(refusal)),
            }
        }
        Err(first_refusal.unwrap_or_else(|| VerifyError::TypNotAccepted { typ: typ.map(str::to_owned) }))
    }

    fn validate_issuer_and_audience(&self, claims: &Claims) -> Result<(), VerifyError> {
        // RFC 9068 §4: exactly the issuer identifier, which is not normalised (RFC 8414 §2).
        if claims.iss() != self.issuer {
            return Err(VerifyError::WrongIssuer { expected: self.issuer.clone(), found: claims.iss().to_owned() });
        }
        // RFC 7519 §4.1.3: a case-sensitive match with one whole member.
        if !claims.aud().any(|aud| aud == self.audience) {
            let found = claims.aud().map(str::to_owned).collect();
            return Err(VerifyError::WrongAudience { expected: self.audience.clone(), found });
        }
        Ok(())
    }

    /// RFC 7519 §4.1.4 to §4.1.6. Instants are at most 2^53, so the sums cannot overflow unless the leeway is absurd.
    fn validate_times(&self, claims: &Claims, now: u64) -> Result<(), VerifyError> {
        if now >= claims.exp.saturating_add(self.leeway) {
            return Err(VerifyError::Expired { expired_at: claims.exp, now });
        }
        let latest_start = now.saturating_add(self.leeway);
        if let Some(valid_from) = claims.nbf.filter(|nbf| *nbf > latest_start) {
            return Err(VerifyError::NotYetValid { valid_from, now });
        }
        if let Some(issued_at) = claims.iat.filter(|iat| *iat > latest_start) {
            return Err(VerifyError::IssuedInFuture { issued_at, now });
        }
        let issued_at = claims.iat.or(claims.nbf);
        if let (Some(max_seconds), Some(issued_at)) = (self.max_lifetime, issued_at)
            && claims.exp.checked_sub(issued_at).is_none_or(|lifetime| lifetime > max_seconds)
        {
            return Err(VerifyError::LifetimeNotAllowed { issued_at, expires_at: claims.exp, max_seconds });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn rules(max_lifetime: Option<u64>) -> Rules {
        Rules {
            issuer: "i".to_owned(),
            audience: "a".to_owned(),
            dialects: vec![AccessTokenDialect::Rfc9068],
            subject: SubjectRule::Client,
            leeway: 30,
            max_lifetime,
        }
    }

    /// Claims of a token that was issued now and lives for ten minutes, with the members of `changes`; `null` takes one away.
    fn claims(changes: &Value) -> Claims {
        let mut claims = json!({"iss":"i","aud":"a","iat":NOW,"exp":NOW + 600});
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        Claims::parse(claims.to_string().into()).unwrap()
    }

    /// Whether the token lives at [`NOW`], with a leeway of 30 seconds and a longest lifetime of 600.
    fn lives(changes: &Value) -> Result<(), VerifyError> {
        rules(Some(600)).validate_times(&claims(changes), NOW)
    }

    #[test]
    fn a_token_lives_from_its_start_to_its_end_and_thirty_seconds_on_either_side() {
        let ended = |seconds: u64| json!({"exp":NOW - seconds,"iat":NOW - 100});
        assert_eq!(lives(&ended(29)), Ok(()));
        assert_eq!(lives(&ended(30)), Err(VerifyError::Expired { expired_at: NOW - 30, now: NOW }));
        assert_eq!(lives(&json!({"nbf":NOW + 30})), Ok(()));
        let early = VerifyError::NotYetValid { valid_from: NOW + 31, now: NOW };
        assert_eq!(lives(&json!({"nbf":NOW + 31})), Err(early));
        assert_eq!(lives(&json!({"iat":NOW + 30})), Ok(()));
        let future = VerifyError::IssuedInFuture { issued_at: NOW + 31, now: NOW };
        assert_eq!(lives(&json!({"iat":NOW + 31})), Err(future));
    }

    #[test]
    fn a_token_that_lives_too_long_is_refused() {
        let too_long = |issued_at: u64, expires_at: u64| {
            Err(VerifyError::LifetimeNotAllowed { issued_at, expires_at, max_seconds: 600 })
        };
        assert_eq!(lives(&json!({"iat":NOW - 100,"exp":NOW + 500})), Ok(()));
        assert_eq!(lives(&json!({"iat":NOW - 100,"exp":NOW + 501})), too_long(NOW - 100, NOW + 501));
        assert_eq!(lives(&json!({"iat":null,"nbf":NOW,"exp":NOW + 601})), too_long(NOW, NOW + 601));
        assert_eq!(lives(&json!({"iat":NOW + 30,"exp":NOW + 20})), too_long(NOW + 30, NOW + 20), "it ends first");
        let lasting = claims(&json!({"exp":NOW + 1_000_000}));
        assert_eq!(rules(None).validate_times(&lasting, NOW), Ok(()), "unless told otherwise");
    }
}
