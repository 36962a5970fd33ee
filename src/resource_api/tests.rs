//! What does a caller get, over a real connection?

mod bodies;
mod documents;
mod running;
mod tokens;
mod users;
