//! What must hold on every engine? One suite, run on SQLite in memory, on a SQLite file and, where there is a server,
//! on PostgreSQL.

mod apis;
mod audit;
mod client_keys;
mod clients;
mod concurrency;
mod console;
mod deltas;
mod engines;
mod fixtures;
mod grants;
mod opening;
mod plans;
mod secrets;
mod signing_keys;
mod unavailable;
mod usage;
mod writing;
