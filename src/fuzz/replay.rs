//! Does every input that was kept still do no harm? The corpora and findings of `fuzz/`, given to the same functions that cargo-fuzz runs.

use std::path::{Path, PathBuf};

use super::TARGETS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// Every input that is kept for a target, with its path.
pub(super) fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = [root().join("corpus").join(target), root().join("findings").join(target)];
    // Private keys lie in one folder only.
    let keys = (target == "key_import").then(|| root().join("../tests/keys"));
    let files = folders.iter().chain(&keys).flat_map(|folder| names(folder).into_iter().map(|name| folder.join(name)));
    files.map(|path| (path.clone(), std::fs::read(&path).expect("a file"))).collect()
}

#[test]
fn what_was_kept_does_no_harm() {
    for (name, target) in TARGETS {
        let inputs = inputs(name);
        assert!(!inputs.is_empty(), "no corpus for {name}");
        for (path, bytes) in &inputs {
            assert!(std::panic::catch_unwind(|| target(bytes)).is_ok(), "{}", path.display());
        }
    }
}

/// The differential target is no function of this crate: it needs a library of somebody else's.
const ELSEWHERE: &str = "differential";

#[test]
fn each_target_has_a_binary_and_a_corpus_and_nothing_else_has() {
    let mut expected: Vec<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    expected.push(ELSEWHERE.to_owned());
    expected.sort();
    assert_eq!(names(&root().join("corpus")), expected);
    let found = names(&root().join("findings"));
    assert!(found.iter().all(|name| expected.contains(name)), "{found:?}");
    let binaries: Vec<_> = expected.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&root().join("targets")), binaries);
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    assert!(
        expected.iter().all(|name| manifest.contains(&format!("\nname = \"{name}\"\npath = \"targets/{name}.rs\"\n")))
    );
}
