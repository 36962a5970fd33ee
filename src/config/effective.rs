//! What is in force, and who said so? The text of `tokenhouse config print`, without secrets.

use std::fmt::Write as _;

use config::ValueKind;
use serde_json::json;

use super::layers::{DEFAULT_ORIGIN, Layers};
use super::settings::SETTINGS;

/// The merged settings as TOML, the origin of each as a comment, secrets as `"***"`.
pub(super) fn render(layers: &Layers) -> String {
    let mut text = String::new();
    let mut section = "";
    for setting in SETTINGS {
        if section != setting.section() {
            section = setting.section();
            let _ = write!(text, "\n[{section}]\n");
        }
        let twin_key = format!("{}_file", setting.key);
        let twin = layers.get(&twin_key).filter(|_| setting.secret);
        if let Some((path, origin)) = twin {
            let _ = writeln!(text, "{}_file = {} # {}", setting.name(), toml(path), one_line(origin));
        }
        match layers.get(setting.key) {
            // The default database is not in force when `database.url_file` is given.
            Some((_, DEFAULT_ORIGIN)) | None if twin.is_some() => {}
            Some((value, origin)) => {
                let shown = if setting.secret && !is_sqlite(value) { "\"***\"".to_owned() } else { toml(value) };
                let _ = writeln!(text, "{} = {shown} # {}", setting.name(), one_line(origin));
            }
            None => drop(writeln!(text, "# {} is unset", setting.name())),
        }
    }
    text
}

/// `sqlite:PATH` holds no password and is worth seeing.
fn is_sqlite(value: &ValueKind) -> bool {
    matches!(value, ValueKind::String(text) if text.starts_with("sqlite:"))
}

/// JSON's texts, numbers and lists of texts are TOML's too.
fn toml(value: &ValueKind) -> String {
    match value {
        ValueKind::String(text) => json!(text).to_string(),
        ValueKind::Boolean(value) => value.to_string(),
        ValueKind::I64(number) => number.to_string(),
        ValueKind::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| toml(&item.kind)).collect();
            format!("[{}]", items.join(", "))
        }
        _ => "\"?\"".to_owned(),
    }
}

fn one_line(origin: &str) -> String {
    crate::one_line::on_one_line(origin)
}
