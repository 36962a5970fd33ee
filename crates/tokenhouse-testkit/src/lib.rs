#![doc = include_str!("../README.md")]
//!
//! # What there is
//!
//! | file | question |
//! |---|---|
//! | `builder`, `objects` | which APIs and clients does the issuer have? |
//! | `test_issuer` | how does it start and stop, and what can be done to it? |
//! | `mint` | which token is wanted? |
//! | `failure` | how is an answer spoilt? |

mod builder;
mod failure;
mod mint;
mod objects;
mod test_issuer;

pub use builder::TestIssuerBuilder;
pub use failure::Failure;
pub use mint::Mint;
pub use objects::{Credentials, TestApi, TestClient};
pub use test_issuer::TestIssuer;
pub use tokenhouse::dev::defect::Defect;
pub use tokenhouse::dev::endpoint::Endpoint;
pub use tokenhouse::dev::request_log::RecordedRequest;
