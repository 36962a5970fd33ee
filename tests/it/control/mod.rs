//! The control API of `dev`, call by call, over real sockets.

mod clock;
mod document;
mod faults;
mod guards;
mod issuers;
mod keys;
mod requests;
mod state;
mod tokens;
