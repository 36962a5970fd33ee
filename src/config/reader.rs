//! How does a value become a type that cannot be wrong, with every mistake collected on the way?

use std::fmt::Debug;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::ValueKind;

use super::error::ConfigError;
use super::layers::{DEFAULT_ORIGIN, Layers};
use super::secret::Secret;
use super::setting::{Kind, alternatives, environment_variable};
use super::settings;
use super::sources::ReadFile;
use crate::one_line::on_one_line;

const TEXT: &str = "text in quotes";
const LIST: &str = "a list of texts in quotes";

/// A mistake that stands in the list of mistakes; so a section can read all of its settings before it gives up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted;

/// A value, or a mistake already noted.
pub(super) type Read<T> = Result<T, Noted>;

/// Takes values out of the layers and notes the mistakes.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    layers: &'a Layers,
    files: &'a dyn ReadFile,
    mistakes: &'a mut Vec<ConfigError>,
}

/// A setting that is one word out of a few.
pub(super) trait Choice: Copy + PartialEq + Debug + 'static {
    /// Every choice.
    const CHOICES: &'static [Self];

    /// The word for this choice.
    fn word(self) -> &'static str;

    /// What `word` means.
    fn parse(word: &str) -> Result<Self, String> {
        Self::CHOICES.iter().find(|choice| choice.word() == word).copied().ok_or_else(|| {
            let words: Vec<&str> = Self::CHOICES.iter().map(|choice| choice.word()).collect();
            format!("is not {}", alternatives(&words))
        })
    }
}

/// How many threads a pool gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// One for each core of the machine.
    OnePerCore,
    /// This many.
    Exactly(NonZeroUsize),
}

impl Threads {
    /// The number of threads on this machine.
    pub fn count(self) -> NonZeroUsize {
        match self {
            Self::OnePerCore => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            Self::Exactly(threads) => threads,
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: &'a Layers, files: &'a dyn ReadFile, mistakes: &'a mut Vec<ConfigError>) -> Self {
        Self { layers, files, mistakes }
    }

    /// A text that may stay unset; `parse` says what is wrong with it in words that follow the value, without repeating it.
    pub(super) fn optional<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Read<Option<T>> {
        let Some((value, origin)) = self.layers.get(key) else { return Ok(None) };
        let ValueKind::String(text) = value else { return Err(self.wrong_type(key, TEXT)) };
        match parse(text) {
            Ok(parsed) => Ok(Some(parsed)),
            Err(reason) => Err(self.invalid(key, origin, format!("{} {reason}", quoted(text)))),
        }
    }

    /// A text that must be there.
    pub(super) fn required<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Read<T> {
        self.optional(key, parse)?.ok_or_else(|| self.missing(key))
    }

    /// One word out of a few.
    pub(super) fn choice<T: Choice>(&mut self, key: &str) -> Read<T> {
        self.required(key, T::parse)
    }

    /// A list, not empty, of words out of a few.
    pub(super) fn choices<T: Choice>(&mut self, key: &str) -> Read<Vec<T>> {
        let (value, origin) = self.value(key)?;
        let ValueKind::Array(items) = value else { return Err(self.wrong_type(key, LIST)) };
        let mut chosen = Vec::new();
        for item in items {
            let ValueKind::String(word) = &item.kind else { return Err(self.wrong_type(key, LIST)) };
            match T::parse(word) {
                Ok(choice) if chosen.contains(&choice) => {}
                Ok(choice) => chosen.push(choice),
                Err(reason) => return Err(self.invalid(key, origin, format!("{} {reason}", quoted(word)))),
            }
        }
        if chosen.is_empty() { Err(self.invalid(key, origin, "the list is empty".to_owned())) } else { Ok(chosen) }
    }

    /// A list, perhaps empty, of texts; `parse` as in [`Self::optional`].
    pub(super) fn list<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Read<Vec<T>> {
        let (value, origin) = self.value(key)?;
        let ValueKind::Array(items) = value else { return Err(self.wrong_type(key, LIST)) };
        let mut list = Vec::new();
        for item in items {
            let ValueKind::String(text) = &item.kind else { return Err(self.wrong_type(key, LIST)) };
            match parse(text) {
                Ok(parsed) => list.push(parsed),
                Err(reason) => return Err(self.invalid(key, origin, format!("{} {reason}", quoted(text)))),
            }
        }
        Ok(list)
    }

    /// A file or directory.
    pub(super) fn path(&mut self, key: &str) -> Read<PathBuf> {
        self.required(key, parse_path)
    }

    /// A file or directory that may stay unset.
    pub(super) fn optional_path(&mut self, key: &str) -> Read<Option<PathBuf>> {
        self.optional(key, parse_path)
    }

    pub(super) fn boolean(&mut self, key: &str) -> Read<bool> {
        match self.value(key)? {
            (ValueKind::Boolean(value), _) => Ok(*value),
            _ => Err(self.wrong_type(key, "true or false, without quotes")),
        }
    }

    /// A whole number that its setting keeps above zero.
    pub(super) fn positive(&mut self, key: &str) -> Read<NonZeroU32> {
        let number: u32 = self.integer(key)?;
        NonZeroU32::new(number).ok_or_else(|| self.conflict(key, "must be at least 1"))
    }

    /// A whole number within the range of the table of settings.
    pub(super) fn integer<T: TryFrom<u64>>(&mut self, key: &str) -> Read<T> {
        let (value, origin) = self.value(key)?;
        let (ValueKind::I64(number), Some(kind)) = (value, settings::kind_of(key)) else {
            return Err(self.wrong_type(key, "a whole number, without quotes"));
        };
        let accepted = u64::try_from(*number).ok().filter(|number| match kind {
            Kind::Integer { least, most, .. } => (least..=most).contains(number),
            Kind::IntegerOf(numbers) => numbers.contains(number),
            _ => false,
        });
        accepted
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| self.invalid(key, origin, format!("{number} is not {}", kind.accepted())))
    }

