//! Why was a token refused? One value for each reason, and the one line each shows to the public (RFC 6750 §3.1)

use thiserror::Error;

use crate::algorithm::Algorithm;
use crate::json_object::JsonObjectError;

/// A part of a compact JWS (RFC 7515 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPart {
    /// The JOSE header.
    Header,
    /// The JWS payload: the claims.
    Payload,
    /// The JWS signature.
    Signature,
}

impl TokenPart {
    const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        }
    }
}

/// Why a token is not an access token for this resource server.
///
/// `Display` explains the reason to whoever operates the resource server, with values from the token (escaped): for a
/// log or a command line. What may be sent back is [`VerifyError::public_text`]. Instants are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// Longer than the configured maximum.
    #[error("the token is longer than {max_bytes} bytes")]
    TokenTooLong {
        /// The configured maximum in octets.
        max_bytes: usize,
    },
    /// Not header, payload and signature separated by dots.
    #[error("the token is not a compact JWS: it must be three parts separated by dots")]
    NotThreeParts,
    /// A JWE, or a header with `enc` or `zip`.
    #[error("the token is encrypted or compressed (a JWE, or `enc` or `zip` in the header), which is not supported")]
    Encrypted,
    /// A part is empty or not canonical base64url without padding.
    #[error("the {} of the token is not base64url in its canonical form without padding", .0.name())]
    NotBase64Url(TokenPart),
    /// The header or the payload is not an acceptable JSON object.
    #[error("the {} of the token {reason}", part.name())]
    NotAJsonObject {
        /// The header or the payload.
        part: TokenPart,
        /// What is wrong with it.
        reason: JsonObjectError,
    },
    /// The header has `crit` (RFC 7515 §4.1.11).
    #[error("the header has `crit`: no extension is supported")]
    CriticalHeader,
    /// The header has `b64` (RFC 7797).
    #[error("the header has `b64`: unencoded payloads are not supported")]
    UnencodedPayload,
    /// `alg` is absent, not a string, or not one of [`Algorithm::ALL`].
    #[error("`alg` in the header must be one of RS256, PS256, ES256, EdDSA")]
    AlgorithmNotSupported,
    /// The header has no `kid`.
    #[error("the header has no `kid`, so it does not say which key signed the token")]
    KidMissing,
    /// `kid` is not a string of 1 to 128 octets.
    #[error("`kid` in the header must be a string of 1 to 128 bytes")]
    KidMalformed,
    /// `typ` is not that of any accepted dialect.
    #[error("`typ` in the header is {typ:?}, which none of the accepted token dialects has")]
    TypNotAccepted {
        /// The `typ` that came, if it was a string.
        typ: Option<String>,
    },
    /// The JWK Set has no usable key of that `kid`.
    #[error("the issuer's JWK Set has no usable key with the kid {kid:?}")]
    UnknownKey {
        /// The `kid` that came.
        kid: String,
    },
    /// The key of that `kid` is pinned to another algorithm.
    #[error("the token says {token}, but its key is for {key}")]
    AlgorithmMismatch {
        /// What the header says.
        token: Algorithm,
        /// What the key is for.
        key: Algorithm,
    },
    /// The signature is not by that key over this token.
    #[error("the signature is not valid")]
    SignatureInvalid,
    /// A claim that the dialect requires is absent.
    #[error("the claim `{0}` is missing")]
    ClaimMissing(&'static str),
    /// A claim has another type or form than its specification says.
    #[error("the claim `{0}` does not have the type or form it must have")]
    ClaimMalformed(&'static str),
    /// A claim that the dialect excludes is present.
    #[error("the claim `{0}` does not belong in a token of the accepted dialects")]
    ClaimUnexpected(&'static str),
    /// `iss` is another issuer.
    #[error("the issuer is {found:?}, not {expected:?}")]
    WrongIssuer {
        /// The configured issuer identifier.
        expected: String,
        /// The token's `iss`.
        found: String,
    },
    /// `aud` does not contain this resource server.
    #[error("the audience is {found:?}, which does not include {expected:?}")]
    WrongAudience {
        /// The configured audience.
        expected: String,
        /// The token's `aud`.
        found: Vec<String>,
    },
    /// `exp` has passed.
    #[error("the token expired {} s ago (exp {expired_at}, now {now})", now.saturating_sub(*expired_at))]
    Expired {
        /// The token's `exp`.
        expired_at: u64,
        /// The time of the check.
        now: u64,
    },
    /// `nbf` is still to come.
    #[error("the token is not valid before {valid_from} (now {now})")]
    NotYetValid {
        /// The token's `nbf`.
        valid_from: u64,
        /// The time of the check.
        now: u64,
    },
    /// `iat` is still to come.
    #[error("the token says it was issued in the future (iat {issued_at}, now {now}): check the clocks")]
    IssuedInFuture {
        /// The token's `iat`.
        issued_at: u64,
        /// The time of the check.
        now: u64,
    },
    /// `exp` is further from `iat` than the configured maximum, or before it.
    #[error(
        "the token lives from {issued_at} to {expires_at}, which is longer than the {max_seconds} s allowed, or not at all"
    )]
    LifetimeNotAllowed {
        /// The token's `iat`.
        issued_at: u64,
        /// The token's `exp`.
        expires_at: u64,
        /// The configured maximum in seconds.
        max_seconds: u64,
    },
    /// `cnf` binds the token to a key of its sender (RFC 7800), of which a Bearer request brings no proof.
    #[error("the token is bound to a key of its sender (`cnf`) and cannot be used as a Bearer token")]
    SenderConstrained,
    /// `client_id`, `azp` and `sub` name different clients.
    #[error("the claims that name the client (`client_id`, `azp`, `sub`) disagree")]
    ClientAmbiguous,
}

