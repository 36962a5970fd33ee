//! The issuer for a first look and for tests: the real one, in memory, with public test keys, and driven by whoever tests against it.
//!
//! Nothing of this is part of `serve`: only `cli::dev` and the crate `tokenhouse-testkit` come here.
//!
//! | file | question |
//! |---|---|
//! | `memory_issuer`, `demo` | how is the issuer put together, and what does it hold at first? |
//! | `key_stock`, `strangers` | which keys has it that no other in the process has, and which has nobody? |
//! | `ready_line` | what is told of it? |
//! | `driven_issuer` | what is one issuer with a clock, faults and a log of its own? |
//! | `clock`, `drive`, `mint`, `mint_defect`, `defect` | what can be done to it, and which tokens can be had from it? |
//! | `fault`, `spoil` | which answers are spoilt, and how does such an answer go out? |
//! | `request_log`, `record`, `redact`, `secret_text` | what was it asked, and what of that may be shown? |
//! | `issuers`, `issuer_name` | which issuers are there in one process? |
//! | `route`, `path`, `endpoint` | which issuer, and which endpoint of it, is a request for? |
//! | `forgetful_keys` | how does the bundled resource API hear of a rotation at once? |
//! | `control`, `control_key` | how is it driven over HTTP, and by whom? |
//! | `drive_error` | why is it not? |

pub mod clock;
mod control;
pub mod control_key;
pub mod defect;
pub mod demo;
pub mod drive;
pub mod drive_error;
pub mod driven_issuer;
pub mod endpoint;
pub mod fault;
pub mod forgetful_keys;
pub mod issuer_name;
pub mod issuers;
pub mod key_stock;
pub mod memory_issuer;
pub mod mint;
mod mint_defect;
mod path;
pub mod ready_line;
mod record;
mod redact;
pub mod request_log;
pub mod route;
mod secret_text;
mod spoil;
mod strangers;
