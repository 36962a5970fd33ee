//! How does a backup take the place of a SQLite database? Copied, checked and marked beside it, then renamed.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use jiff::Timestamp;
use serde_json::json;
use tempfile::{Builder, TempDir, TempPath};
use thiserror::Error;

use super::audit::{AuditAction, AuditEntry};
use super::audit_chain::{ChainFault, ChainVerdict};
use super::connection::AnyConnection;
use super::copy::{Contents, connect, connect_to_ours, copy, fault_of};
use super::error::StoreError;
use super::migrate::recognise;
use super::object_kind::ObjectKind;
use super::open::Store;
use super::open_error::OpenError;
use super::read::Reader;
use super::schema::meta;
use super::settings::{Database, Migrate, StoreSettings};
use super::write::{ChangeContext, Transaction};
use crate::clock::UnixMillis;
use crate::database_file::{self, open_patiently};
use crate::entropy::{SystemEntropy, new_uuid};
use crate::fail_point;
use crate::whole_file::{self, Existing};

/// A backup that has been copied and checked, and waits to take the database's place. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Restoration {
    // Closed before the folder that it lies in is removed.
    store: Store,
    copy: String,
    folder: TempDir,
    database: PathBuf,
    existing: Existing,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What is in the database now.
    pub contents: Contents,
    /// The name under which the database is kept that stood there.
    pub kept: Option<PathBuf>,
}

