//! The one log line of each invocation: the execution, the step and the result, without inputs,
//! outputs or secrets.

mod lines;
mod request;
mod start;

pub use lines::write_log_lines;
pub use request::{RequestLine, log_request};
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

/// The answer of an action's function.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StepAnswer {
    /// The result of an attempt at a step.
    Step(StepResult),
    /// The result of an attempt at an undo.
    Undo(UndoResult),
}

/// Logs the result of one attempt at a step or at its undo.
pub fn log_step(call: &StepCall, result: &Result<StepAnswer, TaskError>) {
    match (call, result) {
        (StepCall::Step(task), Ok(StepAnswer::Step(answer))) => {
            log_attempt(task, Ok(answer));
        }
        (StepCall::Step(task), Err(error)) => log_attempt(task, Err(error)),
        (StepCall::Undo(task), Ok(StepAnswer::Undo(answer))) => {
            log_undo(&task.execution, &task.undo, Ok(answer));
        }
        (StepCall::Undo(task), Err(error)) => {
            log_undo(&task.execution, &task.undo, Err(error));
        }
        // The answer to a step is never that of an undo, nor the reverse.
        (StepCall::Step(_), Ok(StepAnswer::Undo(_)))
        | (StepCall::Undo(_), Ok(StepAnswer::Step(_))) => {}
    }
}

fn log_attempt(task: &StepTask, result: Result<&StepResult, &TaskError>) {
    let ExecutionRef {
        id,
        tenant,
        workflow,
        trace,
        ..
    } = &task.execution;
    let step = task.step.name.as_str();
    let key = task.item_key.as_ref().and_then(|key| item_name(key).ok());
    let item = logged_item(&task.execution, key.as_deref());
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
            "step failed, and the execution continues without it"
        ),
        Err(TaskError {
            name,
            message,
            attempt,
            ..
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

/// The digest of an item's key, as in audit events: the key itself comes from an input.
fn logged_item(execution: &ExecutionRef, item: Option<&str>) -> Option<String> {
    let at = ExecutionKey {
        tenant: execution.tenant.clone(),
        execution: execution.id.clone(),
    };
    item.map(|item| item_digest(&at, item))
}

fn log_undo(execution: &ExecutionRef, undo: &UndoItem, result: Result<&UndoResult, &TaskError>) {
    let ExecutionRef {
        id,
        tenant,
        workflow,
        trace,
        ..
    } = execution;
    let step = undo.step.as_str();
    let item = logged_item(execution, undo.item.as_deref());
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
            ..
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

/// The answer of the `plan` function.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PlanAnswer {
    /// The plan of a rollback.
    Plan(PlanResult),
    /// The end of an undo that never answered.
    GiveUp(UndoResult),
}

/// Logs the new owner of an execution, and the number of its undos.
pub fn log_plan(call: &PlanCall, result: &Result<PlanAnswer, TaskError>) {
    let task = match call {
        PlanCall::Plan(task) => task,
        PlanCall::GiveUp(task) => {
            let result = match result {
                Ok(PlanAnswer::GiveUp(answer)) => Ok(answer),
                Ok(PlanAnswer::Plan(_)) => return,
                Err(error) => Err(error),
            };
            return log_undo(&task.execution, &task.undo, result);
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
            "plan failed"
        ),
    }
}

/// The answer of the `ask` function.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AskAnswer {
    /// The question is open, and Step Functions waits for the task token.
    Waiting,
    /// A person decided in time.
    Decided(AskResult),
}

/// Logs an open question, and its end by a decision or by its expiry.
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
            tenant, workflow, step, "a decision was recorded in time"
        ),
        (AskCall::Expire(_), Err(TaskError { name, .. })) if *name == ErrorName::Expired => warn!(
            audit = LogEntry::DecisionExpired.name(),
            execution = id,
            %trace,
            tenant,
            workflow,
            step,
            "no person decided in time"
        ),
        (_, Err(TaskError { name, .. })) => warn!(
            execution = id,
            %trace,
            tenant,
            workflow,
            step,
            error = %name,
            "ask did not answer"
        ),
    }
}

/// Logs the end of an execution, and the incident if the execution did not succeed.
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
                    "the execution did not succeed: the receipt has the reason and the residual effects"
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
                "finish failed"
            );
        }
    }
}

#[cfg(test)]
mod testing {
    use std::{env, process::Command};

    /// The variable that is set in the process whose log is read.
    const LOGS: &str = "HOLDFAST_TEST_LOGS";

    /// The log of `write` at the level that Lambda sets by default.
    pub(super) fn log_of(write: impl FnOnce()) -> Option<String> {
        log_at("INFO", write)
    }

    /// Runs the calling test in a process of its own, which writes log lines as Lambda sets them
    /// for `LoggingConfig: { LogFormat: JSON, ApplicationLogLevel: … }` and calls `write`. Returns
    /// its output. `None` in that process, after the call.
    pub(super) fn log_at(level: &str, write: impl FnOnce()) -> Option<String> {
        if env::var_os(LOGS).is_some() {
            super::write_log_lines();
            write();
            return None;
        }
        let this = env::current_exe().expect("this program");
        let name = std::thread::current().name().expect("a test").to_owned();
        let ran = Command::new(this)
            .args(["--exact", &name, "--nocapture"])
            .env(LOGS, "1")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_LEVEL", level)
            .env_remove("RUST_LOG")
            .output();
        Some(String::from_utf8(ran.expect("it runs").stdout).expect("text"))
    }
}
