//! What the record of an execution says.

use std::ops::RangeInclusive;

use jiff::Timestamp;

use super::{About, Event, Kind};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{ExecutionRecord, Phase, unwound_since};
use holdfast_receipt::Status;

/// Everything that the record says of its generation.
pub(super) fn events_of(execution: &ExecutionRecord) -> Vec<Event> {
    let about = &About::of(execution);
    let generation = &execution.generation.to_string();
    let new = |kind, at| {
        let event = Event::new(kind, at, about, &execution.at.execution, &[generation]);
        event.with("generation", execution.generation)
    };
    let mut told = Vec::new();
    let redriven = execution
        .redriven
        .as_ref()
        .filter(|redriven| redriven.generation == execution.generation);
    let begun = match redriven {
        Some(redriven) => Some((redriven.at, Some(redriven.by.as_str()))),
        None if execution.generation == 0 => {
            Some((execution.started_at, execution.requested_by.as_deref()))
        }
        // A later rollback begins nothing.
        None => None,
    };
    let refused: Vec<_> = execution
        .guardrails
        .iter()
        .filter(|one| !one.held)
        .collect();
    if let Some((at, by)) = begun {
        let started = new(Kind::Started, at)
            .by(by)
            .with("trigger", execution.trigger.as_str())
            .with("definition_digest", execution.definition_digest.as_str())
            .with("input_sha256", execution.fingerprint());
        told.push(started);
        if !refused.is_empty() {
            let names: Vec<_> = refused.iter().map(|one| one.name.as_str()).collect();
            told.push(new(Kind::Rejected, at).by(by).with("guardrails", names));
        }
    }
    let (failure, ended) = match &execution.phase {
        Phase::Running | Phase::Rejected => (None, None),
        Phase::Unwinding { failure } => (Some(failure), None),
        Phase::Ended {
            status,
            at,
            failure,
        } => {
            let failure = failure.as_ref().filter(|_| *status != Status::Rejected);
            (failure, Some((status, *at)))
        }
    };
    if let Some(failure) = failure {
        let rollback = new(Kind::RollbackStarted, unwound_since(execution))
            .by(failure.by.as_deref())
            .with("state", failure.state.as_str())
            .with("error", failure.error.as_str());
        told.push(rollback);
    }
    if let Some((status, at)) = ended {
        let duration = at.duration_since(execution.started_at).as_millis() as i64;
        let mut completed = new(Kind::CompletionTransition, at)
            .with("status", status.name())
            .with("duration_ms", duration);
        if let Some(failure) = failure {
            completed = completed.with("error", failure.error.as_str());
        }
        told.push(completed);
        if let Some(receipt) = &execution.receipt {
            let generated = new(Kind::ReceiptGenerated, at)
                .with("object", receipt.object.as_str())
                .with("sha256", receipt.sha256.as_str());
            told.push(generated);
        }
    }
    told
}

/// One event for every repeat that was refused, of these numbers. The counter keeps no times: they are when it was written; and no
/// version, since a repeat may be refused before the execution's own record says which.
pub(super) fn duplicates(
    at: &ExecutionKey,
    numbers: RangeInclusive<u64>,
    about: &About,
    committed: Timestamp,
) -> Vec<Event> {
    let about = &About {
        version: None,
        ..about.clone()
    };
    let one = |number: u64| {
        let kind = Kind::DuplicatePrevented;
        let parts = &[&*number.to_string()];
        Event::new(kind, committed, about, &at.execution, parts).with("number", number)
    };
    numbers.map(one).collect()
}
