//! The AWS side of Holdfast: the only crate that names the AWS SDK; each module fills one port of `holdfast-ledger` or `holdfast-engine`.

mod boundary;
mod bus;
mod checks;
mod controls;
mod counters;
mod deployment;
mod executions;
mod heads;
mod host;
mod item;
mod ledger;
mod listing;
mod machines;
mod metrics;
mod objects;
mod questions;
#[cfg(test)]
mod reach;
mod refusals;
mod secrets;
mod serve;
mod signer;
mod stream;
mod workflows;

pub use boundary::{
    AskAnswer, PlanAnswer, StepAnswer, log_ask, log_begin, log_finish, log_plan, log_step,
};
pub use bus::{EventBus, Unpublished};
pub use deployment::{AwsEngine, Deployment};
pub use executions::{Listed, Place, Wanted};
pub use host::{SystemHost, trace};
pub use ledger::DynamoLedger;
pub use machines::{Compiled, ExecutionInput, MachineError, Machines, Seen, StartOutcome};
pub use metrics::report;
pub use objects::{Presigned, S3Store};
pub use questions::{Undelivered, deliver};
pub use secrets::SecretsManager;
pub use serve::serve;
pub use signer::{Keys, KmsSigner};
pub use stream::{Change, Unreadable, change};
pub use workflows::Deployed;
