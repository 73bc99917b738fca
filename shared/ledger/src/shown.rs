//! Everything that a person is shown of an approval, as one value with a digest.

use serde_json::{Value, json};

use super::{execution::ExecutionRecord, question::Question};

/// What a person is shown of an approval. The digest of its canonical JSON is in each vote.
pub fn shown(question: &Question, execution: &ExecutionRecord) -> Value {
    json!({
        "execution_id": question.at.execution,
        "workflow_id": execution.workflow,
        "workflow_version": execution.version,
        "tenant": question.at.tenant,
        "step": question.step,
        "message": question.message,
        "input_sha256": execution.fingerprint(),
        "until": question.until,
    })
}
