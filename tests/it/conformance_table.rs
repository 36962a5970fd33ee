//! docs/rfc-conformance.md names the tests that exist, and every test that holds a clause stands in it.

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the file")
}

/// The last code span of each row of the table.
fn tests_in_table() -> BTreeSet<String> {
    let text = read("docs/rfc-conformance.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        cells.last().expect("a cell").trim_end_matches('|').trim().trim_matches('`').to_owned()
    })
    .collect()
}

/// The functions marked as tests in tests/it/rfc.rs.
fn tests_in_source() -> BTreeSet<String> {
    let syntax = syn::parse_file(&read("tests/it/rfc.rs")).expect("Rust");
    let functions = syntax.items.into_iter().filter_map(|item| match item {
        syn::Item::Fn(function) => Some(function),
        _ => None,
    });
    let marked = functions.filter(|function| {
        function.attrs.iter().any(|attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "test"))
    });
    marked.map(|function| function.sig.ident.to_string()).collect()
}

#[test]
fn table_and_tests_are_in_step() {
    let (table, source) = (tests_in_table(), tests_in_source());
    let missing: Vec<_> = table.difference(&source).collect();
    let unlisted: Vec<_> = source.difference(&table).collect();
    assert!(missing.is_empty() && unlisted.is_empty(), "no such test: {missing:?}; not in the table: {unlisted:?}");
    assert!(table.len() >= 40, "the table has only {} rows", table.len());
}
