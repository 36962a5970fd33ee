//! Tokenhouse: an OAuth 2.0 authorization server for the client credentials grant (RFC 6749 §4.4).
//!
//! | module | holds |
//! |---|---|
//! | [`oauth`] | the protocol: pure functions over values |
//! | [`secret`] | client secrets: format, hashing, checking |
//! | [`keys`] | signing keys: making, sealing, publishing, signing |
//! | [`specimen`] | tokens that a resource server must refuse, and some that it must accept |
//! | [`store`] | persistence on SQLite or PostgreSQL |
//! | [`issuer`] | the use cases: issuing from a snapshot in memory, changing what is stored |
//! | [`http`] | the issuer's endpoints: tokens, discovery, the Management API |
//! | [`resource_api`] | the bundled resource API, a stranger to all of the above |
//! | [`dev`] | the issuer for tests, in memory, and how a test drives it |

pub mod cli;
pub mod clock;
pub mod config;
pub mod database_file;
pub mod dev;
pub mod entropy;
pub mod fail_point;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod http;
pub mod issuer;
pub mod json_text;
pub mod keys;
pub mod oauth;
pub mod one_line;
pub mod resource_api;
pub mod secret;
pub mod specimen;
pub mod store;
pub mod telemetry;
pub mod whole_file;
