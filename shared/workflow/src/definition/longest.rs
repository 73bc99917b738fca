//! Reports steps and waits that last longer than the execution's own timeout.

use super::{
    duration::show_seconds,
    model::{Definition, Limits, Step, StepKind, Wait},
    problem::Span,
    reader::Reader,
};

impl Reader<'_> {
    /// Reports a duration that exceeds the execution's own timeout.
    pub(super) fn within_limit(&mut self, at: Span, what: &str, needed_s: u64, limits: &Limits) {
        if needed_s > limits.timeout_s {
            let message = format!(
                "{what} can take {}, longer than the execution's timeout of {}",
                self.needed(needed_s),
                show_seconds(limits.timeout_s)
            );
            self.problem(at, message, self.longer_timeout("it", needed_s));
        }
    }

    /// Reports the waits that every execution passes one after another, if they exceed its timeout.
    /// The place is the step that reaches the timeout.
    pub(super) fn waits(&mut self, definition: &Definition) {
        let limit_s = definition.limits.timeout_s;
        let mut passed_s = 0;
        let late = definition.steps.iter().find(|step| {
            passed_s += wait_of(step);
            passed_s > limit_s
        });
        let total_s = waits_of(&definition.steps);
        let late = late.filter(|_| total_s > limit_s);
        let at = late.and_then(|step| self.names.get(&step.name));
        if let Some(at) = at.map(|declared| declared.at) {
            let message = format!(
                "the waits take {} together, longer than the execution's timeout of {}",
                self.needed(total_s),
                show_seconds(limit_s)
            );
            self.problem(at, message, self.longer_timeout("them", total_s));
        }
    }

    /// A duration in minutes, rounded up, which are precise enough unless no timeout has them.
    fn needed(&self, needed_s: u64) -> String {
        let minutes_s = needed_s.div_ceil(60) * 60;
        let exact = needed_s < 120 || (needed_s..minutes_s).contains(&self.timeout_max_s);
        show_seconds(if exact { needed_s } else { minutes_s })
    }

    /// The fix of a duration that exceeds the timeout: a longer timeout, if there is one.
    fn longer_timeout(&self, what: &str, needed_s: u64) -> String {
        let longest = show_seconds(self.timeout_max_s);
        match needed_s > self.timeout_max_s {
            false => format!(
                "shorten {what}, or set limits.timeout to {} or more",
                self.needed(needed_s)
            ),
            true if self.timeout_max_s < super::read::MAX_TIMEOUT_S => format!(
                "shorten {what}, or leave out `tier: express`: an Express execution has {longest} \
                 at most"
            ),
            true => format!("shorten {what}: an execution has {longest} at most"),
        }
    }
}

/// The seconds that every execution waits in these steps. A `stop` may end it before later ones.
fn waits_of(steps: &[Step]) -> u64 {
    let until_stop = |step: &&Step| !matches!(step.kind, StepKind::Stop(_));
    let waits = steps.iter().take_while(until_stop).map(wait_of);
    waits.fold(0, u64::saturating_add)
}

/// The seconds that every execution waits in this step. A list of items may be empty, and a
/// `choose` may take its shortest branch.
fn wait_of(step: &Step) -> u64 {
    match &step.kind {
        StepKind::Wait(Wait::Seconds(seconds)) => *seconds,
        StepKind::Parallel(branches) => {
            let rows = branches.iter().map(|branch| waits_of(&branch.steps));
            rows.max().unwrap_or(0)
        }
        StepKind::Choose(choose) => {
            let rows = choose.rows().map(|(_, row)| waits_of(row));
            rows.min().unwrap_or(0)
        }
        StepKind::Wait(Wait::Until(_))
        | StepKind::Approve(_)
        | StepKind::ForEach(_)
        | StepKind::Stop(_)
        | StepKind::Action(_) => 0,
    }
}
