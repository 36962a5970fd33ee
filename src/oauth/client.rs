//! What is a client to the authorization server: its id, its secrets and its grants (RFC 6749 §2).

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::client_key::{ClientKey, JwksUri};
use super::named_enum::named_enum;
use super::resource::Audience;
use super::scope::{ScopeSet, is_nqchar};
use crate::clock::UnixMillis;
use crate::secret::StoredSecret;

/// Longest client id in characters that can be stored.
pub const MAX_CLIENT_ID_LENGTH: usize = 255;

/// A client identifier (RFC 6749 §2.2): 1 to 255 characters of `%x21-7E`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Arc<str>);

/// Why a text is not a client id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClientId {
    /// It can be no client's id at all.
    #[error("a client id is 1 to {MAX_CLIENT_ID_LENGTH} printable ASCII characters without space")]
    Grammar,
    /// It could be imported, but may not be chosen for a new client.
    #[error("choose a client id of 1 to 64 characters from A-Z a-z 0-9 . _ ~ -")]
    Chosen,
}

impl ClientId {
    /// Parses an id for a client that is created here: 1 to 64 characters of `[A-Za-z0-9._~-]`, which mean the same
    /// raw and form-encoded, so that no spelling of Basic can break them.
    pub fn parse_chosen(text: &str) -> Result<Self, InvalidClientId> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
        let fits = (1..=64).contains(&text.len());
        if fits && text.bytes().all(unreserved) { Ok(Self(text.into())) } else { Err(InvalidClientId::Chosen) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// May the id be shown in an `error_description`, whose characters RFC 6749 §5.2 limits?
    pub fn is_quotable(&self) -> bool {
        self.0.bytes().all(is_nqchar)
    }
}

impl FromStr for ClientId {
    type Err = InvalidClientId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=MAX_CLIENT_ID_LENGTH).contains(&text.len());
        let printable = text.bytes().all(|byte| matches!(byte, 0x21..=0x7E));
        if fits && printable { Ok(Self(text.into())) } else { Err(InvalidClientId::Grammar) }
    }
}

impl Display for ClientId {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

named_enum! {
    /// How a client authenticates at the token endpoint (RFC 7591 §2 `token_endpoint_auth_method`).
    AuthenticationMethod {
        /// The secret in the `Authorization` header (RFC 6749 §2.3.1).
        ClientSecretBasic = "client_secret_basic",
        /// The secret in the body (RFC 6749 §2.3.1).
        ClientSecretPost = "client_secret_post",
        /// An assertion signed with a private key of the client's own (OpenID Connect Core §9, RFC 7523 §2.2).
        PrivateKeyJwt = "private_key_jwt",
    }
}

/// A limit on how many tokens a client may get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Tokens per hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<u32>,
    /// Tokens per day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
    /// Refuse what goes beyond, rather than only log it?
    #[serde(default)]
    pub enforce: bool,
}

/// What a client may ask of one API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientGrant {
    /// Our own id; never changes.
    pub id: Uuid,
    /// The API it is for.
    pub api_id: Uuid,
    /// The scopes granted, in the order given.
    pub scope: ScopeSet,
    /// What Auth0 documents beside the above: kept and shown, never acted upon.
    pub auth0_fields: serde_json::Map<String, serde_json::Value>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}

/// A registered client with all that a token decision needs.
#[derive(Clone, Debug)]
pub struct Client {
    /// Our own id; never changes.
    pub id: Uuid,
    /// The public identifier.
    pub client_id: ClientId,
    /// For people.
    pub name: String,
    /// Does it get tokens at all?
    pub enabled: bool,
    /// May it use the client credentials grant? Imported clients of other kinds are stored but may not.
    pub client_credentials_allowed: bool,
    /// The API meant when a request names none.
    pub default_audience: Option<Audience>,
    /// How it was registered to authenticate; empty: with whatever it has. A client with a secret may use it in the
    /// header or the body as it likes.
    pub authentication_methods: Vec<AuthenticationMethod>,
    /// Its secrets, oldest first.
    pub secrets: Vec<StoredSecret>,
    /// Its public keys, oldest first.
    pub keys: Vec<ClientKey>,
    /// Where it publishes further keys.
    pub jwks_uri: Option<JwksUri>,
    /// Its grants, oldest first; at most one per API.
    pub grants: Vec<ClientGrant>,
    /// Its quota, if any.
    pub quota: Option<Quota>,
    /// Claims for its tokens, issued as `client_…` in the `identityserver` dialect.
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// What Auth0 documents beside the above: kept and shown, never acted upon.
    pub auth0_fields: serde_json::Map<String, serde_json::Value>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}

impl Client {
    /// A client that is enabled and has nothing yet, made at `now`.
    pub fn new(id: Uuid, client_id: ClientId, now: UnixMillis) -> Self {
        Self {
            id,
            name: client_id.to_string(),
            client_id,
            enabled: true,
            client_credentials_allowed: true,
            default_audience: None,
            authentication_methods: Vec::new(),
            secrets: Vec::new(),
            keys: Vec::new(),
            jwks_uri: None,
            grants: Vec::new(),
            quota: None,
            claims: serde_json::Map::new(),
            auth0_fields: serde_json::Map::new(),
            created_at: now,
            updated_at: now,
        }
    }

