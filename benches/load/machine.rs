//! Which machine do the figures come from?

use std::fmt;
use std::process::Command;
use std::thread;

use anyhow::Context as _;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::process::{GENERATOR_CORE, output};

/// What figures depend on beside the programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    rustc: String,
    openssl: Option<String>,
}

impl Machine {
    /// This machine.
    ///
    /// # Errors
    /// If it has a single core, or no `taskset`.
    pub(crate) fn here() -> anyhow::Result<Self> {
        let cores = thread::available_parallelism()?.get();
        anyhow::ensure!(
            cores > GENERATOR_CORE,
            "the server and the generator need a core each, and this process may use {cores}: run it where there are two"
        );
        output(Command::new("taskset").arg("--version")).context("taskset is missing: install util-linux")?;
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").context("this needs Linux")?;
        let model =
            cpuinfo.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
        let asked = |program: &str, argument: &str| output(Command::new(program).arg(argument)).ok();
        let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
        Ok(Self {
            cpu: model.unwrap_or("unknown").to_owned(),
            cores,
            kernel: first_line(asked("uname", "-r").unwrap_or_default()),
            rustc: first_line(asked("rustc", "--version").unwrap_or_default()),
            openssl: asked("openssl", "version").map(first_line),
        })
    }

    /// Does this machine have the `openssl` program?
    pub(crate) const fn has_openssl(&self) -> bool {
        self.openssl.is_some()
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, kernel, rustc, openssl } = self;
        let openssl = openssl.as_deref().unwrap_or("no OpenSSL");
        write!(formatter, "{cpu}, {cores} cores, Linux {kernel}, {rustc}, {openssl}")
    }
}

/// Lets this process and those it starts have as many connections as the machine allows.
///
/// # Errors
/// If the operating system refuses.
pub(crate) fn allow_many_connections() -> anyhow::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).context("cannot raise the number of open files")
}

/// Keeps this process to the core of the generator.
///
/// # Errors
/// If the operating system refuses.
pub(crate) fn keep_to_generator_core() -> anyhow::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(GENERATOR_CORE)?;
    sched_setaffinity(Pid::from_raw(0), &cores).context("cannot pin the generator to its core")
}
