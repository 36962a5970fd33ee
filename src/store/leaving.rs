//! How does a process end while its threads talk to a database? They finish first, and begin nothing new: when a process ends, what libpq
//! encrypts with is taken apart, under whoever still uses it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often is looked whether all have finished.
const INTERVAL: Duration = Duration::from_millis(5);

static LEAVING: AtomicBool = AtomicBool::new(false);
static TALKING: AtomicUsize = AtomicUsize::new(0);

/// Held by whoever talks to a database.
#[derive(Debug)]
pub(super) struct Talking(());

impl Talking {
    /// None if the process is about to end.
    pub(super) fn begin() -> Option<Self> {
        // First counted, then asked: `leave` first says it, and then counts.
        TALKING.fetch_add(1, Ordering::SeqCst);
        let talking = Self(());
        (!is_leaving()).then_some(talking)
    }
}

impl Drop for Talking {
    fn drop(&mut self) {
        TALKING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Is the process about to end?
pub fn is_leaving() -> bool {
    LEAVING.load(Ordering::SeqCst)
}

/// Lets nobody in this process talk to a database any more, and waits until all who do have finished, but no longer than `patience`: one
/// may wait for a database that hangs.
pub fn leave(patience: Duration) {
    LEAVING.store(true, Ordering::SeqCst);
    let began = Instant::now();
    while TALKING.load(Ordering::SeqCst) > 0 && began.elapsed() < patience {
        std::thread::sleep(INTERVAL);
    }
}
