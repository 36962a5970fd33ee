//! The `tokenhouse` program.

fn main() {}
