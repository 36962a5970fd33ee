//! What does a protected API look like? The bundled partner API (RFC 6749 §7, RFC 6750, RFC 9728)
//!
//! Each partner sees only its own users. The API is a stranger to the issuer: it knows it by URL, verifies its tokens
//! with [`tokenhouse_verifier`], and would work unchanged with any other. Its data lie in a SQLite database of its own.
//!
//! | file | question |
//! |---|---|
//! | `settings` | what must it be told? |
//! | `open` | how is it put together, and how do its routes get into a server? |
//! | `endpoint` | which paths are there, and which methods does each answer to? |
//! | `scopes` | which scopes are there? |
//! | `users` | what does each route of the users do? |
//! | `user_body`, `json_body` | which user does a request body describe? |
//! | `page` | which part of the list is asked for? |
//! | `whoami`, `health`, `protected_resource`, `openapi` | what do the other routes answer? |
//! | `error` | how is an error told? |
//! | `client_id`, `user`, `instant` | which values are there? |
//! | `users_store` | where do the users lie? |

mod client_id;
mod endpoint;
mod error;
mod health;
mod instant;
mod json_body;
mod open;
mod openapi;
mod page;
mod protected_resource;
mod scopes;
mod settings;
mod user;
mod user_body;
mod users;
mod users_store;
mod whoami;

#[cfg(test)]
mod tests;

pub use open::{OpenError, ResourceApi};
pub use settings::{Database, Settings};
pub use users_store::{DatabaseError, StoreError};
