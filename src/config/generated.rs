//! Do the texts made from the table of settings agree with it? Writes and compares `defaults.toml` and `docs/configuration.md`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::layers::DEFAULTS;
use super::reference::docs;
use super::settings::SETTINGS;

const DEFAULTS_HEAD: &str = "\
# Every setting of Tokenhouse with its default; lines with `#` before a name show an example of a setting that has none.
# Copy what you want to change to ./tokenhouse.toml. Each setting may also be given as the environment variable
# TOKENHOUSE__SECTION__KEY. Written from the table in src/config/settings.rs; a test holds the two in step.
";

const HOW: &str = "run `cargo test --lib write_the_texts_made_from_the_table -- --ignored`";

#[test]
fn the_documentation_agrees_with_the_table() {
    let committed = std::fs::read_to_string(docs_file()).unwrap_or_default();
    assert!(committed == docs(), "docs/configuration.md is stale: {HOW}");
}

#[test]
fn the_defaults_file_agrees_with_the_table() {
    assert!(DEFAULTS == defaults(), "src/config/defaults.toml is stale: {HOW}");
}

#[test]
#[ignore = "writes files: run it after a change to the table"]
fn write_the_texts_made_from_the_table() {
    std::fs::write(docs_file(), docs()).unwrap();
    std::fs::write(root().join("src/config/defaults.toml"), defaults()).unwrap();
}

/// Every setting as the commented TOML that is embedded as the defaults.
fn defaults() -> String {
    let mut text = DEFAULTS_HEAD.to_owned();
    let mut section = "";
    for setting in SETTINGS {
        text.push('\n');
        if section != setting.section() {
            section = setting.section();
            let _ = writeln!(text, "[{section}]");
        }
        let _ = writeln!(text, "# {}", setting.meaning);
        let _ = writeln!(text, "# {}", setting.kind.accepted());
        match setting.default {
            Some(default) => drop(writeln!(text, "{} = {default}", setting.name())),
            None => drop(writeln!(text, "# {} = {}", setting.name(), setting.example)),
        }
        if setting.secret {
            let _ = writeln!(text, "# {}_file = \"/run/secrets/{}\"", setting.name(), setting.name());
        }
    }
    text
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn docs_file() -> PathBuf {
    root().join("docs/configuration.md")
}
