//! What does a caller get, over a real connection? (CONTRACT §2.6)

mod bodies;
mod documents;
mod running;
mod tokens;
mod users;
