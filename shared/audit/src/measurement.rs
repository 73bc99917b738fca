//! Measurements: the metrics of one step or one target, which a change of its record yields.

use holdfast_ledger::{Attempt, Question, QuestionState, StepRecord, StepState};
use holdfast_receipt::AttemptOutcome;
use jiff::Timestamp;

use crate::{
    metrics::Metric,
    origin::Origin,
    record::Record,
    target::{target_of, undo_target_of},
};

/// The metrics of a step or of a target, with the place and the time of what they measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// The metrics by workflow and step, with their values.
    pub of_step: Vec<(Metric, i64)>,
    /// The metrics by target, with their values.
    pub of_target: Vec<(Metric, i64)>,
    /// The step's name.
    pub step: String,
    /// The target of the attempt: a host, or the action's name. A question has none.
    pub target: Option<String>,
    /// The outcome of the attempt.
    pub outcome: Option<AttemptOutcome>,
    /// The execution's id, by which logs find the execution. It is no dimension.
    pub execution: String,
    /// The time of the measured event.
    pub at: Timestamp,
}

/// The measurements of a change of a step or a question.
pub fn measurements(old: Option<&Record>, new: &Record, origin: &Origin) -> Vec<Measurement> {
    match (old, new) {
        (Some(Record::Step(old)), Record::Step(new)) => of_step(Some(old), new, origin),
        (None, Record::Step(new)) => of_step(None, new, origin),
        (Some(Record::Question(old)), Record::Question(new)) => {
            of_question(old, new).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn of_step(old: Option<&StepRecord>, new: &StepRecord, origin: &Origin) -> Vec<Measurement> {
    let (before, undone_before) = old.map_or((&[][..], &[][..]), |old| {
        (&old.attempts[..], &old.undo_attempts[..])
    });
    let mut measured: Vec<_> = queued(old, new, origin).into_iter().collect();
    for (number, attempt, outcome, at) in ended(before, &new.attempts) {
        let target = target_of(new, new.call_of(number).1);
        let mut one = attempted(new, attempt, (outcome, at), target);
        if number == new.attempts.len() {
            one.of_step = of_end(new, at);
        }
        measured.push(one);
    }
    for (number, attempt, outcome, at) in ended(undone_before, &new.undo_attempts) {
        let target = undo_target_of(new, new.undo_call_of(number).1);
        measured.push(attempted(new, attempt, (outcome, at), target));
    }
    measured.retain(|one| !one.of_step.is_empty() || !one.of_target.is_empty());
    measured
}

/// The attempts that ended with a change, each with its number from 1.
pub(crate) fn ended<'a>(
    before: &'a [Attempt],
    after: &'a [Attempt],
) -> impl Iterator<Item = (usize, &'a Attempt, AttemptOutcome, Timestamp)> {
    after.iter().zip(1..).filter_map(|(attempt, number)| {
        let earlier = before.get(number - 1);
        let known = earlier.is_some_and(|earlier| earlier.outcome.is_some());
        let (outcome, at) = (attempt.outcome?, attempt.ended_at?);
        (!known).then_some((number, attempt, outcome, at))
    })
}

fn measurement(step: &str, execution: &str, at: Timestamp) -> Measurement {
    Measurement {
        of_step: Vec::new(),
        of_target: Vec::new(),
        step: step.to_owned(),
        target: None,
        outcome: None,
        execution: execution.to_owned(),
        at,
    }
}

/// The time from the start to the first claim of the first declared step.
///
/// An item of a `for_each` waits for the items before it, which is no queue. A claim after a pause
/// finds a record, so that it does not count again.
fn queued(old: Option<&StepRecord>, new: &StepRecord, origin: &Origin) -> Option<Measurement> {
    // A redrive begins when a person requests it.
    let begun = new.execution_generation == 0;
    let first = old.is_none() && begun && new.number == 1 && new.item.is_none();
    let claimed = new.attempts.first().filter(|_| first)?.started_at;
    let waited = millis(origin.started_at, claimed);
    Some(Measurement {
        of_step: vec![(Metric::QueueTime, waited)],
        ..measurement(&new.step, &new.at.execution, claimed)
    })
}

/// The measurement of an attempt. One whose function died ended at an unknown time, and a halted
/// one called no target.
fn attempted(
    step: &StepRecord,
    attempt: &Attempt,
    (outcome, at): (AttemptOutcome, Timestamp),
    target: String,
) -> Measurement {
    let called = !matches!(outcome, AttemptOutcome::Lost | AttemptOutcome::Halted);
    let duration = (Metric::AttemptDuration, millis(attempt.started_at, at));
    Measurement {
        of_target: called.then_some(duration).into_iter().collect(),
        target: Some(target),
        outcome: Some(outcome),
        ..measurement(&step.step, &step.at.execution, at)
    }
}

/// The metrics of a step that ended for good. Attempts before a redrive or a *retry* decision do
/// not count, so that no wait for a person is in them.
fn of_end(step: &StepRecord, at: Timestamp) -> Vec<(Metric, i64)> {
    let counted = step.attempts.get(step.forgiven as usize..).unwrap_or(&[]);
    match (&step.state, counted.first()) {
        (StepState::Succeeded | StepState::FailedClean, Some(first)) => vec![
            (Metric::StepDuration, millis(first.started_at, at)),
            (Metric::StepAttempts, counted.len() as i64),
        ],
        _ => Vec::new(),
    }
}

/// The time from a question to its decision, or to its deadline.
fn of_question(old: &Question, new: &Question) -> Option<Measurement> {
    if old.state != QuestionState::Open {
        return None;
    }
    let at = match &new.state {
        QuestionState::Ruled { ruling, .. } => ruling.at,
        QuestionState::Expired { at, .. } => *at,
        QuestionState::Open | QuestionState::Skipped { .. } => return None,
    };
    Some(Measurement {
        of_step: vec![(Metric::DecisionTime, millis(new.entered, at))],
        ..measurement(&new.step, &new.at.execution, at)
    })
}

/// The milliseconds between two times of different clocks, never fewer than zero.
fn millis(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_millis().max(0) as i64
}
