//! How does a value become a type that cannot be wrong, with every mistake collected on the way?

use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::ValueKind;

use super::error::{ConfigError, plain};
use super::layers::{DEFAULT_ORIGIN, Layers};
use super::secret::Secret;
use super::setting::{Kind, alternatives, environment_variable};
use super::settings;
use super::sources::ReadFile;

/// Takes values out of the layers. Each method answers `None` after noting a mistake, so that a section can read all of its
/// settings before it gives up.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    layers: &'a Layers,
    files: &'a dyn ReadFile,
    mistakes: &'a mut Vec<ConfigError>,
}

/// A setting that is one word out of a few.
pub(super) trait Choice: Copy + Debug + 'static {
    /// Each word with its meaning.
    const WORDS: &'static [(&'static str, Self)];

    /// What `word` means.
    fn parse(word: &str) -> Result<Self, String> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<&str> = Self::WORDS.iter().map(|(known, _)| *known).collect();
            format!("is not {}", alternatives(&words))
        })
    }

    /// The word for this choice.
    fn word(self) -> &'static str
    where
        Self: PartialEq,
    {
        Self::WORDS.iter().find(|(_, choice)| *choice == self).map_or("", |(word, _)| word)
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
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        let Some((value, origin)) = self.layers.get(key) else { return Some(None) };
        let ValueKind::String(text) = value else { return self.wrong_type(key, "text in quotes") };
        match parse(text) {
            Ok(parsed) => Some(Some(parsed)),
            Err(reason) => self.invalid(key, origin, format!("{} {reason}", quoted(text))),
        }
    }

    /// A text that must be there.
    pub(super) fn required<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let value = self.optional(key, parse)?;
        if value.is_none() {
            self.mistakes.push(ConfigError::Missing { key: key.to_owned(), variable: environment_variable(key) });
        }
        value
    }

    /// One word out of a few.
    pub(super) fn choice<T: Choice>(&mut self, key: &str) -> Option<T> {
        self.required(key, T::parse)
    }

    /// A list, not empty, of words out of a few.
    pub(super) fn choices<T: Choice + PartialEq>(&mut self, key: &str) -> Option<Vec<T>> {
        let (value, origin) = self.layers.get(key)?;
        let ValueKind::Array(items) = value else { return self.wrong_type(key, "a list of texts in quotes") };
        let mut chosen = Vec::new();
        for item in items {
            let ValueKind::String(word) = &item.kind else { return self.wrong_type(key, "a list of texts in quotes") };
            match T::parse(word) {
                Ok(choice) if chosen.contains(&choice) => {}
                Ok(choice) => chosen.push(choice),
                Err(reason) => return self.invalid(key, origin, format!("{} {reason}", quoted(word))),
            }
        }
        if chosen.is_empty() { self.invalid(key, origin, "the list is empty".to_owned()) } else { Some(chosen) }
    }

    /// A file or directory.
    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.required(key, parse_path)
    }

    /// A file or directory that may stay unset.
    pub(super) fn optional_path(&mut self, key: &str) -> Option<Option<PathBuf>> {
        self.optional(key, parse_path)
    }

    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        match self.layers.get(key)? {
            (ValueKind::Boolean(value), _) => Some(*value),
            _ => self.wrong_type(key, "true or false, without quotes"),
        }
    }

    /// A whole number within the range of the table of settings.
    pub(super) fn integer<T: TryFrom<u64>>(&mut self, key: &str) -> Option<T> {
        let (value, origin) = self.layers.get(key)?;
        let ValueKind::I64(number) = value else { return self.wrong_type(key, "a whole number, without quotes") };
        let kind = settings::kind_of(key)?;
        let accepted = u64::try_from(*number).ok().filter(|number| match kind {
            Kind::Integer { least, most, .. } => (least..=most).contains(number),
            Kind::IntegerOf(numbers) => numbers.contains(number),
            _ => false,
        });
        match accepted.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Some(number),
            None => self.invalid(key, origin, format!("{number} is not {}", kind.accepted())),
        }
    }

    pub(super) fn seconds(&mut self, key: &str) -> Option<Duration> {
        self.integer(key).map(Duration::from_secs)
    }

    pub(super) fn milliseconds(&mut self, key: &str) -> Option<Duration> {
        self.integer(key).map(Duration::from_millis)
    }

    pub(super) fn threads(&mut self, key: &str) -> Option<Threads> {
        let threads: usize = self.integer(key)?;
        Some(NonZeroUsize::new(threads).map_or(Threads::OnePerCore, Threads::Exactly))
    }

    /// A secret, given directly or as the file its `_file` twin names; `parse` as in [`Self::optional`]. No mistake shows it.
    pub(super) fn secret<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<Option<T>> {
        let given = self.layers.get(key).filter(|(_, origin)| *origin != DEFAULT_ORIGIN);
        let twin_key = format!("{key}_file");
        let twin = self.layers.get(&twin_key);
        let (text, origin) = match (given, twin) {
            (Some((_, origin)), Some((_, twin_origin))) => {
                self.mistakes.push(ConfigError::SecretGivenTwice {
                    key: key.to_owned(),
                    origin: origin.to_owned(),
                    twin_origin: twin_origin.to_owned(),
                });
                return None;
            }
            (None, Some((_, twin_origin))) => self.secret_file(&twin_key, twin_origin)?,
            (_, None) => match self.layers.get(key) {
                None => return Some(None),
                Some((ValueKind::String(text), origin)) => (Secret::new(text.clone()), origin.to_owned()),
                Some(_) => return self.wrong_type(key, "text in quotes"),
            },
        };
        match parse(text.expose()) {
            Ok(parsed) => Some(Some(parsed)),
            Err(reason) => self.invalid(key, &origin, format!("the value {reason}")),
        }
    }

    /// Notes that `key` has a fitting value that does not fit the rest of the configuration.
    pub(super) fn conflict(&mut self, key: &str, reason: &str) {
        let origin = self.layers.get(key).map_or(DEFAULT_ORIGIN, |(_, origin)| origin);
        self.invalid::<()>(key, origin, reason.to_owned());
    }

    /// [`Self::conflict`], for the end of a section's reading.
    pub(super) fn refuse<T>(&mut self, key: &str, reason: &str) -> Option<T> {
        self.conflict(key, reason);
        None
    }

    fn secret_file(&mut self, twin_key: &str, origin: &str) -> Option<(Secret<String>, String)> {
        let path = self.path(twin_key)?;
        match self.files.read(&path) {
            Ok(text) => Some((trimmed(Secret::new(text)), format!("the file {} names", twin_key))),
            Err(error) => {
                self.mistakes.push(ConfigError::SecretFile {
                    key: twin_key.to_owned(),
                    origin: origin.to_owned(),
                    path,
                    cause: error.to_string(),
                });
                None
            }
        }
    }

    fn wrong_type<T>(&mut self, key: &str, expected: &str) -> Option<T> {
        let origin = self.layers.get(key).map_or(DEFAULT_ORIGIN, |(_, origin)| origin);
        self.invalid(key, origin, format!("must be {expected}"))
    }

    fn invalid<T>(&mut self, key: &str, origin: &str, reason: String) -> Option<T> {
        self.mistakes.push(ConfigError::Invalid { key: key.to_owned(), origin: origin.to_owned(), reason });
        None
    }
}

/// Editors and `echo` end a file with a newline; it is not part of the secret.
fn trimmed(text: Secret<String>) -> Secret<String> {
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
    format!("\"{}{more}\"", plain(&shown))
}
