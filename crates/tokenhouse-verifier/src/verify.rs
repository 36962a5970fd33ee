//! Is this an access token of our issuer for us? Its shape, its signature, and then the rules. (RFC 7515 §5.2, RFC 7519 §7.2)

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
use crate::rules::Rules;
use crate::signature_cache::{SignatureCache, SignedToken, TokenDigest};
use crate::token::{DEFAULT_MAX_TOKEN_BYTES, JwsParts};

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
    rules: Rules,
    max_token_bytes: usize,
    signatures: SignatureCache,
    headers: HeaderMemory,
}

impl Verifier {
    /// Rules for tokens of `issuer` (compared byte for byte with `iss`) meant for `audience` (one of `aud`). Until told
    /// otherwise, they must be of RFC 9068's form and no longer than 8 KiB; clocks may differ by 30 seconds.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            rules: Rules {
                issuer: issuer.into(),
                audience: audience.into(),
                dialects: vec![AccessTokenDialect::Rfc9068],
                subject: SubjectRule::default(),
                leeway: DEFAULT_LEEWAY.as_secs(),
                max_lifetime: None,
            },
            max_token_bytes: DEFAULT_MAX_TOKEN_BYTES,
            signatures: SignatureCache::new(DEFAULT_REMEMBERED_SIGNATURES),
            headers: HeaderMemory::default(),
        }
    }

    /// Accepts tokens of these dialects and no others.
    #[must_use]
    pub fn accept_dialects(mut self, dialects: impl IntoIterator<Item = AccessTokenDialect>) -> Self {
        self.rules.dialects = dialects.into_iter().collect();
        self
    }

    /// Says whom `sub` may name.
    #[must_use]
    pub const fn subject_rule(mut self, rule: SubjectRule) -> Self {
        self.rules.subject = rule;
        self
    }

    /// Tolerates this difference between the issuer's clock and ours, in whole seconds.
    #[must_use]
    pub const fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway.as_secs();
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
        self.rules.max_lifetime = Some(max_lifetime.as_secs());
        self
    }

    /// Remembers at most this many valid signatures, each with the claims that it covers, in about one kilobyte; 0 remembers
    /// none.
    #[must_use]
    pub fn remember_signatures(mut self, count: u64) -> Self {
        self.signatures = SignatureCache::new(count);
        self
    }

    /// The configured issuer identifier.
    pub fn issuer(&self) -> &str {
        &self.rules.issuer
    }

    /// The configured audience.
    pub fn audience(&self) -> &str {
        &self.rules.audience
    }

    /// Verifies `token` with the issuer's `keys` at `now`, in Unix seconds.
    pub fn verify(&self, token: &str, keys: &JwkSet, now: u64) -> Result<AccessToken, VerifyError> {
        let token = self.present(token)?;
        match self.recall(&token, keys) {
            Some(known) => self.judge(known, now),
            None => self.verify_parsed(self.parse(token)?, keys, now),
        }
    }

    /// Takes `token` in. What is too long is not even hashed.
    pub(crate) fn present<'a>(&self, text: &'a str) -> Result<PresentedToken<'a>, VerifyError> {
        let max_bytes = self.max_token_bytes;
        if text.len() > max_bytes {
            return Err(VerifyError::TokenTooLong { max_bytes });
        }
        Ok(PresentedToken { text, digest: self.signatures.digest(text) })
    }

    /// What `token` says, if its signature has been found valid under these very `keys`. Nothing of it has been judged.
    pub(crate) fn recall(&self, token: &PresentedToken<'_>, keys: &JwkSet) -> Option<Arc<SignedToken>> {
        self.signatures.find(token.digest?, keys)
    }

    /// The part of the check that needs no key, so that a malformed token never makes anyone fetch one.
    pub(crate) fn parse<'a>(&self, token: PresentedToken<'a>) -> Result<ParsedToken<'a>, VerifyError> {
        let PresentedToken { text, digest } = token;
        let parts = JwsParts::split(text, self.max_token_bytes)?;
        let known = self.headers.find(parts.header);
        let decoded = if known.is_some() { Vec::new() } else { parts.decode_header()? };
        // Before the header is read: the first thing that is wrong is told.
        let (payload, signature) = (parts.decode_payload()?, parts.decode_signature()?);
        let header_is_known = known.is_some();
        let header = match known {
            Some(known) => known,
            None => Arc::new(JoseHeader::parse(&decoded)?),
        };
        if !self.rules.accept_typ(header.typ.as_deref()) {
            return Err(VerifyError::TypNotAccepted { typ: header.typ.clone() });
        }
        Ok(ParsedToken { digest, parts, payload, signature, header, header_is_known })
    }

    /// Judges what has been recalled, at `now`.
    pub(crate) fn judge(&self, known: Arc<SignedToken>, now: u64) -> Result<AccessToken, VerifyError> {
        self.rules.judge(known, now)
    }

    /// The rest of the check. That the signature is valid, and what it covers, is remembered; the claims are judged anew
    /// each time.
    pub(crate) fn verify_parsed(
        &self,
        token: ParsedToken<'_>,
        keys: &JwkSet,
        now: u64,
    ) -> Result<AccessToken, VerifyError> {
        let ParsedToken { digest, parts, payload, signature, header, header_is_known } = token;
        let key = keys.find(&header.kid, header.algorithm)?;
        if !key.verify_signature(parts.signing_input.as_bytes(), &signature) {
            return Err(VerifyError::SignatureInvalid);
        }
        let claims = Claims::parse(payload)?;
        if !header_is_known {
            self.headers.keep(parts.header, &header);
        }
        let signed = Arc::new(SignedToken { header, claims });
        if let Some(digest) = digest {
            self.signatures.remember(digest, keys, Arc::clone(&signed));
        }
        self.judge(signed, now)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verifier")
            .field("rules", &self.rules)
            .field("max_token_bytes", &self.max_token_bytes)
            .finish_non_exhaustive()
    }
}

