//! How is a line of the log written as JSON? One flat object for each event, with the request it belongs to.
//!
//! `tracing-subscriber` has such a form, but parses the span's fields again for each event and serialises field by
//! field in general: with it, the line about a token took longer than everything but signature and HTTP. The form is the same.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt::{self, Debug, Write};

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
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut members = Members { out: &mut writer, written: Ok(()) };
        fields.record(&mut members);
        members.written
    }
}

/// The most room that is kept between two lines, in bytes.
const KEPT_BYTES: usize = 16 * 1024;

/// Writes an event as one line: `{"timestamp":…,"level":…,the event's fields,"target":…,"span":{its fields,"name":…}}`.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        // A line consists of many small pieces, and writing through `Writer` is a call of unknown destination for each.
        let mut line = LINE.take();
        line.clear();
        let written = write_event(&mut line, context, event).and_then(|()| writer.write_str(&line));
        if line.capacity() <= KEPT_BYTES {
            LINE.set(line);
        }
        written
    }
}

fn write_event<S, N>(line: &mut String, context: &FmtContext<'_, S, N>, event: &Event<'_>) -> fmt::Result
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    line.push_str("{\"timestamp\":\"");
    write_time(line, SystemClock.now())?;
    line.push_str("\",\"level\":\"");
    line.push_str(event.metadata().level().as_str());
    line.push_str("\",");
    let mut members = Members { out: line, written: Ok(()) };
    event.record(&mut members);
    members.written?;
    line.push_str("\"target\":\"");
    // The name of a module of ours or of a library.
    line.push_str(event.metadata().target());
    line.push('"');
    if let Some(span) = context.lookup_current() {
        line.push_str(",\"span\":{");
        if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
            line.push_str(fields.fields.as_str());
        }
        line.push_str("\"name\":\"");
        line.push_str(span.name());
        line.push_str("\"}");
    }
    line.push_str("}\n");
    Ok(())
}

/// Writes each recorded value as a member and a comma.
struct Members<'w, W> {
    out: &'w mut W,
    written: fmt::Result,
}

impl<W: Write> Members<'_, W> {
    fn add(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        let writer = &mut *self.out;
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

impl<W: Write> Visit for Members<'_, W> {
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
    /// Room for the next line. What is logged may itself log: it then gets a new one.
    static LINE: Cell<String> = const { Cell::new(String::new()) };

    /// The second of the last line, and how it is written: the many lines of one second share it.
    static LAST_SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// Writes an instant with milliseconds (RFC 3339).
fn write_time(line: &mut String, now: UnixMillis) -> fmt::Result {
    let second = now.floor_seconds();
    LAST_SECOND.with_borrow_mut(|(written, text)| {
        if *written != second {
            text.clear();
            let instant = Timestamp::from_second(second).unwrap_or_default();
            write!(text, "{}", instant.strftime("%Y-%m-%dT%H:%M:%S"))?;
            *written = second;
        }
        line.push_str(text);
        Ok::<(), fmt::Error>(())
    })?;
    write!(line, ".{:03}Z", now.0.rem_euclid(1000))
}
