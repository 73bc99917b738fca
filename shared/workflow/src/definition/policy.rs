//! Reads how a step handles time and failure: timeout, retry, rollback.

use serde_json::Value;

use super::{
    model::{Jitter, Limits, Retry, Rollback},
    reader::{Fields, Reader},
    scope::Scope,
    tree::{Kind, Node},
};
use holdfast_action::{ActionInfo, Undo};
use holdfast_task::timing::{STEP_TIMEOUT_MAX_S, TASK_MARGIN_S};

/// Longest duration of an attempt by default.
const DEFAULT_TIMEOUT_S: u64 = 30;
const DEFAULT_RETRY: Retry = Retry {
    max_attempts: 3,
    interval_s: 1,
    backoff: 2.0,
    max_delay_s: 30,
    jitter: Jitter::Full,
};
/// Longest delay between attempts.
pub(super) const MAX_DELAY_S: u64 = 24 * 60 * 60;

impl Retry {
    /// Returns the delays between attempts, in seconds, each at its longest.
    pub fn delays_s(&self) -> impl Iterator<Item = u64> {
        let longest = self.max_delay_s as f64;
        let first = self.interval_s as f64;
        (1..self.max_attempts).map(move |n| {
            let factor = self.backoff.powi(i32::try_from(n - 1).unwrap_or(i32::MAX));
            (first * factor).min(longest).ceil() as u64
        })
    }

    /// Returns the longest duration of all attempts and delays, in seconds. An attempt that never
    /// answers lasts as long as its state waits for it. An attempt that dies at once is followed
    /// when its lease ends, which is no later.
    pub fn longest_s(&self, timeout_s: u64) -> u64 {
        u64::from(self.max_attempts) * (timeout_s + TASK_MARGIN_S) + self.delays_s().sum::<u64>()
    }
}

