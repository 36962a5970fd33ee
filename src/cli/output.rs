//! How does a command show what it found: a table for people, JSON for scripts?

use std::io::Write as _;

use clap::ValueEnum;
use comfy_table::Table;
use serde::Serialize;
use serde_json::Value;

use super::exit::CliError;

/// The two forms of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Table,
    /// For scripts.
    Json,
}

/// Writes one line to standard output. A reader that has seen enough, such as `head`, may have closed it.
///
/// # Errors
/// If it cannot be written for any other reason, such as a full disk.
pub fn line(text: impl std::fmt::Display) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write the answer").into())
        }
        _ => Ok(()),
    }
}

/// Writes a remark to standard error, so that it does not end up in a script's input.
pub fn remark(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes `value` as JSON.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn json(value: &impl Serialize) -> Result<(), CliError> {
    line(serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?)
}

/// Writes a list: a table with the `columns`, or all of it as JSON.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn list(format: OutputFormat, columns: &[&str], items: &[impl Serialize]) -> Result<(), CliError> {
    if format == OutputFormat::Json {
        return json(&items);
    }
    if items.is_empty() {
        remark("there are none");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(columns.iter().map(|column| column.replace('_', " ").to_uppercase()));
    for item in items {
        let value = serde_json::to_value(item).map_err(anyhow::Error::from)?;
        table.add_row(columns.iter().map(|column| cell(value.get(column))));
    }
    line(trimmed(&table))
}

/// Writes one object: a row for each of its members, or JSON.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn object(format: OutputFormat, item: &impl Serialize) -> Result<(), CliError> {
    if format == OutputFormat::Json {
        return json(item);
    }
    let value = serde_json::to_value(item).map_err(anyhow::Error::from)?;
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    for (name, member) in value.as_object().into_iter().flatten() {
        table.add_row([name.clone(), cell(Some(member))]);
    }
    line(trimmed(&table))
}

fn trimmed(table: &Table) -> String {
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// A member as a cell of a table.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\""),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::Array(items)) => {
            let shown: Vec<_> = items.iter().map(|item| cell(item.get("value").or(Some(item)))).collect();
            let one_a_line = items.iter().any(|item| item.is_object() && item.get("value").is_none());
            shown.join(if one_a_line { "\n" } else { " " })
        }
        Some(Value::Object(members)) => {
            let given = members.iter().filter(|(_, member)| !member.is_null());
            given.map(|(name, member)| format!("{name} {}", cell(Some(member)))).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}
