//! What must hold for any input at all? One function for each way in, run by cargo-fuzz and, with the inputs it kept, by every `cargo test`.
//!
//! It is there in tests, and where cargo-fuzz sets `cfg(fuzzing)`: no other build holds it. `fuzz/README.md` says how to run it.
//!
//! | file | input |
//! |---|---|
//! | `body` | the body of a token request, form or JSON |
//! | `basic` | the `Authorization` header |
//! | `scope` | scope and the other names that stand in requests |
//! | `token` | an access token or client assertion, or the JSON of one to be signed |
//! | `jwks` | a JWK Set |
//! | `key_import` | a private or public key as PEM, DER or JWK |
//! | `config` | configuration file, environment and flags |
//! | `document` | a configuration document, or a stored hash |
//! | `importers` | another product's export |
//! | `http/management/fuzz` | query and bodies of the Management API |
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "this is a test: what does not hold must end it"
)]

mod basic;
mod body;
mod config;
mod document;
mod importers;
mod jwks;
mod key_import;
mod scope;
mod token;
mod told;
mod world;

pub use basic::basic;
pub use body::{form, json};
pub use config::config;
pub use document::document;
pub(crate) use document::survives_yaml;
pub use importers::importers;
pub use jwks::jwks;
pub use key_import::key_import;
pub use scope::scope;
pub use token::token;
pub(crate) use told::on_one_line;
pub(crate) use world::{World, is_the_callers_fault};

pub use crate::http::management::fuzz::{management_bodies, paging};

/// A target: it returns if everything holds for this input.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its binary and of its folders in `fuzz/`.
pub const TARGETS: [(&str, Target); 12] = [
    ("form", form),
    ("json", json),
    ("basic", basic),
    ("scope", scope),
    ("token", token),
    ("jwks", jwks),
    ("key_import", key_import),
    ("config", config),
    ("document", document),
    ("paging", paging),
    ("management_bodies", management_bodies),
    ("importers", importers),
];

#[cfg(test)]
mod replay;
