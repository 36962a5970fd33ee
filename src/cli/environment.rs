//! What do the variables of the environment say, without the secrets among them lying there for others to read?
//!
//! Whoever runs as the same user, and much that inspects processes, reads `/proc/PID/environ`: the variables as they were when the
//! program was started, whatever it does to its own copy. So a program that was given a secret in a variable starts itself once
//! more in its own place, with the same process id, without that variable; the secret goes through a file in memory. That is on Linux;
//! elsewhere there is no such file.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::Context as _;
#[cfg(target_os = "linux")]
use rustix::fs::{MemfdFlags, memfd_create};
use zeroize::Zeroizing;

use super::as_client::SECRET_VARIABLE;
use super::exit::CliError;
use super::output;
use crate::config::secret_variables;

/// Names the descriptor of the file in memory for the program that takes this one's place.
const FILE_VARIABLE: &str = "TOKENHOUSE_SECRETS_FD";

/// The name of that file.
const FILE: &str = "tokenhouse-secrets";

/// Words in the names of variables that documents refer to for secrets.
const TELLING: &[&str] = &["SECRET", "PASSWORD", "PASSPHRASE", "TOKEN", "CREDENTIAL", "PRIVATE_KEY", "MASTER_KEY"];

/// The variables that came through the file.
static HANDED_OVER: OnceLock<Vec<(OsString, Zeroizing<Vec<u8>>)>> = OnceLock::new();

/// Takes secrets out of the environment: to be called first of all, since it may start the program once more.
///
/// # Errors
/// If they do not arrive.
#[expect(clippy::disallowed_methods, reason = "this is where the command line reads the environment")]
pub fn hide_secrets() -> Result<(), CliError> {
    if let Some(descriptor) = std::env::var_os(FILE_VARIABLE) {
        let taken = take_over(&descriptor).with_context(|| format!("{FILE_VARIABLE} is not for you to set"))?;
        // A program starts once.
        let _ = HANDED_OVER.set(taken);
        return Ok(());
    }
    let secrets: Vec<_> = std::env::vars_os().filter(|(name, _)| is_secret(name)).collect();
    if secrets.is_empty() || !cfg!(target_os = "linux") {
        return Ok(());
    }
    // It only returns if it failed.
    if let Err(error) = start_again(&secrets) {
        output::remark(format_args!(
            "warning: secrets stay readable in /proc/PID/environ: {error}; give them in files"
        ));
    }
    Ok(())
}

/// The variables of the environment, also those that were taken out of it.
pub fn variables() -> Vec<(OsString, OsString)> {
    let handed = HANDED_OVER.get().into_iter().flatten();
    let handed = handed.map(|(name, value)| (name.clone(), OsString::from_vec(value.to_vec())));
    std::env::vars_os().filter(|(name, _)| name != FILE_VARIABLE).chain(handed).collect()
}

/// One of them, if it is there and is text.
#[expect(clippy::disallowed_methods, reason = "this is where the command line reads the environment")]
pub fn variable(name: &str) -> Option<Zeroizing<String>> {
    let handed = HANDED_OVER.get().into_iter().flatten().find(|(handed, _)| handed == name);
    match handed {
        Some((_, value)) => std::str::from_utf8(value).ok().map(|text| Zeroizing::new(text.to_owned())),
        None => std::env::var(name).ok().map(Zeroizing::new),
    }
}

/// Does the name say that the value is secret?
fn is_secret(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    if name == SECRET_VARIABLE || secret_variables().any(|secret| secret == name) {
        return true;
    }
    // Variables of settings are known; those of libpq are read by libpq.
    let is_ours = name.starts_with("TOKENHOUSE__") || name == FILE_VARIABLE;
    !is_ours && !name.starts_with("PG") && TELLING.iter().any(|word| name.to_ascii_uppercase().contains(word))
}

