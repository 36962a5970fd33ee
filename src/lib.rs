//! Tokenhouse: an OAuth 2.0 authorization server for the client credentials grant (RFC 6749 §4.4).

pub mod clock;
pub mod entropy;
pub mod resource_api;