    pub(super) fn seconds(&mut self, key: &str) -> Read<Duration> {
        self.integer(key).map(Duration::from_secs)
    }

    pub(super) fn milliseconds(&mut self, key: &str) -> Read<Duration> {
        self.integer(key).map(Duration::from_millis)
    }

    pub(super) fn threads(&mut self, key: &str) -> Read<Threads> {
        let threads: usize = self.integer(key)?;
        Ok(NonZeroUsize::new(threads).map_or(Threads::OnePerCore, Threads::Exactly))
    }

    /// A secret, given directly or as the file its `_file` twin names; `parse` as in [`Self::optional`]. No mistake shows it.
    pub(super) fn secret<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Read<Option<T>> {
        let twin_key = format!("{key}_file");
        let (text, origin) = match (self.layers.get(key), self.layers.get(&twin_key)) {
            (Some((_, origin)), Some((_, twin_origin))) if origin != DEFAULT_ORIGIN => {
                return Err(self.note(ConfigError::SecretGivenTwice {
                    key: key.to_owned(),
                    origin: origin.to_owned(),
                    twin_origin: twin_origin.to_owned(),
                }));
            }
            (_, Some((_, twin_origin))) => self.secret_file(&twin_key, twin_origin)?,
            (Some((ValueKind::String(text), origin)), None) => (Secret::new(text.clone()), origin.to_owned()),
            (Some(_), None) => return Err(self.wrong_type(key, TEXT)),
            (None, None) => return Ok(None),
        };
        match parse(text.expose()) {
            Ok(parsed) => Ok(Some(parsed)),
            Err(reason) => Err(self.invalid(key, &origin, format!("the value {reason}"))),
        }
    }

    /// A secret that must be there.
    pub(super) fn required_secret<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Read<T> {
        self.secret(key, parse)?.ok_or_else(|| self.missing(key))
    }

    /// Notes that `key` has a fitting value that does not fit the rest of the configuration.
    pub(super) fn conflict(&mut self, key: &str, reason: &str) -> Noted {
        let origin = self.layers.get(key).map_or(DEFAULT_ORIGIN, |(_, origin)| origin);
        self.invalid(key, origin, reason.to_owned())
    }

    fn value(&mut self, key: &str) -> Read<(&'a ValueKind, &'a str)> {
        self.layers.get(key).ok_or_else(|| self.missing(key))
    }

    fn secret_file(&mut self, twin_key: &str, origin: &str) -> Read<(Secret<String>, String)> {
        let path = self.path(twin_key)?;
        match self.files.read(&path) {
            Ok(text) => Ok((trimmed(&Secret::new(text)), format!("the file {twin_key} names"))),
            Err(error) => Err(self.note(ConfigError::SecretFile {
                key: twin_key.to_owned(),
                origin: origin.to_owned(),
                path,
                cause: error.to_string(),
            })),
        }
    }

    fn missing(&mut self, key: &str) -> Noted {
        self.note(ConfigError::Missing { key: key.to_owned(), variable: environment_variable(key) })
    }

    fn wrong_type(&mut self, key: &str, expected: &str) -> Noted {
        self.conflict(key, &format!("must be {expected}"))
    }

    fn invalid(&mut self, key: &str, origin: &str, reason: String) -> Noted {
        self.note(ConfigError::Invalid { key: key.to_owned(), origin: origin.to_owned(), reason })
    }

    fn note(&mut self, mistake: ConfigError) -> Noted {
        self.mistakes.push(mistake);
        Noted
    }
}

/// Editors and `echo` end a file with a newline; it is not part of the secret.
fn trimmed(text: &Secret<String>) -> Secret<String> {
    let whole = text.expose();
    let line = whole.strip_suffix('\n').map_or(whole.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Secret::new(line.to_owned())
}

fn parse_path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        Err("is not a path".to_owned())
    } else {
        Ok(Path::new(text).to_owned())
    }
}

fn quoted(text: &str) -> String {
    const LONGEST: usize = 100;
    let shown: String = text.chars().take(LONGEST).collect();
    let more = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    format!("\"{}{more}\"", on_one_line(&shown))
}
