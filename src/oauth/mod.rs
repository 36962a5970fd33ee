//! The protocol, pure: functions over values, without I/O, clock, randomness or logging (RFC 6749 §4.4).

pub mod client;
pub mod named_enum;
pub mod resource;
pub mod scope;
