//! How is a server started on its core, watched and ended?

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use super::generator::fetch;

/// The core of the servers.
pub(crate) const SERVER_CORE: usize = 0;
/// The core of the generator.
pub(crate) const GENERATOR_CORE: usize = 1;

const POLL: Duration = Duration::from_millis(1);
const LONGEST_START: Duration = Duration::from_mins(5);
const LONGEST_STOP: Duration = Duration::from_secs(10);

/// A server with its children. Dropping it ends them.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
    spawned: Instant,
    log: PathBuf,
}

/// Memory of a process tree in MB (10^6 bytes).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Resident.
    pub(crate) rss: f64,
    /// Resident, shared pages counted in proportion.
    pub(crate) pss: f64,
}

impl Server {
    /// Starts `program` with its working directory `directory` on the core of the servers; its output goes to a file.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn spawn(
        program: &Path,
        args: &[String],
        directory: &Path,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let log = directory.join("server.log");
        let file = File::create(&log)?;
        let mut command = pinned(program, SERVER_CORE);
        command.args(args).current_dir(directory).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let spawned = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { address, child, spawned, log })
    }

    /// Waits until `request` is answered with 200: how long after the start was that?
    ///
    /// # Errors
    /// If the server ends before, or takes minutes.
    pub(crate) fn wait_until_ok(&mut self, request: &[u8]) -> anyhow::Result<Duration> {
        loop {
            if std::net::TcpStream::connect(self.address).is_ok()
                && fetch(self.address, request).is_ok_and(|(status, _)| status == 200)
            {
                return Ok(self.spawned.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                anyhow::bail!("the server ended with {status}:\n{}", self.log_tail());
            }
            anyhow::ensure!(self.spawned.elapsed() < LONGEST_START, "the server does not answer:\n{}", self.log_tail());
            thread::sleep(POLL);
        }
    }

    /// The CPU time that it and its children have taken, of user and system, to the nanosecond.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let mut sum = cpu_of(self.pid()).context("the server has ended")?;
        for child in descendants(self.pid()) {
            // A child may have ended in between.
            sum += cpu_of(child).unwrap_or_default();
        }
        Ok(sum)
    }

    /// The memory of it and its children now.
    pub(crate) fn memory(&self) -> Memory {
        std::iter::once(self.pid()).chain(descendants(self.pid())).fold(Memory::default(), |sum, pid| {
            let one = memory_of(pid);
            Memory { rss: sum.rss + one.rss, pss: sum.pss + one.pss }
        })
    }

    /// The most resident memory that the process itself has had, in MB.
    pub(crate) fn peak_rss(&self) -> f64 {
        field_mb(&format!("/proc/{}/status", self.pid()), "VmHWM:")
    }

    /// The last lines of its output.
    pub(crate) fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join("\n")
    }

    /// Ends it gently, and waits.
    ///
    /// # Errors
    /// If it does not end.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        kill(self.pid(), Signal::SIGTERM)?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > LONGEST_STOP {
                // Dropping it kills it.
                anyhow::bail!("the server does not stop");
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn pid(&self) -> Pid {
        // Linux has no process id beyond an i32.
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or_default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let children = descendants(self.pid());
            let _ = self.child.kill();
            for child in children {
                let _ = kill(child, Signal::SIGKILL);
            }
            let _ = self.child.wait();
        }
    }
}

/// A command whose process runs on one core only.
pub(crate) fn pinned(program: &Path, core: usize) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program);
    command
}

/// Runs a command to its end: its standard output.
///
/// # Errors
/// If it fails; the error tells its standard error.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {command:?}"))?;
    let error = String::from_utf8_lossy(&done.stderr);
    anyhow::ensure!(done.status.success(), "{command:?} failed: {}", error.trim());
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// An address of this machine that nobody listens on.
///
/// # Errors
/// If there is none.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn cpu_of(pid: Pid) -> Option<Duration> {
    let clock = clock_getcpuclockid(pid).ok()?;
    clock_gettime(clock).ok().map(Duration::from)
}

/// The processes that descend from `root`, by /proc.
fn descendants(root: Pid) -> Vec<Pid> {
    let processes: Vec<(i32, i32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name before stands in brackets and may hold anything.
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect();
    let mut found = vec![root.as_raw()];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(processes.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.into_iter().skip(1).map(Pid::from_raw).collect()
}

fn memory_of(pid: Pid) -> Memory {
    let rollup = format!("/proc/{pid}/smaps_rollup");
    Memory { rss: field_mb(&rollup, "Rss:"), pss: field_mb(&rollup, "Pss:") }
}

/// A figure in kB of a file in /proc, in MB.
fn field_mb(file: &str, name: &str) -> f64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let figure = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse::<f64>().ok());
    figure.unwrap_or_default() * 1024.0 / 1e6
}
