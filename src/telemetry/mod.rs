//! What does an operator see: log lines, and the id that ties them to a request?

pub mod logging;
pub mod middleware;
pub mod request_id;

pub use logging::{LogError, init};
