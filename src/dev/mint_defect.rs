//! How is a token made wrong in one particular way?

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::defect::Defect;
use super::drive_error::DriveError;
use super::driven_issuer::DrivenIssuer;
use super::strangers::Stranger;
use crate::clock::UnixMillis;
use crate::keys::{PrivateKey, PublicJwk, Signer, SigningAlg, public_key_pem};

/// An hour, in seconds.
const HOUR: i64 = 3600;

/// With so many bytes more, any token is longer than 8 KiB, and still fits into the 16 KiB of a request head.
const PADDING: usize = 7000;

/// What is signed, and with what.
pub(super) struct Draft {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    /// The key that signs.
    pub(super) signer: Arc<Signer>,
    /// The key that signs for the issuer.
    pub(super) active: Arc<Signer>,
    /// A key that is published nowhere.
    pub(super) stranger: Stranger,
    pub(super) alg: SigningAlg,
    /// Unix seconds.
    pub(super) now: i64,
}

fn encoded(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

impl Draft {
    fn set_header(&mut self, name: &str, value: impl Into<Value>) {
        self.header.insert(name.to_owned(), value.into());
    }

    fn set_claim(&mut self, name: &str, value: impl Into<Value>) {
        self.claims.insert(name.to_owned(), value.into());
    }

    fn header_part(&self) -> String {
        encoded(&Value::Object(self.header.clone()).to_string())
    }

    fn claims_text(&self) -> String {
        Value::Object(self.claims.clone()).to_string()
    }

    /// The two parts that are signed (RFC 7515 §5.1).
    fn signing_input(&self, claims: &str) -> String {
        format!("{}.{}", self.header_part(), encoded(claims))
    }

    /// The token as its header and claims say.
    pub(super) fn sign(&self) -> Result<String, DriveError> {
        self.sign_text(&self.claims_text())
    }

    fn sign_text(&self, claims: &str) -> Result<String, DriveError> {
        sign_with(&self.signer, &self.signing_input(claims))
    }
}

fn sign_with(signer: &Signer, signing_input: &str) -> Result<String, DriveError> {
    let signature = signer.sign_input(signing_input.as_bytes())?;
    Ok(format!("{signing_input}.{signature}"))
}

/// The token of `draft` with `defect`.
pub(super) fn spoil(defect: Defect, mut draft: Draft, issuer: &DrivenIssuer) -> Result<(String, Draft), DriveError> {
    let now = draft.now;
    match defect {
        Defect::Expired => {
            draft.set_claim("iat", now - 2 * HOUR);
            if draft.claims.contains_key("nbf") {
                draft.set_claim("nbf", now - 2 * HOUR);
            }
            draft.set_claim("exp", now - HOUR);
        }
        Defect::NotYetValid => {
            draft.set_claim("nbf", now + HOUR);
            draft.set_claim("exp", now + 2 * HOUR);
        }
        Defect::WrongIssuer => draft.set_claim("iss", "https://elsewhere.example/"),
        Defect::WrongAudience => draft.set_claim("aud", "https://elsewhere.example/"),
        Defect::WrongType => draft.set_header("typ", "logout+jwt"),
        Defect::MissingExpiry => drop(draft.claims.remove("exp")),
        Defect::UnknownCrit => {
            draft.set_header("crit", json!(["https://elsewhere.example/extension"]));
            draft.set_header("https://elsewhere.example/extension", true);
        }
        Defect::Huge => draft.set_claim("padding", "x".repeat(PADDING)),
        Defect::UnknownKid => {
            draft.signer = draft.stranger.signer.clone();
            draft.set_header("kid", draft.signer.kid().to_owned());
        }
        Defect::MissingKid => {
            draft.signer = draft.stranger.signer.clone();
            draft.header.remove("kid");
        }
        Defect::ForgedKey => {
            draft.signer = draft.stranger.signer.clone();
            draft.set_header("kid", draft.active.kid().to_owned());
        }
        Defect::EmbeddedKey => {
            draft.signer = draft.stranger.signer.clone();
            draft.set_header("kid", draft.signer.kid().to_owned());
            draft.set_header("jwk", embedded(&draft.stranger.key)?);
        }
        Defect::WrongAlgorithm => return wrong_algorithm(draft, issuer),
        Defect::AlgNone => {
            draft.set_header("alg", "none");
            return Ok((format!("{}.", draft.signing_input(&draft.claims_text())), draft));
        }
        Defect::Hs256WithPublicKey => return hs256(draft, issuer),
        Defect::TamperedPayload => {
            let token = draft.sign()?;
            draft.set_claim("scope", "everything");
            draft.set_claim("tampered", true);
            let signature = token.rsplit('.').next().unwrap_or_default();
            return Ok((format!("{}.{signature}", draft.signing_input(&draft.claims_text())), draft));
        }
        Defect::TamperedSignature => {
            let token = draft.sign()?;
            let (signed, signature) = token.rsplit_once('.').unwrap_or_default();
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(DriveError::internal)?;
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 1;
            }
            return Ok((format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)), draft));
        }
        Defect::MissingSignature => return Ok((draft.signing_input(&draft.claims_text()), draft)),
        Defect::DuplicateClaims => {
            let claims = draft.claims_text();
            let rest = claims.strip_prefix('{').unwrap_or_default();
            let comma = if rest.starts_with('}') { "" } else { "," };
            let token = draft.sign_text(&format!(r#"{{"aud":"https://elsewhere.example/"{comma}{rest}"#))?;
            return Ok((token, draft));
        }
    }
    Ok((draft.sign()?, draft))
}

/// The key as an attacker would put it into the header (RFC 7515 §4.1.3).
fn embedded(key: &PrivateKey) -> Result<Value, DriveError> {
    let jwk = PublicJwk::from_private_key(key, UnixMillis(0)).map_err(DriveError::internal)?;
    serde_json::to_value(jwk.parameters).map_err(DriveError::internal)
}

/// RS256 becomes PS256 by the same key, and the other way round; a key on a curve has no other algorithm, so only the name changes.
fn wrong_algorithm(mut draft: Draft, issuer: &DrivenIssuer) -> Result<(String, Draft), DriveError> {
    let other = match draft.alg {
        SigningAlg::Rs256 => SigningAlg::Ps256,
        SigningAlg::Ps256 => SigningAlg::Rs256,
        SigningAlg::Es256 => SigningAlg::EdDsa,
        SigningAlg::EdDsa => SigningAlg::Es256,
    };
    draft.set_header("alg", other.as_str());
    if draft.alg.is_rsa() {
        let key = issuer.private_key(draft.active.kid(), draft.alg)?;
        let key = PrivateKey::from_pkcs8(other, zeroize::Zeroizing::new(key.expose_pkcs8().to_vec()))?;
        draft.signer = Arc::new(Signer::from_private_key(&key)?);
    }
    Ok((draft.sign()?, draft))
}

/// What a verifier takes for right that uses the public key for whatever the header names.
fn hs256(mut draft: Draft, issuer: &DrivenIssuer) -> Result<(String, Draft), DriveError> {
    draft.set_header("alg", "HS256");
    draft.set_header("kid", draft.active.kid().to_owned());
    let key = issuer.private_key(draft.active.kid(), draft.alg)?;
    let jwk = PublicJwk::from_private_key(&key, UnixMillis(0)).map_err(DriveError::internal)?;
    let pem = public_key_pem(&jwk.parameters).map_err(DriveError::internal)?;
    let input = draft.signing_input(&draft.claims_text());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pem.as_bytes()), input.as_bytes());
    Ok((format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref())), draft))
}
