//! Can this path be a database file, and who may read it?

use std::fs::OpenOptions;
use std::io::{Error as IoError, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::open_error::OpenError;

/// Makes sure that a file that can be read and written stands at `path`, and returns the absolute path as text.
///
/// A new file is readable by its owner only; SQLite gives its `-wal` and `-shm` files the same mode.
pub(super) fn prepare(path: &Path) -> Result<String, OpenError> {
    // An absolute path is never taken for `:memory:`, for a `file:` URI or for a temporary database.
    let absolute = std::path::absolute(path).map_err(|source| io_error(path, source))?;
    if absolute.is_dir() {
        return Err(OpenError::IsDirectory { path: path.to_owned() });
    }
    let directory = absolute.parent().unwrap_or(Path::new("/"));
    match directory.try_exists() {
        Ok(true) => {}
        Ok(false) => return Err(OpenError::DirectoryMissing { directory: directory.to_owned() }),
        Err(source) => return Err(io_error(path, source)),
    }
    touch(&absolute).map_err(|source| io_error(path, source))?;
    absolute.into_os_string().into_string().map_err(|path| OpenError::PathNotUtf8 { path: PathBuf::from(path) })
}

fn touch(path: &Path) -> Result<(), IoError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn io_error(path: &Path, source: IoError) -> OpenError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => OpenError::PermissionDenied { path },
        _ => OpenError::File { path, source },
    }
}
/// Which file a path led to: a path can lead to another one later, while connections still hold the first.
#[derive(Clone, Debug)]
pub(super) struct FileIdentity {
    path: Arc<Path>,
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// That of the file at `path`.
    pub(super) fn of(path: &str) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { path: Path::new(path).into(), device: metadata.dev(), inode: metadata.ino() })
    }

    /// Whether the path still leads to it.
    pub(super) fn is_in_place(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|now| (now.dev(), now.ino()) == (self.device, self.inode))
    }
}
