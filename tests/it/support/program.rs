//! Runs the program once and keeps what it said.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The built program.
pub const BINARY: &str = env!("CARGO_BIN_EXE_tokenhouse");

/// What a finished command said.
#[derive(Debug)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// This output, which must be that of a success.
    pub fn success(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

/// A command in `directory`, with an environment of its own.
pub fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(directory).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("USER", "tester").env("HOME", directory);
    // Tests run several servers at a time.
    command.env("TOKENHOUSE__METRICS__BIND", "127.0.0.1:0");
    command
}

/// Runs `tokenhouse` with `arguments` in `directory`.
pub fn run(directory: &Path, arguments: &[&str]) -> Output {
    run_with(directory, arguments, &[], "")
}

/// Runs `tokenhouse` with variables and standard input.
pub fn run_with(directory: &Path, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut command = command(directory, arguments);
    command.envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).ok();
    let finished = child.wait_with_output().expect("the program ends");
    Output {
        code: finished.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&finished.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&finished.stderr).into_owned(),
    }
}
