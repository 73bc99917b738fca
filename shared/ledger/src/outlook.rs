//! Pure rules of outlooks: what a rollback, a redrive or a decision would do, as far as the records
//! of an execution show. The engine's plan of a rollback has the same order and the same rule.

use std::cmp::Reverse;

use holdfast_task::{Choices, StepRef};
use jiff::Timestamp;

use super::{
    step::{Residue, StepRecord, StepState},
    unwind::{UndoNeed, need},
};

/// An effect that an execution has or may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutlookEffect<'a> {
    /// The step's record.
    pub step: &'a StepRecord,
    /// The residue now.
    pub residue: Residue,
}

/// An effect that remains, or may remain, after a rollback or a decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Remainder<'a> {
    /// The effect.
    pub effect: OutlookEffect<'a>,
    /// The reason.
    pub why: &'static str,
}

/// The outlook of a rollback.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RollbackOutlook<'a> {
    /// The effects that are undone, in order.
    pub undoes: Vec<OutlookEffect<'a>>,
    /// The effects that remain or may remain.
    pub remains: Vec<Remainder<'a>>,
    /// The time until which an attempt may be at work. The rollback waits for it.
    pub waits_until: Option<Timestamp>,
}

/// The outlook of a redrive or a decision: the steps with which it continues.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContinuationOutlook<'a> {
    /// The records of steps that succeeded, which are not repeated, in declared order.
    pub keeps: Vec<&'a StepRecord>,
    /// The declared steps that run, in declared order. Those of a branch run if it is taken.
    pub runs: Vec<&'a StepRef>,
}

/// Sorts steps as a rollback undoes them: last effect first.
pub fn sort_for_undo<T>(steps: &mut [T], record: impl Fn(&T) -> &StepRecord) {
    steps.sort_by_key(|step| {
        let step = record(step);
        Reverse((step.number, step.started_at()))
    });
}

/// The outlook of a rollback of the execution generation with these records.
pub fn foresee_rollback(
    steps: &[StepRecord],
    execution_generation: u32,
    now: Timestamp,
) -> RollbackOutlook<'_> {
    let mut sorted: Vec<&StepRecord> = steps.iter().collect();
    sort_for_undo(&mut sorted, |step| step);
    let mut outlook = RollbackOutlook::default();
    for step in sorted {
        let mut needed = need(step, execution_generation, now);
        if let UndoNeed::Wait(until) = needed {
            outlook.waits_until = outlook.waits_until.max(Some(until));
            needed = need(step, execution_generation, until);
        }
        let effect = OutlookEffect {
            step,
            residue: step.residue(),
        };
        let undone = needed == UndoNeed::Undo && step.undo.is_some();
        if undone {
            outlook.undoes.push(effect);
        }
        let why = match needed {
            UndoNeed::Close(_) => None,
            _ if undone => after_undo(step),
            _ => without_undo(step),
        };
        outlook
            .remains
            .extend(why.map(|why| Remainder { effect, why }));
    }
    outlook
}

/// The reason why an effect may remain although its undo succeeds, if it may.
fn after_undo(step: &StepRecord) -> Option<&'static str> {
    let undone = StepRecord {
        state: StepState::Undone,
        ..step.clone()
    };
    (undone.residue() != Residue::None)
        .then_some("it is undone, and a call that is still on its way may take effect afterwards")
}

/// The reason why an effect remains that no undo is attempted for, if it has or may have one.
fn without_undo(step: &StepRecord) -> Option<&'static str> {
    match (step.residue(), &step.state) {
        (Residue::None, _) => None,
        (_, StepState::UndoFailed) => Some("its undo has failed"),
        (_, StepState::Undone) => {
            Some("it was undone, and a call that is still on its way may take effect")
        }
        (Residue::Certain, _) => Some("the step has no undo"),
        (Residue::Possible, _) => Some(
            "the step has no undo: its target is asked whether the effect happened, if it can tell",
        ),
    }
}

/// The outlook of a redrive, under the definition `declared` and with these branches.
pub fn foresee_redrive<'a>(
    steps: &'a [StepRecord],
    declared: &'a [StepRef],
    bound: &Choices,
) -> ContinuationOutlook<'a> {
    continuation(steps, declared, bound, |_| true)
}

/// The outlook of an execution after a decision. It continues with the asking step if that is
/// retried, and with every step that no attempt of this execution generation has claimed.
pub fn foresee_continuation<'a>(
    steps: &'a [StepRecord],
    declared: &'a [StepRef],
    taken: &Choices,
    execution_generation: u32,
    asking: (&str, bool),
) -> ContinuationOutlook<'a> {
    let (asks, again) = asking;
    let claimed = |step: &StepRef| {
        let mut records = steps.iter().filter(|record| record.step == step.name);
        records.any(|record| {
            record.was_claimed() && record.execution_generation == execution_generation
        })
    };
    continuation(steps, declared, taken, |step| match step.name == asks {
        true => again,
        false => !claimed(step),
    })
}

fn continuation<'a>(
    steps: &'a [StepRecord],
    declared: &'a [StepRef],
    branches: &Choices,
    runs: impl Fn(&StepRef) -> bool,
) -> ContinuationOutlook<'a> {
    let succeeded = |name: &str| {
        let mut records = steps.iter();
        records.any(|record| record.step == name && record.state == StepState::Succeeded)
    };
    let reachable = |step: &&StepRef| {
        let mut own = step.branches.iter();
        own.all(|own| {
            branches
                .get(&own.step)
                .is_none_or(|taken| *taken == own.branch)
        })
    };
    let keeps = declared.iter().flat_map(|step| {
        let records = steps.iter();
        records.filter(|record| record.step == step.name && record.state == StepState::Succeeded)
    });
    let declared_runs = declared.iter().filter(reachable).filter(|step| {
        // Of a `for_each`, the items that did not succeed run.
        runs(step) && (step.for_each.is_some() || !succeeded(&step.name))
    });
    ContinuationOutlook {
        keeps: keeps.collect(),
        runs: declared_runs.collect(),
    }
}
