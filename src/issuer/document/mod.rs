//! How is the configuration written down: one document for seed, apply, export and import.
//!
//! The entries are also what the audit trail and `--output json` show, so there is one spelling of everything.

pub mod apply;
mod apply_client;
pub(in crate::issuer) mod apply_keys;
mod apply_secrets;
mod create_whole;
pub mod entries;
pub mod export;
mod known;
pub mod parse;
mod plan;
mod prepare_secrets;
pub mod progress;
mod prune;
pub mod rights;
pub(in crate::issuer) mod syntax;

pub use entries::{ApiEntry, ClientEntry, Document, GrantEntry, KeyEntry, KeySetEntry, ScopeEntry, SecretEntry};
