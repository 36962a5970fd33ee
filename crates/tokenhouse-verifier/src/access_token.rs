//! What does a verified access token tell a resource server? (RFC 9068 §2.2 and §4)

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::claims::Claims;
use crate::dialect::{AccessTokenDialect, client_of_subject};
use crate::error::VerifyError;
use crate::scope::ScopeSet;
use crate::signature_cache::SignedToken;

/// Whom `sub` may name beside the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectRule {
    /// `sub` names the client, as it does for the client credentials grant (RFC 9068 §2.2): the default.
    #[default]
    Client,
    /// `sub` may be a user or a service account; then `client_id` or `azp` alone name the client.
    Any,
}

/// An access token that has passed every check. Only the verifier makes one.
#[derive(Clone, Debug)]
pub struct AccessToken {
    issued_at: u64,
    dialect: AccessTokenDialect,
    signed: Arc<SignedToken>,
}

impl AccessToken {
    pub(crate) fn new(
        signed: Arc<SignedToken>,
        dialect: AccessTokenDialect,
        rule: SubjectRule,
    ) -> Result<Self, VerifyError> {
        let claims = &signed.claims;
        validate_client(claims, rule)?;
        // IdentityServer 3 wrote no `iat`; its `nbf` is the moment of issue.
        let issued_at = claims.iat.or(claims.nbf).ok_or(VerifyError::ClaimMissing("iat"))?;
        Ok(Self { issued_at, dialect, signed })
    }

    /// The client the token was issued to: `client_id`, else `azp`, else `sub` without `@clients`. They never disagree.
    pub fn client(&self) -> &str {
        client(&self.signed.claims).unwrap_or_default()
    }

    /// The scope of the token.
    pub fn scope(&self) -> ScopeSet<'_> {
        self.signed.claims.scope()
    }

    /// Whether the token carries `scope`.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope().contains(scope)
    }

    /// When the token was issued, in Unix seconds.
    pub const fn issued_at(&self) -> u64 {
        self.issued_at
    }

    /// When the token expires, in Unix seconds.
    pub fn expires_at(&self) -> u64 {
        self.signed.claims.exp
    }

    /// The token's own id (RFC 7519 §4.1.7), in the dialects that have one.
    pub fn jti(&self) -> Option<&str> {
        self.signed.claims.jti()
    }

    /// Everyone the token is for; this resource server is among them.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.signed.claims.aud()
    }

    /// The dialect the token was recognised as.
    pub const fn dialect(&self) -> AccessTokenDialect {
        self.dialect
    }

    /// Every claim as it came, also those the verifier does not know.
    pub fn claims(&self) -> &Map<String, Value> {
        self.signed.claims.all()
    }
}

/// The first name of the client: `client_id`, else `azp`, else `sub` without `@clients`.
fn client(claims: &Claims) -> Option<&str> {
    claims.client_id().or_else(|| claims.azp()).or_else(|| claims.sub().map(client_in_subject))
}

/// That `client_id`, `azp` and `sub` agree on the client.
///
/// With two names in one token it would depend on the resource server whose data are shown: it is refused.
fn validate_client(claims: &Claims, rule: SubjectRule) -> Result<(), VerifyError> {
    let client = client(claims).ok_or(VerifyError::ClaimMissing("client_id"))?;
    let by_subject = match rule {
        SubjectRule::Client => claims.sub().map(client_in_subject),
        // It may name somebody else.
        SubjectRule::Any => claims.sub().and_then(client_of_subject),
    };
    let names = [claims.client_id(), claims.azp(), by_subject];
    if names.into_iter().flatten().all(|name| name == client) { Ok(()) } else { Err(VerifyError::ClientAmbiguous) }
}

