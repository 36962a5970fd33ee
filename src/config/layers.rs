//! Which value does each setting have, and where from? Defaults, file, environment and flags, merged; unknown names refused.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::Path;

use config::{Config as Merged, FileFormat, Format as _, Map, Source, Value, ValueKind};

use super::error::ConfigError;
use super::setting::{Kind, environment_variable};
use super::settings;
use super::sources::{ConfigFile, Flag, ReadFile, Sources};
use crate::one_line::on_one_line;

/// The embedded defaults: a commented file that an operator can copy and change.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The origin of a value that nobody gave.
pub(super) const DEFAULT_ORIGIN: &str = "default";

/// The merged values, each with its origin.
#[derive(Debug)]
pub(super) struct Layers(Merged);

impl Layers {
    /// Reads and merges all layers; what cannot be used is reported in `mistakes` and left out.
    pub(super) fn merge(sources: &Sources, mistakes: &mut Vec<ConfigError>) -> Self {
        let merged = Merged::builder()
            .add_source(Layer::toml(Path::new("defaults.toml"), DEFAULT_ORIGIN, DEFAULTS, mistakes))
            .add_source(config_file(&sources.file, sources.files.as_ref(), mistakes))
            .add_source(Layer::environment(&sources.environment, mistakes))
            .add_source(Layer::flags(&sources.flags, mistakes))
            .build();
        // A layer is a map of known keys: collecting it cannot fail.
        Self(merged.unwrap_or_default())
    }

    /// The value of `key` and its origin.
    pub(super) fn get(&self, key: &str) -> Option<(&ValueKind, &str)> {
        let value = key.split('.').try_fold(&self.0.cache, |value, name| match &value.kind {
            ValueKind::Table(table) => table.get(name),
            _ => None,
        })?;
        Some((&value.kind, value.origin().unwrap_or(DEFAULT_ORIGIN)))
    }
}

/// One layer: known key paths with their values.
#[derive(Clone, Debug, Default)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

impl Layer {
    fn toml(path: &Path, origin: &str, text: &str, mistakes: &mut Vec<ConfigError>) -> Self {
        let mut layer = Self::default();
        match FileFormat::Toml.parse(Some(&origin.to_owned()), text) {
            Ok(table) => layer.flatten("", table, origin, mistakes),
            Err(error) => mistakes.push(syntax_error(path, &error.to_string())),
        }
        layer
    }

    fn flatten(&mut self, prefix: &str, table: Map<String, Value>, origin: &str, mistakes: &mut Vec<ConfigError>) {
        for (name, value) in table {
            // A quoted key such as "server.bind" is one name; it must not pass for a path.
            let name = if name.contains('.') { format!("{name:?}") } else { name };
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            match value.kind {
                ValueKind::Table(inner) if settings::is_section(&key) || !inner.is_empty() => {
                    self.flatten(&key, inner, origin, mistakes);
                }
                _ if settings::kind_of(&key).is_some() => drop(self.0.insert(key, value)),
                _ if settings::is_section(&key) => mistakes.push(ConfigError::Invalid {
                    reason: format!("is a section; write its settings under [{key}]"),
                    origin: origin.to_owned(),
                    key,
                }),
                _ => mistakes.push(ConfigError::Unknown {
                    suggestion: nearest(&key),
                    origin: origin.to_owned(),
                    name: key,
                }),
            }
        }
    }

    fn environment(variables: &[(OsString, OsString)], mistakes: &mut Vec<ConfigError>) -> Self {
        let mut layer = Self::default();
        for (name, value) in variables {
            let name = name.to_string_lossy();
            let origin = format!("environment variable {name}");
            match setting_of_variable(&name) {
                Variable::Foreign => {}
                Variable::Setting(key) => layer.insert_text(key, value, origin, mistakes),
                Variable::Unknown { suggestion } => mistakes.push(ConfigError::Unknown {
                    name: name.into_owned(),
                    origin: "the environment".to_owned(),
                    suggestion,
                }),
            }
        }
        layer
    }

    fn flags(flags: &[Flag], mistakes: &mut Vec<ConfigError>) -> Self {
        let mut layer = Self::default();
        for Flag { name, key, value } in flags {
            let origin = format!("flag {name}");
            if settings::kind_of(key).is_some() {
                layer.insert_text(key.clone(), OsStr::new(value), origin, mistakes);
            } else {
                mistakes.push(ConfigError::Unknown { name: key.clone(), origin, suggestion: nearest(key) });
            }
        }
        layer
    }

