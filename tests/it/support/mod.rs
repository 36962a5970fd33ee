//! How does a test start the program and talk to it?

pub mod answer;
pub mod assertion;
pub mod certificates;
pub mod console;
pub mod control;
pub mod dev;
pub mod exposition;
pub mod jwks_host;
pub mod log;
pub mod program;
pub mod raw;
pub mod serve;

pub use answer::Answer;
pub use dev::Dev;
pub use serve::Serve;
