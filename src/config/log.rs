//! What is logged, and in which form? Section `log`.

use tracing_subscriber::EnvFilter;

use super::reader::{Choice, Read, Reader};

/// Section `log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The form of a line.
    pub format: LogFormat,
    /// What is logged.
    pub level: LogLevel,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `Human` on a terminal, `Json` elsewhere.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Tracing directives that parse: `info`, or `info,tokenhouse::http=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLevel(String);

impl Choice for LogFormat {
    const CHOICES: &'static [Self] = &[Self::Auto, Self::Human, Self::Json];

    fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Human => "human",
            Self::Json => "json",
        }
    }
}

impl LogSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let format = from.choice("log.format");
        let level = from.required("log.level", LogLevel::parse);
        Ok(Self { format: format?, level: level? })
    }
}

impl LogLevel {
    /// Parses directives as [`EnvFilter`] does, but a word alone must be a level: `EnvFilter` takes `inof` for a module.
    ///
    /// # Errors
    /// Says in words that follow the value what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
        const EXPECTED: &str = "is not off, error, warn, info, debug or trace, nor such levels per module as in info,tokenhouse::http=debug";
        let is_directive = |part: &str| part.contains(['=', '[', ']', '{', '}']) || LEVELS.contains(&part);
        if !text.split(',').map(str::trim).all(is_directive) || EnvFilter::try_new(text).is_err() {
            return Err(EXPECTED.to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The directives, for [`EnvFilter`].
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
