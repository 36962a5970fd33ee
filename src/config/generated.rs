//! Do `defaults.toml` and `docs/configuration.md` say what the table of settings says?

use std::fmt::Write as _;
use std::path::Path;

use super::layers::DEFAULTS;
use super::reference::docs;
use super::settings::SETTINGS;

const DEFAULTS_HEAD: &str = "\
# Every setting of Tokenhouse with its default; lines with `#` before a name show an example of a setting that has none.
# Copy what you want to change to ./tokenhouse.toml. Each setting may also be given as the environment variable
# TOKENHOUSE__SECTION__KEY. Written from the table in src/config/settings.rs; a test holds the two in step.
";

#[test]
fn the_documentation_agrees_with_the_table() {
    compare("docs/configuration.md", &docs());
}

#[test]
fn the_defaults_file_agrees_with_the_table() {
    compare("src/config/defaults.toml", &defaults());
    assert!(DEFAULTS == defaults(), "the build has older defaults embedded");
}

/// Compares a committed text with what it should be, which is left beside the build for the one who has to commit it.
fn compare(committed: &str, expected: &str) {
    let committed = root().join(committed);
    if std::fs::read_to_string(&committed).unwrap_or_default() != expected {
        let right = root().join("target").join(committed.file_name().unwrap());
        std::fs::write(&right, expected).unwrap();
        panic!("stale: run `cp {} {}`", right.display(), committed.display());
    }
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
