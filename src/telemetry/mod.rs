//! What does an operator see: log lines, and the id that ties them to a request?

mod json_lines;
pub mod logging;
pub mod middleware;
pub mod request_id;
mod standard_error;

pub use logging::{LogError, init};
pub use standard_error::flush;
