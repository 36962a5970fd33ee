//! Where does the log go, and in which form? To standard error; for people on a terminal, as JSON elsewhere.

use std::fmt;
use std::io::{IsTerminal as _, Write};
use std::panic;

use tracing::Subscriber;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use super::json_lines::{JsonFields, JsonLines};
use super::standard_error::StandardError;
use crate::config::LogFormat;

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The directives are wrong.
    #[error("log.level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// It was started before.
    #[error("the log was started twice")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
    /// The operating system gives no thread.
    #[error("cannot start the thread that writes the log: {0}")]
    Thread(#[from] std::io::Error),
}

/// Starts the log for the whole process, with a line for every panic.
///
/// # Errors
/// If `level` is no tracing directive, or the log was started before.
pub fn init(format: LogFormat, level: &str) -> Result<(), LogError> {
    let human = match format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    // actix logs broken requests as errors of the server; any stranger could fill the log with them.
    let broken_requests = "actix_http::h1=off".parse()?;
    let filter = EnvFilter::builder().parse(level)?.add_directive(broken_requests);
    let subscriber = if human {
        subscriber(human, filter, std::io::stderr)
    } else {
        subscriber(human, filter, StandardError::start()?)
    };
    tracing::subscriber::set_global_default(subscriber)?;
    log_panics();
    Ok(())
}

/// A subscriber that writes to `writer`: lines for people or JSON.
///
/// Both forms escape control characters, so no value can forge a line.
pub fn subscriber<W>(human: bool, filter: EnvFilter, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        // A log that cannot be written must not end the server: the report of it would go the same way, and panic.
        .log_internal_errors(false);
    if human {
        // The crate's own form leaves line breaks in what is logged as `%value`, in errors and in messages.
        let fields = debug_fn(write_field).delimited(" ");
        let builder = builder.fmt_fields(fields);
        Box::new(builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).finish())
    } else {
        Box::new(builder.fmt_fields(JsonFields).event_format(JsonLines).finish())
    }
}

fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    if field.name() != "message" {
        write!(writer, "{}=", field.name())?;
    }
    let text = format!("{value:?}");
    text.chars()
        .try_for_each(|c| if c.is_control() { write!(writer, "{}", c.escape_default()) } else { writer.write_char(c) })
}

/// Logs where a panic happened, not with what: its message may hold anything.
fn log_panics() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string);
        tracing::error!(place, "a panic: a fault of the program");
    }));
}

/// A writer into memory, for tests.
#[derive(Clone, Debug, Default)]
pub struct SharedBuffer(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl SharedBuffer {
    /// What has been written.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for SharedBuffer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(human: bool, value: &str) -> String {
        let buffer = SharedBuffer::default();
        let subscriber = subscriber(human, EnvFilter::new("info"), buffer.clone());
        tracing::subscriber::with_default(subscriber, || tracing::info!(client_id = value, "token request"));
        buffer.text()
    }

    #[test]
    fn hostile_bytes_forge_no_line() {
        let hostile = "a\n{\"level\":\"INFO\",\"message\":\"forged\"}\r\u{1b}[31m";
        let cause: &(dyn std::error::Error + 'static) = &std::io::Error::other(hostile);
        for human in [true, false] {
            let buffer = SharedBuffer::default();
            let subscriber = subscriber(human, EnvFilter::new("info"), buffer.clone());
            tracing::subscriber::with_default(subscriber, || {
                let _span = tracing::info_span!("request", shown = %hostile).entered();
                tracing::info!(client_id = hostile, "a text");
                tracing::info!(%cause, "a display");
                tracing::info!(?hostile, "a debug");
                tracing::info!(cause, "an error");
                tracing::info!("a message: {hostile}");
            });
            let text = buffer.text();
            assert_eq!(text.lines().count(), 5, "{text}");
            assert!(!text.contains(['\u{1b}', '\r']), "{text:?}");
        }
    }

    #[test]
    fn json_lines_are_flat_objects() {
        let line: serde_json::Value = serde_json::from_str(&logged(false, "partner-a")).unwrap();
        assert_eq!(line["client_id"], "partner-a");
        assert_eq!(line["message"], "token request");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["target"], "tokenhouse::telemetry::logging::tests");
        let time: jiff::Timestamp = line["timestamp"].as_str().unwrap().parse().unwrap();
        let now = crate::clock::Clock::now(&crate::clock::SystemClock);
        assert!((now.0 - time.as_millisecond()).abs() < 60_000);
    }

    #[test]
    fn a_json_line_holds_every_kind_of_value_and_its_span() {
        let buffer = SharedBuffer::default();
        let subscriber = subscriber(false, EnvFilter::new("info"), buffer.clone());
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", request_id = "r\"1", later = tracing::field::Empty).entered();
            tracing::info!(none = None::<&str>, some = Some("x"), yes = true, r#type = 1, big = u64::MAX, "first");
            span.record("later", -2);
            let error: &(dyn std::error::Error + 'static) = &std::io::Error::other("broken\n");
            tracing::warn!(not = f64::NAN, half = 0.5, shown = %"a\tb", debugged = ?"c", error);
            drop(span);
            tracing::info!("outside");
        });
        let text = buffer.text();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["span"], serde_json::json!({"request_id": "r\"1", "name": "request"}));
        let of_first = ["none", "some", "yes", "type", "big", "message"].map(|name| &lines[0][name]);
        let null = serde_json::Value::Null;
        assert_eq!(of_first, [&null, &"x".into(), &true.into(), &1.into(), &u64::MAX.into(), &"first".into()]);
        assert_eq!(lines[1]["span"]["later"], -2);
        let of_second = ["not", "half", "shown", "debugged", "error", "level"].map(|name| &lines[1][name]);
        assert_eq!(
            of_second,
            [&null, &0.5.into(), &"a\tb".into(), &"\"c\"".into(), &"broken\n".into(), &"WARN".into()]
        );
        assert_eq!(lines[2].get("span"), None);
    }
}
