//! Names and their checks, times, sanitizing, keys, canonical digests and trace ids.

pub mod arn;
pub mod digest;
pub mod joined;
pub mod keys;
pub mod members;
pub mod names;
pub mod numbers;
pub mod reason;
pub mod time;
pub mod trace;
