//! Applies a decision: to the question, then to the step's record, before Step Functions receives
//! it.

use jiff::Timestamp;

use super::{
    claim::abandoned,
    key::StepKey,
    port::{Expect, Ledger, LedgerError, Put},
    question::Question,
    request::Request,
    step::{StepRecord, StepState},
    vote::{RulingTransition, decide},
    voter::Voter,
};
use holdfast_ids::keys::ExecutionKey;
use holdfast_receipt::Decision;

/// The step's record after a decision: `None` if nothing changes, the end of the lease while an
/// attempt may be at work.
///
/// *Retry* allows as many attempts as the step had at first; *skip* closes the record.
pub(crate) fn step_after_decision(
    record: Option<&StepRecord>,
    question: &Question,
    decision: Decision,
    now: Timestamp,
) -> Result<Option<StepRecord>, Timestamp> {
    if decision == Decision::Skip {
        return closed_by_skip(record, question, now);
    }
    let Some(record) = record else {
        return Ok(None);
    };
    let decides = record.attempts.len() == question.attempts as usize;
    if !decides || record.is_closed(question.execution_generation) {
        return Ok(None);
    }
    let rev = record.rev + 1;
    let over = match &record.state {
        StepState::Running { lease_until, .. } if now < *lease_until => return Err(*lease_until),
        StepState::Running { .. } => abandoned(record, now),
        _ => record.clone(),
    };
    let waiting = StepState::Waiting { until: now };
    let state = match (decision, &over.state) {
        (Decision::Retry, StepState::Unknown | StepState::FailedClean) => waiting,
        (Decision::Retry, StepState::Waiting { .. }) if over.forgiven < question.attempts => {
            waiting
        }
        (_, state) if *state == record.state => return Ok(None),
        (_, state) => state.clone(),
    };
    let forgiven = match decision {
        Decision::Retry => question.attempts,
        _ => over.forgiven,
    };
    // A retried step that certainly had no effect gets a new key, so that the target does not
    // repeat a refusal that it stored under the old one (docs/protocol.md, rule 3).
    let restarts = decision == Decision::Retry
        && matches!(over.state, StepState::FailedClean)
        && !over.tainted;
    let mut next = StepRecord {
        rev,
        state,
        forgiven,
        ..over
    };
    if restarts {
        next.retired = next.retired_after();
        next.key = next.next_key();
        next.effect_generation += 1;
        next.earlier_attempts = next.attempts.len() as u32;
        next.earlier_undo_attempts = next.undo_attempts.len() as u32;
    }
    Ok(Some(next))
}

/// The record of a skipped step, which no late attempt can claim; `None` if it is such a record
/// already. A step that no attempt claimed gets a record too.
///
/// The end of the lease while an attempt may be at work.
pub fn closed_by_skip(
    record: Option<&StepRecord>,
    question: &Question,
    now: Timestamp,
) -> Result<Option<StepRecord>, Timestamp> {
    let generation = question.execution_generation;
    let Some(record) = record else {
        let (at, step) = (&question.at, &question.step);
        let closed = StepRecord::unclaimed(at, step, question.epoch, generation);
        return Ok(Some(closed));
    };
    let state = match &record.state {
        _ if record.is_closed(generation) => return Ok(None),
        StepState::Running { lease_until, .. } if now < *lease_until => return Err(*lease_until),
        StepState::Running { .. } => StepState::Unknown,
        StepState::Waiting { .. } if record.tainted => StepState::Unknown,
        StepState::Waiting { .. } => StepState::FailedClean,
        StepState::Unknown | StepState::FailedClean | StepState::Undone => record.state.clone(),
        // A claim changes none of these.
        StepState::Succeeded
        | StepState::Undoing { .. }
        | StepState::UndoWaiting { .. }
        | StepState::UndoFailed => return Ok(None),
    };
    let over = match &record.state {
        StepState::Running { .. } => abandoned(record, now),
        // Another attempt was due, so the workflow did not continue after its last failure.
        StepState::Waiting { .. } => StepRecord {
            continues_on: Vec::new(),
            ..record.clone()
        },
        _ => record.clone(),
    };
    Ok(Some(StepRecord {
        rev: record.rev + 1,
        state,
        closed: Some(generation),
        ..over
    }))
}

/// Records a decision on an execution's question and returns the transition, for delivery. `None`
/// if there is no such question. A concurrent write makes it decide again.
pub async fn rule<L: Ledger>(
    ledger: &L,
    at: &ExecutionKey,
    step: &str,
    decision: Decision,
    voter: &Voter,
    request: &Request,
    now: Timestamp,
) -> Result<Option<RulingTransition>, LedgerError> {
    loop {
        let Some(snapshot) = ledger.snapshot(at).await? else {
            return Ok(None);
        };
        let Some(question) = snapshot
            .questions
            .iter()
            .find(|question| question.step == step)
        else {
            return Ok(None);
        };
        let decided = decide(question, &snapshot.execution, decision, voter, request, now);
        let RulingTransition::Write(next) = &decided else {
            return Ok(Some(decided));
        };
        let record = snapshot.steps.iter().find(|record| record.step == step);
        if let Some(why) = too_early_to_decide(record, question, decision, now) {
            return Ok(Some(RulingTransition::TooEarly(why)));
        }
        if ledger.put(next.as_ref(), Expect::Rev(question.rev)).await? == Put::Done {
            return Ok(Some(decided));
        }
    }
}

/// The reason why a decision cannot be recorded yet; `None` if it can.
pub fn too_early_to_decide(
    record: Option<&StepRecord>,
    question: &Question,
    decision: Decision,
    now: Timestamp,
) -> Option<String> {
    let until = step_after_decision(record, question, decision, now).err()?;
    Some(format!(
        "an attempt may be at work until {until}: decide again then"
    ))
}

/// Applies a decision to the step's record, before Step Functions receives it. Safe to repeat.
pub async fn enact<L: Ledger>(
    ledger: &L,
    question: &Question,
    decision: Decision,
    now: Timestamp,
) -> Result<(), LedgerError> {
    let key = StepKey::new(&question.at, &question.step, None);
    loop {
        let record = ledger.read(&key).await?;
        let Ok(Some(next)) = step_after_decision(record.as_ref(), question, decision, now) else {
            return Ok(());
        };
        let expect = Expect::after(record.as_ref());
        if ledger.put(&next, expect).await? == Put::Done {
            return Ok(());
        }
    }
}
