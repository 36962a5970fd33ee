//! How is the configuration written down: one document for seed, apply, export and import.
//!
//! The entries are also what the audit trail and `--output json` show, so there is one spelling of everything.

pub mod apply;
mod apply_client;
mod apply_keys;
mod apply_secrets;
pub mod entries;
pub mod export;
pub mod parse;
mod plan;
mod prune;
mod syntax;

pub use entries::{ApiEntry, ClientEntry, Document, GrantEntry, KeyEntry, KeySetEntry, ScopeEntry, SecretEntry};
