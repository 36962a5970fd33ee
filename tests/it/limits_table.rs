//! docs/limits.md: each setting that it names is there with that default, each setting that bounds something stands in it, and each test exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).expect("a document")
}

/// The cells of the rows of every table in a document, without heads.
fn rows(document: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for line in document.lines().filter(|line| line.starts_with("| ") || line.starts_with("|--")) {
        if line.starts_with("|--") {
            // What stands over the line is a head.
            rows.pop();
        } else {
            rows.push(cells(line));
        }
    }
    rows
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The settings and their defaults.
fn defaults() -> BTreeMap<String, String> {
    let unquoted = |cell: &str| cell.split(',').next().unwrap_or_default().replace('`', "");
    let rows = rows(&read("docs/configuration.md"));
    rows.iter().map(|row| (row[0].replace('`', ""), unquoted(&row[3]))).collect()
}

/// The names of all functions that are tests.
fn tests() -> BTreeSet<String> {
    fn walk(directory: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(path);
            }
        }
    }
    let mut files = Vec::new();
    for directory in ["src", "tests/it", "crates"] {
        walk(&root().join(directory), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            is_test |= line.starts_with("#[") && line.contains("test") && !line.contains("cfg(test)");
            is_test |= line.starts_with("#[case") || line == "#[rstest]";
            let name = line.trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ");
            if let Some(name) = name {
                if is_test {
                    names.extend(name.split(['(', '<']).next().map(str::to_owned));
                }
                is_test = false;
            }
        }
    }
    names
}

#[test]
fn settings_are_there_with_the_default_that_is_told() {
    let (defaults, rows) = (defaults(), rows(&read("docs/limits.md")));
    assert!(rows.len() > 40, "there are only {}", rows.len());
    let mut told = BTreeSet::new();
    for row in &rows {
        let [what, limit, setting, ..] = row.as_slice() else { panic!("a row without columns: {row:?}") };
        let settings = quoted(setting);
        for setting in &settings {
            assert!(defaults.contains_key(*setting), "{what}: there is no setting {setting}");
        }
        if let [setting] = settings.as_slice()
            && limit.starts_with(|first: char| first.is_ascii_digit())
        {
            let number: String =
                limit.chars().take_while(|one| one.is_ascii_digit() || *one == ',').filter(|one| *one != ',').collect();
            assert_eq!(number, defaults[*setting], "{what}: {setting}");
        }
        told.extend(row.iter().flat_map(|cell| quoted(cell)).map(str::to_owned));
    }
    let bounds = |key: &&String| {
        let bounds_connections = ["server.max_", "server.tls_", "server.request_", "server.keep_"];
        key.starts_with("limits.") || bounds_connections.iter().any(|prefix| key.starts_with(prefix))
    };
    let missing: Vec<_> = defaults.keys().filter(bounds).filter(|key| !told.contains(*key)).collect();
    assert!(missing.is_empty(), "docs/limits.md does not tell of {missing:?}");
}

#[test]
fn every_test_that_is_named_exists() {
    let tests = tests();
    for (document, heading) in [("docs/limits.md", "# Limits"), ("docs/threat-model.md", "## By which test")] {
        let text = read(document);
        let (_, section) = text.split_once(heading).expect("the heading");
        let rows = rows(section);
        let named: Vec<_> = rows
            .iter()
            .filter_map(|row| row.last())
            .flat_map(|cell| quoted(cell))
            .filter(|name| name.contains('_') && !name.contains(['.', ' ', '/']))
            .collect();
        assert!(named.len() > 20, "{document} names only {}", named.len());
        let missing: BTreeSet<_> = named.iter().filter(|name| !tests.contains(**name)).collect();
        assert!(missing.is_empty(), "{document}: there are no tests {missing:?}");
    }
}
