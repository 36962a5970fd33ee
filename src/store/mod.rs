//! Where is everything kept? SQLite or PostgreSQL, through the same queries; diesel is named nowhere else.
//!
//! | file | question |
//! |---|---|
//! | `settings`, `open`, `open_error` | which database, and why can it not be opened? |
//! | `target`, `sqlite_file`, `pool`, `connection` | how are connections made, lent and put into a transaction? |
//! | `schema`, `migrate`, `rows/` | which tables are there, and how do rows become values? |

mod connection;
mod error;
mod migrate;
mod object_kind;
mod open;
mod open_error;
mod pool;
mod schema;
mod settings;
mod sqlite_file;
mod target;

pub use error::{Conflict, StoreError};
pub use object_kind::ObjectKind;
pub use open::Store;
pub use open_error::OpenError;
#[cfg(feature = "postgres")]
pub use settings::PostgresUrl;
pub use settings::{Database, Migrate, StoreSettings};
