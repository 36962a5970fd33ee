//! What is known about one setting: its name, its kind, its default and its meaning?

/// A row of the table of settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// Key path, such as `server.bind`.
    pub(super) key: &'static str,
    /// What its value looks like.
    pub(super) kind: Kind,
    /// The default as TOML; none for a setting that may stay unset.
    pub(super) default: Option<&'static str>,
    /// One sentence.
    pub(super) meaning: &'static str,
    /// An example value as TOML.
    pub(super) example: &'static str,
    /// Whether its value must never be shown; it then has a `_file` twin.
    pub(super) secret: bool,
}

/// What a setting's value looks like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A string; the word says which one: `URL`, `path`.
    Text(&'static str),
    /// `true` or `false`.
    Boolean,
    /// A whole number of `unit` in a closed range.
    Integer {
        /// The smallest that is accepted.
        least: u64,
        /// The largest that is accepted.
        most: u64,
        /// Plural: `seconds`.
        unit: &'static str,
    },
    /// One of these whole numbers.
    IntegerOf(&'static [u64]),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of these words.
    ListOf(&'static [&'static str]),
    /// A list of strings, perhaps empty; the words say which ones: `IP addresses and networks`.
    ListOfTexts(&'static str),
}

impl Setting {
    /// Marks a setting as secret.
    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Gives an example that differs from the default.
    pub(super) const fn example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    /// The section: `server` for `server.bind`, empty at the top level.
    pub(super) fn section(&self) -> &'static str {
        self.key.split_once('.').map_or("", |(section, _)| section)
    }

    /// The name within its section.
    pub(super) fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }
}

impl Kind {
    /// The kind of a `_file` twin.
    pub(super) const PATH: Self = Self::Text("path");

    /// What is accepted, for people: `1 to 300 seconds`.
    pub(super) fn accepted(&self) -> String {
        match self {
            Self::Text(what) => (*what).to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Integer { least, most, unit } => format!("{least} to {most} {unit}"),
            Self::IntegerOf(numbers) => alternatives(&numbers.iter().map(u64::to_string).collect::<Vec<_>>()),
            Self::OneOf(words) => alternatives(words),
            Self::ListOf(words) => format!("list of {}", alternatives(words)),
            Self::ListOfTexts(what) => format!("list of {what}"),
        }
    }
}

/// `a, b or c`.
pub(super) fn alternatives<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// The environment variable of a key path: `TOKENHOUSE__SERVER__BIND` for `server.bind`.
pub(super) fn environment_variable(key: &str) -> String {
    format!("TOKENHOUSE__{}", key.to_uppercase().replace('.', "__"))
}
