//! Does a client assertion prove which client sent it? (RFC 7521 §4.2 and §5.2, RFC 7523 §3, OpenID Connect Core §9,
//! RFC 8725, draft-ietf-oauth-rfc7523bis)
//!
//! Each step has a type of its own, so that none can be left out: [`UnverifiedAssertion`] says only whose keys to try,
//! [`VerifiedAssertion`] has the right signature, [`AcceptedAssertion`] also the right claims, and is good once.

use serde_json::Value;
use tokenhouse_verifier::jws::{CompactJws, JsonObject, ProtectedHeader, parse_json_object};
use tokenhouse_verifier::{Algorithm, JsonObjectError, VerificationKey, VerifyError};

use super::client::ClientId;
use super::metadata::Issuer;
use crate::clock::UnixMillis;

/// The one `client_assertion_type` (RFC 7523 §2.2).
pub const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Longest assertion that is looked at, in bytes.
pub const MAX_ASSERTION_BYTES: usize = 8 * 1024;

/// Longest `jti` in bytes.
const MAX_JTI_BYTES: usize = 256;

/// Longest lifetime under the strict rules, in seconds.
const STRICT_LIFETIME: i64 = 300;

/// Largest instant accepted, in Unix seconds: beyond it not every JSON parser reads the same integer (RFC 8259 §6).
const MAX_INSTANT: i64 = 1 << 53;

/// How long a used assertion is remembered after its end, in seconds: for replicas whose clocks go after ours.
const REMEMBERED_AFTER_END: i64 = 60;

/// Why an assertion is not taken. The caller hears one and the same for all of them; the words are for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionRefusal {
    /// Not a JWS that is looked at.
    #[error("it cannot be read: {0}")]
    Unreadable(VerifyError),
    /// The payload is no JSON object.
    #[error("its payload {0}")]
    Payload(JsonObjectError),
    /// `typ` of another kind of JWT (RFC 8725 §3.11).
    #[error("its typ is that of another kind of token, or is missing where client_assertions.strict wants it")]
    WrongType,
    /// A claim that must be there.
    #[error("it has no {0}")]
    ClaimMissing(&'static str),
    /// A claim of another type, or out of bounds.
    #[error("its {0} is not what it must be")]
    ClaimMalformed(&'static str),
    /// `client_id` beside it names another client.
    #[error("the parameter client_id is not its sub")]
    ClientIdsDiffer,
    /// No client of that id.
    #[error("its sub is no client")]
    UnknownClient,
    /// The client is disabled.
    #[error("the client is disabled")]
    ClientDisabled,
    /// The client is set to another way to authenticate.
    #[error("the client is set to authenticate with its secret: set its authentication method to private_key_jwt")]
    NotSetToKeys,
    /// No live key of the client has that `kid` and `alg`.
    #[error("no live key of the client has its kid and alg")]
    NoSuchKey,
    /// The keys that the client publishes cannot be fetched.
    #[error("the keys at the client's jwks_uri cannot be fetched; the log says why")]
    KeysUnavailable,
    /// The signature is of none of the keys.
    #[error("its signature is wrong")]
    WrongSignature,
    /// `iss` is not `sub`.
    #[error("its iss is not its sub")]
    IssuerNotSubject,
    /// Meant for somebody else.
    #[error("its aud is not this issuer")]
    WrongAudience,
    /// Over.
    #[error("it expired {0} s ago")]
    Expired(i64),
    /// From the future.
    #[error("it is not valid yet: the clocks differ by {0} s")]
    NotYetValid(i64),
    /// It lives longer than is allowed.
    #[error(
        "it lives longer than client_assertions.max_lifetime_seconds, or than five minutes where the rules are strict"
    )]
    LivesTooLong,
    /// Used before.
    #[error("it was used before")]
    Replayed,
}

/// What an assertion must be.
#[derive(Clone, Debug)]
pub struct AssertionRules {
    audiences: Vec<String>,
    strict: bool,
    max_lifetime: i64,
    clock_tolerance: i64,
}

