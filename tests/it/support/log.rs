//! What has a program logged so far? It writes its lines many at a time, some milliseconds after the answers.

use std::path::Path;
use std::time::Duration;

/// The log in `file`, once nothing more has come for a while.
pub fn settled(file: &Path) -> String {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    let mut before = read();
    loop {
        std::thread::sleep(Duration::from_millis(150));
        let now = read();
        if now == before {
            return now;
        }
        before = now;
    }
}
