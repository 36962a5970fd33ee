//! What does the operating system say of this process? Read from `/proc`; where there is none, less is told.

use std::fs;

/// Where the descriptors of this process are listed.
const DESCRIPTORS: &str = "/proc/self/fd";

/// Bytes of memory that the process holds.
pub(super) fn resident_memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kibibytes.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// File descriptors that are open.
pub(super) fn open_descriptors() -> Option<u64> {
    // The size of the directory since Linux 6.2. To list thousands of them takes milliseconds, which no request gets then.
    match fs::metadata(DESCRIPTORS).ok()?.len() {
        0 => listed_descriptors(),
        number => Some(number),
    }
}

/// The same, counted one by one.
fn listed_descriptors() -> Option<u64> {
    // Reading the directory takes one itself.
    let open = fs::read_dir(DESCRIPTORS).ok()?.count();
    u64::try_from(open.saturating_sub(1)).ok()
}

/// File descriptors that may be open; none where there is no limit.
pub(super) fn most_descriptors() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_process_has_memory_and_descriptors() {
        assert!(resident_memory_bytes().unwrap() > 1_000_000);
        let open = open_descriptors().unwrap();
        assert!(open >= 3 && open < most_descriptors().unwrap_or(u64::MAX), "{open}");
        // Other tests open and close theirs meanwhile.
        assert!((0..100).any(|_| listed_descriptors() == open_descriptors()));
    }
}
