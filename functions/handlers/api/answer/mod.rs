//! The types of the API's answers: handlers write them, and the OpenAPI document describes them.

mod actions;
mod budget;
mod bulk;
mod cause;
mod check;
mod control;
mod delegation;
mod execution;
mod incident;
mod list;
mod outline;
mod problem;
mod progress;
mod question;
mod receipt;
mod request;
mod statistics;
mod tenant;

pub(crate) use actions::{
    Action, ActionBody, ActionEffect, ActionName, ActionRefusal, ActionRequest, Actions, Certainty,
    Continuation, RefusalCode, RemainingEffect,
};
pub(crate) use budget::{Allowance, Budgets};
pub(crate) use bulk::{
    BulkChange, BulkCounts, BulkLinks, BulkPreview, BulkReport, BulkReportItem, BulkSample,
    OutcomeName, RefusalCount, StatusCount,
};
pub(crate) use cause::{CauseGroup, CauseIncident, Causes};
pub(crate) use check::{StartCheck, StartProblem};
pub(crate) use control::{
    Control, ControlChange, ControlOutlook, Controls, CoveredWorkflow, ScopeCheck,
};
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
    Definition, DefinitionSummary, Digests, Executions, ListedDigest, ListedExecution,
    ListedReceipt, Receipts, Workflow, WorkflowInFull, WorkflowVersion, WorkflowVersions,
    Workflows,
};
pub(crate) use problem::ProblemDocument;
pub(crate) use progress::{OpenQuestion, Pause};
pub(crate) use question::{ListedQuestion, QuestionLinks, Questions};
pub(crate) use receipt::{FetchLink, KeySet};
pub(crate) use request::{ExecutionLinks, RequestResult, StartLinks, StartResult};
pub(crate) use statistics::{
    Bucket, Count, Figures, Now, Statistics, StepFigures, TenantFigures, WorkflowFigures,
};
pub(crate) use tenant::{Tenant, TenantChange, Tenants};
