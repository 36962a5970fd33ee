//! What can be wrong with the configuration, and how is the operator told? All mistakes at once, each with its place and its cure.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use crate::one_line::on_one_line;

/// One mistake in the configuration. The text names the setting, where its value came from and what to do, and never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// No setting has this name.
    #[error("{}: there is no such setting{} (from {origin})", on_one_line(.name), did_you_mean(.suggestion.as_deref()))]
    Unknown {
        /// The name as it was given: a key path or an environment variable.
        name: String,
        /// Where it was given.
        origin: String,
        /// The nearest name that exists, in the same notation.
        suggestion: Option<String>,
    },
    /// The value does not suit the setting.
    #[error("{key}: {reason} (from {origin})")]
    Invalid {
        /// The setting.
        key: String,
        /// Where its value came from.
        origin: String,
        /// What is wrong and what would be right; quotes the value unless it is a secret.
        reason: String,
    },
    /// A setting without a default was not given.
    #[error(
        "{key}: required; give it as a flag, as {key} in the configuration file or as {variable} in the environment"
    )]
    Missing {
        /// The setting.
        key: String,
        /// Its environment variable.
        variable: String,
    },
    /// A secret and its `_file` twin were both given.
    #[error("{key}: given directly ({origin}) and as {key}_file ({twin_origin}); remove one of them")]
    SecretGivenTwice {
        /// The secret's setting.
        key: String,
        /// Where its value came from.
        origin: String,
        /// Where the twin's value came from.
        twin_origin: String,
    },
    /// The file that a `_file` twin names cannot be read.
    #[error("{key}: cannot read {}: {cause} (from {origin})", on_one_line(&.path.to_string_lossy()))]
    SecretFile {
        /// The twin's key path.
        key: String,
        /// Where the path came from.
        origin: String,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: String,
    },
    /// The configuration file cannot be read.
    #[error("{}: cannot read the configuration file: {cause}", on_one_line(&.path.to_string_lossy()))]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: String,
    },
    /// The configuration file is not TOML.
    #[error("{}{}: not valid TOML: {message}", on_one_line(&.path.to_string_lossy()), at_line(.line.as_deref()))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line and column, such as `line 3, column 7`, where known.
        line: Option<String>,
        /// The parser's complaint, without the line itself: it may hold a secret.
        message: String,
    },
}

/// Every mistake that was found; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "the configuration has a mistake:\n  {only}"),
            many => {
                write!(f, "the configuration has {} mistakes:", many.len())?;
                many.iter().try_for_each(|error| write!(f, "\n  {error}"))
            }
        }
    }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

fn at_line(line: Option<&str>) -> String {
    line.map_or_else(String::new, |line| format!(", {line}"))
}
