//! Names and their checks, sanitizing, keys, canonical digests and trace ids, for every other
//! crate.

pub mod digest;
pub mod keys;
pub mod names;
pub mod trace;
