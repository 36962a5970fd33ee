//! Is the database file still the one that was opened?

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

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