impl Reader<'_> {
    /// Reads `timeout` and `retry`. `inherited` are the step's, which those of a rollback default
    /// to.
    pub(super) fn attempts(
        &mut self,
        fields: &Fields<'_>,
        inherited: Option<(u64, &Retry)>,
        limits: &Limits,
    ) -> (u64, Retry) {
        let (default_timeout_s, default_retry) =
            inherited.unwrap_or((DEFAULT_TIMEOUT_S, &DEFAULT_RETRY));
        let timeout_s = fields.get("timeout").map_or(default_timeout_s, |node| {
            self.seconds(node, "timeout", 1..=STEP_TIMEOUT_MAX_S)
        });
        let retry = fields
            .get("retry")
            .map_or_else(|| default_retry.clone(), |node| self.retry(node));
        let written = fields.key("retry").or(fields.key("timeout"));
        // The attempts of a poll are its own.
        let own = inherited.is_none() && fields.get("poll").is_none();
        if own || (inherited.is_some() && written.is_some()) {
            let at = written.map_or(fields.at, |key| key.at);
            let what = format!("{} attempts of this step", retry.max_attempts);
            self.within_limit(at, &what, retry.longest_s(timeout_s), limits);
        }
        (timeout_s, retry)
    }

    fn retry(&mut self, node: &Node) -> Retry {
        let fields = self.fields(
            node,
            "retry",
            &["max_attempts", "interval", "backoff", "max_delay", "jitter"],
        );
        let default = DEFAULT_RETRY;
        let max_attempts = fields
            .get("max_attempts")
            .map(|node| self.integer(node, "max_attempts", 1..=100));
        let interval_s = fields
            .get("interval")
            .map(|node| self.seconds(node, "interval", 1..=MAX_DELAY_S));
        let backoff = fields
            .get("backoff")
            .map(|node| self.decimal(node, "backoff", 1.0..=10.0));
        let max_delay_s = fields
            .get("max_delay")
            .map(|node| self.seconds(node, "max_delay", 1..=MAX_DELAY_S));
        let jitter = fields.get("jitter").and_then(|node| {
            self.choice(
                node,
                "jitter",
                &[("full", Jitter::Full), ("none", Jitter::None)],
            )
        });
        let interval_s = interval_s.unwrap_or(default.interval_s);
        // An interval beyond the default cap raises the cap. Beyond a written cap it is a
        // contradiction.
        if let (Some(node), true) = (
            fields.get("max_delay"),
            max_delay_s.is_some_and(|most| most < interval_s),
        ) {
            self.problem(
                node.at,
                "max_delay is shorter than interval",
                "raise max_delay, or shorten interval",
            );
        }
        Retry {
            max_attempts: max_attempts
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(default.max_attempts),
            interval_s,
            backoff: backoff.unwrap_or(default.backoff),
            max_delay_s: max_delay_s.unwrap_or(default.max_delay_s.max(interval_s)),
            jitter: jitter.unwrap_or(default.jitter),
        }
    }

    /// Reads `reads`: true if the step only reads. The action's input decides where the field is
    /// left out. A step that only reads has nothing to undo, and can be repeated.
    pub(super) fn reads(
        &mut self,
        fields: &Fields<'_>,
        step: &str,
        info: Option<&ActionInfo>,
        input: Option<&Value>,
    ) -> bool {
        let written = fields.get("reads").map(|node| self.boolean(node, "reads"));
        let by_input = || {
            info.zip(input)
                .is_some_and(|(info, input)| (info.only_reads)(input))
        };
        if !written.unwrap_or_else(by_input) {
            return false;
        }
        for field in ["rollback", "irreversible", "idempotent"] {
            let Some(key) = fields.key(field) else {
                continue;
            };
            let agrees = |node: &Node| matches!(node.kind, Kind::Bool(true));
            if field == "idempotent" && fields.get(field).is_some_and(agrees) {
                continue;
            }
            self.problem(
                key.at,
                format!("{step} only reads, so that it cannot have `{field}`"),
                "leave it out, or write `reads: false` if the request has an effect",
            );
        }
        true
    }

    /// Reads exactly one of `rollback` and `irreversible`, and the input that the action's undo
    /// takes.
    pub(super) fn rollback(
        &mut self,
        fields: &Fields<'_>,
        step: &str,
        info: Option<&ActionInfo>,
        own: (u64, &Retry),
        scope: &Scope,
        limits: &Limits,
    ) -> Option<Rollback> {
        if let Some(node) = fields.get("irreversible")
            && !self.boolean(node, "irreversible")
        {
            self.problem(
                node.at,
                "irreversible is not true",
                "write `irreversible: true`, or say how to undo: `rollback: {}`",
            );
        }
        let Some(node) = fields.get("rollback") else {
            if fields.get("irreversible").is_none() {
                let help = match info.map(|info| info.undo) {
                    Some(Undo::Own) => {
                        "add `rollback: {}`, the action's own undo, or `irreversible: true`"
                    }
                    Some(Undo::OwnInput) => {
                        "add `rollback: { input: { … } }`, or `irreversible: true`"
                    }
                    Some(Undo::None) => "add `irreversible: true`: this action has no undo",
                    None => "add `rollback: {}` or `irreversible: true`",
                };
                self.problem(
                    fields.at,
                    format!("{step} has neither `rollback` nor `irreversible`"),
                    help,
                );
            }
            return None;
        };
        if let Some(key) = fields.key("irreversible") {
            let message = format!("{step} has both `rollback` and `irreversible`");
            self.problem(key.at, message, "keep the one that is true");
        }
        let fields = self.fields(
            node,
            "rollback",
            &["input", "timeout", "retry", "missing_is_undone"],
        );
        self.secret_name(fields.get("input"), info);
        self.literal_address(fields.get("input"), info);
        let input = fields.get("input").map(|node| self.template(node, scope));
        let (timeout_s, retry) = self.attempts(&fields, Some(own), limits);
        if let Some(info) = info {
            self.undo_input(node, fields.get("input"), input.as_ref(), info);
        }
        let fences = info.is_some_and(|info| info.undo_fences);
        let missing_is_undone = fields
            .get("missing_is_undone")
            .is_some_and(|node| self.boolean(node, "missing_is_undone"));
        if let Some(key) = fields.key("missing_is_undone").filter(|_| fences) {
            self.problem(
                key.at,
                "the target of this action never answers that an effect is missing",
                "leave it out: its undo succeeds even where there is nothing to undo",
            );
        }
        Some(Rollback {
            input,
            timeout_s,
            retry,
            fences,
            missing_is_undone,
        })
    }

    /// Checks the input of an undo against what the action's undo takes. `node` is the `rollback`.
    fn undo_input(
        &mut self,
        node: &Node,
        written: Option<&Node>,
        input: Option<&Value>,
        info: &ActionInfo,
    ) {
        let name = info.name;
        match (info.undo, written, input) {
            (Undo::None, ..) => {
                self.problem(
                    node.at,
                    format!("action {name} has no undo"),
                    "write `irreversible: true` instead",
                );
            }
            (Undo::Own, Some(node), _) => {
                let message = format!("the undo of action {name} takes no input");
                self.problem(
                    node.at,
                    message,
                    "leave it out: the undo takes what the step did",
                );
            }
            (Undo::OwnInput, Some(node), Some(value)) => {
                self.fits(
                    node,
                    value,
                    &info.input_schema,
                    &format!("the rollback's input of action {name}"),
                );
            }
            (Undo::OwnInput, ..) => {
                let message = format!("the undo of action {name} has no input");
                self.problem(
                    node.at,
                    message,
                    "say what undoes it: `rollback: { input: { … } }`, as the step's own input",
                );
            }
            (Undo::Own, None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_duration_counts_attempts_that_never_answer() {
        let retry = Retry {
            max_attempts: 3,
            interval_s: 2,
            backoff: 2.0,
            max_delay_s: 60,
            jitter: Jitter::Full,
        };
        assert_eq!(retry.longest_s(1), 3 * (1 + 10) + 2 + 4);
    }
}
