//! Reads the codes of failures after which an execution continues: `on_failure: { continue: … }`.

use serde_json::Value;

use super::{
    model::OnFailure,
    reader::{Fields, Reader},
    tree::{Kind, Node},
};
use holdfast_action::{Effect, Judgement, judge};

/// Longest code of an action, in characters.
const MAX_CODE: usize = 60;

/// Returns the effect of a step's request, as far as its definition writes the method out.
pub(super) fn effect_of(reads: bool, input: Option<&Value>) -> Effect {
    match input.and_then(|input| input["method"].as_str()) {
        _ if reads => Effect::None,
        Some("PUT" | "DELETE") => Effect::Repeatable,
        _ => Effect::Single,
    }
}

impl Reader<'_> {
    /// Reads the mapping form of `on_failure`.
    pub(super) fn continue_on(&mut self, node: &Node) -> OnFailure {
        let fields = self.fields(node, "on_failure", &["continue"]);
        let Some(node) = self.required(&fields, "continue", "continue: [404, 409]") else {
            return OnFailure::default();
        };
        let mut codes: Vec<String> = Vec::new();
        let mut seen = Vec::new();
        for item in self.list(node, "continue") {
            let code = match &item.kind {
                Kind::Number(_) => self.integer(item, "a status", 300..=599).to_string(),
                _ => self.text(item, "a code", "404"),
            };
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if code.len() > MAX_CODE || !code.chars().all(plain) {
                let help = "the status of an HTTP answer, or a code that the action reports: [404, sold_out]";
                self.problem(item.at, format!("`{code}` is no code of a failure"), help);
            }
            self.unique(&mut seen, &code, item.at, "code");
            codes.push(code);
        }
        OnFailure::ContinueOn(codes)
    }

    /// Reports a status that never proves that the step had no effect, so that the execution would
    /// never continue after it.
    pub(super) fn provable(&mut self, fields: &Fields<'_>, on_failure: &OnFailure, effect: Effect) {
        let (OnFailure::ContinueOn(codes), Some(node)) = (on_failure, fields.get("on_failure"))
        else {
            return;
        };
        let statuses = codes.iter().filter_map(|code| code.parse().ok());
        for status in statuses.filter(|&status| {
            matches!(
                judge(status, effect, 1),
                Judgement::Unknown | Judgement::Success
            )
        }) {
            let message = format!("an answer {status} never proves that this step had no effect");
            let help = "the execution is rolled back then, whatever is listed here: \
                        docs/steps.md lists the statuses that prove it";
            self.problem(node.at, message, help);
        }
    }
}
