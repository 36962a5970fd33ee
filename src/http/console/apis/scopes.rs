//! Which scopes does the form of an API define? A row for each, and empty ones for more: without a script too.

use super::super::form::Form;
use crate::issuer::apis::validated_text;
use crate::issuer::document::ScopeEntry;
use crate::oauth::scope::ScopeValue;

/// Rows for further scopes.
const BLANK_ROWS: usize = 3;

const VALUE: &str = "scope_value";
const DESCRIPTION: &str = "scope_description";
const REMOVE: &str = "scope_remove";

/// A row of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScopeRow {
    /// Its place, by which the form names it.
    pub(super) number: usize,
    /// The place as people count.
    pub(super) ordinal: usize,
    pub(super) value: String,
    pub(super) description: String,
    /// Is it to be taken out?
    pub(super) is_removed: bool,
    /// What is wrong with it.
    pub(super) error: Option<String>,
}

/// `form` with the rows of `scopes`.
pub(super) fn fill(form: Form, scopes: &[ScopeEntry]) -> Form {
    scopes.iter().fold(form, |form, scope| {
        form.with(VALUE, scope.value.as_str()).with(DESCRIPTION, scope.description.clone().unwrap_or_default())
    })
}

/// `form` with further, empty rows.
pub(super) fn with_blank_rows(form: Form) -> Form {
    (0..BLANK_ROWS).fold(form, |form, _| form.with(VALUE, "").with(DESCRIPTION, ""))
}

/// The rows as they were filled in.
pub(super) fn rows(form: &Form) -> Vec<ScopeRow> {
    let mut descriptions = form.values(DESCRIPTION);
    let row = |(number, value): (usize, &str)| ScopeRow {
        number,
        ordinal: number + 1,
        value: value.to_owned(),
        description: descriptions.next().unwrap_or_default().to_owned(),
        is_removed: form.is_checked(REMOVE, &number.to_string()),
        error: form.error(&field(number)).map(str::to_owned),
    };
    form.values(VALUE).enumerate().map(row).collect()
}

/// The scopes that the rows define; says beside each row what is wrong with it.
pub(super) fn parse(form: &mut Form) -> Vec<ScopeEntry> {
    let mut scopes: Vec<ScopeEntry> = Vec::new();
    for row in rows(form).into_iter().filter(|row| !row.is_removed) {
        let (value, description) = (row.value.trim(), row.description.trim());
        if value.is_empty() && description.is_empty() {
            continue;
        }
        match checked(value, description, &scopes) {
            Ok(scope) => scopes.push(scope),
            Err(text) => form.fail(field(row.number), text),
        }
    }
    scopes
}

fn checked(value: &str, description: &str, before: &[ScopeEntry]) -> Result<ScopeEntry, String> {
    if value.is_empty() {
        return Err("This description has no scope: name it, or tick Remove.".to_owned());
    }
    value.parse::<ScopeValue>().map_err(|error| format!("Not a scope: {error}."))?;
    if before.iter().any(|scope| scope.value == value) {
        return Err(format!("The scope {value} stands above already: name each once."));
    }
    validated_text("description", description).map_err(|error| error.to_string())?;
    let description = Some(description.to_owned()).filter(|text| !text.is_empty());
    Ok(ScopeEntry { value: value.to_owned(), description })
}

fn field(number: usize) -> String {
    format!("scope-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(rows: &[(&str, &str)]) -> Form {
        rows.iter()
            .fold(Form::empty(), |form, (value, description)| form.with(VALUE, *value).with(DESCRIPTION, *description))
    }

    fn values(scopes: &[ScopeEntry]) -> Vec<&str> {
        scopes.iter().map(|scope| scope.value.as_str()).collect()
    }

    #[test]
    fn empty_rows_and_those_to_be_removed_are_no_scopes() {
        let mut form = form(&[("read", "To read"), ("", ""), (" write ", ""), ("gone", "")]).with(REMOVE, "3");
        let scopes = parse(&mut form);
        assert!(form.is_ok(), "{form:?}");
        assert_eq!(values(&scopes), ["read", "write"]);
        assert_eq!((scopes[0].description.as_deref(), scopes[1].description.as_deref()), (Some("To read"), None));
    }

    #[test]
    fn each_row_is_told_what_is_wrong_with_it_and_keeps_what_was_typed() {
        let long = "x".repeat(1001);
        let mut form = form(&[("a b", "kept"), ("", "nameless"), ("read", ""), ("read", ""), ("long", &long)]);
        parse(&mut form);
        let rows = rows(&form);
        let wrong: Vec<bool> = rows.iter().map(|row| row.error.is_some()).collect();
        assert_eq!(wrong, [true, true, false, true, true]);
        assert_eq!((rows[0].value.as_str(), rows[0].description.as_str()), ("a b", "kept"));
    }

    #[test]
    fn what_was_stored_is_read_as_it_was_and_there_is_room_for_more() {
        let stored = [ScopeEntry { value: "read".to_owned(), description: Some("To read".to_owned()) }];
        let mut form = with_blank_rows(fill(Form::empty(), &stored));
        assert_eq!(rows(&form).len(), 1 + BLANK_ROWS);
        assert_eq!(parse(&mut form), stored);
    }
}