    fn insert_text(&mut self, key: String, text: &OsStr, origin: String, mistakes: &mut Vec<ConfigError>) {
        let parsed = match (settings::kind_of(&key), text.to_str()) {
            (_, None) => Err("is not UTF-8"),
            // `KEY=` is what `KEY=${FORGOTTEN}` becomes: falling back to a default would hide that.
            (_, Some("")) => Err("is empty; give a value or leave it out"),
            (Some(kind), Some(text)) => parse_text(kind, text),
            (None, Some(_)) => Err("is not a setting"),
        };
        match parsed {
            Ok(kind) => drop(self.0.insert(key, Value::new(Some(&origin), kind))),
            Err(reason) => mistakes.push(ConfigError::Invalid { key, origin, reason: format!("the value {reason}") }),
        }
    }
}

fn config_file(file: &ConfigFile, files: &dyn ReadFile, mistakes: &mut Vec<ConfigError>) -> Layer {
    let (path, required) = match file {
        ConfigFile::Absent => return Layer::default(),
        ConfigFile::IfPresent(path) => (path, false),
        ConfigFile::Named(path) => (path, true),
    };
    match files.read(path) {
        Ok(text) => {
            let origin = format!("file {}", on_one_line(&path.to_string_lossy()));
            Layer::toml(path, &origin, &text, mistakes)
        }
        Err(error) if error.kind() == ErrorKind::NotFound && !required => Layer::default(),
        Err(error) => {
            mistakes.push(ConfigError::File { path: path.clone(), cause: error.to_string() });
            Layer::default()
        }
    }
}

/// The environment and flags know only text; its type follows from the setting.
fn parse_text(kind: Kind, text: &str) -> Result<ValueKind, &'static str> {
    Ok(match kind {
        Kind::Boolean => ValueKind::Boolean(text.parse().map_err(|_| "is neither true nor false")?),
        Kind::Integer { .. } | Kind::IntegerOf(_) => ValueKind::I64(text.parse().map_err(|_| "is not a whole number")?),
        Kind::ListOf(_) | Kind::ListOfTexts(_) => {
            ValueKind::Array(text.split(',').map(|item| Value::new(None, item.trim())).collect())
        }
        Kind::Text(_) | Kind::OneOf(_) => ValueKind::String(text.to_owned()),
    })
}

/// The parser's message and place, without the quoted line: a broken line may hold a secret.
fn syntax_error(path: &Path, report: &str) -> ConfigError {
    let mut lines = report.lines().filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let line = first.strip_prefix("TOML parse error at ").map(str::to_owned);
    let message = if line.is_some() { lines.next_back().unwrap_or_default() } else { first };
    ConfigError::Syntax { path: path.to_owned(), line, message: message.to_owned() }
}

enum Variable {
    /// Not ours.
    Foreign,
    /// The variable of this key path.
    Setting(String),
    /// Meant for us, but no setting has it.
    Unknown { suggestion: Option<String> },
}

fn setting_of_variable(name: &str) -> Variable {
    let upper = name.to_uppercase();
    if let Some(key) = settings::keys().find(|key| environment_variable(key) == name) {
        Variable::Setting(key)
    } else if let Some(rest) = upper.strip_prefix("TOKENHOUSE__") {
        let key = rest.to_lowercase().replace("__", ".");
        Variable::Unknown { suggestion: nearest(&key).map(|key| environment_variable(&key)) }
    } else if upper.starts_with("TOKENHOUSE_") {
        // Kubernetes sets TOKENHOUSE_SERVICE_HOST and the like, so only a single underscore in a known name is a slip.
        let single = |key: &String| environment_variable(key).replace("__", "_") == upper;
        settings::keys()
            .find(single)
            .map_or(Variable::Foreign, |key| Variable::Unknown { suggestion: Some(environment_variable(&key)) })
    } else {
        Variable::Foreign
    }
}

/// Longest name for which a similar one is looked for.
const LONGEST_COMPARED: usize = 64;

/// The key path that was probably meant: the same name elsewhere, or the most similar one; the first of equals.
fn nearest(key: &str) -> Option<String> {
    let key = key.trim_matches('"');
    // No setting is as long, and to compare takes as long as both lengths multiplied.
    if key.len() > LONGEST_COMPARED {
        return None;
    }
    if let Some(no_secret) = key.strip_suffix("_file").and_then(settings::find) {
        return Some(no_secret.key.to_owned());
    }
    let score = |candidate: &str| {
        let same_name = last_name(candidate) == last_name(key);
        strsim::normalized_damerau_levenshtein(key, candidate).max(if same_name { 0.9 } else { 0.0 })
    };
    let best = settings::keys().reduce(|best, key| if score(&key) > score(&best) { key } else { best })?;
    (score(&best) > 0.6).then_some(best)
}

fn last_name(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
