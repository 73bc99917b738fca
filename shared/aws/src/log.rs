//! The one log line of each invocation: who, where, what came of it; never an input, an output or a secret.

mod start;

pub use start::log_begin;

use holdfast_audit::{Kind, LogEntry};
use holdfast_engine::TaskError;
use holdfast_ids::{
    keys::{ExecutionKey, item_digest, item_name},
    names::loggable,
};
use holdfast_ledger::StepState;
use holdfast_task::{
    AskCall, AskResult, ErrorName, ExecutionRef, FinishResult, FinishTask, PlanCall, PlanResult,
    StepCall, StepResult, StepStatus, StepTask, UndoItem, UndoResult,
};
use serde::Serialize;
use tracing::{error, info, warn};

/// What the function of an action answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StepAnswer {
    /// To an attempt at a step.
    Step(StepResult),
    /// To an attempt at undoing one.
    Undo(UndoResult),
}

/// Logs what became of one attempt at a step, or at undoing one.
pub fn log_step(call: &StepCall, result: &Result<StepAnswer, TaskError>) {
    match (call, result) {
        (StepCall::Step(task), Ok(StepAnswer::Step(answer))) => {
            log_attempt(task, &Ok(answer.clone()));
        }
        (StepCall::Step(task), Err(error)) => log_attempt(task, &Err(error.clone())),
        (StepCall::Undo(task), Ok(StepAnswer::Undo(answer))) => {
            log_undo(&task.execution, &task.undo, &Ok(answer.clone()));
        }
        (StepCall::Undo(task), Err(error)) => {
            log_undo(&task.execution, &task.undo, &Err(error.clone()));
        }
        // An answer belongs to its call.
        (StepCall::Step(_), Ok(StepAnswer::Undo(_)))
        | (StepCall::Undo(_), Ok(StepAnswer::Step(_))) => {}
    }
}

fn log_attempt(task: &StepTask, result: &Result<StepResult, TaskError>) {
    let ExecutionRef {
        id,
        tenant,
        workflow,
        trace,
        ..
    } = &task.execution;
    let step = task.step.name.as_str();
    let key = task.item_key.as_ref().and_then(|key| item_name(key).ok());
    let item = told_item(&task.execution, key.as_deref());
    match result {
        Ok(StepResult {
            status: StepStatus::Succeeded,
            attempt,
            ..
        }) => info!(
            audit = Kind::StepCompleted.name(),
            execution = id,
            %trace,
            tenant,
            workflow,
            step,
            item,
            attempt,
            action = task.step.action,
            "step succeeded"
        ),
        Ok(StepResult {
            status: StepStatus::Skipped,
            ..
        }) => {
            info!(execution = id, %trace, tenant, workflow, step, item, "step skipped");
        }
        Ok(StepResult {
            status: StepStatus::Failed,
            attempt,
            ..
        }) => warn!(
            audit = Kind::StepFailed.name(),
            execution = id,
            %trace,
            tenant,
            workflow,
            step,
            item,
            attempt,
            "step failed, and the workflow goes on without it"
        ),
        Err(TaskError {
            name,
            message,
            attempt,
        }) => {
            warn!(
                execution = id,
                %trace,
                tenant,
                workflow,
                step,
                item,
                attempt,
                error = %name,
                reason = loggable(message),
                "attempt failed"
            );
        }
    }
}

/// An item as audit events name it: its key comes from an input.
fn told_item(execution: &ExecutionRef, item: Option<&str>) -> String {
    let at = ExecutionKey {
        tenant: execution.tenant.clone(),
        execution: execution.id.clone(),
    };
    item.map_or_else(String::new, |item| item_digest(&at, item))
}

fn log_undo(execution: &ExecutionRef, undo: &UndoItem, result: &Result<UndoResult, TaskError>) {
    let ExecutionRef {
        id,
        tenant,
        workflow,
        trace,
        ..
    } = execution;
    let step = undo.step.as_str();
    let item = told_item(execution, undo.item.as_deref());
    match result {
        Ok(UndoResult { status, attempts }) if status == StepState::Undone.name() => info!(
            audit = Kind::StepUndone.name(),
            execution = id,
            %trace,
            tenant,
            workflow,
            step,
            item,
            attempt = attempts,
            "step undone"
        ),
        Ok(UndoResult { status, attempts }) => error!(
            audit = Kind::StepUndoFailed.name(),
            execution = id,
            %trace,
            tenant,
            workflow,
            step,
            item,
            attempt = attempts,
            status,
            "step was not undone"
        ),
        Err(TaskError {
            name,
            message,
            attempt,
        }) => warn!(
            execution = id,
            %trace,
            tenant,
            workflow,
            step,
            item,
            attempt,
            error = %name,
            reason = loggable(message),
            "undo failed"
        ),
    }
}