impl AssertionRules {
    /// The rules of `issuer`; times are seconds.
    ///
    /// The audience is the issuer, with or without a closing slash, or the token endpoint (RFC 7523 §3). The strict
    /// rules, those of rfc7523bis, take nothing but the issuer, at most five minutes and an explicit `typ`.
    pub fn new(issuer: &Issuer, strict: bool, max_lifetime: u32, clock_tolerance: u32) -> Self {
        let identifier = issuer.as_str();
        let audiences = if strict {
            vec![identifier.to_owned()]
        } else {
            let other = identifier.strip_suffix('/').map_or_else(|| format!("{identifier}/"), str::to_owned);
            vec![identifier.to_owned(), other, issuer.endpoint("oauth/token"), issuer.endpoint("connect/token")]
        };
        let max_lifetime = i64::from(max_lifetime);
        let max_lifetime = if strict { max_lifetime.min(STRICT_LIFETIME) } else { max_lifetime };
        Self { audiences, strict, max_lifetime, clock_tolerance: i64::from(clock_tolerance) }
    }

    fn accept_typ(&self, typ: Option<&str>) -> bool {
        let Some(typ) = typ else { return !self.strict };
        // RFC 7515 §4.1.9: `application/` may be left out; media types have no case.
        let typ = typ.to_ascii_lowercase();
        let subtype = typ.strip_prefix("application/").unwrap_or(&typ);
        subtype == "client-authentication+jwt" || (subtype == "jwt" && !self.strict)
    }

    /// Exactly one value, and one of ours: an assertion that is also meant for somebody else could be used there, and one
    /// made for somebody else here (CVE-2025-27370, CVE-2025-27371).
    fn accept_audience(&self, audience: &Value) -> bool {
        let single = match audience {
            Value::Array(members) if !self.strict => match members.as_slice() {
                [one] => one.as_str(),
                _ => None,
            },
            other => other.as_str(),
        };
        single.is_some_and(|audience| self.audiences.iter().any(|ours| ours == audience))
    }

    /// RFC 7523 §3: exp must be there and ahead; nbf and iat may be there and must not be. Returns exp.
    fn validate_times(&self, claims: &JsonObject, now: i64) -> Result<i64, AssertionRefusal> {
        let expires_at = instant(claims, "exp")?.ok_or(AssertionRefusal::ClaimMissing("exp"))?;
        let (issued_at, valid_from) = (instant(claims, "iat")?, instant(claims, "nbf")?);
        if now >= expires_at + self.clock_tolerance {
            return Err(AssertionRefusal::Expired(now - expires_at));
        }
        let start = issued_at.max(valid_from).unwrap_or(now);
        if start > now + self.clock_tolerance {
            return Err(AssertionRefusal::NotYetValid(start - now));
        }
        // Without iat its life is counted from now, and its maker's clock may go before ours.
        let longest = match issued_at {
            Some(issued_at) => issued_at + self.max_lifetime,
            None => now + self.max_lifetime + self.clock_tolerance,
        };
        if expires_at > longest {
            return Err(AssertionRefusal::LivesTooLong);
        }
        Ok(expires_at)
    }
}

/// An assertion of which nothing is believed yet.
pub struct UnverifiedAssertion<'a> {
    jws: CompactJws<'a>,
    header: ProtectedHeader,
    claims: JsonObject,
    subject: String,
}

impl<'a> UnverifiedAssertion<'a> {
    /// Takes the assertion `text` apart.
    ///
    /// # Errors
    /// If it is no JWS with a `sub`, or one that parsers disagree about.
    pub fn parse(text: &'a str) -> Result<Self, AssertionRefusal> {
        let jws = CompactJws::parse(text, MAX_ASSERTION_BYTES).map_err(AssertionRefusal::Unreadable)?;
        let header = ProtectedHeader::parse(&jws.header).map_err(AssertionRefusal::Unreadable)?;
        let claims = parse_json_object(&jws.payload).map_err(AssertionRefusal::Payload)?;
        let subject = string(&claims, "sub")?.to_owned();
        Ok(Self { jws, header, claims, subject })
    }

