//! The `tokenhouse` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokenhouse::cli::run()
}
