//! What people may ask of an execution, pure: to cancel it, to undo it after its end, to go on where it failed.

use jiff::{SignedDuration, Timestamp};

use super::{
    execution::{ExecutionRecord, Phase, Redrive},
    port::{Expect, Ledger, LedgerError, Put},
    request::Request,
    snapshot::Snapshot,
    step::{StepRecord, StepState},
    unwind::unwinding,
};
use holdfast_ids::keys::ExecutionKey;
use holdfast_receipt::{GuardrailOutcome, Status};
use holdfast_task::{AdmissionSpec, ErrorName, Failure, StepRef};

/// What a request finds.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestTransition {
    /// Write this record, and the owner that it names begins.
    Write(Box<ExecutionRecord>),
    /// It was asked before, or happens anyway: say so.
    Already(String),
    /// It cannot be: why, and what can.
    Refused(String),
}

fn failure(request: &Request, error: ErrorName) -> Failure {
    Failure {
        state: String::new(),
        error: error.to_string(),
        cause: request.reason.clone(),
        by: Some(request.by.clone()),
    }
}

/// Decides a request to stop an execution and to undo what it did; `owner` will do it.
pub fn cancel(
    execution: &ExecutionRecord,
    request: &Request,
    owner: &str,
    now: Timestamp,
) -> RequestTransition {
    match &execution.phase {
        Phase::Running => {
            let failure = failure(request, ErrorName::Cancelled);
            RequestTransition::Write(Box::new(unwinding(execution, owner, &failure, now)))
        }
        Phase::Unwinding { failure } => RequestTransition::Already(format!(
            "it is being rolled back already, because of {}",
            failure.error
        )),
        Phase::Rejected => {
            RequestTransition::Refused("a guardrail rejected it: nothing was done".to_owned())
        }
        Phase::Ended { status, .. } => RequestTransition::Refused(format!(
            "it has ended {}; to undo an executed one, POST to its rollback",
            status.name()
        )),
    }
}

/// Decides a request to undo an execution that has ended, or what an earlier rollback left; `owner` will do it.
pub fn withdraw(
    execution: &ExecutionRecord,
    request: &Request,
    owner: &str,
    now: Timestamp,
) -> RequestTransition {
    let Phase::Ended { status, .. } = &execution.phase else {
        return match &execution.phase {
            Phase::Unwinding { .. } => {
                RequestTransition::Already("it is being rolled back already".to_owned())
            }
            _ => RequestTransition::Refused(
                "it has not ended: POST to its cancel instead".to_owned(),
            ),
        };
    };
    match status {
        _ if execution.is_open() => RequestTransition::Refused(TOO_EARLY.to_owned()),
        Status::Executed | Status::PartiallyRolledBack => {
            let failure = failure(request, ErrorName::Withdrawn);
            RequestTransition::Write(Box::new(ExecutionRecord {
                generation: execution.generation + 1,
                previous: execution.receipt.clone(),
                receipt: None,
                ..unwinding(execution, owner, &failure, now)
            }))
        }
        Status::RolledBack => RequestTransition::Already("it has been rolled back".to_owned()),
        Status::Failed | Status::Rejected => RequestTransition::Refused(format!(
            "it has ended {}: nothing stands that could be undone",
            status.name()
        )),
    }
}

const TOO_EARLY: &str = "its receipt is not written yet: ask again in a moment";

