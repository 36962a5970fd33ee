//! Which claims does an access token carry? (RFC 9068 §2, and the dialects of Auth0 and IdentityServer)

use serde_json::{Map, Value};

use super::client::Client;
use super::resource::{Api, Compat, ScopeFormat, TokenDialect};
use super::scope::ScopeSet;
use crate::json_text::ObjectText;

/// The access that a token carries: all that its claims are made of, but for time and identifier.
#[derive(Clone, Copy, Debug)]
pub struct TokenSubject<'a> {
    /// The issuer identifier, byte for byte as configured.
    pub issuer: &'a str,
    /// The client it is issued to.
    pub client: &'a Client,
    /// The API it is for.
    pub api: &'a Api,
    /// The scopes it carries.
    pub scope: &'a ScopeSet,
    /// The server's habits, for an API without a dialect of its own.
    pub compat: Compat,
}

/// What all tokens for the same access have in common: written once, and completed for each.
#[derive(Clone, Debug)]
pub struct AccessTokenTemplate {
    typ: &'static str,
    expires_in: u32,
    shared: ObjectText,
    has_jti: bool,
    has_nbf: bool,
}

/// Room for the members that differ from token to token.
const VARIABLE_BYTES: usize = 128;

impl AccessTokenTemplate {
    /// The template in the dialect of the API.
    pub fn of(subject: &TokenSubject<'_>) -> Self {
        let TokenSubject { issuer, client, api, scope, compat } = *subject;
        let dialect = api.token_dialect.unwrap_or_else(|| compat.default_dialect());
        let client_id = client.client_id.as_str();
        let mut shared = ObjectText::with_capacity(0);
        shared.string("iss", issuer);
        let (has_jti, has_nbf) = match dialect {
            TokenDialect::Rfc9068Profile | TokenDialect::Rfc9068ProfileAuthz => {
                shared.string("sub", client_id);
                shared.string("client_id", client_id);
                (true, false)
            }
            TokenDialect::AccessToken | TokenDialect::AccessTokenAuthz => {
                shared.string("sub", &format!("{client_id}@clients"));
                shared.string("azp", client_id);
                shared.string("gty", "client-credentials");
                (false, false)
            }
            TokenDialect::IdentityServer => {
                shared.string("client_id", client_id);
                add_client_claims(&mut shared, &client.claims);
                (true, true)
            }
        };
        shared.string("aud", api.identifier.as_str());
        add_scope(&mut shared, scope, api.scope_format, dialect);
        if dialect.has_permissions() {
            shared.strings("permissions", values(scope));
        }
        Self { typ: dialect.typ(), expires_in: api.token_lifetime.seconds(), shared, has_jti, has_nbf }
    }

    /// The header `typ`.
    pub const fn typ(&self) -> &'static str {
        self.typ
    }

    /// Seconds from its issue until a token expires.
    pub const fn expires_in(&self) -> u32 {
        self.expires_in
    }

    /// How many bytes the template takes.
    pub const fn bytes(&self) -> usize {
        self.shared.bytes()
    }

    /// The claims, as JSON, of the token issued at `issued_at` with the identifier `jti`.
    ///
    /// `issued_at` is Unix time in whole seconds, rounded down: a verifier without leeway must not see a future `iat`. `jti` is
    /// new each time (RFC 7519 §4.1.7).
    pub fn claims(&self, issued_at: i64, jti: &str) -> String {
        let mut claims = self.shared.with_room(VARIABLE_BYTES);
        claims.number("iat", issued_at);
        claims.number("exp", issued_at.saturating_add(i64::from(self.expires_in)));
        if self.has_nbf {
            claims.number("nbf", issued_at);
        }
        if self.has_jti {
            claims.string("jti", jti);
        }
        claims.finish()
    }
}

fn values(scope: &ScopeSet) -> impl Iterator<Item = &str> {
    scope.iter().map(super::scope::ScopeValue::as_str)
}

