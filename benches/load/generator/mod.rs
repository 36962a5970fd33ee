//! How is a server loaded? One thread, kept connections, several lanes at a time.
//!
//! | file | question |
//! |---|---|
//! | `lane` | what is sent where, and at which pace? |
//! | `load` | who sends when, and what came of it? |
//! | `connection` | how does one connection send a request and take its answer? |
//! | `answer` | how much of what was received is a whole answer? |
//! | `request` | which bytes does a request have? |
//! | `outcome` | how many answers of each status, and how long did they take? |

mod answer;
mod connection;
mod lane;
mod load;
mod outcome;
pub(crate) mod request;

pub(crate) use lane::{Lane, Pace};
pub(crate) use load::{Load, fetch};
pub(crate) use outcome::Outcome;
