//! Reads workflow definitions and compiles them from YAML to Step Functions state machines.

pub mod compile;
pub mod definition;
