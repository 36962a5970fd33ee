//! Can this path be a database file, and who may read it?

use std::fs::OpenOptions;
use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use super::database_error::DatabaseError;

/// Makes sure that a file that can be read and written stands at `path`, and returns the absolute path as text.
///
/// A new file is readable by its owner only; SQLite gives its `-wal` and `-shm` files the same mode.
pub(super) fn prepare(path: &Path) -> Result<String, DatabaseError> {
    // An absolute path is never taken for `:memory:`, for a `file:` URI or for a temporary database.
    let absolute = std::path::absolute(path).map_err(|source| io_error(path, source))?;
    if absolute.is_dir() {
        return Err(DatabaseError::IsDirectory { path: path.to_owned() });
    }
    let directory = absolute.parent().unwrap_or(Path::new("/"));
    match directory.try_exists() {
        Ok(true) => {}
        Ok(false) => return Err(DatabaseError::DirectoryMissing { directory: directory.to_owned() }),
        Err(source) => return Err(io_error(path, source)),
    }
    touch(&absolute).map_err(|source| io_error(path, source))?;
    absolute.into_os_string().into_string().map_err(|path| DatabaseError::PathNotUtf8 { path: PathBuf::from(path) })
}

fn touch(path: &Path) -> Result<(), IoError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn io_error(path: &Path, source: IoError) -> DatabaseError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => DatabaseError::PermissionDenied { path },
        _ => DatabaseError::File { path, source },
    }
}