    /// May this client be given anything at `now`? The one gate that every grant and every authentication method passes.
    pub const fn is_usable(&self, _now: UnixMillis) -> bool {
        self.enabled
    }

    /// May it authenticate with a secret? Not if it was set to a key: a secret that leaked must then be worth nothing.
    pub fn accepts_secrets(&self) -> bool {
        !self.authentication_methods.contains(&AuthenticationMethod::PrivateKeyJwt)
    }

    /// May it authenticate with an assertion? If it was set to that, or to nothing at all: so that a client with a
    /// secret can move to a key without standing still.
    pub fn accepts_assertions(&self) -> bool {
        let methods = &self.authentication_methods;
        methods.is_empty() || methods.contains(&AuthenticationMethod::PrivateKeyJwt)
    }

    /// Has it a key in use, or a place where it publishes keys, and so, if it was set to nothing, two ways to authenticate?
    pub fn has_key_in_use(&self) -> bool {
        self.jwks_uri.is_some() || self.keys.iter().any(|key| key.enabled)
    }

    /// Its key with our own id or the `kid` `which`.
    pub fn find_key(&self, which: &str) -> Option<&ClientKey> {
        let by_id = self.keys.iter().find(|key| key.id.to_string() == which);
        by_id.or_else(|| self.keys.iter().find(|key| key.kid.as_str() == which))
    }

    /// Its grant for the API `api_id`.
    pub fn grant_for(&self, api_id: Uuid) -> Option<&ClientGrant> {
        self.grants.iter().find(|grant| grant.api_id == api_id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rstest::rstest;

    use super::*;
    use crate::oauth::client_key::tests::client_key;

    fn client() -> Client {
        Client::new(Uuid::from_u128(1), "partner-a".parse().unwrap(), UnixMillis(0))
    }

    #[test]
    fn a_disabled_client_gets_nothing() {
        let client = client();
        assert_eq!(client.name, "partner-a", "until it is given another name");
        assert!(client.is_usable(UnixMillis(0)));
        assert!(!Client { enabled: false, ..client }.is_usable(UnixMillis(0)));
    }

    #[rstest]
    #[case::nothing(&[], true, true)]
    #[case::basic(&[AuthenticationMethod::ClientSecretBasic], true, false)]
    #[case::post(&[AuthenticationMethod::ClientSecretPost], true, false)]
    #[case::key(&[AuthenticationMethod::PrivateKeyJwt], false, true)]
    fn the_method_it_was_set_to_is_the_only_one(
        #[case] methods: &[AuthenticationMethod],
        #[case] secrets: bool,
        #[case] assertions: bool,
    ) {
        let client = Client { authentication_methods: methods.to_vec(), ..client() };
        assert_eq!((client.accepts_secrets(), client.accepts_assertions()), (secrets, assertions));
    }

    #[test]
    fn a_key_is_in_use_unless_it_is_disabled_and_a_place_for_keys_always() {
        let mut client = client();
        assert!(!client.has_key_in_use());
        client.keys = vec![ClientKey { enabled: false, ..client_key(1, "one") }];
        assert!(!client.has_key_in_use());
        client.keys.push(client_key(2, "two"));
        assert!(client.has_key_in_use());
        client.keys.clear();
        client.jwks_uri = "https://partner.example/jwks".parse().ok();
        assert!(client.has_key_in_use());
    }

    #[test]
    fn a_key_is_found_by_our_id_before_any_kid() {
        let ours = client_key(2, "two").id.to_string();
        let client =
            Client { keys: vec![client_key(1, &ours), client_key(2, "two"), client_key(3, "three")], ..client() };
        let found = |which: &str| client.find_key(which).map(|key| key.id.as_u128());
        assert_eq!((found(&ours), found("two"), found("three"), found("four")), (Some(2), Some(2), Some(3), None));
    }

    #[test]
    fn an_id_is_looked_up_as_text() {
        let known = HashSet::from([client().client_id]);
        assert!(known.contains("partner-a") && !known.contains("partner-b"));
    }

    #[test]
    fn a_chosen_id_is_stricter_than_a_stored_one() {
        assert!(ClientId::parse_chosen("partner-a").is_ok());
        assert_eq!(ClientId::parse_chosen("a:b"), Err(InvalidClientId::Chosen));
        assert_eq!(ClientId::parse_chosen(&"x".repeat(65)), Err(InvalidClientId::Chosen));
        assert!("a:b".parse::<ClientId>().is_ok());
    }

    #[test]
    fn no_id_holds_a_space_a_control_character_or_unicode() {
        for bad in ["", "a b", "a\tb", "a\0", "ü", "a\u{7f}"] {
            assert_eq!(bad.parse::<ClientId>(), Err(InvalidClientId::Grammar), "{bad:?}");
        }
        assert!("x".repeat(MAX_CLIENT_ID_LENGTH + 1).parse::<ClientId>().is_err());
    }

    #[test]
    fn an_id_with_a_quote_is_stored_but_never_quoted() {
        assert!(!"a\"b".parse::<ClientId>().unwrap().is_quotable());
        assert!("a:b".parse::<ClientId>().unwrap().is_quotable());
    }
}
