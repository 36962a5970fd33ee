//! Why does a client get no new secret, and which status, code and words tell it?

use super::error::{RenderedError, TokenError, answer};
use super::resource::Compat;

/// Why a client that asks for a new secret of its own is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretError {
    /// What the token endpoint would refuse too: the form of the request, the client authentication, an overload.
    Request(TokenError),
    /// The client authenticated with a key.
    NotBySecret,
    /// `overlap_seconds` is no number of seconds.
    OverlapNotSeconds,
    /// `overlap_seconds` is above what the operator allows.
    OverlapTooLong {
        /// The longest, in seconds.
        longest: u32,
    },
    /// `label` is too long or holds control characters.
    Label {
        /// The longest, in characters.
        longest: usize,
    },
    /// The client has as many secrets as it may.
    TooManySecrets {
        /// How many.
        limit: usize,
    },
}

impl From<TokenError> for SecretError {
    fn from(error: TokenError) -> Self {
        Self::Request(error)
    }
}

impl SecretError {
    /// This error as the caller sees it under `compat`.
    pub fn render(&self, compat: Compat) -> RenderedError {
        match self {
            Self::Request(error) => error.render(compat),
            Self::NotBySecret => answer(
                400,
                "unauthorized_client",
                "this client authenticated with a key, and only the secret that was presented is replaced here",
            ),
            Self::OverlapNotSeconds => {
                answer(400, "invalid_request", "overlap_seconds must be a whole number of seconds, 0 or more")
            }
            Self::OverlapTooLong { longest } => {
                answer(400, "invalid_request", format!("overlap_seconds must be at most {longest}"))
            }
            Self::Label { longest } => answer(
                400,
                "invalid_request",
                format!(
                    "label must be at most {longest} characters long, without control characters and those that turn the \
                     direction of writing"
                ),
            ),
            Self::TooManySecrets { limit } => answer(
                409,
                "conflict",
                format!(
                    "this client has {limit} secrets that work, and may not have more: wait until one expires, or ask its \
                     operator to retire one"
                ),
            ),
        }
    }

    /// The short, fixed name of the cause, for logs.
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::Request(error) => error.cause().as_str(),
            Self::NotBySecret => "not_by_secret",
            Self::OverlapNotSeconds => "overlap_not_seconds",
            Self::OverlapTooLong { .. } => "overlap_too_long",
            Self::Label { .. } => "label",
            Self::TooManySecrets { .. } => "too_many_secrets",
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::oauth::scope::is_nqchar;

    #[rstest]
    #[case(SecretError::NotBySecret, 400, "unauthorized_client", "not_by_secret")]
    #[case(SecretError::OverlapNotSeconds, 400, "invalid_request", "overlap_not_seconds")]
    #[case(SecretError::OverlapTooLong { longest: 60 }, 400, "invalid_request", "overlap_too_long")]
    #[case(SecretError::Label { longest: 10 }, 400, "invalid_request", "label")]
    #[case(SecretError::TooManySecrets { limit: 10 }, 409, "conflict", "too_many_secrets")]
    fn each_error_has_its_status_and_code_in_every_mode(
        #[case] error: SecretError,
        #[case] status: u16,
        #[case] code: &str,
        #[case] cause: &str,
    ) {
        assert_eq!(error.cause(), cause);
        for compat in Compat::ALL {
            let rendered = error.render(*compat);
            assert_eq!((rendered.status, rendered.error), (status, code), "{compat}");
            // RFC 6749 §5.2
            assert!(
                rendered.description.bytes().all(|byte| byte == b' ' || is_nqchar(byte)),
                "{}",
                rendered.description
            );
        }
    }

    #[test]
    fn what_the_token_endpoint_refuses_too_looks_the_same() {
        for compat in Compat::ALL {
            let refused = SecretError::from(TokenError::InvalidClient).render(*compat);
            assert_eq!(refused, TokenError::InvalidClient.render(*compat));
        }
        assert_eq!(SecretError::from(TokenError::InvalidClient).cause(), TokenError::InvalidClient.cause().as_str());
    }
}
