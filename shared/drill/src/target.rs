//! Simulates the target systems: they remember effects and undos, honour keys, and refuse keys that
//! an undo has fenced. The work of a real system is observed by what remains there before and after
//! a call.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use holdfast_action::{StepError, StepErrorKind, Verdict};
use jiff::Timestamp;
use serde_json::Value;

use crate::{own::OwnSteps, world::lock};

/// The behaviour of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// True if it can verify a call whose answer was lost.
    pub verifies: bool,
    /// True if its undo takes the effect back. A false answer shows that the drill can fail.
    pub undoes: bool,
    /// True if it recognizes the key of a repeated call, for an idempotent step.
    pub remembers: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            verifies: false,
            undoes: true,
            remembers: true,
        }
    }
}

/// The properties that a step promises of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Promise {
    /// True if the target handles a repeated call as one.
    pub(crate) idempotent: bool,
    /// True if the undo makes the target refuse the key.
    pub(crate) fences: bool,
}

/// All target systems as one.
pub(crate) struct Target {
    manners: Manners,
    kept: Mutex<StoredEffect>,
    /// System that replaces this one for the actions that it has.
    pub(crate) own: Option<OwnSteps>,
}

#[derive(Default)]
struct StoredEffect {
    /// Number of remaining effects and the answer, by key.
    effects: BTreeMap<String, (u32, Value)>,
    fenced: BTreeSet<String>,
    done: Vec<TargetEvent>,
    wrong: Vec<String>,
}

/// An event at the target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TargetEvent {
    pub(crate) at: Timestamp,
    pub(crate) execution: String,
    pub(crate) action: String,
    pub(crate) step: String,
    pub(crate) key: String,
    pub(crate) what: What,
    /// True if the target may take the same call twice as two.
    pub(crate) repeatable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// An effect.
    Effect,
    /// An answer without an effect, to a step that only reads.
    Read,
    /// The same call again, answered from memory.
    Repeated,
    /// No effect. The simulated target refuses a fenced key.
    Refused,
    /// An effect was taken back.
    Undone,
    /// There was nothing to take back.
    NothingToUndo,
}

/// A call, as the target receives it.
pub(crate) struct TargetCall<'a> {
    pub(crate) at: Timestamp,
    pub(crate) execution: &'a str,
    pub(crate) action: &'a str,
    pub(crate) step: &'a str,
    pub(crate) key: &'a str,
    pub(crate) promise: Promise,
}

impl Target {
    pub(crate) fn new(manners: Manners, own: Option<OwnSteps>) -> Self {
        Self {
            manners,
            kept: Mutex::default(),
            own,
        }
    }

    /// Calls the real system, and records what changed there.
    pub(crate) fn observe<T>(
        &self,
        received: &TargetCall<'_>,
        undoes: bool,
        call: impl FnOnce() -> Result<Result<T, StepError>, &'static str>,
    ) -> (What, Result<T, StepError>) {
        let remaining = || {
            let remaining = self.own.as_ref().map(OwnSteps::remaining);
            remaining
                .and_then(|mut all| all.remove(received.key))
                .unwrap_or(0)
        };
        let before = remaining();
        let answer = call();
        let after = remaining();
        let mut kept = lock(&self.kept);
        let mut wrong = |what: &str| kept.wrong.push(format!("{}: {what}", received.step));
        let result = answer.unwrap_or_else(|why| {
            wrong(why);
            Err(StepError::unknown(why))
        });
        let failed = |error: &StepError| error.kind != StepErrorKind::Missing;
        if undoes && before == 0 && result.as_ref().is_err_and(failed) {
            wrong("its undo fails where there is nothing to undo");
        }
        let what = match (after.cmp(&before), undoes) {
            (Ordering::Greater, _) => What::Effect,
            (Ordering::Less, _) => What::Undone,
            (Ordering::Equal, true) => What::NothingToUndo,
            (Ordering::Equal, false) if result.is_ok() => What::Repeated,
            (Ordering::Equal, false) => What::Refused,
        };
        for _ in 0..after.abs_diff(before).max(1) {
            kept.done.push(done(received, what));
        }
        (what, result)
    }

