//! The events of a step's record: every attempt, and the undo once it is over.

use jiff::Timestamp;

use crate::{
    about::About,
    data::{EventData, StepData},
    event::Event,
};
use holdfast_ids::keys::{item_digest, undo_key};
use holdfast_ledger::{Attempt, StepRecord, StepState};
use holdfast_receipt::AttemptOutcome;

/// The events of every attempt that began or ended, and of the undo once it is over.
pub(crate) fn step_events(step: &StepRecord, about: &About) -> Vec<Event> {
    let mut events = Vec::new();
    for (attempt, number) in step.attempts.iter().zip(1..) {
        let (key, action) = step.call_of(number);
        let begun = step_data(step, number, key.to_owned(), action);
        let data = match number {
            1 => EventData::StepStarted(begun.clone()),
            _ => EventData::StepRetried(begun.clone()),
        };
        events.push(begin_event(step, about, attempt, number, data));
        if let (Some(outcome), Some(ended_at)) = (attempt.outcome, attempt.ended_at) {
            let ended = ended(begun, attempt, outcome, ended_at);
            let data = match outcome {
                AttemptOutcome::Succeeded => EventData::StepCompleted(ended),
                _ => EventData::StepFailed(ended),
            };
            events.push(event(step, about, ended_at, number, data));
        }
    }
    events.extend(undone_before(step, about));
    events.extend(undo_event(step, about));
    events
}

/// The events of undos that ended in earlier generations: one that succeeded, before a redrive
/// claimed the step again, and the last one that failed, before a rollback was requested.
fn undone_before<'a>(step: &'a StepRecord, about: &'a About) -> impl Iterator<Item = Event> + 'a {
    let current = matches!(step.state, StepState::Undone | StepState::UndoFailed);
    let last = match current {
        true => step.undo_attempts.len(),
        false => 0,
    };
    // A step without undo is verified only, which undoes nothing.
    let undos = step.undo_attempts.iter().zip(1..);
    let undos = undos.filter(move |(_, number)| step.undo.is_some() && *number != last);
    undos.filter_map(|(attempt, number)| {
        let (outcome, at) = (attempt.outcome?, attempt.ended_at?);
        let kind = match outcome {
            AttemptOutcome::Succeeded => EventData::StepUndone,
            _ if number == step.undo_forgiven as usize => EventData::StepUndoFailed,
            _ => return None,
        };
        let begun = undo_data(step, number);
        let data = kind(ended(begun, attempt, outcome, at));
        Some(event(step, about, at, number, data))
    })
}

/// The event of an undo that is over.
fn undo_event(step: &StepRecord, about: &About) -> Option<Event> {
    let kind = match step.state {
        StepState::Undone => EventData::StepUndone,
        StepState::UndoFailed => EventData::StepUndoFailed,
        _ => return None,
    };
    // Giving up adds no attempt, so the event has the number and the end of the last attempt.
    let last = step.undo_attempts.last()?;
    let number = step.undo_attempts.len();
    let at = last.ended_at.unwrap_or(last.started_at);
    let begun = undo_data(step, number);
    let data = match last.outcome {
        Some(outcome) => ended(begun, last, outcome, at),
        None => begun,
    };
    Some(event(step, about, at, number, kind(data)))
}

/// The event of the begin of an attempt. A pause removes an attempt from the record, and the next
/// one has its number again, so that the token is a part of the id.
fn begin_event(
    step: &StepRecord,
    about: &About,
    attempt: &Attempt,
    number: usize,
    data: EventData,
) -> Event {
    let (item, number) = (step.item.as_deref().unwrap_or_default(), number.to_string());
    let parts = [step.step.as_str(), item, &number, &attempt.token];
    Event::new(attempt.started_at, about, &step.at.execution, &parts, data)
}

fn event(step: &StepRecord, about: &About, at: Timestamp, number: usize, data: EventData) -> Event {
    let item = step.item.as_deref().unwrap_or_default();
    let parts = [step.step.as_str(), item, &number.to_string()];
    Event::new(at, about, &step.at.execution, &parts, data)
}

/// The data of an attempt at the undo that has not ended.
fn undo_data(step: &StepRecord, number: usize) -> StepData {
    let (key, action) = step.undo_call_of(number);
    step_data(step, number, undo_key(key), action)
}

/// The data of an attempt that has not ended.
fn step_data(step: &StepRecord, number: usize, key: String, action: &str) -> StepData {
    let item = step.item.as_deref();
    StepData {
        step: step.step.clone(),
        // The item's key comes from an input, and events carry no inputs.
        item: item.map(|item| item_digest(&step.at, item)),
        action: action.to_owned(),
        attempt: number,
        idempotency_key: key,
        outcome: None,
        duration_ms: None,
    }
}

/// The data with the end of the attempt.
fn ended(begun: StepData, attempt: &Attempt, outcome: AttemptOutcome, at: Timestamp) -> StepData {
    let duration = at.duration_since(attempt.started_at).as_millis() as i64;
    StepData {
        outcome: Some(outcome),
        duration_ms: Some(duration),
        ..begun
    }
}
