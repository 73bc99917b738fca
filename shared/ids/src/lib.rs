//! Names and their checks, sanitizing, keys, canonical digests and trace ids.

pub mod digest;
pub mod keys;
pub mod names;
pub mod trace;
