//! How is a file written whole or not at all, so that neither a reader nor a power cut ever finds half of it?

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempPath};

use crate::fail_point;

/// What becomes of a file that stands where one is to be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is put there.
    Keep,
    /// It makes way.
    Replace,
}

/// An empty file beside `target`, which its owner alone can read; gone when dropped.
///
/// # Errors
/// If none can be made.
pub fn beside(target: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(&hidden_name(target)).suffix(".part").tempfile_in(directory_of(target))
}

/// The name that things have which are put in the place of `target` later: an ending follows.
pub fn hidden_name(target: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".");
    name
}

/// Puts `new`, which lies on the same file system, in the place of `target`. On return both name and contents are on the
/// disk; whenever the machine stops, `target` is what it was or the whole new file.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if `target` is there and stays; else if the system refuses.
pub fn put_in_place(new: TempPath, target: &Path, existing: Existing) -> io::Result<()> {
    fail_point::reach("file.written");
    File::open(&new)?.sync_all()?;
    fail_point::reach("file.synced");
    match existing {
        Existing::Keep => new.persist_noclobber(target),
        Existing::Replace => new.persist(target),
    }
    .map_err(|error| error.error)?;
    fail_point::reach("file.renamed");
    sync_directory_of(target)
}

/// Sees to it that the names around `path` are on the disk.
///
/// # Errors
/// If the system refuses.
pub fn sync_directory_of(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

/// Where `path` lies.
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn new(target: &Path, text: &str) -> TempPath {
        let mut file = beside(target).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.into_temp_path()
    }

    #[test]
    fn what_is_there_stays_unless_it_is_to_be_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("file");
        put_in_place(new(&target, "one"), &target, Existing::Keep).unwrap();
        let refused = put_in_place(new(&target, "two"), &target, Existing::Keep).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&target).unwrap(), "one");
        put_in_place(new(&target, "two"), &target, Existing::Replace).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "two");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_not_put_in_place_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        drop(new(&directory.path().join("file"), "one"));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        assert!(beside(Path::new("/no/such/folder/file")).is_err());
    }
}
