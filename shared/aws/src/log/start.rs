//! The log line of a start: its result, and its tenant and execution as far as they are known.

use holdfast_audit::{Kind, LogEntry};
use holdfast_engine::{TaskError, requested_execution};
use holdfast_task::{BeginResult, BeginTask, ErrorName};
use serde_json::Value;
use tracing::{error, info, warn};

/// Logs the result of a start.
pub fn log_begin(task: &BeginTask, result: &Result<BeginResult, TaskError>) {
    match result {
        // The owner is left out, since the record has it, and its name is that of the execution.
        Ok(BeginResult { execution, .. }) => info!(
            audit = Kind::Started.name(),
            workflow = task.gate.workflow,
            tenant = execution.tenant,
            execution = execution.id,
            trace = %execution.trace,
            trigger = execution.trigger,
            "execution started"
        ),
        Err(error) => log_not_begun(task, error),
    }
}

/// Logs a start that did not begin. One that cannot be read has only its workflow, its owner and
/// its trace, if it came with one.
fn log_not_begun(task: &BeginTask, TaskError { name, message, .. }: &TaskError) {
    let (workflow, owner) = (task.gate.workflow.as_str(), task.owner.as_str());
    let known = requested_execution(task);
    let (at, trace) = known.map_or((None, task.trace.clone()), |(at, trace)| {
        (Some(at), Some(trace))
    });
    let tenant = at.as_ref().map(|at| at.tenant.as_str());
    let execution = at.as_ref().map(|at| at.execution.as_str());
    let trace = trace.map(|trace| trace.to_string());
    // The reason of a failed guardrail can name members of the input. Only the receipt has it.
    let message = match *name {
        ErrorName::Rejected => &failed_guardrails(message),
        _ => message,
    };
    macro_rules! log {
        ($level:ident, $member:ident = $value:expr, $text:literal) => {
            $level!(
                $member = $value,
                workflow,
                owner,
                tenant,
                execution,
                trace,
                reason = message,
                $text
            )
        };
    }
    match *name {
        ErrorName::Duplicate | ErrorName::KeyReused => {
            log!(
                warn,
                audit = Kind::DuplicatePrevented.name(),
                "duplicate refused"
            );
        }
        ErrorName::Rejected => log!(warn, audit = Kind::Rejected.name(), "start rejected"),
        ErrorName::Malformed => log!(
            error,
            audit = LogEntry::StartMalformed.name(),
            "start malformed"
        ),
        _ => log!(
            warn,
            error = tracing::field::display(name),
            "begin did not answer"
        ),
    }
}

/// The names of the guardrails that failed, from the message of a rejected start.
fn failed_guardrails(message: &str) -> String {
    let message: Value = serde_json::from_str(message).unwrap_or_default();
    let names = message["guardrails"].as_array().into_iter().flatten();
    let names: Vec<_> = names.filter_map(Value::as_str).collect();
    format!("guardrails: {}; the receipt says why", names.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::log::testing::log_of;

    fn refused(start: &Value, name: ErrorName) {
        let task = include_str!("../../../../tests/events/begin.json");
        let mut task: BeginTask = serde_json::from_str(task).expect("a task");
        task.start = start.clone();
        let rejected =
            json!({ "message": "input: 'hidden' was unexpected", "guardrails": ["input"] });
        let message = match name {
            ErrorName::Rejected => rejected.to_string(),
            _ => "no: \"x\"\nnext line".to_owned(),
        };
        log_begin(&task, &Err(TaskError::new(name, message)));
    }

    #[test]
    fn the_log_line_of_a_refused_start_is_one_json_object_with_tenant_execution_and_trace() {
        let start = json!({ "tenant": "acme", "idempotency_key": "k-1", "input": { "vendor_id": "hidden" } });
        let log = log_of(|| {
            for name in [ErrorName::Duplicate, ErrorName::Rejected] {
                refused(&start, name);
            }
            refused(&json!({ "idempotency_key": "k-1" }), ErrorName::Malformed);
        });
        let Some(log) = log else {
            return;
        };
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(&line[line.find('{')?..]).ok());
        let lines: Vec<_> = lines.collect();
        let audits: Vec<_> = lines.iter().map(|line| &line["audit"]).collect();
        let right = [
            "workflow.duplicate.prevented",
            "workflow.rejected",
            "workflow.start.malformed",
        ];
        assert_eq!(audits, right, "{log}");
        for line in &lines[..2] {
            assert_eq!(line["tenant"], "acme");
            for id in ["execution", "trace"] {
                let length = line[id].as_str().map(str::len);
                assert!(length.is_some_and(|length| length >= 32), "{id}: {line}");
            }
        }
        let reason = "guardrails: input; the receipt says why";
        assert_eq!(lines[1]["reason"], reason, "{log}");
        assert_eq!(lines[2].get("tenant"), None, "{log}");
        assert!(!log.contains("hidden"), "{log}");
    }
}
