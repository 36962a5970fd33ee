//! The protocol, pure: functions over values, without I/O, clock, randomness or logging (RFC 6749 §4.4).
//!
//! A token request passes through here in this order: [`form`] and [`client_auth`] say what was presented,
//! [`token_request`] what is asked for, [`client_credentials`] which access that gives, [`access_token`] which claims
//! it becomes, [`token_response`] or [`error`] what is answered.

pub mod access_token;
pub mod client;
pub mod client_assertion;
pub mod client_auth;
pub mod client_credentials;
pub mod client_key;
pub mod error;
pub mod form;
pub mod json_body;
pub mod metadata;
pub mod named_enum;
pub mod resource;
pub mod scope;
pub mod secret_error;
pub mod secret_request;
pub mod token_error_cause;
pub mod token_request;
pub mod token_response;