fn client_in_subject(sub: &str) -> &str {
    client_of_subject(sub).unwrap_or(sub)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::header::JoseHeader;

    fn signed(claims: Claims) -> Arc<SignedToken> {
        let header = JoseHeader::parse(br#"{"alg":"EdDSA","kid":"k"}"#).unwrap();
        Arc::new(SignedToken { header: Arc::new(header), claims })
    }

    fn client_of(names: Value, rule: SubjectRule) -> Result<String, VerifyError> {
        let mut claims = json!({"iss":"i","aud":"a","exp":2,"iat":1});
        let Value::Object(names) = names else { unreachable!() };
        claims.as_object_mut().unwrap().extend(names);
        let claims = Claims::parse(claims.to_string().into()).unwrap();
        AccessToken::new(signed(claims), AccessTokenDialect::Rfc9068, rule).map(|token| token.client().to_owned())
    }

    #[test]
    fn the_client_is_what_all_names_agree_on() {
        for names in [
            json!({"client_id":"c"}),
            json!({"azp":"c"}),
            json!({"sub":"c"}),
            json!({"sub":"c@clients"}),
            json!({"client_id":"c","azp":"c","sub":"c@clients"}),
            json!({"client_id":"c","sub":"c"}),
        ] {
            assert_eq!(client_of(names, SubjectRule::Client).as_deref(), Ok("c"));
        }
        for names in [
            json!({"client_id":"c","azp":"d"}),
            json!({"client_id":"c","sub":"d"}),
            json!({"azp":"c","sub":"d@clients"}),
            json!({"client_id":"c","sub":"c@clients@clients"}),
        ] {
            assert_eq!(client_of(names, SubjectRule::Client), Err(VerifyError::ClientAmbiguous));
        }
        assert_eq!(client_of(json!({}), SubjectRule::Client), Err(VerifyError::ClaimMissing("client_id")));
    }

    #[test]
    fn a_token_tells_what_stands_in_its_claims() {
        let payload = r#"{"iss":"i","aud":["a","b"],"exp":20,"iat":10,"sub":"c","jti":"j","scope":"x y","extra":[1]}"#;
        let claims = Claims::parse(payload.into()).unwrap();
        let token = AccessToken::new(signed(claims), AccessTokenDialect::Rfc9068, SubjectRule::Client).unwrap();
        assert_eq!((token.issued_at(), token.expires_at(), token.jti()), (10, 20, Some("j")));
        assert_eq!(token.audience().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((token.scope().as_str(), token.scope().to_string()), ("x y", "x y".to_owned()));
        assert!(token.has_scope("y") && !token.has_scope("z"));
        assert_eq!(Value::Object(token.claims().clone()), serde_json::from_str::<Value>(payload).unwrap());
    }

    #[test]
    fn without_iat_nbf_is_the_moment_of_issue() {
        let issued_at = |names: &str| {
            let claims = Claims::parse(format!(r#"{{"iss":"i","aud":"a","exp":20,"sub":"c"{names}}}"#).into()).unwrap();
            let token = AccessToken::new(signed(claims), AccessTokenDialect::IdentityServer, SubjectRule::Client);
            token.map(|token| token.issued_at())
        };
        assert_eq!(issued_at(r#","nbf":5"#), Ok(5));
        assert_eq!(issued_at(r#","nbf":5,"iat":6"#), Ok(6));
        assert_eq!(issued_at(""), Err(VerifyError::ClaimMissing("iat")));
    }

    #[test]
    fn a_user_may_be_the_subject_where_that_is_allowed() {
        assert_eq!(client_of(json!({"client_id":"c","sub":"user"}), SubjectRule::Any).as_deref(), Ok("c"));
        assert_eq!(client_of(json!({"sub":"c"}), SubjectRule::Any).as_deref(), Ok("c"));
        for names in [json!({"client_id":"c","azp":"d"}), json!({"client_id":"c","sub":"d@clients"})] {
            assert_eq!(client_of(names, SubjectRule::Any), Err(VerifyError::ClientAmbiguous));
        }
    }
}
