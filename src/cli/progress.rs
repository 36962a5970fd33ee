//! What does somebody see who waits before a terminal? One line that is written over, only where standard error is one.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::issuer::document::progress::{Progress, Stage};

/// What takes less time is not worth a line.
const QUIET: Duration = Duration::from_millis(500);
const INTERVAL: Duration = Duration::from_millis(100);

/// Shows on standard error how far a change is; what it showed is gone when this is dropped.
#[derive(Debug)]
pub struct ProgressLine {
    state: Option<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    started: Instant,
    shown: Option<Instant>,
}

impl ProgressLine {
    /// A line, or none where nobody would see it.
    pub fn new() -> Self {
        let seen = std::io::stderr().is_terminal();
        Self { state: seen.then(|| Mutex::new(State { started: Instant::now(), shown: None })) }
    }
}

impl Default for ProgressLine {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for ProgressLine {
    fn advance(&self, stage: Stage, done: usize, total: usize) {
        // Another thread is showing it just now.
        let Some(mut state) = self.state.as_ref().and_then(|state| state.try_lock().ok()) else { return };
        if state.started.elapsed() < QUIET || state.shown.is_some_and(|shown| shown.elapsed() < INTERVAL) {
            return;
        }
        state.shown = Some(Instant::now());
        let what = match stage {
            Stage::Hashing => "hashing secrets",
            Stage::Storing => "storing clients",
        };
        let _ = write!(std::io::stderr(), "\r\x1b[K{what}: {done} of {total}");
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        let shown =
            self.state.as_ref().and_then(|state| state.try_lock().ok()).is_some_and(|state| state.shown.is_some());
        if shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
