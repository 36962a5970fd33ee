//! Why is an issuer not driven as somebody asks?

use super::clock::OutOfRange;
use super::fault::FaultRefused;
use super::memory_issuer::StartError;
use crate::issuer::AdministrationError;
use crate::issuer::document::parse::DocumentError;
use crate::issuer::served::FollowError;
use crate::keys::PrivateKeyError;
use crate::store::StoreError;

/// Why it is not done; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// What was asked makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// What it is about is not there.
    #[error("{0}")]
    NotFound(String),
    /// It collides with what is there.
    #[error("{0}")]
    Conflict(String),
    /// The body is too long.
    #[error("the body is too large: send at most 1 MiB")]
    TooLarge,
    /// A fault of ours.
    #[error("the server has met an internal fault: {0}")]
    Internal(String),
}

impl DriveError {
    pub(super) fn invalid(error: impl std::fmt::Display) -> Self {
        Self::Invalid(error.to_string())
    }

    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }
}

impl DriveError {
    /// What is not there is a mistake in the document that names it.
    pub(super) fn in_document(error: AdministrationError) -> Self {
        match error.into() {
            Self::NotFound(text) => Self::Invalid(text),
            other => other,
        }
    }
}

impl From<OutOfRange> for DriveError {
    fn from(error: OutOfRange) -> Self {
        Self::invalid(error)
    }
}

impl From<FaultRefused> for DriveError {
    fn from(error: FaultRefused) -> Self {
        match error {
            FaultRefused::Invalid(text) => Self::Invalid(text),
            FaultRefused::TooMany => Self::Conflict(error.to_string()),
        }
    }
}

impl From<DocumentError> for DriveError {
    fn from(error: DocumentError) -> Self {
        Self::invalid(error)
    }
}

impl From<AdministrationError> for DriveError {
    fn from(error: AdministrationError) -> Self {
        let text = error.to_string();
        match error {
            AdministrationError::Invalid(_) => Self::Invalid(text),
            AdministrationError::NotFound { .. } => Self::NotFound(text),
            AdministrationError::Conflict(_)
            | AdministrationError::Refused(_)
            | AdministrationError::InsufficientScope(_)
            | AdministrationError::Outdated
            | AdministrationError::TooEarly { .. }
            | AdministrationError::KeyInUse { .. } => Self::Conflict(text),
            AdministrationError::Store(_) | AdministrationError::Key(_) => Self::Internal(text),
        }
    }
}

impl From<StartError> for DriveError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Content(error) => Self::in_document(error),
            other => Self::internal(other),
        }
    }
}

impl From<FollowError> for DriveError {
    fn from(error: FollowError) -> Self {
        Self::internal(error)
    }
}

impl From<StoreError> for DriveError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<PrivateKeyError> for DriveError {
    fn from(error: PrivateKeyError) -> Self {
        Self::internal(error)
    }
}