/// What the function of `Plan` answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PlanAnswer {
    /// To a plan.
    Plan(PlanResult),
    /// To an undo that never answered.
    GiveUp(UndoResult),
}

/// Logs who took an execution over, and how much is undone next.
pub fn log_plan(call: &PlanCall, result: &Result<PlanAnswer, TaskError>) {
    let task = match call {
        PlanCall::Plan(task) => task,
        PlanCall::GiveUp(task) => {
            let result = match result {
                Ok(PlanAnswer::GiveUp(answer)) => Ok(answer.clone()),
                Ok(PlanAnswer::Plan(_)) => return,
                Err(error) => Err(error.clone()),
            };
            return log_undo(&task.execution, &task.undo, &result);
        }
    };
    let ExecutionRef {
        id,
        tenant,
        workflow,
        trace,
        ..
    } = &task.execution;
    match result {
        Ok(PlanAnswer::Plan(PlanResult { execution, undo })) => warn!(
            audit = Kind::RollbackStarted.name(),
            execution = id,
            %trace,
            tenant,
            workflow,
            owner = task.owner,
            epoch = execution.epoch,
            to_undo = undo.len(),
            step = task.failure.state,
            error = task.failure.error,
            "rollback planned"
        ),
        Ok(PlanAnswer::GiveUp(_)) => {}
        Err(TaskError { name, message, .. }) => warn!(
            execution = id,
            %trace,
            tenant,
            workflow,
            owner = task.owner,
            error = %name,
            reason = loggable(message),
            "plan did not answer"
        ),
    }
}

/// What the function of questions answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AskAnswer {
    /// It is asked; the machine waits for its token.
    Asked,
    /// What a decision said in time.
    Ruled(AskResult),
}

/// Logs that people are asked, and what silence or a decision made of it.
pub fn log_ask(call: &AskCall, result: &Result<AskAnswer, TaskError>) {
    let (execution, step) = match call {
        AskCall::Ask(task) => (&task.execution, &task.ask.step),
        AskCall::Expire(task) => (&task.execution, &task.expired),
    };
    let ExecutionRef {
        id,
        tenant,
        workflow,
        trace,
        ..
    } = execution;
    match (call, result) {
        (AskCall::Ask(task), Ok(_)) => warn!(
            audit = Kind::IncidentOpened.name(),
            execution = id,
            %trace,
            tenant,
            workflow,
            step,
            kind = ?task.ask.kind,
            within_s = task.ask.within_s,
            "a person must decide"
        ),
        (AskCall::Expire(_), Ok(_)) => info!(
            execution = id,
            %trace,
            tenant, workflow, step, "a decision was found after all"
        ),
        (AskCall::Expire(_), Err(TaskError { name, .. })) if *name == ErrorName::Expired => warn!(
            audit = LogEntry::DecisionExpired.name(),
            execution = id,
            %trace,
            tenant,
            workflow,
            step,
            "nobody decided in time"
        ),
        (_, Err(TaskError { name, .. })) => warn!(
            execution = id,
            %trace,
            tenant,
            workflow,
            step,
            error = %name,
            "the question has no answer"
        ),
    }
}

/// Logs how an execution ended; one that did not execute is an incident.
pub fn log_finish(task: &FinishTask, result: &Result<FinishResult, TaskError>) {
    let ExecutionRef {
        id,
        tenant,
        workflow,
        trace,
        ..
    } = &task.execution;
    match result {
        Ok(FinishResult {
            status,
            receipt,
            incident,
            ..
        }) => {
            info!(
                audit = Kind::ReceiptGenerated.name(),
                execution = id,
                %trace,
                tenant,
                workflow,
                status,
                receipt,
                "receipt generated"
            );
            if let Some(incident) = incident {
                error!(
                    audit = Kind::IncidentOpened.name(),
                    execution = id,
                    %trace,
                    tenant,
                    workflow,
                    status,
                    receipt,
                    incident,
                    "it did not execute: the receipt says why, and names what stands"
                );
            }
        }
        Err(TaskError { name, message, .. }) => {
            warn!(
                execution = id,
                %trace,
                tenant,
                workflow,
                error = %name,
                reason = loggable(message),
                "finish did not answer"
            );
        }
    }
}