/// `NAME=VALUE` with a zero after each, as the system has them.
fn render(variables: &[(OsString, OsString)]) -> Zeroizing<Vec<u8>> {
    let size = variables.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let mut written = Zeroizing::new(Vec::with_capacity(size));
    for (name, value) in variables {
        written.extend_from_slice(name.as_bytes());
        written.push(b'=');
        written.extend_from_slice(value.as_bytes());
        written.push(0);
    }
    written
}

fn parse(written: &[u8]) -> Option<Vec<(OsString, Zeroizing<Vec<u8>>)>> {
    let mut variables = Vec::new();
    for item in written.strip_suffix(&[0])?.split(|byte| *byte == 0) {
        let at = item.iter().position(|byte| *byte == b'=')?;
        let (name, value) = item.split_at_checked(at)?;
        variables.push((OsStr::from_bytes(name).to_owned(), Zeroizing::new(value.get(1..)?.to_vec())));
    }
    Some(variables)
}

/// Puts the same program in the place of this one, without `secrets`, which it finds in a file in memory.
#[cfg(target_os = "linux")]
fn start_again(secrets: &[(OsString, OsString)]) -> io::Result<()> {
    let program = std::env::current_exe()?;
    // Not closed by what follows: that is what it is for.
    let mut file = File::from(memfd_create(FILE, MemfdFlags::empty())?);
    file.write_all(&render(secrets))?;
    let mut arguments = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments).env(FILE_VARIABLE, file.as_raw_fd().to_string());
    for (name, _) in secrets {
        command.env_remove(name);
    }
    Err(command.exec())
}

#[cfg(not(target_os = "linux"))]
fn start_again(_: &[(OsString, OsString)]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads what [`start_again`] has written. The file is empty then; its descriptor stays, since nothing safe closes it by its number.
fn take_over(descriptor: &OsStr) -> anyhow::Result<Vec<(OsString, Zeroizing<Vec<u8>>)>> {
    let number: u32 = descriptor.to_str().context("it is no number")?.parse().context("it is no number")?;
    let path = format!("/proc/self/fd/{number}");
    let is_ours = std::fs::read_link(&path)?.as_os_str().as_bytes().starts_with(format!("/memfd:{FILE}").as_bytes());
    anyhow::ensure!(is_ours, "it names another file");
    let mut file = File::options().read(true).write(true).open(path)?;
    let size = usize::try_from(file.metadata()?.len())?;
    let mut written = Zeroizing::new(Vec::with_capacity(size + 1));
    file.read_to_end(&mut written)?;
    file.set_len(0)?;
    parse(&written).context("it holds no variables")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_which_values_are_secret() {
        let secret = ["TOKENHOUSE__KEYS__MASTER_KEY", "TOKENHOUSE__DATABASE__URL", "TOKENHOUSE_CLIENT_SECRET"];
        for name in secret.into_iter().chain([
            "TOKENHOUSE__TRACING__OTLP_HEADERS",
            "TOKENHOUSE_PARTNER_SECRET",
            "PARTNER_A_SECRET",
            "deploy_token",
        ]) {
            assert!(is_secret(OsStr::new(name)), "{name}");
        }
        for name in [
            "PATH",
            "TOKENHOUSE__SERVER__BIND",
            "TOKENHOUSE__KEYS__MASTER_KEY_FILE",
            "TOKENHOUSE_SECRETS_FD",
            "PGPASSWORD",
            "HOME",
        ] {
            assert!(!is_secret(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let variables = [("A", "one=two\nthree"), ("B_SECRET", "")].map(|(name, value)| (name.into(), value.into()));
        let read = parse(&render(&variables)).unwrap();
        let read: Vec<_> = read.into_iter().map(|(name, value)| (name, OsString::from_vec(value.to_vec()))).collect();
        assert_eq!(read, variables);
        for wrong in [&b""[..], b"A=1", b"A\0"] {
            assert!(parse(wrong).is_none(), "{wrong:?}");
        }
    }
}
