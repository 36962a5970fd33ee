//! Would the API accept this token? Judged as it would judge, with the keys that are published now, and told in words.

use tokenhouse_verifier::{AccessToken, AccessTokenDialect, BearerErrorCode, JwkSet, Verifier, VerifyError};

use crate::http::console::error::ConsoleError;
use crate::http::console::frame::Tone;
use crate::http::console::visit::Visit;
use crate::oauth::resource::Api;

/// What the API would say.
pub(super) struct Verdict {
    pub(super) tone: Tone,
    pub(super) title: &'static str,
    /// For which API it was judged.
    pub(super) api: String,
    /// Status and code that a caller would get, if it is not accepted.
    pub(super) answer: String,
    /// The reason, exactly.
    pub(super) reason: String,
    pub(super) meaning: String,
    pub(super) to_do: &'static str,
}

impl Verdict {
    /// Judges `token` as `api` would now.
    ///
    /// # Errors
    /// A fault of ours.
    pub(super) fn of(token: &str, api: &Api, visit: &Visit) -> Result<Self, ConsoleError> {
        let issuer = &visit.endpoints.issuer;
        let keys =
            JwkSet::parse(&issuer.served().snapshot().jwk_set.body).map_err(|error| ConsoleError::fault(&error))?;
        let dialect = api.token_dialect.unwrap_or_else(|| issuer.compat().default_dialect());
        let dialect: AccessTokenDialect = dialect.as_str().parse().map_err(|error| ConsoleError::fault(&error))?;
        let verifier = Verifier::new(visit.endpoints.issuer_name().as_str(), api.identifier.as_str())
            .accept_dialects([dialect])
            .remember_signatures(0);
        let now = u64::try_from(visit.now().floor_seconds()).unwrap_or_default();
        let own_id = visit.session.client.client_id.as_str();
        let told = match verifier.verify(token, &keys, now) {
            Ok(accepted) => Self::accepted(&accepted, own_id),
            Err(reason) => Self::refused(&reason),
        };
        Ok(Self { api: api.name.clone(), ..told })
    }

    fn accepted(token: &AccessToken, own_id: &str) -> Self {
        let scope = token.scope().to_string();
        let allows = if scope.is_empty() {
            "It carries no scope: the API knows who calls, and decides by that.".to_owned()
        } else {
            format!("What it allows: {scope}. A call that needs another scope is refused with 403 insufficient_scope.")
        };
        let is_own = token.client() == own_id;
        Self {
            tone: if is_own { Tone::Good } else { Tone::Warning },
            title: "The API would accept it.",
            api: String::new(),
            answer: String::new(),
            reason: "Signature, issuer, audience, form and time are right.".to_owned(),
            meaning: if is_own {
                allows
            } else {
                format!("But it is not yours: it was issued to the client {}.", token.client().escape_debug())
            },
            to_do: if is_own { "" } else { "Tell whoever it belongs to that it is in other hands." },
        }
    }

    fn refused(reason: &VerifyError) -> Self {
        let (meaning, to_do) = explained(reason);
        let code = BearerErrorCode::InvalidToken;
        Self {
            tone: Tone::Bad,
            title: "The API would refuse it.",
            api: String::new(),
            answer: format!("{} {}: {}", code.status(), code.name(), reason.public_text()),
            reason: format!("Exactly: {reason}."),
            meaning: meaning.to_owned(),
            to_do,
        }
    }
}

/// What it means, and what to do.
const fn explained(reason: &VerifyError) -> (&'static str, &'static str) {
    match reason {
        VerifyError::TokenTooLong { .. } => {
            ("No access token of this server is that long.", "Paste the token alone: the value of access_token.")
        }
        VerifyError::NotThreeParts | VerifyError::NotBase64Url(_) | VerifyError::NotAJsonObject { .. } => (
            "It is not a whole JWT: that is three parts with dots between them, without spaces and line breaks.",
            "Copy the value of access_token once more, from its first to its last character.",
        ),
        VerifyError::Encrypted => (
            "It is encrypted. Access tokens of this server are signed, not encrypted.",
            "Look where it comes from: it is of another issuer.",
        ),
        VerifyError::CriticalHeader
        | VerifyError::UnencodedPayload
        | VerifyError::AlgorithmNotSupported
        | VerifyError::KidMissing
        | VerifyError::KidMalformed
        | VerifyError::AlgorithmMismatch { .. } => (
            "No token of this server has such a header: it was made elsewhere, or changed.",
            "Get a token from the token endpoint of this server, and send it as it is.",
        ),
        VerifyError::TypNotAccepted { .. } => (
            "It is another kind of JWT, such as an ID token or a client assertion, or in a form that this API does not take.",
            "Send the access_token of the token endpoint, got for this API.",
        ),
        VerifyError::UnknownKey { .. } => (
            "It is signed with a key that this server does not publish: it is of another issuer, or its key was revoked.",
            "Get a new token.",
        ),
        VerifyError::SignatureInvalid => (
            "Its signature does not fit: something was changed or lost after it was signed.",
            "Copy it once more, whole. If that does not help, get a new token.",
        ),
        VerifyError::ClaimMissing(_)
        | VerifyError::ClaimMalformed(_)
        | VerifyError::ClaimUnexpected(_)
        | VerifyError::ClientAmbiguous => (
            "Its claims are not those of an access token as this API takes it.",
            "Get a token for this API: it may have been changed to another form of token since.",
        ),
        VerifyError::WrongIssuer { .. } => (
            "It is of another issuer than the one that this API trusts.",
            "Get a token from the token endpoint of this server. The issuer counts to the closing slash.",
        ),
        VerifyError::WrongAudience { .. } => (
            "It is for another API: each takes only tokens that name it.",
            "Ask for a token with the audience of the API that you call.",
        ),
        VerifyError::Expired { .. } => {
            ("Its time is over.", "Get a new one. Keep each for as long as its expires_in says, and no longer.")
        }
        VerifyError::NotYetValid { .. } | VerifyError::IssuedInFuture { .. } => (
            "By its own words it is from the future: a clock is wrong.",
            "Wait a moment and try again. If it stays like that, tell whoever runs this server.",
        ),
        VerifyError::LifetimeNotAllowed { .. } => {
            ("It was issued to live longer than is allowed here.", "Get a new token.")
        }
        VerifyError::SenderConstrained => (
            "It is bound to a key of its sender, which this server never does: it is of another issuer.",
            "Get a token from the token endpoint of this server.",
        ),
    }
}
