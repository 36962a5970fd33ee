//! How does a command fail: with which words and which exit code?

use std::process::ExitCode;

use crate::dev::memory_issuer::StartError;
use crate::issuer::AdministrationError;

/// Why a command failed. Each knows its exit code.
#[derive(Debug)]
pub enum CliError {
    /// Something went wrong: 1.
    Failed(anyhow::Error),
    /// It was called wrongly: 2.
    Usage(String),
    /// It was refused, or what it is about is not there: 3.
    Refused(String),
}

impl CliError {
    /// Called wrongly.
    pub fn usage(error: impl std::fmt::Display) -> Self {
        Self::Usage(error.to_string())
    }

    /// Tells the error on standard error and turns it into the exit code.
    pub fn report(&self) -> ExitCode {
        let (code, text) = match self {
            Self::Failed(error) => (1, format!("{error:#}")),
            Self::Usage(text) => (2, text.clone()),
            Self::Refused(text) => (3, text.clone()),
        };
        super::output::remark(format_args!("error: {text}"));
        ExitCode::from(code)
    }
}

impl From<anyhow::Error> for CliError {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<AdministrationError> for CliError {
    fn from(error: AdministrationError) -> Self {
        let text = error.to_string();
        match error {
            AdministrationError::Invalid(_) => Self::Usage(text),
            AdministrationError::NotFound { .. }
            | AdministrationError::Conflict(_)
            | AdministrationError::InsufficientScope(_)
            | AdministrationError::Outdated
            | AdministrationError::Refused(_) => Self::Refused(text),
            AdministrationError::KeyInUse { .. } => Self::Refused(format!("{text} with --force")),
            AdministrationError::TooEarly { .. } => Self::Refused(format!("{text} with --now")),
            AdministrationError::Store(_) | AdministrationError::Key(_) => Self::Failed(error.into()),
        }
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Content(error) => error.into(),
            other => Self::Failed(other.into()),
        }
    }
}