    /// Whose keys to try: the `sub`, which may be nobody's.
    pub fn claimed_client_id(&self) -> &str {
        &self.subject
    }

    /// Which key it asks for.
    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// With which algorithm it says that it is signed; a key of another one is never tried (RFC 8725 §3.1).
    pub const fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    /// This assertion as one of the owner of `keys`.
    ///
    /// # Errors
    /// If it is signed with none of them.
    pub fn verify<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k VerificationKey>,
    ) -> Result<VerifiedAssertion<'_>, AssertionRefusal> {
        let is_signed_with = |key: &VerificationKey| {
            key.algorithm() == self.algorithm()
                && key.verify_signature(self.jws.signing_input.as_bytes(), &self.jws.signature)
        };
        if keys.into_iter().any(is_signed_with) {
            Ok(VerifiedAssertion(self))
        } else {
            Err(AssertionRefusal::WrongSignature)
        }
    }
}

/// An assertion with the right signature.
pub struct VerifiedAssertion<'a>(&'a UnverifiedAssertion<'a>);

/// An assertion that authenticates its client, if it has not been used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedAssertion {
    /// Its name, unique within the client.
    pub jti: String,
    /// Until when it must be remembered that it was used.
    pub remember_until: UnixMillis,
}

impl VerifiedAssertion<'_> {
    /// Judges the claims of an assertion of `client_id` at `now`.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn validate(
        &self,
        rules: &AssertionRules,
        client_id: &ClientId,
        now: UnixMillis,
    ) -> Result<AcceptedAssertion, AssertionRefusal> {
        let UnverifiedAssertion { header, claims, subject, .. } = self.0;
        if !rules.accept_typ(header.typ.as_deref()) {
            return Err(AssertionRefusal::WrongType);
        }
        // RFC 7523 §3: "For client authentication, the subject MUST be the client_id", and OpenID Connect Core §9: iss too.
        if string(claims, "iss")? != subject || subject != client_id.as_str() {
            return Err(AssertionRefusal::IssuerNotSubject);
        }
        let audience = claims.get("aud").ok_or(AssertionRefusal::ClaimMissing("aud"))?;
        if !rules.accept_audience(audience) {
            return Err(AssertionRefusal::WrongAudience);
        }
        let expires_at = rules.validate_times(claims, now.floor_seconds())?;
        let jti = string(claims, "jti")?;
        if jti.len() > MAX_JTI_BYTES {
            return Err(AssertionRefusal::ClaimMalformed("jti"));
        }
        let remembered = rules.clock_tolerance + REMEMBERED_AFTER_END;
        let remember_until = UnixMillis(0).plus_seconds(expires_at).plus_seconds(remembered);
        Ok(AcceptedAssertion { jti: jti.to_owned(), remember_until })
    }
}

/// A claim that must be a string with something in it.
fn string<'c>(claims: &'c JsonObject, name: &'static str) -> Result<&'c str, AssertionRefusal> {
    match claims.get(name) {
        None => Err(AssertionRefusal::ClaimMissing(name)),
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) => Err(AssertionRefusal::ClaimMalformed(name)),
    }
}

/// A `NumericDate` (RFC 7519 §2): a whole number of seconds, no fraction or exponent, as in access tokens.
fn instant(claims: &JsonObject, name: &'static str) -> Result<Option<i64>, AssertionRefusal> {
    match claims.get(name).map(Value::as_i64) {
        None => Ok(None),
        Some(Some(seconds)) if (0..=MAX_INSTANT).contains(&seconds) => Ok(Some(seconds)),
        Some(_) => Err(AssertionRefusal::ClaimMalformed(name)),
    }
}

#[cfg(test)]
mod tests;
