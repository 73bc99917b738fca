//! Everything that a person is shown of a question, as one value with a digest.

use serde_json::{Map, Value, json};

use super::{execution::ExecutionRecord, question::Question};

/// Returns everything that a person is shown of a question. Each vote on an approval has the digest
/// of its canonical JSON.
///
/// `subject` and `show` are left out if the definition declares none.
pub fn shown(question: &Question, execution: &ExecutionRecord) -> Value {
    let mut shown = json!({
        "execution_id": question.at.execution,
        "workflow_id": execution.workflow,
        "workflow_version": execution.version,
        "tenant": question.at.tenant,
        "step": question.step,
        "message": question.message,
        "input_sha256": execution.fingerprint(),
        "until": question.until,
    });
    if let Some(subject) = &execution.subject {
        shown["subject"] = json!(subject);
    }
    if !execution.shown.is_empty() {
        let fields = execution.shown.iter();
        let fields = fields.map(|(label, text)| (label.clone(), json!(text)));
        shown["show"] = Value::Object(Map::from_iter(fields));
    }
    shown
}
