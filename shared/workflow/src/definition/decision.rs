//! Reads what a person decides: `approve` steps, `on_failure`, and the time for a decision.

use super::{
    duration::show_seconds,
    model::{Approve, Limits, OnFailure},
    problem::Span,
    read::MAX_TIMEOUT_S,
    reader::{Fields, Reader},
    scope::Scope,
    text::Text,
    tree::{Kind, Node},
};

/// Time for a decision by default.
const DEFAULT_WITHIN_S: u64 = 60 * 60;
/// Shortest time for a decision: a person must be able to read the question.
const MIN_WITHIN_S: u64 = 60;
/// Longest literal message, in characters.
pub(super) const MAX_MESSAGE: usize = 500;

/// Returns why an `approve` step cannot have `field`, which an action step can have.
pub(super) fn not_of_approve(field: &str) -> &'static str {
    match field {
        "rollback" | "irreversible" => {
            "a decision has no effect that could be undone: leave it out"
        }
        "retry" => "a person is asked once, without a retry: leave it out",
        "timeout" => "there are no attempts; how long the decision may take is `decide_within: 4h`",
        "when" => "every execution that comes here asks: leave it out",
        "input" => "what the person is asked is `approve: { message: … }`",
        "on_failure" => {
            "a refusal, or silence until `decide_within` is over, rolls back: leave it out"
        }
        _ => "it calls nothing: leave it out",
    }
}

impl Reader<'_> {
    pub(super) fn approve(
        &mut self,
        node: &Node,
        fields: &Fields<'_>,
        scope: &Scope,
        limits: &Limits,
    ) -> Approve {
        let inner = self.fields(node, "approve", &["message"]);
        let message = self
            .required(
                &inner,
                "message",
                "message: \"{% 'Hold ' & $input.vendor_id & '?' %}\"",
            )
            .map_or_else(Text::default, |node| self.message(node, scope));
        let at = fields.key("approve").map_or(node.at, |key| key.at);
        let within_s = self.decide_within(fields, at, limits);
        Approve { message, within_s }
    }

    fn message(&mut self, node: &Node, scope: &Scope) -> Text {
        let text = self.text_or_expression(node, "message", scope);
        if let Text::Literal(literal) = &text {
            let length = literal.chars().count();
            if length > MAX_MESSAGE {
                let help = format!(
                    "at most {MAX_MESSAGE}: ask the question, and leave the rest to a link"
                );
                self.problem(node.at, format!("message has {length} characters"), help);
            }
        }
        text
    }

    /// Reads `on_failure` of an action step, and the `decide_within` that belongs to `escalate`
    /// alone.
    pub(super) fn on_failure(
        &mut self,
        fields: &Fields<'_>,
        in_for_each: bool,
        limits: &Limits,
    ) -> OnFailure {
        let written = fields.get("on_failure");
        let at = written.map_or(fields.at, |node| node.at);
        let ways = [
            ("rollback", OnFailure::Rollback),
            (
                "escalate",
                OnFailure::Escalate {
                    within_s: DEFAULT_WITHIN_S,
                },
            ),
            ("continue", OnFailure::Continue),
        ];
        let way = written.map_or(Some(OnFailure::default()), |node| match node.kind {
            Kind::Map(_) => Some(self.continue_on(node)),
            _ => self.choice(node, "on_failure", &ways),
        });
        match way {
            // The mistake is reported. It may have been meant as an escalation, so its time is not
            // checked.
            None => OnFailure::default(),
            Some(OnFailure::Escalate { .. }) if in_for_each => {
                let help = "every item that fails would ask a person, many at once: write `rollback` or `continue`, \
                            or let one `approve` step after the for_each ask";
                self.problem(at, "`on_failure: escalate` inside a for_each", help);
                OnFailure::default()
            }
            Some(OnFailure::Escalate { .. }) => OnFailure::Escalate {
                within_s: self.decide_within(fields, at, limits),
            },
            Some(way) => {
                if let Some(key) = fields.key("decide_within") {
                    let help = "it belongs to `on_failure: escalate` and to `approve`: add that, or leave it out";
                    self.problem(key.at, "`decide_within` without a decision", help);
                }
                way
            }
        }
    }

    /// Reads the time for a decision, in seconds. `at` is the place of the question, if no time is
    /// written.
    fn decide_within(&mut self, fields: &Fields<'_>, at: Span, limits: &Limits) -> u64 {
        let written = fields.get("decide_within");
        let at = written.map_or(at, |node| node.at);
        let before = self.problems.len();
        let within_s = written.map_or(DEFAULT_WITHIN_S, |node| {
            self.seconds(node, "decide_within", MIN_WITHIN_S..=MAX_TIMEOUT_S)
        });
        if self.problems.len() == before && within_s >= limits.timeout_s {
            let within = show_seconds(within_s);
            let default = if written.is_some() {
                ""
            } else {
                " (the default)"
            };
            let message = format!(
                "the decision can take {within}{default}, and the execution's timeout is {}",
                show_seconds(limits.timeout_s)
            );
            let help = format!(
                "decide_within must be shorter than limits.timeout: shorten it, or set limits.timeout to more than {within}"
            );
            self.problem(at, message, help);
        }
        within_s
    }
}
