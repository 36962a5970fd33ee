//! How does the master key lie on disk? In a file of one line that its owner alone can read.
//!
//! Whoever reads it can open every signing key in the database, so anything unusual about the file is refused with the
//! command that puts it right.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use thiserror::Error;
use zeroize::Zeroizing;

use super::seal::{MasterKey, MasterKeyError, MasterKeyId};
use crate::entropy::Entropy;
use crate::fail_point;

/// A key, a line end, and room to notice that there is more.
const MAX_FILE_BYTES: usize = 256;
const GROUP_AND_OTHERS: u32 = 0o077;
const OTHERS_MAY_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Why a master key file was not read or not made.
#[derive(Debug, Error)]
pub enum MasterKeyFileError {
    /// There is none.
    #[error("there is no master key at {}", path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// `create` never writes over anything.
    #[error("{} exists already: load it, or choose another path", path.display())]
    AlreadyExists {
        /// What stands in the way.
        path: PathBuf,
    },
    /// A symbolic link, a folder, a device.
    #[error("{} is not an ordinary file: put the master key itself there, not a link to it", path.display())]
    NotAFile {
        /// What it is.
        path: PathBuf,
    },
    /// A hard link elsewhere would keep the key readable.
    #[error("{0} has another name (hard link): find it with `find -samefile {0}` and remove it", path.display())]
    HardLinked {
        /// One of its names.
        path: PathBuf,
    },
    /// Somebody else's: whoever owns it may read and change it.
    #[error("{0} belongs to the user with the id {owner}, who may change it: run `chown {wanted} {0}`", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose it should be.
        wanted: u32,
    },
    /// Readable or writable by others.
    #[error("{0} has permissions {mode:03o}, so that others may get at it: run `chmod 600 {0}`", path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Anybody could put another file in its place.
    #[error("everybody may write in {0}: run `chmod o-w {0}`", path.display())]
    DirectoryTooOpen {
        /// The directory.
        path: PathBuf,
    },
    /// Not a master key inside.
    #[error("{} does not hold a master key", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was expected.
        source: MasterKeyError,
    },
    /// Another command has replaced it a moment ago.
    #[error("the master key at {} has just been replaced by another command: run this one again", path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{} cannot be used", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
}

/// Reads the master key at `path`.
pub fn load(path: &Path) -> Result<MasterKey, MasterKeyFileError> {
    let found = look_at(path)?.ok_or_else(|| MasterKeyFileError::NotFound { path: path.into() })?;
    check_file(path, &found)?;
    check_directory(directory_of(path))?;
    let mut file = File::open(path).map_err(io_error(path))?;
    // The checks hold for the file that is now open, or for none: `open` follows links, the look before did not.
    let opened = file.metadata().map_err(io_error(path))?;
    if (opened.dev(), opened.ino()) != (found.dev(), found.ino()) {
        return Err(MasterKeyFileError::NotAFile { path: path.into() });
    }
    check_file(path, &opened)?;

    let malformed = |source| MasterKeyFileError::Malformed { path: path.into(), source };
    let mut text = Zeroizing::new([0_u8; MAX_FILE_BYTES]);
    let mut length = 0;
    while let Some(free) = text.get_mut(length..).filter(|free| !free.is_empty()) {
        match file.read(free) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io_error(path)(error)),
        }
    }
    let text = text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).ok_or(MasterKeyError);
    text.and_then(MasterKey::from_base64url).map_err(malformed)
}

/// Makes a new master key at `path`, and the directory that it lies in. On return it is on the disk; whenever the
/// machine stops, there is a whole file or none. Of several processes that try at once, one succeeds.
pub fn create(path: &Path, entropy: &dyn Entropy) -> Result<MasterKey, MasterKeyFileError> {
    let directory = directory_of(path);
    create_directory(directory)?;
    fail_point::reach("master_key.directory");
    check_directory(directory)?;
    // Held until the end and let go by the system if the process dies: it makes "look, then rename" one step.
    let locked = File::open(directory).map_err(io_error(directory))?;
    locked.lock().map_err(io_error(directory))?;
    if look_at(path)?.is_some() {
        return Err(MasterKeyFileError::AlreadyExists { path: path.into() });
    }

    let master_key = MasterKey::generate(entropy);
    write(path, &master_key, None, &locked)?;
    Ok(master_key)
}

/// Where the master key that was at `path` before is kept.
pub fn old_path(path: &Path) -> PathBuf {
    beside(path, ".old")
}