/// Decides a request to go on, under the definition that `gate` and `declared` come from, where an execution failed;
/// `owner` will do it. No effect that stands is caused again, so that what succeeded must still be in the definition.
pub fn redrive(
    snapshot: &Snapshot,
    gate: &AdmissionSpec,
    declared: &[StepRef],
    request: &Request,
    owner: &str,
    now: Timestamp,
) -> RequestTransition {
    let execution = &snapshot.execution;
    let Phase::Ended { status, .. } = &execution.phase else {
        // Whoever asked first may have died before its machine was started, or never have had its answer.
        if execution.phase == Phase::Running && execution.redrive().is_some() {
            return RequestTransition::Already("it goes on already".to_owned());
        }
        return RequestTransition::Refused(
            "it has not ended: there is nothing to go on with".to_owned(),
        );
    };
    match status {
        _ if execution.is_open() => return RequestTransition::Refused(TOO_EARLY.to_owned()),
        Status::Failed | Status::RolledBack | Status::PartiallyRolledBack => {}
        Status::Executed => return RequestTransition::Already("it has been executed".to_owned()),
        Status::Rejected => {
            let why = "a guardrail rejected it: start it anew, with another key";
            return RequestTransition::Refused(why.to_owned());
        }
    }
    let has = |step: &StepRecord| {
        let mut declared = declared.iter();
        // A step that moves into or out of a `for_each` has other records, under other keys.
        declared.any(|one| {
            one.name == step.step
                && one.action == step.action
                && one.for_each.is_some() == step.item.is_some()
        })
    };
    for step in &snapshot.steps {
        let why = match step.state {
            StepState::UndoFailed => {
                "its undo failed, so that nobody knows what stands: POST to the execution's rollback"
            }
            StepState::Succeeded if !has(step) => {
                "it succeeded, and the definition no longer has it with this action in this place"
            }
            StepState::Unknown if !has(step) => {
                "it may have happened, and the definition no longer has it with this action in this place: POST to the execution's rollback"
            }
            _ => continue,
        };
        return RequestTransition::Refused(format!("{}: {why}", step.label()));
    }
    let timeout = i64::try_from(gate.timeout_s).unwrap_or(i64::MAX / 1_000_000_000);
    RequestTransition::Write(Box::new(ExecutionRecord {
        rev: execution.rev + 1,
        version: gate.version,
        definition_digest: gate.definition_digest.clone(),
        origin: owner.to_owned(),
        owner: owner.to_owned(),
        epoch: execution.epoch + 1,
        generation: execution.generation + 1,
        deadline: now
            .saturating_add(SignedDuration::from_secs(timeout))
            .unwrap_or(Timestamp::MAX),
        phase: Phase::Running,
        // What said no to an earlier redrive is asked again.
        guardrails: execution
            .guardrails
            .iter()
            .filter(|one| one.held)
            .cloned()
            .collect(),
        previous: execution.receipt.clone(),
        receipt: None,
        redriven: Some(Redrive {
            generation: execution.generation + 1,
            by: request.by.clone(),
            reason: request.reason.clone(),
            at: now,
        }),
        ..execution.clone()
    }))
}

/// The record of a redrive for which the gate says there is not enough left: what was done before is undone, if it is
/// not yet.
pub fn refused_redrive(
    execution: &ExecutionRecord,
    outcomes: impl Iterator<Item = GuardrailOutcome>,
    now: Timestamp,
) -> ExecutionRecord {
    let mut next = unwinding(execution, &execution.owner, &Failure::rejected(), now);
    next.decided(outcomes);
    next
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestOutcome {
    /// It is recorded: the record's owner must begin.
    Done(Box<ExecutionRecord>),
    /// Nothing was changed; the record's owner may still have to begin, if whoever asked first died.
    Already(Box<ExecutionRecord>, String),
    /// It cannot be.
    Refused(String),
    /// There is no such execution.
    Unknown,
}

/// Puts a request to an execution, deciding anew whenever somebody else was quicker.
pub async fn ask<L: Ledger>(
    ledger: &L,
    at: &ExecutionKey,
    decide: impl Fn(&Snapshot) -> RequestTransition + Send + Sync,
) -> Result<RequestOutcome, LedgerError> {
    loop {
        let Some(snapshot) = ledger.snapshot(at).await? else {
            return Ok(RequestOutcome::Unknown);
        };
        let next = match decide(&snapshot) {
            RequestTransition::Write(next) => next,
            RequestTransition::Already(note) => {
                return Ok(RequestOutcome::Already(Box::new(snapshot.execution), note));
            }
            RequestTransition::Refused(why) => return Ok(RequestOutcome::Refused(why)),
        };
        let expect = Expect::Rev(snapshot.execution.rev);
        if ledger.put(next.as_ref(), expect).await? == Put::Done {
            return Ok(RequestOutcome::Done(next));
        }
    }
}
