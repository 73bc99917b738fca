//! The task of the worker of a bulk, which is one request to many executions.

use serde::{Deserialize, Serialize};

/// The name of the state machine that runs bulks.
pub const BULK: &str = "bulk";

/// The next part of a bulk: input and output of its worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkTask {
    /// The tenant.
    pub tenant: String,
    /// The bulk's id.
    pub bulk: String,
    /// The number of the part, from 0.
    pub part: u32,
    /// True if nothing is left to do.
    pub done: bool,
}
