//! What is each error of the token endpoint called in logs and metrics? A fixed word, whatever the caller is told.

use super::error::TokenError;
use super::named_enum::named_enum;

named_enum! {
    /// Why no token was issued, without the values that an error may carry.
    TokenErrorCause {
        /// [`TokenError::Malformed`].
        MalformedRequest = "malformed_request",
        /// [`TokenError::BodyTooLarge`].
        BodyTooLarge = "body_too_large",
        /// [`TokenError::InvalidClient`].
        InvalidClient = "invalid_client",
        /// [`TokenError::NoCredentials`].
        NoCredentials = "no_credentials",
        /// [`TokenError::UnsupportedAuthorizationScheme`].
        UnsupportedAuthorizationScheme = "unsupported_authorization_scheme",
        /// [`TokenError::UnsupportedAssertionType`].
        UnsupportedAssertionType = "unsupported_assertion_type",
        /// [`TokenError::UnauthorizedClient`].
        GrantTypeNotAllowed = "grant_type_not_allowed",
        /// [`TokenError::MissingGrantType`].
        MissingGrantType = "missing_grant_type",
        /// [`TokenError::UnsupportedGrantType`].
        UnsupportedGrantType = "unsupported_grant_type",
        /// [`TokenError::UnknownApi`].
        UnknownApi = "unknown_api",
        /// [`TokenError::NoGrant`].
        NoGrant = "no_grant",
        /// [`TokenError::NoAudience`].
        NoAudience = "no_audience",
        /// [`TokenError::SeveralAudiences`].
        SeveralAudiences = "several_audiences",
        /// [`TokenError::ScopeAcrossApis`].
        ScopeAcrossApis = "scope_across_apis",
        /// [`TokenError::MalformedScope`].
        MalformedScope = "malformed_scope",
        /// [`TokenError::MissingScope`].
        MissingScope = "missing_scope",
        /// [`TokenError::ScopeNotGranted`].
        ScopeNotGranted = "scope_not_granted",
        /// [`TokenError::TooManyRequests`].
        Quota = "quota",
        /// [`TokenError::TooOften`].
        RequestRate = "request_rate",
        /// [`TokenError::TooManyFailures`].
        TooManyFailures = "too_many_failures",
        /// [`TokenError::Overloaded`].
        Overloaded = "overloaded",
        /// [`TokenError::TemporarilyUnavailable`].
        TemporarilyUnavailable = "temporarily_unavailable",
        /// [`TokenError::ServerError`].
        ServerError = "server_error",
    }
}

impl TokenError {
    /// What it is called in logs and metrics.
    pub const fn cause(&self) -> TokenErrorCause {
        match self {
            Self::Malformed(_) => TokenErrorCause::MalformedRequest,
            Self::BodyTooLarge { .. } => TokenErrorCause::BodyTooLarge,
            Self::InvalidClient => TokenErrorCause::InvalidClient,
            Self::NoCredentials => TokenErrorCause::NoCredentials,
            Self::UnsupportedAuthorizationScheme => TokenErrorCause::UnsupportedAuthorizationScheme,
            Self::UnsupportedAssertionType => TokenErrorCause::UnsupportedAssertionType,
            Self::UnauthorizedClient => TokenErrorCause::GrantTypeNotAllowed,
            Self::MissingGrantType => TokenErrorCause::MissingGrantType,
            Self::UnsupportedGrantType(_) => TokenErrorCause::UnsupportedGrantType,
            Self::UnknownApi(_) => TokenErrorCause::UnknownApi,
            Self::NoGrant { .. } => TokenErrorCause::NoGrant,
            Self::NoAudience => TokenErrorCause::NoAudience,
            Self::SeveralAudiences => TokenErrorCause::SeveralAudiences,
            Self::ScopeAcrossApis(_) => TokenErrorCause::ScopeAcrossApis,
            Self::MalformedScope => TokenErrorCause::MalformedScope,
            Self::MissingScope => TokenErrorCause::MissingScope,
            Self::ScopeNotGranted(_) => TokenErrorCause::ScopeNotGranted,
            Self::TooManyRequests { .. } => TokenErrorCause::Quota,
            Self::TooOften { .. } => TokenErrorCause::RequestRate,
            Self::TooManyFailures { .. } => TokenErrorCause::TooManyFailures,
            Self::Overloaded { .. } => TokenErrorCause::Overloaded,
            Self::TemporarilyUnavailable { .. } => TokenErrorCause::TemporarilyUnavailable,
            Self::ServerError => TokenErrorCause::ServerError,
        }
    }
}
