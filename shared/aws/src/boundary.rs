//! The one log line of each invocation: who, where, what came of it; never an input, an output or a secret.

use holdfast_core::{
    engine::TaskError,
    names::quoted,
    task::{
        BeginResult, BeginTask, ExecutionRef, FinishResult, FinishTask, StepResult, StepStatus,
        StepTask, error_name,
    },
};
use serde_json::Value;
use tracing::{error, info, warn};

/// Logs what became of a start.
pub fn log_begin(task: &BeginTask, result: &Result<BeginResult, TaskError>) {
    let (workflow, owner) = (task.gate.workflow.as_str(), task.owner.as_str());
    match result {
        Ok(BeginResult { execution, .. }) => info!(
            audit = "workflow.started",
            workflow,
            owner,
            tenant = execution.tenant,
            execution = execution.id,
            trigger = execution.trigger,
            "execution started"
        ),
        Err(TaskError { name, message }) => match *name {
            error_name::DUPLICATE | error_name::KEY_REUSED => {
                warn!(
                    audit = "workflow.duplicate.prevented",
                    workflow,
                    owner,
                    reason = message,
                    "duplicate refused"
                );
            }
            error_name::REJECTED => {
                warn!(
                    audit = "workflow.rejected",
                    workflow,
                    owner,
                    reason = message,
                    "start rejected"
                );
            }
            error_name::MALFORMED => {
                error!(
                    audit = "workflow.incident.opened",
                    workflow,
                    owner,
                    reason = message,
                    "not a start"
                );
            }
            _ => warn!(
                workflow,
                owner,
                error = name,
                reason = message,
                "begin did not answer"
            ),
        },
    }
}

/// Logs what became of one attempt at a step.
pub fn log_step(task: &StepTask, result: &Result<StepResult, TaskError>) {
    let ExecutionRef {
        id,
        tenant,
        workflow,
        ..
    } = &task.execution;
    let step = task.step.name.as_str();
    let item = match &task.item_key {
        Some(Value::String(key)) => quoted(key),
        Some(key) => key.to_string(),
        None => String::new(),
    };
    match result {
        Ok(StepResult {
            status: StepStatus::Succeeded,
            ..
        }) => info!(
            audit = "workflow.step.completed",
            execution = id,
            tenant,
            workflow,
            step,
            item,
            action = task.step.action,
            "step succeeded"
        ),
        Ok(StepResult {
            status: StepStatus::Skipped,
            ..
        }) => {
            info!(execution = id, tenant, workflow, step, item, "step skipped");
        }
        Err(TaskError { name, message }) => {
            warn!(
                execution = id,
                tenant,
                workflow,
                step,
                item,
                error = name,
                reason = message,
                "attempt failed"
            );
        }
    }
}

/// Logs how an execution ended; one that did not execute is an incident.
pub fn log_finish(task: &FinishTask, result: &Result<FinishResult, TaskError>) {
    let ExecutionRef {
        id,
        tenant,
        workflow,
        ..
    } = &task.execution;
    match result {
        Ok(FinishResult {
            status, receipt, ..
        }) => {
            info!(
                audit = "workflow.receipt.generated",
                execution = id,
                tenant,
                workflow,
                status,
                receipt,
                "receipt generated"
            );
            if let Some(failure) = &task.failure
                && status == "FAILED"
            {
                error!(
                    audit = "workflow.incident.opened",
                    execution = id,
                    tenant,
                    workflow,
                    status,
                    receipt,
                    step = failure.state,
                    error = failure.error,
                    "execution failed: its receipt names what stands"
                );
            }
        }
        Err(TaskError { name, message }) => {
            warn!(
                execution = id,
                tenant,
                workflow,
                error = name,
                reason = message,
                "finish did not answer"
            );
        }
    }
}
