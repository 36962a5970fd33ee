//! How is the table of settings shown to people? As `docs/configuration.md` and as the commented defaults file.

use std::fmt::Write as _;

use super::setting::{Kind, Setting, environment_variable};
use super::settings::SETTINGS;

const DOCS_HEAD: &str = "\
# Configuration

<!-- Written by `tokenhouse config docs > docs/configuration.md`; a test holds the two in step. -->

Settings come from, later ones winning: the defaults below, a TOML file (`--config FILE`, or `./tokenhouse.toml` if it is there),
environment variables, flags. In the environment a list is separated by commas. Relative paths are relative to the working directory.
A setting that is not in this table, a value that does not fit, and an empty environment variable are errors; all errors are
reported at once. A secret can be given directly or as a file (`…_file`; one newline at the end is dropped), not both.
`tokenhouse config check` checks, `tokenhouse config print` shows what is in force and where it came from, without secrets.
";

const DEFAULTS_HEAD: &str = "\
# Every setting of Tokenhouse with its default; lines with `#` before a name show an example of a setting that has none.
# Copy what you want to change to ./tokenhouse.toml. Each setting may also be given as the environment variable
# TOKENHOUSE__SECTION__KEY. Written from the table in src/config/settings.rs; a test holds the two in step.
";

/// Every setting as Markdown: key, environment variable, accepted values, default, meaning.
pub fn docs() -> String {
    let mut text = DOCS_HEAD.to_owned();
    let mut section = None;
    for setting in SETTINGS {
        if section != Some(setting.section()) {
            section = Some(setting.section());
            let title = if setting.section().is_empty() {
                "Top level".to_owned()
            } else {
                format!("`[{}]`", setting.section())
            };
            let _ = write!(
                text,
                "\n## {title}\n\n| key | environment | value | default | meaning |\n|---|---|---|---|---|\n"
            );
        }
        docs_row(&mut text, setting.key, &setting.kind, &default_of(setting), setting.meaning);
        if setting.secret {
            let twin = format!("{}_file", setting.key);
            docs_row(&mut text, &twin, &Kind::PATH, "unset", &format!("File that holds {}.", setting.key));
        }
    }
    text
}

/// Every setting as the commented TOML that is embedded as the defaults.
pub(super) fn defaults() -> String {
    let mut text = DEFAULTS_HEAD.to_owned();
    let mut section = "";
    for setting in SETTINGS {
        if section != setting.section() {
            section = setting.section();
            let _ = write!(text, "\n[{section}]\n");
        } else {
            text.push('\n');
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

fn docs_row(text: &mut String, key: &str, kind: &Kind, default: &str, meaning: &str) {
    let meaning = meaning.replace('|', "\\|");
    let _ =
        writeln!(text, "| `{key}` | `{}` | {} | {default} | {meaning} |", environment_variable(key), kind.accepted());
}

fn default_of(setting: &Setting) -> String {
    match setting.default {
        Some(default) if default == setting.example => format!("`{default}`"),
        Some(default) => format!("`{default}`, e.g. `{}`", setting.example),
        None => format!("unset, e.g. `{}`", setting.example),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::layers::DEFAULTS;

    const HOW: &str = "run `cargo test --lib write_the_texts_made_from_the_table -- --ignored`";

    #[test]
    fn the_documentation_agrees_with_the_table() {
        let committed = std::fs::read_to_string(docs_file()).unwrap_or_default();
        assert_eq!(committed, docs(), "docs/configuration.md is stale: {HOW}");
    }

    #[test]
    fn the_defaults_file_agrees_with_the_table() {
        assert_eq!(DEFAULTS, defaults(), "src/config/defaults.toml is stale: {HOW}");
    }

    #[test]
    #[ignore = "writes files: run it after a change to the table"]
    fn write_the_texts_made_from_the_table() {
        std::fs::write(docs_file(), docs()).unwrap();
        std::fs::write(root().join("src/config/defaults.toml"), defaults()).unwrap();
    }

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn docs_file() -> std::path::PathBuf {
        root().join("docs/configuration.md")
    }
}