    /// Returns what real code did that no step may do.
    pub(crate) fn wrong(&self) -> Vec<String> {
        lock(&self.kept).wrong.clone()
    }

    /// Causes an effect, or repeats the answer of the same call.
    pub(crate) fn effect(
        &self,
        received: &TargetCall<'_>,
        answer: Value,
    ) -> (What, Result<Value, StepError>) {
        let mut kept = lock(&self.kept);
        let key = received.key;
        let (what, result) = if kept.fenced.contains(key) {
            let refused = StepError::permanent("the target refuses this key: it was undone");
            (What::Refused, Err(refused))
        } else {
            let known = kept.effects.get(key).filter(|(count, _)| *count > 0);
            match known {
                Some((_, answer)) if received.promise.idempotent && self.manners.remembers => {
                    (What::Repeated, Ok(answer.clone()))
                }
                _ => {
                    let entry = kept.effects.entry(key.to_owned());
                    entry.or_insert((0, answer.clone())).0 += 1;
                    (What::Effect, Ok(answer))
                }
            }
        };
        kept.done.push(done(received, what));
        (what, result)
    }

    /// Answers a step that only reads.
    pub(crate) fn read(
        &self,
        received: &TargetCall<'_>,
        answer: Value,
    ) -> (What, Result<Value, StepError>) {
        lock(&self.kept).done.push(done(received, What::Read));
        (What::Read, Ok(answer))
    }

    /// Takes an effect back, whether or not it happened.
    pub(crate) fn undo(&self, received: &TargetCall<'_>) -> What {
        let mut kept = lock(&self.kept);
        let remaining = kept
            .effects
            .get_mut(received.key)
            .filter(|(count, _)| *count > 0);
        let what = match remaining {
            Some((count, _)) => {
                if self.manners.undoes {
                    *count -= 1;
                }
                What::Undone
            }
            None => What::NothingToUndo,
        };
        if received.promise.fences && self.manners.undoes {
            kept.fenced.insert(received.key.to_owned());
        }
        kept.done.push(done(received, what));
        what
    }

    /// Returns the verdict on a call.
    pub(crate) fn verdict(&self, key: &str) -> Verdict<Value> {
        if !self.manners.verifies {
            return Verdict::CannotTell;
        }
        match lock(&self.kept).effects.get(key) {
            Some((count, answer)) if *count > 0 => Verdict::Happened(answer.clone()),
            _ => Verdict::DidNotHappen,
        }
    }

    /// Returns the number of remaining effects, by key.
    pub(crate) fn remaining(&self) -> BTreeMap<String, u32> {
        let kept = lock(&self.kept);
        let simulated = kept
            .effects
            .iter()
            .map(|(key, (count, _))| (key.clone(), *count));
        let own = self
            .own
            .as_ref()
            .map(OwnSteps::remaining)
            .unwrap_or_default();
        let remaining = simulated.chain(own);
        remaining.filter(|(_, count)| *count > 0).collect()
    }

    /// Returns the number of calls of a step that were answered in its execution. Those answered
    /// from memory do not count.
    pub(crate) fn answered(&self, received: &TargetCall<'_>) -> usize {
        fn name(label: &str) -> &str {
            label.split('[').next().unwrap_or_default()
        }
        let kept = lock(&self.kept);
        let alike = kept.done.iter().filter(|done| {
            done.execution == received.execution
                && name(&done.step) == name(received.step)
                && matches!(done.what, What::Effect | What::Read)
        });
        alike.count()
    }

    /// Returns every event, in order.
    pub(crate) fn done(&self) -> Vec<TargetEvent> {
        lock(&self.kept).done.clone()
    }
}

fn done(received: &TargetCall<'_>, what: What) -> TargetEvent {
    TargetEvent {
        at: received.at,
        execution: received.execution.to_owned(),
        action: received.action.to_owned(),
        repeatable: !received.promise.idempotent,
        step: received.step.to_owned(),
        key: received.key.to_owned(),
        what,
    }
}
