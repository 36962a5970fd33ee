//! How is the table of settings shown to people? As the tables of `docs/configuration.md`.

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
