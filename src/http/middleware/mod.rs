//! What every request passes through before its endpoint.

pub mod head_limit;
pub mod peer;
