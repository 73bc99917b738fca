//! The AWS adapters: this crate alone names the AWS SDK. Most modules fill a port of
//! `holdfast-ledger` or `holdfast-engine`.

mod bus;
mod checks;
mod control_copies;
mod controls;
mod counters;
mod deployment;
mod duplicates;
mod executions;
mod failure;
mod heads;
mod host;
mod http_client;
mod item;
mod ledger;
mod ledger_client;
mod listing;
mod log;
mod machines;
mod merge;
mod metrics;
mod objects;
mod open;
mod owners;
mod pages;
mod refusals;
mod secrets;
mod serve;
mod session;
mod signer;
mod statistics;
mod stream;
#[cfg(test)]
mod tenant_keys;
mod tenants;
mod transaction;
mod versions;
mod workflows;

pub use bus::{AuditBus, PublishError};
pub use deployment::{AwsEngine, DEPLOYMENT, Deployment};
pub use executions::{ExecutionSearch, ExecutionSummary};
pub use host::{SystemHost, trace};
pub use http_client::SdkHttpClient;
pub use item::attribute;
pub use ledger::DynamoLedger;
pub use log::{
    AskAnswer, PlanAnswer, RequestLine, StepAnswer, log_ask, log_begin, log_finish, log_plan,
    log_request, log_step, write_log_lines,
};
pub use machines::{ExecutionInput, Machines};
pub use merge::{MergedEnd, MergedPage, merged, unfinished, window_of};
pub use metrics::{report, report_batch};
pub use objects::{ObjectLookup, PresignedLink, S3Store};
pub use pages::{Page, PageEnd, Window};
pub use secrets::SecretsManager;
pub use serve::{read_task, serve};
pub use signer::{Keys, KmsSigner};
pub use statistics::HourStatistics;
pub use stream::{Change, ChangeError, change};
pub use versions::PublishedVersion;
pub use workflows::{DeployedWorkflow, OpenCount};
