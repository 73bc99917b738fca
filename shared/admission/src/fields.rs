//! Evaluates the fields of a start that people see: its subject, and what its receipts show.

use serde_json::Value;

use super::{StartScope, no, numbers::check_numbers};
use holdfast_ids::names::check_text;
use holdfast_receipt::GuardrailOutcome;
use holdfast_task::{FieldExpression, ShownFields};

/// The fields of a start that people see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvaluatedFields {
    /// The subject.
    pub subject: Option<String>,
    /// The other fields, each a label and a text, in declared order.
    pub shown: Vec<(String, String)>,
}

/// Evaluates the fields that a definition shows. The outcomes are those of `subject` and `show`, if
/// they did not hold. They name every field that has no text.
pub fn evaluate_fields(
    fields: &ShownFields,
    scope: &StartScope,
) -> (EvaluatedFields, Vec<GuardrailOutcome>) {
    let (mut evaluated, mut broken) = (EvaluatedFields::default(), Vec::new());
    if let Some(subject) = &fields.subject {
        match text_of(subject, scope) {
            Ok(subject) => evaluated.subject = Some(subject),
            Err(why) => broken.push(no("subject", why)),
        }
    }
    let mut missing = Vec::new();
    for FieldExpression { label, value } in &fields.show {
        match text_of(value, scope) {
            Ok(text) => evaluated.shown.push((label.clone(), text)),
            Err(why) => missing.push(format!("`{label}`: {why}")),
        }
    }
    if !missing.is_empty() {
        broken.push(no("show", missing.join("; ")));
    }
    (evaluated, broken)
}

/// The text of one field. A number has all its digits.
fn text_of(expression: &str, scope: &StartScope) -> Result<String, String> {
    let value = scope
        .evaluate(expression)
        .map_err(|error| error.reason("it", "input"))?;
    let value = value.ok_or("it yields nothing")?;
    check_numbers(&value).map_err(|_| "a whole number has more than 15 digits: yield a text")?;
    let text = match value {
        Value::String(text) => text,
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null => return Err("it yields nothing".to_owned()),
        Value::Array(_) | Value::Object(_) => {
            return Err("it must yield a text, a number or a boolean".to_owned());
        }
    };
    check_text("its text", &text)?;
    Ok(text)
}
