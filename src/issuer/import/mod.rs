//! How does another product's export become a configuration document? Texts in, a [`Document`] and a report out.
//!
//! | file | question |
//! |---|---|
//! | `source` | what is read, and how is its text parsed? |
//! | `reading` | what does a member hold, and how is a mistake named? |
//! | `report` | what was taken, what was not, and why? |
//! | `product` | which products are there, and what does each need to be told? |
//! | `draft` | how does a document grow from what a product says? |
//! | `auth0`, `identityserver`, `hydra`, `keycloak` | what does that product export? |

mod auth0;
mod auth0_client;
mod client_keys;
mod draft;
mod hydra;
mod identityserver;
mod identityserver_tables;
mod keycloak;
mod keycloak_scopes;
mod keywords;
mod product;
mod reading;
mod report;
mod source;
#[cfg(test)]
mod tests;

pub use auth0::{Auth0Export, import_auth0};
pub use hydra::import_hydra;
pub use identityserver::import_identityserver;
pub use keycloak::import_keycloak;
pub use keywords::KeywordMappings;
pub use product::Product;
pub use report::{NoteKind, Noted, Report, Taken};
pub use source::{ImportError, SourceFile};

use super::document::Document;

/// What an export became.
#[derive(Debug)]
pub struct Imported {
    /// The document to apply.
    pub document: Document,
    /// What was taken and what was left.
    pub report: Report,
}
