//! Which public keys may a client authenticate with? (RFC 7523 §2.2, RFC 7591 §2 `jwks` and `jwks_uri`)

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::sync::Arc;

use url::{Host, Url};
use uuid::Uuid;

use super::named_enum::named_enum;
use crate::clock::UnixMillis;
use crate::keys::PublicKey;

/// Keys that a client may have registered: enough to change them without haste, few enough to try them all.
pub const MAX_CLIENT_KEYS: usize = 10;

/// Longest `kid` in characters.
const MAX_KID_LENGTH: usize = 128;

/// Longest `jwks_uri` in characters.
const MAX_JWKS_URI_LENGTH: usize = 2048;

named_enum! {
    /// What a credential of a client is, in Auth0's words.
    CredentialType {
        /// A public key, whose private half signs the client's assertions.
        PublicKey = "public_key",
    }
}

/// The name of a key (RFC 7517 §4.5): 1 to 128 characters of `%x21-7E`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

/// Why a text is no [`KeyId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a kid is 1 to {MAX_KID_LENGTH} printable ASCII characters without space")]
pub struct InvalidKeyId;

impl KeyId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=MAX_KID_LENGTH).contains(&text.len());
        let printable = text.bytes().all(|byte| matches!(byte, 0x21..=0x7E));
        if fits && printable { Ok(Self(text.to_owned())) } else { Err(InvalidKeyId) }
    }
}

impl Display for KeyId {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A public key that was registered for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKey {
    /// Our own id; never changes.
    pub id: Uuid,
    /// What it is.
    pub credential_type: CredentialType,
    /// For people.
    pub name: Option<String>,
    /// By which assertions name it; unique within the client.
    pub kid: KeyId,
    /// The key and its one algorithm.
    pub key: PublicKey,
    /// Does it authenticate the client? At Auth0: do the client's `client_authentication_methods` refer to it?
    pub enabled: bool,
    /// When it was registered.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// When it stops working.
    pub expires_at: Option<UnixMillis>,
}

impl ClientKey {
    /// Does it work at `now`?
    pub fn is_live(&self, now: UnixMillis) -> bool {
        self.enabled && self.expires_at.is_none_or(|at| now < at)
    }
}

/// Where a client publishes its own keys: an absolute `https` URL without user and fragment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JwksUri(Arc<str>);

/// Why a text is no [`JwksUri`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("jwks_uri is an absolute https URL without user and fragment, of at most {MAX_JWKS_URI_LENGTH} characters")]
pub struct InvalidJwksUri;

impl JwksUri {
    /// The URL as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JwksUri {
    type Err = InvalidJwksUri;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What the URL parser would repair, such as `https:host` or `https:\\host`, other programs read as something else.
        let (scheme, rest) = text.split_once("://").ok_or(InvalidJwksUri)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let as_written = scheme.eq_ignore_ascii_case("https") && !authority.is_empty() && !authority.contains('@');
        let url = Url::parse(text).map_err(|_| InvalidJwksUri)?;
        let named = matches!(url.host(), Some(Host::Domain(name)) if !name.is_empty())
            || matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
        let characters = text.bytes().all(|byte| matches!(byte, 0x21..=0x7E) && byte != b'\\');
        let fits = text.len() <= MAX_JWKS_URI_LENGTH && characters;
        if as_written && named && url.fragment().is_none() && fits {
            Ok(Self(text.into()))
        } else {
            Err(InvalidJwksUri)
        }
    }
}

impl Display for JwksUri {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::keys::PublicParameters;

    /// A key that is in use, with the id `number` of ours.
    pub(in crate::oauth) fn client_key(number: u128, kid: &str) -> ClientKey {
        // RFC 8037 §A.2
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned();
        ClientKey {
            id: Uuid::from_u128(number),
            credential_type: CredentialType::PublicKey,
            name: None,
            kid: kid.parse().unwrap(),
            key: PublicKey::new(PublicParameters::Okp { crv: "Ed25519".to_owned(), x }, None).unwrap(),
            enabled: true,
            created_at: UnixMillis(0),
            updated_at: UnixMillis(0),
            expires_at: None,
        }
    }

    #[test]
    fn a_key_works_while_it_is_enabled_and_until_it_expires() {
        let live = |enabled, expires_at| ClientKey { enabled, expires_at, ..client_key(1, "k") }.is_live(UnixMillis(5));
        assert!(live(true, None) && live(true, Some(UnixMillis(6))));
        assert!(!live(true, Some(UnixMillis(5))) && !live(true, Some(UnixMillis(4))));
        assert!(!live(false, None) && !live(false, Some(UnixMillis(6))));
    }

    #[test]
    fn a_jwks_uri_is_an_absolute_https_url() {
        for good in ["https://partner.example/jwks", "https://partner.example:8443/a/b?c=d", "https://[2001:db8::1]/"] {
            let uri = good.parse::<JwksUri>().unwrap();
            assert_eq!((uri.as_str(), uri.to_string().as_str()), (good, good));
        }
        let long = format!("https://partner.example/{}", "a".repeat(MAX_JWKS_URI_LENGTH));
        for bad in [
            "",
            "partner.example/jwks",
            "/jwks",
            "http://partner.example/jwks",
            "file:///etc/passwd",
            "https://",
            "https:partner.example/jwks",
            "https:/partner.example/jwks",
            "https:///partner.example/jwks",
            r"https:\\partner.example\jwks",
            r"https://partner.example\@other.example/",
            "https://@partner.example/",
            "https://user@partner.example/",
            "https://user:password@partner.example/",
            "https://partner.example/#keys",
            " https://partner.example/",
            "https://partner.example/\n",
            "https://pärtner.example/",
            &long,
        ] {
            assert_eq!(bad.parse::<JwksUri>(), Err(InvalidJwksUri), "{bad}");
        }
    }

    #[test]
    fn a_kid_is_printable_and_short() {
        let thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        let kid = thumbprint.parse::<KeyId>().unwrap();
        assert_eq!((kid.as_str(), kid.to_string().as_str()), (thumbprint, thumbprint));
        for bad in ["", "a b", "a\n", "ü", &"x".repeat(MAX_KID_LENGTH + 1)] {
            assert_eq!(bad.parse::<KeyId>(), Err(InvalidKeyId), "{bad:?}");
        }
    }
}