/// Why nothing was restored. The text says what to do next.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// There is no backup.
    #[error("there is no file {}: name the backup", .file.display())]
    NotFound {
        /// What was named.
        file: PathBuf,
    },
    /// The backup is the database, a folder, a device.
    #[error("{} is the database itself or no ordinary file: name the backup", .file.display())]
    NotAFile {
        /// What was named.
        file: PathBuf,
    },
    /// The backup cannot be used, or what stands in the database's place cannot be replaced.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The backup is not whole.
    #[error("{} is damaged ({fault}): nothing was changed; take another backup", .file.display())]
    Damaged {
        /// The backup.
        file: PathBuf,
        /// SQLite's words.
        fault: String,
    },
    /// Somebody altered the record of changes in the backup, and perhaps more.
    #[error(
        "in {} the audit trail was altered at event {position} ({fault}): nothing was changed; take another backup, or if \
         you know why it is so, stop the servers and copy the file into place yourself",
        .file.display()
    )]
    Altered {
        /// The backup.
        file: PathBuf,
        /// The first event that is wrong.
        position: i64,
        /// What is wrong.
        fault: ChainFault,
    },
    /// There is a database already.
    #[error("{} exists already: nothing was changed; with --force it is kept under another name", .database.display())]
    Exists {
        /// The database.
        database: PathBuf,
    },
    /// A server or a command uses the database.
    #[error("{} is in use: nothing was changed; stop every server and command that has it open, and try again", .database.display())]
    InUse {
        /// The database.
        database: PathBuf,
    },
    /// Copying or marking failed: most often the disk is full.
    #[error("restoring {} failed: {source}; nothing was changed", .file.display())]
    Store {
        /// The backup.
        file: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// The file system refused.
    #[error("{} cannot be written: {source}; {} is as it was", .path.display(), .database.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The database.
        database: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Restoration {
    /// Copies the backup `file` into a folder beside `database`, brings the copy up to this version and checks it.
    pub fn prepare(file: &Path, database: &Path, existing: Existing) -> Result<Self, RestoreError> {
        // Where a link leads is where the files of the database lie.
        let database = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
        let database = PathBuf::from(database_file::locate(&database).map_err(OpenError::from)?);
        let name = ordinary_file(file, &database)?;
        if existing == Existing::Keep && database.exists() {
            return Err(RestoreError::Exists { database });
        }
        let io_error = |source| RestoreError::Io { path: database.clone(), database: database.clone(), source };
        let store_error = |source| RestoreError::Store { file: file.to_owned(), source };

        let mut backup = connect_to_ours(&name)?;
        let folder = Builder::new()
            .prefix(&whole_file::hidden_name(&database))
            .suffix(".restoring")
            .tempdir_in(whole_file::directory_of(&database))
            .map_err(io_error)?;
        let path = folder.path().join("database");
        let copy_name = database_file::prepare(&path).map_err(OpenError::from)?;
        let damaged = |fault| RestoreError::Damaged { file: file.to_owned(), fault };
        match copy(&mut backup, &path) {
            Err(StoreError::Damaged { detail }) => return Err(damaged(detail)),
            outcome => outcome.map_err(store_error)?,
        }
        drop(backup);
        fail_point::reach("restore.copied");
        if let Some(fault) = fault_of(&mut connect(&copy_name)?).map_err(store_error)? {
            return Err(damaged(fault));
        }
        let settings = StoreSettings { database: Database::SqliteFile(path), pool_size: 1 };
        let store = Store::open(&settings, Migrate::Always)?;
        match store.read(Reader::verify_chain).map_err(store_error)? {
            ChainVerdict::Intact { .. } => Ok(Self { store, copy: copy_name, folder, database, existing }),
            ChainVerdict::Broken { position, fault } => {
                Err(RestoreError::Altered { file: file.to_owned(), position, fault })
            }
        }
    }

    /// What will stand in the database's place.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Marks the copy as restored and puts it in the database's place. Whenever this ends, the database is what it was or
    /// what the backup holds; what it was is kept under another name.
    pub fn put_in_place(self, context: &ChangeContext) -> Result<Restored, RestoreError> {
        let Self { store, copy, folder, database, existing } = self;
        let store_error = |source| RestoreError::Store { file: PathBuf::from(&copy), source };
        let io_error = |source| RestoreError::Io { path: database.clone(), database: database.clone(), source };
        store.write(context, Transaction::become_another_database).map_err(store_error)?;
        drop(store);
        let contents = into_one_file(&copy)?;
        fail_point::reach("restore.marked");
        let copy = TempPath::try_from_path(&copy).map_err(io_error)?;
        let present = fs::metadata(&database).ok().filter(|_| existing == Existing::Replace);
        if let Some(owner) = &present {
            // Root restores for the user that the servers run as.
            chown_unless_owned(&copy, owner).map_err(io_error)?;
        }
        let mut predecessor = Predecessor::set_aside(&database, present.is_some(), context.at)?;
        fail_point::reach("restore.set_aside");
        whole_file::put_in_place(copy, &database, existing).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => RestoreError::Exists { database: database.clone() },
            _ => io_error(error),
        })?;
        let kept = predecessor.kept.take();
        drop(predecessor);
        drop(folder);
        Ok(Restored { contents, kept })
    }
}

impl Transaction {
    /// Gives the database another id, so that nobody who knows what it was takes it for a later state of that.
    fn become_another_database(&mut self) -> Result<(), StoreError> {
        let new = new_uuid(self.context.at, &SystemEntropy).to_string();
        let old: String = self.change(|connection, _| {
            let old = meta::table.select(meta::id).first(connection)?;
            diesel::update(meta::table).set(meta::id.eq(&new)).execute(connection)?;
            Ok(old)
        })?;
        self.record(AuditEntry {
            action: AuditAction::Restore,
            object_kind: ObjectKind::Database,
            object_id: new,
            before: Some(json!({ "database_id": old, "revision": self.revision.0 - 1 })),
            after: None,
        })
    }
}

/// The database that stood in the place. While this lives, nobody can open it.
struct Predecessor {
    kept: Option<PathBuf>,
    _locked: Option<AnyConnection>,
}

