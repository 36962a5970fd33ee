//! How do the lines of the log reach standard error? Many at a time: one system call for each would be a good part of what a
//! token costs.
//!
//! A line waits for 20 ms at most, a warning or an error not at all. When the program ends, nothing waits; when it is killed,
//! the lines of the last 20 ms are lost.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line may wait.
const LONGEST_WAIT: Duration = Duration::from_millis(20);

/// So many bytes are written without waiting.
const FULL: usize = 64 * 1024;

/// The one of this process, so that [`flush`] finds it.
static OF_PROCESS: OnceLock<Arc<Waiting>> = OnceLock::new();

/// Standard error behind a buffer.
#[derive(Debug)]
pub(super) struct StandardError(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    lines: Mutex<Vec<u8>>,
    any: Condvar,
}

impl StandardError {
    /// Starts the thread that writes what waits.
    pub(super) fn start() -> io::Result<Self> {
        let waiting = OF_PROCESS.get_or_init(Arc::default).clone();
        let watched = waiting.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            loop {
                let lines = watched.any.wait_while(watched.lines(), |lines| lines.is_empty());
                drop(lines);
                thread::sleep(LONGEST_WAIT);
                watched.write();
            }
        })?;
        Ok(Self(waiting))
    }
}

/// Writes what waits. To be called before the program ends.
pub(super) fn flush() {
    if let Some(waiting) = OF_PROCESS.get() {
        waiting.write();
    }
}

impl Waiting {
    fn lines(&self) -> MutexGuard<'_, Vec<u8>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8], is_urgent: bool) {
        let mut lines = self.lines();
        let is_first = lines.is_empty();
        lines.extend_from_slice(line);
        if is_urgent || lines.len() >= FULL {
            write_out(&mut lines);
        } else if is_first {
            self.any.notify_one();
        }
    }

    fn write(&self) {
        write_out(&mut self.lines());
    }
}

/// Who has more to log waits meanwhile: better than memory without bound, should nobody read standard error.
fn write_out(lines: &mut Vec<u8>) {
    // A log that cannot be written must not end the server.
    let _ = io::stderr().lock().write_all(lines);
    lines.clear();
}

/// Adds one line.
#[derive(Debug)]
pub(super) struct Line<'a> {
    waiting: &'a Waiting,
    is_urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.waiting.add(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for StandardError {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { waiting: &self.0, is_urgent: true }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Line { waiting: &self.0, is_urgent: *metadata.level() <= Level::WARN }
    }
}
