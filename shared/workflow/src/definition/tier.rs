//! Reads `tier`, and reports what an Express state machine cannot do.
//!
//! An Express execution ends after five minutes and cannot wait for a callback
//! (docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html). It can run more
//! than once, so that its runs must evaluate the same
//! (docs.aws.amazon.com/step-functions/latest/dg/express-at-least-once-execution.html).

use std::ops::RangeInclusive;

use super::{
    model::{Definition, OnFailure, Step, StepKind, Wait},
    read::MAX_TIMEOUT_S,
    reader::{Fields, Reader},
    scope::Scope,
};
use holdfast_task::Tier;

/// Longest duration of a Standard execution by default.
const DEFAULT_TIMEOUT_S: u64 = 15 * 60;
/// Durations that an Express execution may have. `Begin` and the report that it recorded nothing
/// may take the shortest one. After the longest one, half a minute remains of Step Functions' five.
const EXPRESS_TIMEOUT_S: RangeInclusive<u64> = 180..=270;

/// Returns the durations that an execution may have, and the default one.
pub(super) fn timeouts(tier: Tier) -> (RangeInclusive<u64>, u64) {
    match tier {
        Tier::Standard => (1..=MAX_TIMEOUT_S, DEFAULT_TIMEOUT_S),
        Tier::Express => (EXPRESS_TIMEOUT_S, *EXPRESS_TIMEOUT_S.end()),
    }
}

/// Returns the scope of the first step. Every run of an Express execution evaluates the steps.
pub(super) fn first_scope(tier: Tier) -> Scope {
    let scope = Scope::of_steps();
    match tier {
        Tier::Standard => scope,
        Tier::Express => scope.repeatable("a workflow with `tier: express`"),
    }
}

const HELP: &str = "leave out `tier: express`: a Standard state machine waits up to a year";

impl Reader<'_> {
    pub(super) fn tier(&mut self, fields: &Fields<'_>) -> Tier {
        let choices = [("standard", Tier::Standard), ("express", Tier::Express)];
        let tier = fields.get("tier");
        let tier = tier.and_then(|node| self.choice(node, "tier", &choices));
        self.tier.unwrap_or(tier.unwrap_or_default())
    }

    /// Reports the parts of a definition that an Express state machine cannot run.
    pub(super) fn express(&mut self, fields: &Fields<'_>, definition: &Definition) {
        if definition.tier != Tier::Express {
            return;
        }
        if definition.rules.queued_when_paused
            && let Some(node) = fields.get("when_paused")
        {
            let message = "an Express execution ends after 5 minutes, and a pause may last longer";
            self.problem(node.at, message, "write `when_paused: refuse`");
        }
        self.steps_of_express(&definition.steps);
    }

    fn steps_of_express(&mut self, steps: &[Step]) {
        for step in steps {
            let unfit = match &step.kind {
                StepKind::Approve(_) => Some("an approval waits for a person"),
                StepKind::Action(action) => match action.on_failure {
                    OnFailure::Escalate { .. } => Some("`on_failure: escalate` waits for a person"),
                    _ => None,
                },
                StepKind::Wait(Wait::Until(_)) => Some("the end of the wait is not known"),
                StepKind::Wait(Wait::Seconds(_)) | StepKind::Stop(_) => None,
                StepKind::Parallel(branches) => {
                    let rows = branches.iter().map(|branch| &branch.steps);
                    rows.for_each(|row| self.steps_of_express(row));
                    None
                }
                StepKind::ForEach(each) => {
                    self.steps_of_express(&each.steps);
                    None
                }
                StepKind::Choose(choose) => {
                    let rows = choose.rows().map(|(_, row)| row);
                    rows.for_each(|row| self.steps_of_express(row));
                    None
                }
            };
            let place = self.names.get(&step.name).map(|declared| declared.at);
            if let (Some(why), Some(at)) = (unfit, place) {
                let message = format!("{why}, and an Express execution ends after 5 minutes");
                self.problem(at, message, HELP);
            }
        }
    }
}