impl VerifyError {
    /// The text for `error_description` (RFC 6750 §3): constant, nothing from the token in it.
    pub const fn public_text(&self) -> &'static str {
        match self {
            Self::TokenTooLong { .. } => "The access token is too long",
            Self::NotThreeParts
            | Self::Encrypted
            | Self::NotBase64Url(_)
            | Self::NotAJsonObject { .. }
            | Self::CriticalHeader
            | Self::UnencodedPayload
            | Self::KidMissing
            | Self::KidMalformed => "The access token is malformed",
            Self::AlgorithmNotSupported | Self::AlgorithmMismatch { .. } => {
                "The access token is signed with an algorithm that is not accepted"
            }
            Self::TypNotAccepted { .. } => "The token is not of an accepted type",
            Self::UnknownKey { .. } | Self::SignatureInvalid => "The signature of the access token is not valid",
            Self::ClaimMissing(_) | Self::ClaimMalformed(_) | Self::ClaimUnexpected(_) | Self::ClientAmbiguous => {
                "The claims of the access token are not acceptable"
            }
            Self::WrongIssuer { .. } => "The access token is from another issuer",
            Self::WrongAudience { .. } => "The access token is for another audience",
            Self::Expired { .. } => "The access token has expired",
            Self::NotYetValid { .. } | Self::IssuedInFuture { .. } => "The access token is not valid yet",
            Self::LifetimeNotAllowed { .. } => "The access token lives longer than is allowed here",
            Self::SenderConstrained => "The access token is bound to a key and cannot be used as a Bearer token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_escapes_what_came_in_the_token() {
        let error = VerifyError::UnknownKey { kid: "a\n\u{1b}[31m".into() };
        assert_eq!(error.to_string(), r#"the issuer's JWK Set has no usable key with the kid "a\n\u{1b}[31m""#);
        assert_eq!(error.public_text(), "The signature of the access token is not valid");
    }

    #[test]
    fn a_part_is_named() {
        let error = VerifyError::NotAJsonObject { part: TokenPart::Payload, reason: JsonObjectError::DuplicateMember };
        assert_eq!(error.to_string(), "the payload of the token gives the same member twice");
        assert_eq!(
            VerifyError::Expired { expired_at: 10, now: 12 }.to_string(),
            "the token expired 2 s ago (exp 10, now 12)"
        );
    }
}
