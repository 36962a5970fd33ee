//! What does jwt-simple say of a token, set to our rules as far as it has them?

use std::collections::HashSet;

use jwt_simple::prelude::{
    Audiences, Duration, ECDSAP256PublicKeyLike as _, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike as _,
    JWTClaims, PS256PublicKey, RS256PublicKey, RSAPublicKeyLike as _, Token, UnixTimeStamp, VerificationOptions,
};
use serde_json::{Map, Value};
use tokenhouse_verifier::AccessToken;

use crate::disagreement::Reading;
use crate::{AUDIENCE, ISSUER, LEEWAY, LONGEST, NOW, issuer};

/// It counts seconds in 32 bits, and takes later ones for the last of these, in the year 2106.
const LATEST: u64 = u32::MAX as u64;

/// What it took a token to say.
pub(crate) struct Accepted(JWTClaims<Map<String, Value>>);

/// Its verdict, or its words.
pub(crate) fn verify(token: &str) -> Result<Accepted, String> {
    let told = |error: jwt_simple::Error| error.to_string();
    let metadata = Token::decode_metadata(token).map_err(told)?;
    let kid = metadata.key_id().ok_or("no kid")?;
    let jwk = issuer::jwk(kid).ok_or("no such key")?;
    let options = VerificationOptions {
        required_key_id: Some(kid.to_owned()),
        allowed_issuers: Some(HashSet::from([ISSUER.to_owned()])),
        allowed_audiences: Some(HashSet::from([AUDIENCE.to_owned()])),
        time_tolerance: Some(Duration::from_secs(LEEWAY)),
        max_token_length: Some(LONGEST),
        artificial_time: Some(UnixTimeStamp::from_secs(NOW)),
        ..VerificationOptions::default()
    };
    let options = Some(options);
    let verified = match kid {
        "ed" => Ed25519PublicKey::from_jwk(&jwk).and_then(|key| key.verify_token(token, options)),
        "es" => ES256PublicKey::from_jwk(&jwk).and_then(|key| key.verify_token(token, options)),
        "rs" => RS256PublicKey::from_jwk(&jwk).and_then(|key| key.verify_token(token, options)),
        _ => PS256PublicKey::from_jwk(&jwk).and_then(|key| key.verify_token(token, options)),
    };
    verified.map(Accepted).map_err(told)
}

impl Accepted {
    /// What both accept says the same to both.
    pub(crate) fn agrees_with(&self, ours: &AccessToken, reading: &Reading) {
        let Self(theirs) = self;
        let seconds = |at: Option<UnixTimeStamp>| at.map(|at| at.as_secs());
        assert_eq!(seconds(theirs.expires_at), Some(ours.expires_at().min(LATEST)), "{reading:?}");
        let issued_at = seconds(theirs.issued_at).or(seconds(theirs.invalid_before));
        assert_eq!(issued_at, Some(ours.issued_at()), "{reading:?}");
        assert_eq!(theirs.jwt_id.as_deref(), ours.jti(), "{reading:?}");
        assert_eq!(theirs.issuer.as_deref(), Some(ISSUER), "{reading:?}");
        let subject = ours.claims().get("sub").and_then(Value::as_str);
        assert_eq!(theirs.subject.as_deref(), subject, "{reading:?}");
        let audience: HashSet<String> = ours.audience().map(str::to_owned).collect();
        assert_eq!(theirs.audiences.clone().map(Audiences::into_set), Some(audience), "{reading:?}");
        for (name, value) in &theirs.custom {
            assert_eq!(ours.claims().get(name), Some(value), "{reading:?}");
        }
    }
}
