//! How far has a long change come? For whoever waits before a terminal.

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Secrets are checked and hashed.
    Hashing,
    /// Clients are stored.
    Storing,
}

/// Is told how far it is; often, and from several threads.
pub trait Progress: Sync {
    /// `done` of `total` are done.
    fn advance(&self, stage: Stage, done: usize, total: usize);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn advance(&self, _stage: Stage, _done: usize, _total: usize) {}
}
