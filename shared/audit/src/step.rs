//! What the record of a step says.

use jiff::Timestamp;

use super::{About, Event, Kind};
use holdfast_ids::keys::{item_digest, undo_key};
use holdfast_ledger::{Attempt, StepRecord, StepState};
use holdfast_receipt::AttemptOutcome;

/// Everything that the record says: of each attempt that began and ended, and of its undo once that is over.
pub(super) fn events_of(step: &StepRecord, about: &About) -> Vec<Event> {
    let mut told = Vec::new();
    for (n, attempt) in step.attempts.iter().enumerate() {
        let number = n + 1;
        let new = |kind, at| {
            new(step, about, kind, at, number).with("idempotency_key", step.key.as_str())
        };
        if n > 0 {
            told.push(new(Kind::StepRetried, attempt.started_at));
        }
        if let (Some(outcome), Some(ended_at)) = (attempt.outcome, attempt.ended_at) {
            let kind = match outcome {
                AttemptOutcome::Succeeded => Kind::StepCompleted,
                _ => Kind::StepFailed,
            };
            told.push(ended(new(kind, ended_at), attempt, outcome, ended_at));
        }
    }
    let kind = match step.state {
        StepState::Undone => Kind::StepUndone,
        StepState::UndoFailed => Kind::StepUndoFailed,
        _ => return told,
    };
    // An undo that gave up has no attempt of its own; the last one then is the one that mattered.
    if let Some(last) = step.undo_attempts.last() {
        let at = last.ended_at.unwrap_or(last.started_at);
        let undo = new(step, about, kind, at, step.undo_attempts.len())
            .with("idempotency_key", undo_key(&step.key));
        told.push(match last.outcome {
            Some(outcome) => ended(undo, last, outcome, at),
            None => undo,
        });
    }
    told
}

fn new(step: &StepRecord, about: &About, kind: Kind, at: Timestamp, number: usize) -> Event {
    let item = step.item.as_deref();
    let text = number.to_string();
    let parts = [step.step.as_str(), item.unwrap_or_default(), &text];
    let mut event = Event::new(kind, at, about, &step.at.execution, &parts)
        .with("step", step.step.as_str())
        .with("action", step.action.as_str())
        .with("attempt", number);
    if let Some(item) = item {
        // The key comes from an input, which no event tells.
        event = event.with("item", item_digest(&step.at, item));
    }
    event
}

fn ended(event: Event, attempt: &Attempt, outcome: AttemptOutcome, at: Timestamp) -> Event {
    let took = at.duration_since(attempt.started_at).as_millis() as i64;
    event
        .with("outcome", outcome.name())
        .with("duration_ms", took)
}
