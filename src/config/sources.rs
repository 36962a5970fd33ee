//! Where do settings come from? File, environment and flags as values, so that a test needs neither process nor disk.

use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

/// The file read when none is named and it exists.
pub const DEFAULT_FILE: &str = "./tokenhouse.toml";

/// Everything a configuration is made of, beside the embedded defaults. Later ones win: file, environment, flags.
#[derive(Debug)]
pub struct Sources {
    /// The configuration file.
    pub file: ConfigFile,
    /// Name and value of every environment variable; those that do not start with `TOKENHOUSE_` are passed over.
    pub environment: Vec<(OsString, OsString)>,
    /// Settings given on the command line; the last one wins.
    pub flags: Vec<Flag>,
    /// How the configuration file and the files of `_file` settings are read.
    pub files: Box<dyn ReadFile>,
}

/// Which configuration file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigFile {
    /// None.
    Absent,
    /// This one, if it exists.
    IfPresent(PathBuf),
    /// This one, which must exist.
    Named(PathBuf),
}

/// One setting given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// What the operator typed, for error messages: `--bind`.
    pub name: String,
    /// The setting's key path: `server.bind`.
    pub key: String,
    /// The value; list items are separated by commas.
    pub value: String,
}

/// Reads a whole text file.
pub trait ReadFile: Debug + Send + Sync {
    /// The file's text.
    ///
    /// # Errors
    /// As [`std::fs::read_to_string`].
    fn read(&self, path: &Path) -> io::Result<String>;
}

/// The machine's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSystem;

impl ReadFile for FileSystem {
    fn read(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }
}

impl Sources {
    /// Embedded defaults and `flags` alone: what `dev` starts from.
    pub fn defaults_and(flags: Vec<Flag>) -> Self {
        Self { file: ConfigFile::Absent, environment: Vec::new(), flags, files: Box::new(FileSystem) }
    }

    /// The file named by `--config` or else [`DEFAULT_FILE`] if it exists, the variables of the `environment`, and `flags`.
    pub fn of(named_file: Option<PathBuf>, environment: Vec<(OsString, OsString)>, flags: Vec<Flag>) -> Self {
        let file = named_file.map_or_else(|| ConfigFile::IfPresent(PathBuf::from(DEFAULT_FILE)), ConfigFile::Named);
        Self { file, environment, flags, files: Box::new(FileSystem) }
    }
}
