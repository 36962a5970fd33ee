//! Who gets in, for how long, and what ends it?