impl Predecessor {
    /// Gives what stands at `database` a second name, and moves what lies beside it away, which SQLite would take for a
    /// part of the new database.
    fn set_aside(database: &Path, is_there: bool, at: UnixMillis) -> Result<Self, RestoreError> {
        let locked = if is_there { lock(database)? } else { None };
        let kept = beside(database, &format!(".before-{}", compact(at)));
        let io_error = |source| RestoreError::Io { path: kept.clone(), database: database.to_owned(), source };
        if is_there {
            fs::hard_link(database, &kept).map_err(io_error)?;
        }
        // There are none where the database could be locked: they became part of it.
        for ending in ["-wal", "-journal", "-shm"] {
            match fs::rename(beside(database, ending), beside(&kept, ending)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(error)),
                _ => {}
            }
        }
        whole_file::sync_directory_of(database).map_err(io_error)?;
        Ok(Self { kept: is_there.then_some(kept), _locked: locked })
    }
}

/// Keeps everybody else from opening `database` and makes it one file; none if it is too damaged for that.
fn lock(database: &Path) -> Result<Option<AnyConnection>, RestoreError> {
    let name = database.to_string_lossy();
    let in_use = || RestoreError::InUse { database: database.to_owned() };
    let recognised = connect(&name).and_then(|mut connection| match recognise(&mut connection, &name) {
        Ok(()) | Err(OpenError::Empty { .. } | OpenError::Newer { .. }) => Ok(connection),
        Err(error) => Err(error),
    });
    let mut connection = match recognised {
        Ok(connection) => connection,
        Err(OpenError::Damaged { .. } | OpenError::NotADatabase { .. }) => return Ok(None),
        Err(OpenError::Locked { .. }) => return Err(in_use()),
        Err(error) => return Err(error.into()),
    };
    // Whoever has it open in WAL mode holds a lock that the first of these waits for.
    let exclusive = "PRAGMA busy_timeout = 1000; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE";
    match connection.batch_execute(exclusive).map_err(StoreError::from) {
        Ok(()) => Ok(Some(connection)),
        Err(StoreError::Busy { .. }) => Err(in_use()),
        Err(StoreError::Damaged { .. }) => Ok(None),
        Err(source) => Err(OpenError::from_store(&name, source).into()),
    }
}

/// Makes the log of the SQLite database `path` a part of it.
fn into_one_file(path: &str) -> Result<Contents, OpenError> {
    let attempt = || {
        let mut connection = connect(path)?;
        let done = connection.batch_execute("PRAGMA journal_mode = DELETE").map_err(StoreError::from);
        done.and_then(|()| Contents::of(&mut connection)).map_err(|error| OpenError::from_store(path, error))
    };
    // A pool closes its connections in its own time.
    open_patiently(attempt, |error| matches!(error, OpenError::Locked { .. }))
}

/// The absolute path of `file`, if it can be a backup of `database`.
fn ordinary_file(file: &Path, database: &Path) -> Result<String, RestoreError> {
    let not_a_file = || RestoreError::NotAFile { file: file.to_owned() };
    let found = fs::metadata(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => RestoreError::NotFound { file: file.to_owned() },
        _ => RestoreError::Io { path: file.to_owned(), database: database.to_owned(), source: error },
    })?;
    let itself = fs::metadata(database).ok();
    if !found.is_file() || itself.is_some_and(|itself| (itself.dev(), itself.ino()) == (found.dev(), found.ino())) {
        return Err(not_a_file());
    }
    Ok(database_file::locate(file).map_err(OpenError::from)?)
}

fn chown_unless_owned(path: &Path, owner: &fs::Metadata) -> io::Result<()> {
    let own = fs::metadata(path)?;
    if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    chown(path, Some(owner.uid()), Some(owner.gid()))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// A time as a part of a file's name, such as `20261130T043000.123Z`.
fn compact(at: UnixMillis) -> String {
    Timestamp::from_millisecond(at.0).unwrap_or_default().strftime("%Y%m%dT%H%M%S.%3fZ").to_string()
}
