//! The commands by which people start, watch over and decide executions: one file for each group.

mod action;
mod allowance;
mod bulk;
mod control;
mod decide;
mod delegation;
mod find;
mod incident;
mod list;
mod options;
mod question;
mod request;
mod shape;
mod show;
mod start;
mod statistics;
mod tenant;
#[cfg(test)]
mod tests;
mod workflow;

pub(crate) use action::{ActionsArgs, actions};
pub(crate) use allowance::{BudgetsArgs, budgets};
pub(crate) use bulk::{BulkArgs, bulk};
pub(crate) use control::{ControlsArgs, PauseArgs, ResumeArgs, controls, pause, resume};
pub(crate) use decide::{DecideArgs, InboxArgs, decide, inbox};
pub(crate) use delegation::{DelegationsArgs, delegations};
pub(crate) use find::execution as find_execution;
pub(crate) use incident::{IncidentsArgs, incidents};
pub(crate) use list::{ListArgs, ReceiptsArgs, list, receipts};
pub(crate) use request::{RequestArgs, cancel, redrive, rollback};
pub(crate) use shape::TargetAnswer;
pub(crate) use show::{ShowArgs, answer_lines, show};
pub(crate) use start::{StartArgs, start};
pub(crate) use statistics::{StatisticsArgs, statistics};
pub(crate) use tenant::{TenantsArgs, tenants};
pub(crate) use workflow::{WorkflowsArgs, workflows};
