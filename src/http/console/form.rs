//! What was posted, what is wrong with it, and how is it shown again, with nothing lost and no secret shown?

use std::fmt::{self, Debug, Formatter};

use zeroize::Zeroize;

/// The fields whose values are read once, by [`Form::secret`], and never written into a page.
const SECRET_FIELDS: &[&str] =
    &["client_secret", "assertion", "again_secret", "again_assertion", "link", "pasted_token"];

/// The field for a public key, in which a private one may be pasted by mistake.
pub(super) const PUBLIC_KEY: &str = "public_key";

/// The fields of a form and the errors in it.
#[derive(Default)]
pub(super) struct Form {
    fields: Vec<(String, String)>,
    errors: Vec<FieldError>,
    general: Vec<String>,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    /// The name of the field.
    pub name: String,
    /// A sentence that can stand alone, as in the summary above the form.
    pub text: String,
}

/// One of the things that can be chosen in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// What is posted.
    pub value: String,
    /// What is read.
    pub label: String,
    /// What it means; empty: that needs no words.
    pub hint: String,
}

impl Choice {
    /// A choice that needs no explanation.
    pub(super) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new() }
    }

    /// The same choice, explained.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl Form {
    /// A form that nobody has filled in.
    pub(super) fn empty() -> Self {
        Self::default()
    }

    /// The form that was posted, its fields in their order.
    pub(super) fn of(fields: Vec<(String, String)>) -> Self {
        Self { fields, errors: Vec::new(), general: Vec::new() }
    }

    /// The same form with one more field filled in; a name can have several values.
    #[must_use]
    pub(super) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// The first value of a field; empty if it has none, and for a secret, so that a page cannot show one.
    pub(super) fn value(&self, name: &str) -> &str {
        self.values(name).next().unwrap_or_default()
    }

    /// All values of a field, but those of a secret.
    pub(super) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let shown = !is_secret(name);
        self.raw(name).filter(move |_| shown)
    }

    /// The value of a secret field, for who checks it.
    pub(super) fn secret(&self, name: &str) -> &str {
        self.raw(name).next().unwrap_or_default()
    }

    /// Was the field posted with something in it?
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).any(|value| !value.is_empty())
    }

    /// Is this one of the values of the field?
    pub(super) fn is_checked(&self, name: &str, value: &str) -> bool {
        self.values(name).any(|chosen| chosen == value)
    }

    /// What was posted but for secrets and the fields `names`, for a page that has it posted again.
    pub(super) fn fields_without(&self, names: &[&str]) -> Vec<(String, String)> {
        let stays = |name: &str, value: &str| !holds_secret(name, value) && !names.contains(&name);
        self.fields.iter().filter(|(name, value)| stays(name, value)).cloned().collect()
    }

    /// Was a secret posted, other than in the fields `names`?
    pub(super) fn has_secret_besides(&self, names: &[&str]) -> bool {
        let mut posted =
            self.fields.iter().filter(|(name, value)| !value.is_empty() && !names.contains(&name.as_str()));
        posted.any(|(name, value)| holds_secret(name, value))
    }

    /// What is wrong with a field: the first that was found.
    pub(super) fn error(&self, name: &str) -> Option<&str> {
        self.errors.iter().find(|error| error.name == name).map(|error| error.text.as_str())
    }

    /// Says what is wrong with a field.
    pub(super) fn fail(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.errors.push(FieldError { name: name.into(), text: text.into() });
    }

    /// Says what is wrong with no field in particular.
    pub(super) fn fail_generally(&mut self, text: impl Into<String>) {
        self.general.push(text.into());
    }

    /// What is wrong with the fields.
    pub(super) fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// What is wrong with no field in particular.
    pub(super) fn general(&self) -> &[String] {
        &self.general
    }

    /// How many things are wrong?
    pub(super) fn error_count(&self) -> usize {
        self.errors.len() + self.general.len()
    }

    /// Is nothing wrong?
    pub(super) fn is_ok(&self) -> bool {
        self.error_count() == 0
    }

    fn raw<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

impl Drop for Form {
    fn drop(&mut self) {
        // All: a document that is pasted has secrets too.
        self.fields.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

/// The names and the errors, no values.
impl Debug for Form {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("Form")
            .field("fields", &names)
            .field("errors", &self.errors)
            .field("general", &self.general)
            .finish_non_exhaustive()
    }
}

fn is_secret(name: &str) -> bool {
    SECRET_FIELDS.contains(&name)
}

fn holds_secret(name: &str, value: &str) -> bool {
    is_secret(name) || (name == PUBLIC_KEY && looks_private(value))
}

/// May a private key be in `text`, though perhaps a broken one?
pub(super) fn looks_private(text: &str) -> bool {
    text.contains("PRIVATE KEY") || [r#""d""#, r#""k""#].iter().any(|member| text.contains(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted() -> Form {
        let fields =
            [("name", "Acme"), ("scope", "read"), ("scope", "write"), ("again_secret", "hunter2"), ("note", "")];
        Form::of(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
    }

    #[test]
    fn shows_again_what_was_typed() {
        let form = posted().with("unit", "minutes");
        assert_eq!((form.value("name"), form.value("unit"), form.value("absent")), ("Acme", "minutes", ""));
        assert_eq!(form.values("scope").collect::<Vec<_>>(), ["read", "write"]);
        assert!(form.is_checked("scope", "write") && !form.is_checked("scope", "delete"));
        assert!(form.has("name") && !form.has("note") && !form.has("absent"));
    }

    #[test]
    fn a_secret_is_read_and_never_shown() {
        let form = posted();
        assert_eq!(form.secret("again_secret"), "hunter2");
        assert!(form.has("again_secret"));
        assert_eq!(form.value("again_secret"), "");
        assert!(!form.is_checked("again_secret", "hunter2"));
        let debug = format!("{form:?}");
        assert!(debug.contains("again_secret") && !debug.contains("hunter2") && !debug.contains("Acme"));
    }

    #[test]
    fn what_is_posted_once_more_holds_no_secret() {
        let form = posted().with(PUBLIC_KEY, r#"{"kty":"EC","d":"x"}"#).with(PUBLIC_KEY, "public");
        let names: Vec<String> = form.fields_without(&["scope"]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["name", "note", PUBLIC_KEY]);
        assert!(form.has_secret_besides(&[]) && form.has_secret_besides(&["again_secret"]));
        assert!(!form.has_secret_besides(&["again_secret", PUBLIC_KEY]));
    }

    #[test]
    fn keeps_errors_by_their_field() {
        let mut form = posted();
        assert!(form.is_ok());
        form.fail("name", "The name is taken.");
        form.fail("name", "A second error.");
        form.fail_generally("Nothing was saved.");
        assert_eq!(form.error("name"), Some("The name is taken."));
        assert_eq!(form.error("scope"), None);
        assert_eq!((form.errors().len(), form.general().len(), form.error_count()), (2, 1, 3));
        assert!(!form.is_ok());
    }
}
