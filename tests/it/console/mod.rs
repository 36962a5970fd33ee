//! The console, as people meet it whose browser runs no scripts: one file per part. `tests/browser` looks at it in a real one.

mod clients;
mod clients_grants;
mod clients_secrets;
mod links;
mod own;
mod own_token;
mod page;
mod sign_in;
