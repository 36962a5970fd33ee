//! How is a mistake in a document told? By its place and by what belongs there; what stands there may be a secret.

use serde_saphyr::{Budget, Error, Options};

/// Longest key that is repeated in a message.
const MAX_KEY_LENGTH: usize = 32;

/// How `text` is parsed: as much as stands in it, however much that is, but not what aliases would make of it.
pub(in crate::issuer) fn yaml_options(text: &str) -> Options {
    let mut budget = Budget::default();
    budget.max_events = budget.max_events.max(text.len());
    budget.max_nodes = budget.max_nodes.max(text.len());
    budget.max_total_scalar_bytes = budget.max_total_scalar_bytes.max(text.len());
    let mut options = Options::default();
    options.budget = Some(budget);
    options
}

/// The mistake, with line and column, on one line. Of the document it repeats nothing but keys.
pub(in crate::issuer) fn describe(error: &Error) -> String {
    let what = what_is_wrong(error);
    match error.location() {
        Some(at) => format!("line {}, column {}: {what}", at.line(), at.column()),
        None => what,
    }
}

/// Only texts of ours and of the program, never the parser's own words where they could quote the document.
fn what_is_wrong(error: &Error) -> String {
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => what_is_wrong(error),
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("unknown key{}; known here: {}", quoted(field), expected.join(", "))
        }
        Error::SerdeMissingField { field, .. } => format!("the key {field} is missing"),
        Error::DuplicateMappingKey { key, .. } => {
            format!("the key{} stands twice", key.as_deref().map(quoted).unwrap_or_default())
        }
        Error::SerdeUnknownVariant { expected, .. } => format!("use one of: {}", expected.join(", ")),
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            // serde's name for what is read into a type of ours.
            let expected = if expected.starts_with("struct ") { "a mapping of keys to values" } else { expected };
            format!("expected {expected}")
        }
        Error::Unexpected { expected, .. } => format!("expected {expected}"),
        Error::InvalidScalar { ty, .. } => format!("expected {ty}"),
        Error::NullIntoString { .. } => "expected a text".to_owned(),
        Error::Eof { .. } => "the document ends too early".to_owned(),
        Error::MultipleDocuments { .. } => "there is more than one document".to_owned(),
        Error::Budget { .. } => "the document is too large or too deep".to_owned(),
        Error::UnknownAnchor { .. } | Error::UnsupportedTag { .. } => {
            "a value that starts with *, & or ! must stand in quotes".to_owned()
        }
        // The words of a type, such as those about a time that is none: they may quote it.
        Error::Message { .. } => "this value does not fit its key".to_owned(),
        _ => "this is neither YAML nor JSON: check the indentation, the brackets and the quotes".to_owned(),
    }
}

/// The key, if it looks like one: a secret in the wrong place would hold digits or be longer.
fn quoted(key: &str) -> String {
    let word = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-');
    if (1..=MAX_KEY_LENGTH).contains(&key.len()) && key.bytes().all(word) { format!(" {key}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::issuer::document::Document;

    const CANARY: &str = "SuperSecretValue1234";

    fn told(text: &str) -> String {
        let error = Document::parse(&text.replace("CANARY", CANARY)).expect_err(text);
        format!("{error} {error:?}")
    }

    #[rstest]
    #[case::unknown_key_beside_it(
        "clients:\n  - secrets: [{value: CANARY, bogus: 1}]",
        "line 2, column 45: unknown key bogus; known here: value,"
    )]
    #[case::as_key("clients: [{secrets: [{CANARY: 1}]}]", "line 1, column 23: unknown key; known")]
    #[case::as_set("clients: [{secrets: [{CANARY}]}]", "unknown key; known")]
    #[case::as_item("clients: [{secrets: [CANARY]}]", "expected")]
    #[case::as_list("clients: [{secrets: CANARY}]", "expected")]
    #[case::as_nested_list("clients: [{secrets: [{value: [CANARY]}]}]", "expected")]
    #[case::as_time("clients:\n  - secrets:\n    - {expires_at: CANARY}", "line 3, column")]
    #[case::as_boolean("clients: [{enabled: CANARY}]", "line 1, column 21: expected boolean")]
    #[case::as_number("apis: [{identifier: a, token_lifetime: CANARY}]", "line 1, column 40: expected")]
    #[case::as_name_of_a_choice("apis: [{identifier: a, signing_alg: CANARY}]", "use one of: RS256")]
    #[case::as_method("clients: [{authentication_methods: [CANARY]}]", "use one of: client_secret_basic")]
    #[case::as_claims("clients: [{claims: CANARY}]", "line 1, column 20")]
    #[case::as_document("CANARY", "line 1, column 1: expected")]
    #[case::as_tag("clients: [{secrets: [{value: !CANARY x, bogus: 1}]}]", "line 1")]
    #[case::as_handle("clients: [{secrets: [{value: !CANARY!x y}]}]", "line 1")]
    #[case::as_alias("clients: [{secrets: [{value: *CANARY}]}]", "line 1")]
    #[case::as_anchor("clients: [{secrets: [{value: &CANARY }], x: *CANARY}]", "line 1")]
    #[case::twice("clients: [{secrets: [{value: CANARY, value: CANARY}]}]", "the key value stands twice")]
    #[case::twice_as_key("clients: [{claims: {CANARY: 1, CANARY: 2}}]", "the key stands twice")]
    #[case::open_quote("clients:\n  - secrets: [{value: 'CANARY}]", "line")]
    #[case::open_bracket("clients:\n  - secrets: [{value: CANARY", "line")]
    #[case::indentation("clients:\n  - name: a\n   secrets: CANARY: x", "line 3")]
    #[case::escape("clients: [{secrets: [{value: \"CANARY\\q\"}]}]", "line 1")]
    #[case::percent("%CANARY CANARY\n---\nclients: 1", "line")]
    #[case::two_documents("apis: []\n---\nclients: CANARY", "more than one document")]
    #[case::missing("apis: [{name: CANARY}]", "the key identifier is missing")]
    fn a_mistake_is_told_without_the_secret_beside_it(#[case] text: &str, #[case] expected: &str) {
        let told = told(text);
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains(CANARY) && !told.contains('\n'), "{told}");
    }
}
