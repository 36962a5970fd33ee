//! Which scopes does the form of an API define? A row for each, and empty ones for more: without a script too.

use std::collections::{HashMap, HashSet};

use super::super::form::Form;
use super::super::plot::grouped;
use crate::issuer::apis::validated_text;
use crate::issuer::document::ScopeEntry;
use crate::oauth::resource::Api;
use crate::oauth::scope::ScopeValue;

/// Rows for further scopes.
const BLANK_ROWS: usize = 3;

/// Scopes that a person can go through row by row, and that fit into a form with their descriptions.
const MOST_ROWS: usize = 1000;

/// The field of all of them together.
const ALL: &str = "scopes";

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

/// Why the scopes of `api` are not changed by its form; empty: they are.
pub(super) fn why_not_in_form(api: &Api) -> String {
    match api.scopes.len() {
        _ if api.is_system => {
            "The scopes of the Management API are the rights that this server knows, and cannot be changed.".to_owned()
        }
        count if count > MOST_ROWS => format!(
            "Its {} scopes are more than the {} that this form takes, and stay as they are: change them with the Management API or with \
             tokenhouse apply.",
            counted(count),
            counted(MOST_ROWS)
        ),
        _ => String::new(),
    }
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
    let removed: HashSet<&str> = form.values(REMOVE).collect();
    let errors: HashMap<&str, &str> =
        form.errors().iter().map(|error| (error.name.as_str(), error.text.as_str())).collect();
    let row = |(number, value): (usize, &str)| ScopeRow {
        number,
        ordinal: number + 1,
        value: value.to_owned(),
        description: descriptions.next().unwrap_or_default().to_owned(),
        is_removed: removed.contains(number.to_string().as_str()),
        error: errors.get(field(number).as_str()).map(|text| (*text).to_owned()),
    };
    form.values(VALUE).enumerate().map(row).collect()
}

/// The scopes that the rows define; says beside each row what is wrong with it.
pub(super) fn parse(form: &mut Form) -> Vec<ScopeEntry> {
    let is_filled = |row: &ScopeRow| !(row.value.trim().is_empty() && row.description.trim().is_empty());
    let mut rows = rows(form);
    rows.retain(|row| !row.is_removed && is_filled(row));
    if rows.len() > MOST_ROWS {
        form.fail(ALL, too_many(rows.len()));
        return Vec::new();
    }
    let mut scopes = Vec::with_capacity(rows.len());
    let mut above = HashSet::with_capacity(rows.len());
    for row in &rows {
        match checked(row.value.trim(), row.description.trim(), &mut above) {
            Ok(scope) => scopes.push(scope),
            Err(text) => form.fail(field(row.number), text),
        }
    }
    scopes
}

fn too_many(count: usize) -> String {
    format!(
        "This form takes up to {} scopes, and these are {}: define more with the Management API or with tokenhouse apply.",
        counted(MOST_ROWS),
        counted(count)
    )
}

fn counted(count: usize) -> String {
    grouped(u64::try_from(count).unwrap_or(u64::MAX))
}

fn checked<'r>(value: &'r str, description: &str, above: &mut HashSet<&'r str>) -> Result<ScopeEntry, String> {
    if value.is_empty() {
        return Err("This description has no scope: name it, or tick Remove.".to_owned());
    }
    value.parse::<ScopeValue>().map_err(|error| format!("Not a scope: {error}."))?;
    if !above.insert(value) {
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
    fn more_rows_than_a_form_takes_are_refused_with_the_number_and_stay() {
        let many = |count: usize| {
            let names: Vec<_> = (0..count).map(|number| format!("scope:{number}")).collect();
            form(&names.iter().map(|name| (name.as_str(), "")).collect::<Vec<_>>())
        };
        let mut most = with_blank_rows(many(MOST_ROWS));
        assert_eq!(parse(&mut most).len(), MOST_ROWS);
        assert!(most.is_ok());
        let mut too_many = many(MOST_ROWS + 1);
        parse(&mut too_many);
        assert!(too_many.error(ALL).is_some_and(|text| text.contains("up to 1,000 scopes") && text.contains("1,001")));
        assert_eq!(rows(&too_many).len(), MOST_ROWS + 1, "they can be removed");
        let mut removed = too_many.with(REMOVE, "7");
        assert_eq!(parse(&mut removed).len(), MOST_ROWS);
    }

    #[test]
    fn what_was_stored_is_read_as_it_was_and_there_is_room_for_more() {
        let stored = [ScopeEntry { value: "read".to_owned(), description: Some("To read".to_owned()) }];
        let mut form = with_blank_rows(fill(Form::empty(), &stored));
        assert_eq!(rows(&form).len(), 1 + BLANK_ROWS);
        assert_eq!(parse(&mut form), stored);
    }
}
