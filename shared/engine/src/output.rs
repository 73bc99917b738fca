//! The output of an execution: from the state machine's evaluation to the execution record.

use serde_json::Value;

use holdfast_ids::digest::{canonical, sha256_hex};
use holdfast_ledger::ExecutionOutput;
use holdfast_task::{
    EvaluatedOutput, FinishTask, MAX_OUTPUT_BYTES,
    payload::{Payload, StoredPayload},
};

/// The reason for a missing output whose state machine could not evaluate it.
pub const OUTPUT_FAILED: &str = "an expression of it failed on the data of this execution";

/// The output that the record of an executed execution keeps. A missing one has its reason, and
/// never keeps the execution from its end.
pub(crate) fn output_of(task: &FinishTask) -> Option<ExecutionOutput> {
    let missing = |why: String| Some(ExecutionOutput::Missing(why));
    match &task.output {
        Some(EvaluatedOutput::Value(value)) => Some(packed(value)),
        Some(EvaluatedOutput::TooLong(characters)) => {
            missing(too_long(&format!("it has {characters} characters")))
        }
        Some(EvaluatedOutput::Failed) => missing(OUTPUT_FAILED.to_owned()),
        None if task.steps.iter().any(|step| step.output) => missing(
            "Finish did not record the end of the execution, and only Finish evaluates it"
                .to_owned(),
        ),
        None => None,
    }
}

fn packed(value: &Value) -> ExecutionOutput {
    if has_stored(value) {
        let why = too_long("it has an output of a step that is kept in the payload store");
        return ExecutionOutput::Missing(why);
    }
    match canonical(value) {
        Ok(bytes) if bytes.len() <= MAX_OUTPUT_BYTES => ExecutionOutput::Value(Payload::Inline {
            value: value.clone(),
            sha256: sha256_hex(&bytes),
        }),
        Ok(bytes) => ExecutionOutput::Missing(too_long(&format!("it has {} bytes", bytes.len()))),
        Err(error) => ExecutionOutput::Missing(error.to_string()),
    }
}

fn too_long(size: &str) -> String {
    format!("{size}, and an output has at most {MAX_OUTPUT_BYTES} bytes")
}

/// Returns whether a part of the value is a reference to a stored payload.
fn has_stored(value: &Value) -> bool {
    if StoredPayload::from_marked(value).is_some() {
        return true;
    }
    match value {
        Value::Array(items) => items.iter().any(has_stored),
        Value::Object(members) => members.values().any(has_stored),
        _ => false,
    }
}
