//! Workflow definitions and their compiler: from YAML to a Step Functions state machine.

pub mod compile;
pub mod definition;
