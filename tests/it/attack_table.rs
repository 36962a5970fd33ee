//! Every test that docs/attacks.md names is there, and every attack has one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of all functions that stand right under an attribute which makes them a test, or in a `proptest!`.
fn tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["src", "crates", "tests/it"] {
        sources(&root().join(folder), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        let mut marked = false;
        for line in std::fs::read_to_string(file).expect("a source").lines().map(str::trim) {
            if line.starts_with("#[") && ["test]", "test(", "rstest]"].iter().any(|word| line.contains(word)) {
                marked = true;
            } else if let Some((_, name)) = line.split_once("fn ").filter(|_| marked) {
                names.insert(name.split(['(', '<']).next().unwrap_or_default().to_owned());
                marked = false;
            }
        }
    }
    names
}

#[test]
fn every_attack_has_tests_that_exist() {
    let tests = tests();
    assert!(tests.len() > 500, "only {} tests were found", tests.len());
    let text = std::fs::read_to_string(root().join("docs/attacks.md")).expect("the table");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| tests |")).collect();
    assert!(rows.len() > 70, "only {} rows", rows.len());
    let mut missing = Vec::new();
    for row in rows {
        let column = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap_or_default();
        let names: Vec<_> = column.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            missing.push(format!("no test: {row}"));
        }
        for name in names {
            if !tests.contains(name) && !root().join(name).is_file() {
                missing.push(format!("{name}: no such test or file"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
