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
use holdfast_ids::names::{GROUP_MAX, check_group, same_group};
use holdfast_task::Approvers;

/// Time for a decision by default.
const DEFAULT_WITHIN_S: u64 = 60 * 60;
/// Shortest time for a decision: a person must be able to read the question.
const MIN_WITHIN_S: u64 = 60;
/// Shortest time between two reminders.
const MIN_REMIND_S: u64 = 5 * 60;
/// Most groups of an approval, and most people who must approve.
pub(super) const MAX_APPROVERS: usize = 10;
/// Fields inside `approve`.
const APPROVE_FIELDS: [&str; 6] = [
    "message",
    "when",
    "by",
    "count",
    "distinct_groups",
    "remind_every",
];
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
        "when" => "write it inside: `approve: { message: …, when: … }`",
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
        let inner = self.fields(node, "approve", &APPROVE_FIELDS);
        let message = self
            .required(
                &inner,
                "message",
                "message: \"{% 'Hold ' & $input.vendor_id & '?' %}\"",
            )
            .map_or_else(Text::default, |node| self.message(node, scope));
        let when = inner
            .get("when")
            .map(|node| self.expression(node, "when", &scope.repeatable("`when`").optional()));
        let at = fields.key("approve").map_or(node.at, |key| key.at);
        let within_s = self.decide_within(fields, at, limits);
        let approvers = self.approvers(&inner, within_s);
        Approve {
            message,
            when,
            approvers,
            within_s,
        }
    }

    /// Reads who approves; `None` if one platform admin does.
    fn approvers(&mut self, fields: &Fields<'_>, within_s: u64) -> Option<Approvers> {
        let by = fields
            .get("by")
            .map_or_else(Vec::new, |node| self.groups(node));
        let count = fields.get("count").map_or(1, |node| {
            self.integer(node, "count", 1..=MAX_APPROVERS as u64) as u32
        });
        let distinct = fields.get("distinct_groups");
        let distinct_groups = distinct.is_some_and(|node| self.boolean(node, "distinct_groups"));
        if let Some(node) = distinct.filter(|_| distinct_groups) {
            let groups = by.len();
            if fields.get("by").is_none() {
                let help = "name the groups: `by: [cfo, treasury]`, or leave distinct_groups out";
                self.problem(node.at, "`distinct_groups` without `by`", help);
            } else if (count as usize) > groups && groups > 0 {
                let message = format!("{count} people of distinct groups, and `by` has {groups}");
                let help = "with distinct_groups, count is at most the number of groups in `by`";
                self.problem(node.at, message, help);
            }
        }
        let remind_every_s = fields.get("remind_every").map(|node| {
            let before = self.problems.len();
            let every_s = self.seconds(node, "remind_every", MIN_REMIND_S..=MAX_TIMEOUT_S);
            if self.problems.len() == before && every_s >= within_s {
                let message = format!(
                    "a reminder every {}, and the decision can take {}",
                    show_seconds(every_s),
                    show_seconds(within_s)
                );
                let help = "remind_every must be shorter than decide_within, or no reminder comes";
                self.problem(node.at, message, help);
            }
            every_s
        });
        let written = ["by", "count", "distinct_groups", "remind_every"];
        written
            .iter()
            .any(|name| fields.get(name).is_some())
            .then_some(Approvers {
                by,
                count,
                distinct_groups,
                remind_every_s,
            })
    }

    /// Reads the groups whose members may approve.
    fn groups(&mut self, node: &Node) -> Vec<String> {
        let items = self.list(node, "by");
        if items.len() > MAX_APPROVERS {
            let message = format!("`by` has {} groups", items.len());
            self.problem(node.at, message, format!("at most {MAX_APPROVERS}"));
        }
        let mut groups: Vec<(String, usize)> = Vec::new();
        for item in items {
            self.plain(item, "the name of a group");
            let group = self.text(item, "a group", "by: [cfo]");
            if group.is_empty() {
                continue;
            }
            if let Err(why) = check_group(&group) {
                let help = format!("1 to {GROUP_MAX} visible characters, as tokens write it: cfo");
                self.problem(item.at, why, help);
            }
            match groups
                .iter()
                .find(|(earlier, _)| same_group(earlier, &group))
            {
                Some((_, line)) => {
                    let help = format!("the first is on line {line}: name each group once");
                    self.problem(item.at, format!("a second group is called `{group}`"), help);
                }
                None => groups.push((group, item.at.line)),
            }
        }
        groups.into_iter().map(|(group, _)| group).collect()
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
