//! The types of the API's answers: handlers write them, and the OpenAPI document describes them.

mod budget;
mod bulk;
mod control;
mod delegation;
mod execution;
mod incident;
mod list;
mod problem;
mod progress;
mod question;
mod receipt;
mod request;
mod tenant;

pub(crate) use budget::{Allowance, Budgets};
pub(crate) use bulk::{
    BulkChange, BulkCounts, BulkLinks, BulkPreview, BulkReport, BulkReportItem, BulkSample,
    OutcomeName, RefusalCount, StatusCount,
};
pub(crate) use control::{Control, ControlChange, Controls, ScopeCheck};
pub(crate) use delegation::{Delegation, DelegationChange, Delegations};
pub(crate) use execution::{
    Attempt, Execution, ExecutionFailure, ExecutionView, ReceiptLink, Redrive, Starting, Step,
    StepPayloads, Story, TargetAnswer,
};
pub(crate) use incident::{
    DecisionResult, DecisionView, Incident, IncidentActionView, IncidentInFull, Incidents, Link,
    NeededApprovals, Question, VoteView,
};
pub(crate) use list::{
    Definition, Digests, Executions, ListedDigest, ListedExecution, ListedReceipt, Receipts,
    Workflow, WorkflowInFull, Workflows,
};
pub(crate) use problem::ProblemDocument;
pub(crate) use progress::{OpenQuestion, Pause};
pub(crate) use question::{ListedQuestion, QuestionLinks, Questions};
pub(crate) use receipt::{FetchLink, KeySet};
pub(crate) use request::{ExecutionLinks, RequestResult, StartLinks, StartResult};
pub(crate) use tenant::{Tenant, TenantChange, Tenants};
