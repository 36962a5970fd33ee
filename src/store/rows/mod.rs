//! How do rows become the protocol's values, and values rows? Text is parsed here, once, and never trusted.

pub(super) mod api;
pub(super) mod client;
pub(super) mod client_key;
pub(super) mod column;
pub(super) mod signing_key;
