//! How is a SQLite database backed up into one file, while servers go on serving and writing?

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::copy::{Contents, connect, connect_to_ours, copy, fault_of};
use super::error::StoreError;
use super::open_error::OpenError;
use crate::database_file;
use crate::fail_point;
use crate::whole_file::{self, Existing};

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// How long the file is.
    pub bytes: u64,
    /// What is in it.
    pub contents: Contents,
}

/// Why no backup was made. The text says what to do next.
#[derive(Debug, Error)]
pub enum BackupError {
    /// Something is there already.
    #[error("{} exists already: name another file, or replace it with --force", .file.display())]
    Exists {
        /// What stands in the way.
        file: PathBuf,
    },
    /// The database itself, a folder, a link.
    #[error("{} is the database itself or no ordinary file: name another file", .file.display())]
    NotAFile {
        /// What was named.
        file: PathBuf,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What was copied is not whole.
    #[error("{database} is damaged ({fault}): no backup was made; restore an earlier one")]
    Damaged {
        /// What was copied.
        database: String,
        /// SQLite's words.
        fault: String,
    },
    /// Copying failed: most often the disk with the backup is full.
    #[error("copying {database} to {} failed: {source}; no backup was made", .file.display())]
    Copy {
        /// What was copied.
        database: String,
        /// To where.
        file: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// The file could not be written.
    #[error("{} cannot be written: {source}; no backup was made", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes the SQLite database at `database`, as it is at one moment, into `file`, which its owner alone can read. Whenever
/// this ends, `file` is what it was or a whole and checked backup, on the disk.
///
/// Of a database whose tables an earlier version made it takes a backup too: that is what one needs before they are changed.
pub fn back_up(database: &Path, file: &Path, existing: Existing) -> Result<Backup, BackupError> {
    let database = database_file::prepare(database).map_err(OpenError::from)?;
    let io_error = |source| BackupError::Io { file: file.to_owned(), source };
    let copy_error = |source| BackupError::Copy { database: database.clone(), file: file.to_owned(), source };
    refuse_what_stays(Path::new(&database), file, existing)?;

    let mut connection = connect_to_ours(&database)?;
    let new = whole_file::beside(file).map_err(io_error)?.into_temp_path();
    match copy(&mut connection, &new) {
        Err(StoreError::Damaged { detail: fault }) => return Err(BackupError::Damaged { database, fault }),
        outcome => outcome.map_err(copy_error)?,
    }
    drop(connection);
    fail_point::reach("backup.copied");

    // What is not looked at when it is made is no backup when it is needed.
    let mut copied = connect(&new.to_string_lossy())?;
    if let Some(fault) = fault_of(&mut copied).map_err(copy_error)? {
        return Err(BackupError::Damaged { database, fault });
    }
    let contents = Contents::of(&mut copied).map_err(copy_error)?;
    drop(copied);
    whole_file::put_in_place(new, file, existing).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists { file: file.to_owned() },
        _ => io_error(error),
    })?;
    let bytes = fs::metadata(file).map_err(io_error)?.len();
    Ok(Backup { bytes, contents })
}

/// What is already known to fail is told before the database is copied.
fn refuse_what_stays(database: &Path, file: &Path, existing: Existing) -> Result<(), BackupError> {
    let io_error = |source| BackupError::Io { file: file.to_owned(), source };
    let found = match fs::symlink_metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        outcome => outcome.map_err(io_error)?,
    };
    let itself = fs::metadata(database).map_err(io_error)?;
    if !found.is_file() || (found.dev(), found.ino()) == (itself.dev(), itself.ino()) {
        return Err(BackupError::NotAFile { file: file.to_owned() });
    }
    match existing {
        Existing::Keep => Err(BackupError::Exists { file: file.to_owned() }),
        Existing::Replace => Ok(()),
    }
}
