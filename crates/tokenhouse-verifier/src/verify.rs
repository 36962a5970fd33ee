//! Is this an access token of our issuer for us? (RFC 9068 §4, RFC 7515 §5.2, RFC 7519 §7.2)

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::access_token::{AccessToken, SubjectRule};
use crate::claims::Claims;
use crate::dialect::AccessTokenDialect;
use crate::error::VerifyError;
use crate::header::JoseHeader;
use crate::header_memory::HeaderMemory;
use crate::jwk_set::JwkSet;
use crate::signature_cache::{SignatureCache, SignedToken};
use crate::token::{CompactJws, DEFAULT_MAX_TOKEN_BYTES};

/// Clock difference tolerated unless configured otherwise.
pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);

/// Valid signatures remembered unless configured otherwise.
const DEFAULT_REMEMBERED_SIGNATURES: u64 = 10_000;

/// The rules by which tokens are judged. It does no I/O and reads no clock: keys and time are handed in.
///
/// ```
/// use std::time::Duration;
/// use tokenhouse_verifier::{AccessTokenDialect, Verifier};
///
/// let verifier = Verifier::new("https://issuer.example/", "https://api.example/")
///     .accept_dialects([AccessTokenDialect::Rfc9068, AccessTokenDialect::Auth0])
///     .leeway(Duration::from_secs(5))
///     .max_lifetime(Duration::from_secs(3600));
/// # let _ = verifier;
/// ```
pub struct Verifier {
    issuer: String,
    audience: String,
    dialects: Vec<AccessTokenDialect>,
    subject: SubjectRule,
    leeway: u64,
    max_token_bytes: usize,
    max_lifetime: Option<u64>,
    signatures: SignatureCache,
    headers: HeaderMemory,
}

impl Verifier {
    /// Rules for tokens of `issuer` (compared byte for byte with `iss`) meant for `audience` (one of `aud`). Until told
    /// otherwise, they must be of RFC 9068's form and no longer than 8 KiB; clocks may differ by 30 seconds.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            dialects: vec![AccessTokenDialect::Rfc9068],
            subject: SubjectRule::default(),
            leeway: DEFAULT_LEEWAY.as_secs(),
            max_token_bytes: DEFAULT_MAX_TOKEN_BYTES,
            max_lifetime: None,
            signatures: SignatureCache::new(DEFAULT_REMEMBERED_SIGNATURES),
            headers: HeaderMemory::default(),
        }
    }

    /// Accepts tokens of these dialects and no others.
    #[must_use]
    pub fn accept_dialects(mut self, dialects: impl IntoIterator<Item = AccessTokenDialect>) -> Self {
        self.dialects = dialects.into_iter().collect();
        self
    }

    /// Says whom `sub` may name.
    #[must_use]
    pub const fn subject_rule(mut self, rule: SubjectRule) -> Self {
        self.subject = rule;
        self
    }

    /// Tolerates this difference between the issuer's clock and ours, in whole seconds.
    #[must_use]
    pub const fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.as_secs();
        self
    }

    /// Refuses tokens longer than this many octets.
    #[must_use]
    pub const fn max_token_bytes(mut self, max_bytes: usize) -> Self {
        self.max_token_bytes = max_bytes;
        self
    }

    /// Refuses tokens that were issued to live longer than this, in whole seconds.
    #[must_use]
    pub const fn max_lifetime(mut self, max_lifetime: Duration) -> Self {
        self.max_lifetime = Some(max_lifetime.as_secs());
        self
    }

    /// Remembers at most this many valid signatures, each with the claims that it covers, in about two kilobytes; 0 remembers
    /// none.
    #[must_use]
    pub fn remember_signatures(mut self, count: u64) -> Self {
        self.signatures = SignatureCache::new(count);
        self
    }

    /// The configured issuer identifier.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The configured audience.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Verifies `token` with the issuer's `keys` at `now`, in Unix seconds.
    pub fn verify(&self, token: &str, keys: &JwkSet, now: u64) -> Result<AccessToken, VerifyError> {
        match self.recall(token, keys) {
            Some(known) => self.judge(&known, now),
            None => self.verify_parsed(self.parse(token)?, keys, now),
        }
    }

    /// What `token` says, if its signature has been found valid under these very `keys`. Nothing of it has been judged.
    pub(crate) fn recall(&self, token: &str, keys: &JwkSet) -> Option<Arc<SignedToken>> {
        // What is too long was never remembered, and is not even hashed.
        if token.len() > self.max_token_bytes { None } else { self.signatures.find(token, keys) }
    }

    /// The part of the check that needs no key, so that a malformed token never makes anyone fetch one.
    pub(crate) fn parse<'a>(&self, token: &'a str) -> Result<ParsedToken<'a>, VerifyError> {
        let jws = CompactJws::parse(token, self.max_token_bytes)?;
        let header = match self.headers.find(&jws.header) {
            Some(known) => known,
            None => Arc::new(JoseHeader::parse(&jws.header)?),
        };
        if !self.dialects.iter().any(|dialect| dialect.accepts_typ(header.typ.as_deref())) {
            return Err(VerifyError::TypNotAccepted { typ: header.typ.clone() });
        }
        Ok(ParsedToken { text: token, jws, header })
    }

    /// The rest of the check. That the signature is valid, and what it covers, is remembered; the claims are judged anew
    /// each time.
    pub(crate) fn verify_parsed(
        &self,
        token: ParsedToken<'_>,
        keys: &JwkSet,
        now: u64,
    ) -> Result<AccessToken, VerifyError> {
        let ParsedToken { text, jws, header } = token;
        let key = keys.find(&header.kid, header.algorithm)?;
        if !key.verify_signature(jws.signing_input.as_bytes(), &jws.signature) {
            return Err(VerifyError::SignatureInvalid);
        }
        let claims = Arc::new(Claims::parse(jws.payload)?);
        self.headers.keep(jws.header, &header);
        let signed = Arc::new(SignedToken { header, claims });
        self.signatures.remember(text, keys, Arc::clone(&signed));
        self.judge(&signed, now)
    }

    /// Is what is signed an access token for us, at `now`?
    pub(crate) fn judge(&self, signed: &SignedToken, now: u64) -> Result<AccessToken, VerifyError> {
        let claims = &signed.claims;
        let dialect = self.recognise(signed.header.typ.as_deref(), claims)?;
        self.validate_issuer_and_audience(claims)?;
        self.validate_times(claims, now)?;
        AccessToken::new(Arc::clone(claims), dialect, self.subject)
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
        if claims.iss != self.issuer {
            return Err(VerifyError::WrongIssuer { expected: self.issuer.clone(), found: claims.iss.clone() });
        }
        // RFC 7519 §4.1.3: a case-sensitive match with one whole member.
        if !claims.aud.contains(&self.audience) {
            return Err(VerifyError::WrongAudience { expected: self.audience.clone(), found: claims.aud.clone() });
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

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verifier")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("dialects", &self.dialects)
            .finish_non_exhaustive()
    }
}

/// A token whose shape and header are acceptable, and nothing more.
#[derive(Debug)]
pub(crate) struct ParsedToken<'a> {
    text: &'a str,
    jws: CompactJws<'a>,
    header: Arc<JoseHeader>,
}

impl ParsedToken<'_> {
    /// The `kid` of the key it asks for.
    pub(crate) fn kid(&self) -> &str {
        &self.header.kid
    }
}
