//! Which claims does an access token carry? (RFC 9068 §2, and the dialects of Auth0 and IdentityServer)

use serde_json::{Map, Value};

use super::client::Client;
use super::resource::{Api, Compat, ScopeFormat, TokenDialect};
use super::scope::ScopeSet;
use crate::json_text::ObjectText;

/// All that a token's claims are made of.
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
    /// Unix time in whole seconds, rounded down: a verifier without leeway must not see a future `iat`.
    pub issued_at: i64,
    /// A new unique identifier (RFC 7519 §4.1.7).
    pub jti: &'a str,
}

/// The header `typ` and the claims of a token, not yet signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsignedToken {
    /// The header `typ`.
    pub typ: &'static str,
    /// The claims as JSON.
    pub claims: String,
    /// Seconds until it expires.
    pub expires_in: u32,
}

/// Room for the claims beside the texts that are counted: names, numbers, punctuation.
const FIXED_BYTES: usize = 256;

/// Builds the claims of an access token in the dialect of its API.
pub fn build_access_token(subject: &TokenSubject<'_>) -> UnsignedToken {
    let TokenSubject { issuer, client, api, scope, compat, issued_at, jti } = *subject;
    let dialect = api.token_dialect.unwrap_or_else(|| compat.default_dialect());
    let client_id = client.client_id.as_str();
    let expires_in = api.token_lifetime.seconds();
    let room = FIXED_BYTES + issuer.len() + api.identifier.as_str().len() + 2 * client_id.len();
    let mut claims = ObjectText::with_capacity(room);
    claims.string("iss", issuer);
    let typ = match dialect {
        TokenDialect::Rfc9068Profile | TokenDialect::Rfc9068ProfileAuthz => {
            claims.string("sub", client_id);
            claims.string("client_id", client_id);
            claims.string("jti", jti);
            "at+jwt"
        }
        TokenDialect::AccessToken | TokenDialect::AccessTokenAuthz => {
            claims.string("sub", &format!("{client_id}@clients"));
            claims.string("azp", client_id);
            claims.string("gty", "client-credentials");
            "JWT"
        }
        TokenDialect::IdentityServer => {
            claims.string("client_id", client_id);
            claims.string("jti", jti);
            claims.number("nbf", issued_at);
            add_client_claims(&mut claims, &client.claims);
            "at+jwt"
        }
    };
    claims.string("aud", api.identifier.as_str());
    claims.number("iat", issued_at);
    claims.number("exp", issued_at.saturating_add(i64::from(expires_in)));
    add_scope(&mut claims, scope, api.scope_format, dialect);
    if matches!(dialect, TokenDialect::Rfc9068ProfileAuthz | TokenDialect::AccessTokenAuthz) {
        claims.strings("permissions", values(scope));
    }
    UnsignedToken { typ, claims: claims.finish(), expires_in }
}

fn values(scope: &ScopeSet) -> impl Iterator<Item = &str> {
    scope.iter().map(super::scope::ScopeValue::as_str)
}

/// The claim `scope`; an empty scope is left out (RFC 9068 §2.2.3).
fn add_scope(claims: &mut ObjectText, scope: &ScopeSet, format: Option<ScopeFormat>, dialect: TokenDialect) {
    if scope.is_empty() {
        return;
    }
    let default = if dialect == TokenDialect::IdentityServer { ScopeFormat::Array } else { ScopeFormat::String };
    match format.unwrap_or(default) {
        // No scope value holds a quote or a backslash (RFC 6749 §3.3).
        ScopeFormat::String => claims.plain_string("scope", scope),
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
        let built = build_access_token(&TokenSubject {
            issuer: "https://issuer/",
            client: &client,
            api: &api,
            scope: &scope,
            compat,
            issued_at: 1_000,
            jti: "j1",
        });
        assert_eq!(built.expires_in, 100);
        (built.typ.to_owned(), serde_json::from_str(&built.claims).unwrap())
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
