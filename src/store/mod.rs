//! Where is everything kept? SQLite or PostgreSQL, through the same queries; diesel is named nowhere else.
//!
//! | file | question |
//! |---|---|
//! | `settings`, `open`, `open_error` | which database, and why can it not be opened? |
//! | `target`, `file_identity`, `pool`, `connection` | how are connections made, lent and put into a transaction? |
//! | `schema`, `migrate`, `rows/` | which tables are there, and how do rows become values? |
//! | `read`, `load` | how is one consistent state read, and what does a replica read? |
//! | `write`, `writable`, `tombstones`, `chunks` | how is a change made, can any be made now, and how do replicas learn what was deleted? |
//! | `listen` | how are replicas told of a change at once? |
//! | `apis`, `clients`, `secrets`, `client_keys`, `grants`, `signing_keys` | how is each aggregate found and changed? |
//! | `client_assertions` | has this assertion been used before? |
//! | `console_sessions`, `one_time_links` | who is signed in to the console, and which links are good for one use? |
//! | `servers` | which servers run? |
//! | `copy`, `backup`, `restore` | how is a database file copied while it is used, and put back? |
//! | `usage` | how often was each client answered? |
//! | `audit`, `audit_chain` | who changed what, and has anyone altered the record of it? |
//! | `error`, `object_kind` | why did it fail, and on which kind of object? |

mod apis;
mod audit;
mod audit_chain;
mod backup;
mod chunks;
mod client_assertions;
mod client_keys;
mod clients;
mod connection;
mod console_sessions;
#[cfg(test)]
mod contract_tests;
mod copy;
mod error;
mod file_identity;
mod grants;
mod leaving;
mod listen;
mod load;
mod migrate;
mod object_kind;
mod one_time_links;
mod open;
mod open_error;
mod pool;
mod read;
mod restore;
mod rows;
mod schema;
mod secrets;
mod servers;
mod settings;
mod signing_keys;
mod target;
mod tombstones;
mod usage;
mod writable;
mod write;

pub use audit::{AuditAction, AuditEntry, AuditEvent, AuditFilter};
pub use audit_chain::{ChainFault, ChainLink, ChainVerdict};
pub use backup::{Backup, BackupError, back_up};
pub use client_assertions::AssertionUse;
pub use clients::ClientSearch;
pub use console_sessions::{SessionProof, StoredSession};
pub use copy::Contents;
pub use error::{Conflict, StoreError};
pub use grants::{GrantFilter, OwnedGrant};
pub use leaving::{is_leaving, leave};
pub use listen::Listener;
pub use load::{StoreChanges, StoreImage};
pub use object_kind::ObjectKind;
pub use one_time_links::{LinkPurpose, StoredLink};
pub use open::Store;
pub use open_error::OpenError;
pub use pool::PoolUse;
pub use read::{Page, Position, Reader, Revision};
pub use restore::{Restoration, RestoreError, Restored};
pub use secrets::{ExpiringSecret, OwnedSecret};
pub use servers::{RunningServer, ServerState};
pub use settings::{Database, Migrate, StoreSettings};
#[cfg(feature = "postgres")]
pub use settings::{PostgresTimeouts, PostgresUrl};
pub use usage::{BusyClient, CountedHour, Counts, Hours, UnixHour};
pub use write::{Actor, ChangeContext, Transaction, Written};