/// A token of acceptable length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PresentedToken<'a> {
    text: &'a str,
    digest: Option<TokenDigest>,
}

/// A token whose shape and header are acceptable, and nothing more.
#[derive(Debug)]
pub(crate) struct ParsedToken<'a> {
    digest: Option<TokenDigest>,
    parts: JwsParts<'a>,
    payload: Vec<u8>,
    signature: Vec<u8>,
    header: Arc<JoseHeader>,
    header_is_known: bool,
}

impl ParsedToken<'_> {
    /// The `kid` of the key it asks for.
    pub(crate) fn kid(&self) -> &str {
        &self.header.kid
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn pair() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
    }

    fn keys() -> JwkSet {
        let x = URL_SAFE_NO_PAD.encode(pair().public_key().as_ref());
        json!({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":x}]}).to_string().parse().unwrap()
    }

    /// The claims of a good token with the members of `changes`; `null` takes one away.
    fn claims(changes: &Value) -> Value {
        let mut claims = json!({
            "iss":"https://issuer/","aud":"https://api/","iat":NOW,"exp":NOW + 600,"sub":"c","client_id":"c","jti":"j"
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    fn token(typ: &str, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(&json!({"alg":"EdDSA","kid":"k","typ":typ})), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(pair().sign(input.as_bytes()));
        format!("{input}.{signature}")
    }

    fn verifier() -> Verifier {
        Verifier::new("https://issuer/", "https://api/")
    }

    fn verify(typ: &str, changes: &Value) -> Result<AccessToken, VerifyError> {
        verifier().verify(&token(typ, &claims(changes)), &keys(), NOW)
    }

    #[test]
    fn a_good_token_is_accepted_and_what_is_not_for_us_refused() {
        assert_eq!(verify("at+jwt", &json!({})).unwrap().client(), "c");
        assert!(verify("at+jwt", &json!({"aud":["https://other/","https://api/"]})).is_ok());
        let refused = |typ, changes: Value| verify(typ, &changes).unwrap_err();
        assert!(matches!(refused("JWT", json!({})), VerifyError::TypNotAccepted { typ: Some(typ) } if typ == "JWT"));
        for iss in ["https://issuer", "https://issuer/x", "https://ISSUER/"] {
            assert!(matches!(refused("at+jwt", json!({"iss":iss})), VerifyError::WrongIssuer { .. }), "{iss}");
        }
        for aud in [json!("https://api"), json!(["https://api/x"]), json!("https://api/ ")] {
            assert!(matches!(refused("at+jwt", json!({"aud":aud})), VerifyError::WrongAudience { .. }), "{aud}");
        }
        assert_eq!(refused("at+jwt", json!({"jti":null})), VerifyError::ClaimMissing("jti"));
    }

    #[test]
    fn only_the_signature_of_the_key_counts() {
        let good = token("at+jwt", &claims(&json!({})));
        let other = token("at+jwt", &claims(&json!({"client_id":"d","sub":"d"})));
        let (input, signature) = (other.rsplit_once('.').unwrap().0, good.rsplit_once('.').unwrap().1);
        let forged = verifier().verify(&format!("{input}.{signature}"), &keys(), NOW);
        assert_eq!(forged.unwrap_err(), VerifyError::SignatureInvalid);
    }

    #[test]
    fn only_the_header_of_a_good_token_is_kept() {
        let verifier = verifier();
        let good = token("at+jwt", &claims(&json!({})));
        let header = good.split('.').next().unwrap();
        let malformed = token("at+jwt", &claims(&json!({"exp":null})));
        for wrong in [format!("{good}AAAA"), malformed] {
            assert!(verifier.verify(&wrong, &keys(), NOW).is_err());
            assert!(verifier.headers.find(header).is_none(), "{wrong}");
        }
        verifier.verify(&good, &keys(), NOW).unwrap();
        assert_eq!(verifier.headers.find(header).unwrap().kid, "k");
    }

    #[test]
    fn what_was_valid_is_recalled_and_what_is_too_long_is_not_looked_for() {
        let token = token("at+jwt", &claims(&json!({})));
        let keys = keys();
        for max_bytes in [token.len(), token.len() + 1] {
            let verifier = verifier().max_token_bytes(max_bytes);
            let is_known = || verifier.recall(&verifier.present(&token).unwrap(), &keys).is_some();
            assert!(!is_known());
            assert!(verifier.verify(&token, &keys, NOW).is_ok());
            assert!(is_known());
        }
        let refused = verifier().max_token_bytes(token.len() - 1).verify(&token, &keys, NOW);
        assert_eq!(refused.unwrap_err(), VerifyError::TokenTooLong { max_bytes: token.len() - 1 });
        let forgetful = verifier().remember_signatures(0);
        assert!(forgetful.verify(&token, &keys, NOW).is_ok());
        assert!(forgetful.recall(&forgetful.present(&token).unwrap(), &keys).is_none());
    }

    #[test]
    fn it_says_what_it_wants_and_which_key_a_token_asks_for() {
        let verifier = verifier();
        assert_eq!((verifier.issuer(), verifier.audience()), ("https://issuer/", "https://api/"));
        let token = token("at+jwt", &json!({}));
        assert_eq!(verifier.parse(verifier.present(&token).unwrap()).unwrap().kid(), "k");
    }
}
