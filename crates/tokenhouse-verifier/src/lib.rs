#![cfg_attr(all(feature = "remote", feature = "actix"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "remote", feature = "actix")),
    doc = "Strict verification of JWT access tokens for resource servers (RFC 9068). The README has the tour."
)]

mod access_token;
#[cfg(feature = "actix")]
pub mod actix;
mod algorithm;
mod challenge;
mod claims;
mod clock;
mod dialect;
mod error;
mod header;
mod header_memory;
mod json_object;
mod json_scan;
mod jwk;
mod jwk_set;
pub mod jws;
mod key_source;
#[cfg(feature = "remote")]
pub mod remote;
mod resource_server;
mod rules;
mod scope;
mod signature_cache;
mod token;
mod verify;

pub use access_token::{AccessToken, SubjectRule};
pub use algorithm::Algorithm;
pub use challenge::{BearerErrorCode, Challenge};
pub use clock::{Clock, SystemClock};
pub use dialect::{AccessTokenDialect, UnknownDialect};
pub use error::{TokenPart, VerifyError};
pub use json_object::JsonObjectError;
pub use jwk::{UnusableKey, VerificationKey};
pub use jwk_set::{JwkSet, JwkSetError, MAX_KEYS};
pub use key_source::{KeySource, KeysFuture, KeysUnavailable, StaticJwks};
#[cfg(feature = "remote")]
pub use remote::RemoteJwks;
pub use resource_server::{AuthenticationError, ResourceServer};
pub use scope::{RequiredScope, ScopeSet, is_scope_token};
pub use token::DEFAULT_MAX_TOKEN_BYTES;
pub use verify::{DEFAULT_LEEWAY, Verifier};