/// The claim `scope`; an empty scope is left out (RFC 9068 §2.2.3).
fn add_scope(claims: &mut ObjectText, scope: &ScopeSet, format: Option<ScopeFormat>, dialect: TokenDialect) {
    if scope.is_empty() {
        return;
    }
    match format.unwrap_or(dialect.default_scope_format()) {
        // No scope value holds a quote or a backslash (RFC 6749 §3.3).
        ScopeFormat::String => claims.plain_string("scope", &scope.to_string()),
        ScopeFormat::Array => claims.strings("scope", values(scope)),
    }
}

/// IdentityServer puts `client_` before a client's claims; `client_id` itself is never overwritten.
fn add_client_claims(claims: &mut ObjectText, of_client: &Map<String, Value>) {
    for (name, value) in of_client.iter().filter(|(name, _)| *name != "id") {
        claims.value(&format!("client_{name}"), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::UnixMillis;
    use crate::oauth::resource::Lifetime;

    fn token(
        dialect: Option<TokenDialect>,
        compat: Compat,
        format: Option<ScopeFormat>,
        scope: &str,
    ) -> (String, Value) {
        let lifetime = Lifetime::try_from(100).unwrap();
        let api = Api {
            token_dialect: dialect,
            scope_format: format,
            ..Api::new(uuid::Uuid::nil(), "https://api/".parse().unwrap(), lifetime, UnixMillis(0))
        };
        let client = Client {
            claims: json!({"tier": "gold", "id": "evil"}).as_object().unwrap().clone(),
            ..Client::new(uuid::Uuid::nil(), "a".parse().unwrap(), UnixMillis(0))
        };
        let scope = ScopeSet::parse(scope).unwrap();
        let issuer = "https://issuer/";
        let subject = TokenSubject { issuer, client: &client, api: &api, scope: &scope, compat };
        let template = AccessTokenTemplate::of(&subject);
        assert_eq!(template.expires_in(), 100);
        let claims = template.claims(1_000, "j1");
        let own = r#","iat":1000,"nbf":1000,"exp":1100,"jti":"j1"}"#;
        assert!(claims.len() <= template.bytes() + own.len(), "all but these is written already");
        (template.typ().to_owned(), serde_json::from_str(&claims).unwrap())
    }

    #[test]
    fn rfc9068_is_the_default_dialect() {
        let (typ, claims) = token(None, Compat::Standard, None, "x y");
        assert_eq!(typ, "at+jwt");
        assert_eq!(
            claims,
            json!({"iss":"https://issuer/","sub":"a","aud":"https://api/","iat":1000,"exp":1100,"client_id":"a","jti":"j1","scope":"x y"})
        );
    }

    #[test]
    fn auth0_tokens_look_like_auth0s() {
        let (typ, claims) = token(None, Compat::Auth0, None, "x");
        assert_eq!(typ, "JWT");
        assert_eq!(
            claims,
            json!({"iss":"https://issuer/","sub":"a@clients","aud":"https://api/","iat":1000,"exp":1100,"azp":"a","gty":"client-credentials","scope":"x"})
        );
        let (_, authz) = token(Some(TokenDialect::AccessTokenAuthz), Compat::Standard, None, "x y");
        assert_eq!(authz["permissions"], json!(["x", "y"]));
    }

    #[test]
    fn identityserver_tokens_have_a_scope_array_prefixed_claims_and_no_sub() {
        let (typ, claims) = token(None, Compat::IdentityServer, None, "x");
        assert_eq!(typ, "at+jwt");
        assert_eq!(
            claims,
            json!({"iss":"https://issuer/","aud":"https://api/","iat":1000,"nbf":1000,"exp":1100,"client_id":"a","jti":"j1","scope":["x"],"client_tier":"gold"})
        );
    }

    #[test]
    fn an_empty_scope_is_left_out_and_the_format_can_be_chosen() {
        assert!(token(None, Compat::Standard, None, "").1.get("scope").is_none());
        assert_eq!(token(None, Compat::Standard, Some(ScopeFormat::Array), "x").1["scope"], json!(["x"]));
        assert_eq!(token(None, Compat::IdentityServer, Some(ScopeFormat::String), "x").1["scope"], json!("x"));
    }
}
