//! The events of an execution record, and of the refused repeats of its start.

use std::ops::RangeInclusive;

use jiff::Timestamp;

use crate::{
    about::About,
    data::{
        CompletedData, DuplicateData, EventData, ReceiptData, RejectedData, RollbackData,
        StartedData,
    },
    event::Event,
};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{ExecutionRecord, Phase, unwound_since};
use holdfast_receipt::{ShownField, Status};
use holdfast_task::Failure;

/// The events of every execution generation that the record still shows.
pub(crate) fn execution_events(execution: &ExecutionRecord) -> Vec<Event> {
    let past = execution.past.iter();
    let past = past.flat_map(|past| generation_events(&execution.as_of(past)));
    past.chain(generation_events(execution)).collect()
}

/// The events of the current execution generation.
fn generation_events(execution: &ExecutionRecord) -> Vec<Event> {
    let mut events = start_events(execution);
    let (failure, end) = match &execution.phase {
        Phase::Running | Phase::Rejected => (None, None),
        Phase::Unwinding { failure } => (Some(failure), None),
        Phase::Ended {
            status,
            at,
            failure,
        } => {
            let failure = failure.as_ref().filter(|_| *status != Status::Rejected);
            (failure, Some((*status, *at)))
        }
    };
    if let Some(failure) = failure {
        let data = EventData::RollbackStarted(RollbackData {
            generation: execution.generation,
            state: failure.state.clone(),
            error: failure.error.clone(),
        });
        let rollback = event(execution, unwound_since(execution), data);
        events.push(rollback.by(failure.by.as_deref()));
    }
    if let Some((status, at)) = end {
        events.extend(end_events(execution, status, at, failure));
    }
    events
}

fn event(execution: &ExecutionRecord, at: Timestamp, data: EventData) -> Event {
    let (about, generation) = (About::of(execution), execution.generation.to_string());
    Event::new(at, &about, &execution.at.execution, &[&generation], data)
}

/// The events of the start or of the redrive. A later rollback begins a generation and has neither.
fn start_events(execution: &ExecutionRecord) -> Vec<Event> {
    let generation = execution.generation;
    let redriven = execution.redriven.as_ref();
    let redriven = redriven.filter(|redriven| redriven.generation == generation);
    let (at, by) = match redriven {
        Some(redriven) => (redriven.at, Some(redriven.by.as_str())),
        None if generation == 0 => (execution.started_at, execution.requested_by.as_deref()),
        None => return Vec::new(),
    };
    let started = EventData::Started(StartedData {
        generation,
        trigger: execution.trigger.clone(),
        definition_digest: execution.definition_digest.clone(),
        input_sha256: execution.fingerprint().to_owned(),
        shown: ShownField::all(&execution.shown),
    });
    let mut events = vec![event(execution, at, started).by(by)];
    let refused = execution
        .guardrails
        .iter()
        .filter(|guardrail| !guardrail.held);
    let guardrails: Vec<_> = refused.map(|guardrail| guardrail.name.clone()).collect();
    if !guardrails.is_empty() {
        let rejected = EventData::Rejected(RejectedData {
            generation,
            guardrails,
        });
        events.push(event(execution, at, rejected).by(by));
    }
    events
}

/// The events of the end and, once it is written, of the receipt.
fn end_events(
    execution: &ExecutionRecord,
    status: Status,
    at: Timestamp,
    failure: Option<&Failure>,
) -> Vec<Event> {
    let generation = execution.generation;
    let completed = EventData::Completed(CompletedData {
        generation,
        status,
        error: failure.map(|failure| failure.error.clone()),
        duration_ms: at.duration_since(execution.started_at).as_millis() as i64,
    });
    let receipt = execution.receipt.as_ref().map(|receipt| {
        EventData::ReceiptGenerated(ReceiptData {
            generation,
            object: receipt.object.clone(),
            sha256: receipt.sha256.clone(),
        })
    });
    std::iter::once(completed)
        .chain(receipt)
        .map(|data| event(execution, at, data))
        .collect()
}

/// One event for each refused repeat in `numbers`.
///
/// A repeat without a recorded time has the time of the commit. The events have neither
/// version nor subject, because a repeat may be refused before the execution record is written.
pub(crate) fn duplicate_events(
    at: &ExecutionKey,
    numbers: RangeInclusive<u64>,
    times: &[Timestamp],
    about: &About,
    committed: Timestamp,
) -> Vec<Event> {
    let about = &About {
        version: None,
        subject: None,
        ..about.clone()
    };
    let event = |number: u64| {
        let parts = [&*number.to_string()];
        let data = EventData::DuplicatePrevented(DuplicateData { number });
        let place = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let at_time = times.get(place).copied().unwrap_or(committed);
        Event::new(at_time, about, &at.execution, &parts, data)
    };
    numbers.map(event).collect()
}
