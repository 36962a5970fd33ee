//! docs/rfc-conformance.md holds exactly the clauses that stand over the tests in tests/it/rfc/.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const HEAD: &str = "\
# RFC conformance

Each clause that Tokenhouse is held to, what it asks for, and the test that holds it: against the built program, on real sockets. The
verifier crate has many more of its own, among them Wycheproof's signature vectors. Where we differ from a clause on purpose, see
[rfc-divergences.md](rfc-divergences.md). This table is made from the first lines of the tests in `tests/it/rfc/`; a test keeps it so.

| clause | what it asks for | test |
|---|---|---|
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Clause, requirement and name of each test in a file.
fn rows(file: &Path) -> Vec<(String, String, String)> {
    let syntax = syn::parse_file(&std::fs::read_to_string(file).expect("a source")).expect("Rust");
    let functions = syntax.items.into_iter().filter_map(|item| match item {
        syn::Item::Fn(function) => Some(function),
        _ => None,
    });
    let is_test = |function: &syn::ItemFn| {
        function.attrs.iter().any(|one| one.path().segments.last().is_some_and(|last| last.ident == "test"))
    };
    functions
        .filter(is_test)
        .map(|function| {
            let name = function.sig.ident.to_string();
            let line = function.attrs.iter().find_map(|attribute| match &attribute.meta {
                syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                    syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
                    _ => None,
                },
                _ => None,
            });
            let line = line.unwrap_or_else(|| panic!("{name} names no clause"));
            let (clause, requirement) = line.split_once(" | ").unwrap_or_else(|| panic!("{name}: {line}"));
            (clause.trim().to_owned(), requirement.trim().to_owned(), name)
        })
        .collect()
}

#[test]
fn table_and_tests_are_in_step() {
    let directory = root().join("tests/it/rfc");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory).expect("the tests").flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut rows: Vec<_> = files.iter().flat_map(|file| rows(file)).collect();
    rows.sort();
    let mut table = HEAD.to_owned();
    for (clause, requirement, test) in &rows {
        let _ = writeln!(table, "| {clause} | {requirement} | `{test}` |");
    }
    assert!(rows.len() >= 60, "there are only {} rows", rows.len());
    let committed = root().join("docs/rfc-conformance.md");
    if std::fs::read_to_string(&committed).unwrap_or_default() != table {
        let right = root().join("target/rfc-conformance.md");
        std::fs::write(&right, table).expect("the target folder");
        panic!("stale: run `cp {} {}`", right.display(), committed.display());
    }
}
