//! How is a line of the log written as JSON? One flat object for each event, with the request it belongs to.
//!
//! `tracing-subscriber` has such a form, but parses the span's fields again for each event and serialises field by
//! field in general: with it, the line about a token took longer than everything but signature and HTTP. The form is the same.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::{self, Debug, Write as _};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::{Clock as _, SystemClock, UnixMillis};
use crate::json_text::Escaping;

/// Writes the fields of a span, or of an event, each with a comma after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonFields;

impl<'w> FormatFields<'w> for JsonFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut members = Members { writer, written: Ok(()) };
        fields.record(&mut members);
        members.written
    }
}

/// Writes an event as one line: `{"timestamp":…,"level":…,the event's fields,"target":…,"span":{its fields,"name":…}}`.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        line.write_str("{\"timestamp\":\"")?;
        write_time(&mut line, SystemClock.now())?;
        line.write_str("\",\"level\":\"")?;
        line.write_str(event.metadata().level().as_str())?;
        line.write_str("\",")?;
        context.format_fields(line.by_ref(), event)?;
        line.write_str("\"target\":\"")?;
        // The name of a module of ours or of a library.
        line.write_str(event.metadata().target())?;
        line.write_str("\"")?;
        if let Some(span) = context.lookup_current() {
            line.write_str(",\"span\":{")?;
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                line.write_str(fields.fields.as_str())?;
            }
            line.write_str("\"name\":\"")?;
            line.write_str(span.name())?;
            line.write_str("\"}")?;
        }
        line.write_str("}\n")
    }
}

/// Writes each recorded value as a member and a comma.
struct Members<'w> {
    writer: Writer<'w>,
    written: fmt::Result,
}

impl Members<'_> {
    fn add(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let writer = &mut self.writer;
        self.written = self.written.and_then(|()| {
            writer.write_str("\"")?;
            // A raw identifier is named without its prefix.
            writer.write_str(field.name().strip_prefix("r#").unwrap_or(field.name()))?;
            writer.write_str("\":")?;
            value(writer)?;
            writer.write_str(",")
        });
    }

    fn add_text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        self.add(field, |writer| {
            writer.write_str("\"")?;
            match text.as_str() {
                Some(text) => Escaping(writer).write_str(text)?,
                None => Escaping(writer).write_fmt(text)?,
            }
            writer.write_str("\"")
        });
    }
}

impl Visit for Members<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, |writer| {
            writer.write_str("\"")?;
            Escaping(writer).write_str(value)?;
            writer.write_str("\"")
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add_text(field, format_args!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.add_text(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, |writer| writer.write_str(if value { "true" } else { "false" }));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, |writer| write!(writer, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, |writer| write!(writer, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // RFC 8259 §6: neither infinity nor NaN is a number.
        self.add(field, |writer| if value.is_finite() { write!(writer, "{value}") } else { writer.write_str("null") });
    }
}

thread_local! {
    /// The second of the last line, and how it is written: the many lines of one second share it.
    static LAST_SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// Writes an instant with milliseconds (RFC 3339).
fn write_time(line: &mut Writer<'_>, now: UnixMillis) -> fmt::Result {
    let second = now.floor_seconds();
    LAST_SECOND.with_borrow_mut(|(written, text)| {
        if *written != second {
            text.clear();
            let instant = Timestamp::from_second(second).unwrap_or_default();
            write!(text, "{}", instant.strftime("%Y-%m-%dT%H:%M:%S"))?;
            *written = second;
        }
        line.write_str(text)
    })?;
    write!(line, ".{:03}Z", now.0.rem_euclid(1000))
}