/// Puts a new master key in the place of `present`, the one at `path`, which is kept at [`old_path`]. Whenever the machine stops, `path`
/// holds one of the two, and the old one is not lost. Both belong to whom the file belonged.
pub fn replace(path: &Path, present: &MasterKeyId, entropy: &dyn Entropy) -> Result<MasterKey, MasterKeyFileError> {
    let directory = directory_of(path);
    let locked = File::open(directory).map_err(io_error(directory))?;
    locked.lock().map_err(io_error(directory))?;
    let (old, master_key) = (load(path)?, MasterKey::generate(entropy));
    // Two at the same time would leave neither file with the key that everything is sealed under.
    if old.id() != present {
        return Err(MasterKeyFileError::Replaced { path: path.into() });
    }
    let owner = fs::metadata(path).map_err(io_error(path))?;
    write(&old_path(path), &old, Some(&owner), &locked)?;
    write(path, &master_key, Some(&owner), &locked)?;
    Ok(master_key)
}

/// Writes `master_key` to `path` in one step, in the directory `locked`, for the owner that is given.
fn write(
    path: &Path,
    master_key: &MasterKey,
    owner: Option<&Metadata>,
    locked: &File,
) -> Result<(), MasterKeyFileError> {
    let temporary = beside(path, ".new");
    // Left behind by a process that died here; nothing was ever sealed with it.
    if look_at(&temporary)?.is_some() {
        fs::remove_file(&temporary).map_err(io_error(&temporary))?;
    }
    write_new(&temporary, master_key, owner)
        .and_then(|()| fs::rename(&temporary, path))
        .inspect(|()| fail_point::reach("master_key.renamed"))
        .and_then(|()| locked.sync_all())
        .inspect(|()| fail_point::reach("master_key.made"))
        .map_err(io_error(path))
}

/// `create_new` is `O_EXCL`: it follows no link and takes no file that is there already.
fn write_new(path: &Path, master_key: &MasterKey, owner: Option<&Metadata>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    fail_point::reach("master_key.empty");
    if let Some(owner) = owner {
        let made = file.metadata()?;
        if (made.uid(), made.gid()) != (owner.uid(), owner.gid()) {
            fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    file.write_all(master_key.to_base64url().as_bytes())?;
    fail_point::reach("master_key.half");
    file.write_all(b"\n")?;
    file.sync_all()?;
    fail_point::reach("master_key.whole");
    Ok(())
}

fn create_directory(directory: &Path) -> Result<(), MasterKeyFileError> {
    let missing: Vec<&Path> =
        directory.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io_error(directory))?;
    // A new folder is on the disk when the folder around it is.
    for around in missing.into_iter().map(directory_of) {
        File::open(around).and_then(|around| around.sync_all()).map_err(io_error(around))?;
    }
    Ok(())
}

fn check_directory(directory: &Path) -> Result<(), MasterKeyFileError> {
    let mode = fs::metadata(directory).map_err(io_error(directory))?.permissions().mode();
    if mode & OTHERS_MAY_WRITE != 0 && mode & STICKY == 0 {
        return Err(MasterKeyFileError::DirectoryTooOpen { path: directory.into() });
    }
    Ok(())
}

fn check_file(path: &Path, metadata: &Metadata) -> Result<(), MasterKeyFileError> {
    if !metadata.is_file() {
        return Err(MasterKeyFileError::NotAFile { path: path.into() });
    }
    if metadata.nlink() > 1 {
        return Err(MasterKeyFileError::HardLinked { path: path.into() });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & GROUP_AND_OTHERS != 0 {
        return Err(MasterKeyFileError::TooOpen { path: path.into(), mode });
    }
    let around = fs::metadata(directory_of(path)).map_err(io_error(path))?;
    check_owner(path, metadata.uid(), around.uid(), geteuid().as_raw())
}

/// A file belongs to who runs the program, or to root. Root may look after the files of another user: those in a folder of that user.
fn check_owner(path: &Path, owner: u32, owner_of_folder: u32, user: u32) -> Result<(), MasterKeyFileError> {
    const ROOT: u32 = 0;
    let wanted = if user == ROOT { owner_of_folder } else { user };
    if owner == wanted || owner == ROOT {
        return Ok(());
    }
    Err(MasterKeyFileError::Foreign { path: path.into(), owner, wanted })
}

/// What stands at `path` itself, links not followed.
fn look_at(path: &Path) -> Result<Option<Metadata>, MasterKeyFileError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path)(error)),
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> MasterKeyFileError {
    move |source| MasterKeyFileError::Io { path: path.into(), source }
}

#[cfg(test)]
mod tests;
