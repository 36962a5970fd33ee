//! What does an operator see: log lines, traces, and the id that ties them to a request?

mod json_lines;
pub mod logging;
pub mod middleware;
pub mod request_id;
mod standard_error;
pub mod traces;

pub use logging::{LogError, init};

/// Sends and writes what waits. To be called before the program ends.
pub fn flush() {
    traces::stop();
    standard_error::flush();
}
