//! Where can a test end the process, as a power cut would? At named places around everything that is written; in a build
//! without the feature `failpoints`, which is every build but that of tests/crash, nowhere.
//!
//! `FAILPOINTS=NAME=return` ends the process when it gets to NAME, `NAME=3*off->return` when it does so for the fourth time.

/// The process has got to the place called `name`.
#[cfg(feature = "failpoints")]
pub fn reach(name: &str) {
    fail::fail_point!(name, |_| std::process::abort());
}

/// The process has got to the place called `name`, which means nothing in this build.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn reach(_name: &str) {}

/// Reads `FAILPOINTS`; before that, no place is one to end at.
#[cfg(feature = "failpoints")]
pub fn arm() {
    // For as long as the process runs: dropping it would disarm.
    std::mem::forget(fail::FailScenario::setup());
}

/// Nothing to arm in this build.
#[cfg(not(feature = "failpoints"))]
pub const fn arm() {}
