//! Names and their checks, sanitizing, keys, canonical digests and trace ids: what every other
//! crate builds on.

pub mod digest;
pub mod keys;
pub mod names;
pub mod trace;
