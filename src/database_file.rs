//! Can this path be a database file, and who may read it?

use std::fs::OpenOptions;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::fail_point;

/// Why a path cannot be a database file. The text says what to do next.
#[derive(Debug, Error)]
pub enum DatabaseFileError {
    /// Its directory does not exist.
    #[error("the directory {} does not exist: create it, or name another database file", .directory.display())]
    DirectoryMissing {
        /// The directory.
        directory: PathBuf,
    },
    /// A directory stands where the file should be.
    #[error("{} is a directory: name a file in it", .path.display())]
    IsDirectory {
        /// What was named.
        path: PathBuf,
    },
    /// The file or its directory may not be read and written.
    #[error("no permission to read and write {}: this user needs both, also in its directory", .path.display())]
    PermissionDenied {
        /// The file.
        path: PathBuf,
    },
    /// SQLite takes only UTF-8.
    #[error("the path {} is not UTF-8: rename the file", .path.display())]
    PathNotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// The file system failed in another way.
    #[error("the database file {} cannot be opened: {source}", .path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// Why.
        source: IoError,
    },
}

/// Makes sure that a file that can be read and written stands at `path`, and returns the absolute path as text.
///
/// A new file is readable by its owner only; SQLite gives its `-wal` and `-shm` files the same mode.
///
/// # Errors
/// If there can be no such file.
pub fn prepare(path: &Path) -> Result<String, DatabaseFileError> {
    let absolute = locate(path)?;
    touch(Path::new(&absolute)).map_err(|source| io_error(path, source))?;
    fail_point::reach("database_file.made");
    Ok(absolute)
}

/// The absolute path as text of a file that stands at `path` or can be made there.
///
/// # Errors
/// If there can be no such file.
pub fn locate(path: &Path) -> Result<String, DatabaseFileError> {
    // An absolute path is never taken for `:memory:`, for a `file:` URI or for a temporary database.
    let absolute = std::path::absolute(path).map_err(|source| io_error(path, source))?;
    if absolute.is_dir() {
        return Err(DatabaseFileError::IsDirectory { path: path.to_owned() });
    }
    let directory = absolute.parent().unwrap_or(Path::new("/"));
    match directory.try_exists() {
        Ok(true) => {}
        Ok(false) => return Err(DatabaseFileError::DirectoryMissing { directory: directory.to_owned() }),
        Err(source) => return Err(io_error(path, source)),
    }
    absolute.into_os_string().into_string().map_err(|path| DatabaseFileError::PathNotUtf8 { path: PathBuf::from(path) })
}

/// How long others may keep a database locked that is being opened.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// Opens a database with `attempt`, again and again for five seconds while its failure `is_locked`.
///
/// SQLite's own time-out does not cover the first opening: who turns the write-ahead log on while another process reads
/// is told at once that the file is locked.
pub fn open_patiently<D, E>(attempt: impl Fn() -> Result<D, E>, is_locked: impl Fn(&E) -> bool) -> Result<D, E> {
    let started = Instant::now();
    loop {
        match attempt() {
            Err(error) if is_locked(&error) && started.elapsed() < PATIENCE => thread::sleep(PAUSE),
            outcome => return outcome,
        }
    }
}

fn touch(path: &Path) -> Result<(), IoError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn io_error(path: &Path, source: IoError) -> DatabaseFileError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => DatabaseFileError::PermissionDenied { path },
        _ => DatabaseFileError::Other { path, source },
    }
}
