//! The built program, on real sockets: what its users see.

mod architecture;
mod canary;
mod cli;
mod conformance_table;
mod dev;
mod discovery;
mod hostile_http;
mod oauth_token;
mod rfc;
mod serve;
mod support;
