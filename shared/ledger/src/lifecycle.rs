//! Pure rules of requests to an execution: cancel it, roll it back after its end, redrive it.

use jiff::{SignedDuration, Timestamp};

use super::{
    execution::{ExecutionRecord, Phase, Redrive},
    port::{Expect, Ledger, LedgerError, Put},
    request::Request,
    snapshot::Snapshot,
    step::{Residue, StepRecord, StepState},
    takeover::unwinding,
};
use holdfast_ids::keys::ExecutionKey;
use holdfast_receipt::{GuardrailOutcome, Status};
use holdfast_task::{AdmissionSpec, Choices, ErrorName, Failure, StepRef};

/// The decision on a request.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestTransition {
    /// Write this record and start the owner that it names.
    Write(Box<ExecutionRecord>),
    /// The request was made before, or its effect happens anyway: the note for the caller.
    Already(String),
    /// The request is refused: the reason, and the request that is possible.
    Refused(String),
    /// The request is refused for now, and the same one can succeed soon: the reason.
    TooEarly(String),
}

impl RequestTransition {
    /// A redrive that runs the state machine version with this ARN.
    pub fn under_version(self, arn: &str) -> Self {
        let Self::Write(mut next) = self else {
            return self;
        };
        if let Some(redrive) = &mut next.redriven {
            redrive.machine = Some(arn.to_owned());
        }
        Self::Write(next)
    }
}

fn failure(request: &Request, error: ErrorName) -> Failure {
    Failure {
        state: String::new(),
        error: error.to_string(),
        cause: request.reason.clone(),
        by: Some(request.by.clone()),
    }
}

/// Decides a request to stop and roll back an execution; `owner` will do it.
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
            "the execution is being rolled back already, because of {}",
            failure.error
        )),
        Phase::Rejected => RequestTransition::Refused(
            "a guardrail rejected the execution: there is no effect to undo".to_owned(),
        ),
        Phase::Ended { status, .. } => RequestTransition::Refused(format!(
            "the execution has ended {}; to undo an executed one, POST to its rollback",
            status.name()
        )),
    }
}

/// Decides a request to roll back an ended execution, or what an earlier rollback left; `owner`
/// will do it.
pub fn withdraw(
    execution: &ExecutionRecord,
    request: &Request,
    owner: &str,
    now: Timestamp,
) -> RequestTransition {
    let Phase::Ended { status, .. } = &execution.phase else {
        return match &execution.phase {
            Phase::Unwinding { .. } => {
                RequestTransition::Already("the execution is being rolled back already".to_owned())
            }
            _ => RequestTransition::Refused(
                "the execution has not ended: POST to its cancel instead".to_owned(),
            ),
        };
    };
    match status {
        _ if execution.is_open() => RequestTransition::TooEarly(TOO_EARLY.to_owned()),
        Status::Executed | Status::PartiallyRolledBack => {
            let failure = failure(request, ErrorName::Withdrawn);
            RequestTransition::Write(Box::new(ExecutionRecord {
                generation: execution.generation + 1,
                previous: execution.receipt.clone(),
                receipt: None,
                // A rolled-back execution has no output. The receipt before names its digest.
                output: None,
                past: execution.past_after(),
                ..unwinding(execution, owner, &failure, now)
            }))
        }
        Status::RolledBack => {
            RequestTransition::Already("the execution has been rolled back".to_owned())
        }
        Status::Failed | Status::Rejected => RequestTransition::Refused(format!(
            "the execution has ended {}: no effect remains that could be undone",
            status.name()
        )),
    }
}

const TOO_EARLY: &str =
    "the execution's receipt is not written yet: repeat the request in a moment";

/// Decides a redrive of a failed execution, under the definition of `gate` and `declared`; `owner`
/// will do it.
///
/// A step that succeeded is not repeated, so the definition must still contain it.
pub fn redrive(
    snapshot: &Snapshot,
    gate: &AdmissionSpec,
    declared: &[StepRef],
    request: &Request,
    owner: &str,
    now: Timestamp,
) -> RequestTransition {
    let execution = &snapshot.execution;
    let Phase::Ended {
        status, failure, ..
    } = &execution.phase
    else {
        // The first requester may have died before it started the owner, or may have lost the
        // answer.
        if execution.phase == Phase::Running && execution.redrive().is_some() {
            return RequestTransition::Already("the execution is redriven already".to_owned());
        }
        return RequestTransition::Refused(
            "the execution has not ended: only an ended execution can be redriven".to_owned(),
        );
    };
    match status {
        _ if execution.is_open() => return RequestTransition::TooEarly(TOO_EARLY.to_owned()),
        Status::Failed | Status::RolledBack | Status::PartiallyRolledBack => {}
        Status::Executed => {
            return RequestTransition::Already("the execution has been executed".to_owned());
        }
        Status::Rejected => {
            let why =
                "a guardrail rejected the execution: start another, with another idempotency key";
            return RequestTransition::Refused(why.to_owned());
        }
    }
    if execution.lacks_input() {
        return RequestTransition::Refused(unread(failure.as_ref()));
    }
    if let Some(why) = misfit(&snapshot.steps, declared) {
        return RequestTransition::Refused(why);
    }
    let timeout = i64::try_from(gate.timeout_s).unwrap_or(i64::MAX / 1_000_000_000);
    RequestTransition::Write(Box::new(ExecutionRecord {
        rev: execution.rev + 1,
        version: gate.version,
        definition_digest: gate.definition_digest.clone(),
        origin: None,
        owner: owner.to_owned(),
        epoch: execution.epoch + 1,
        generation: execution.generation + 1,
        deadline: now
            .saturating_add(SignedDuration::from_secs(timeout))
            .unwrap_or(Timestamp::MAX),
        phase: Phase::Running,
        // A guardrail that refused an earlier redrive is evaluated again.
        guardrails: execution
            .guardrails
            .iter()
            .filter(|outcome| outcome.held)
            .cloned()
            .collect(),
        unwound_at: None,
        previous: execution.receipt.clone(),
        receipt: None,
        choices: Choices::new(),
        stopped: None,
        past: execution.past_after(),
        redriven: Some(Redrive {
            generation: execution.generation + 1,
            by: request.by.clone(),
            reason: request.reason.clone(),
            at: now,
            machine: None,
        }),
        ..execution.clone()
    }))
}

/// The reason why a start that could not be read is not redriven. Its failure says what is wrong.
fn unread(failure: Option<&Failure>) -> String {
    let why = failure.map(|failure| match failure.message() {
        Some(message) => format!(" ({message})"),
        None => format!(" ({})", failure.error),
    });
    format!(
        "its start could not be read{}, so that no input is recorded: start another execution, with \
         another idempotency key",
        why.unwrap_or_default()
    )
}

/// The reason why a redrive cannot continue these records under the definition `declared`; `None`
/// if it can.
///
/// A record with a possible effect must find its step with the same action in the same place: the
/// step is not repeated otherwise, and its undo is the action's.
pub fn misfit(steps: &[StepRecord], declared: &[StepRef]) -> Option<String> {
    let has = |step: &StepRecord| {
        let mut declared = declared.iter();
        // A step that moves into or out of a `for_each` has other records, under other keys.
        declared.any(|declared| {
            declared.name == step.step
                && declared.action == step.action
                && declared.for_each.is_some() == step.item.is_some()
        })
    };
    let lost = "and the definition no longer has this step with this action in this place";
    let unfit = steps.iter().find_map(|step| {
        let why = match step.state {
            StepState::UndoFailed => {
                "its undo failed, so its effect may remain: roll the execution back".to_owned()
            }
            _ if !is_held(step) || has(step) => return None,
            StepState::Succeeded => format!("it succeeded, {lost}"),
            StepState::Undone => format!(
                "it was undone and may still take effect late, {lost}: deploy it again, or start \
                 another execution"
            ),
            _ => format!("it may have happened, {lost}: roll the execution back"),
        };
        Some(format!("{}: {why}", step.label()))
    });
    unfit.or_else(|| bound_choices(steps, declared).err())
}

/// Returns whether a step has or may have an effect, or an attempt may be at work.
fn is_held(step: &StepRecord) -> bool {
    matches!(step.state, StepState::Running { .. }) || step.residue() != Residue::None
}

/// The branches that a redrive takes again: a step of each has or may have an effect, which another
/// branch would leave behind. The error is the reason why no redrive can take them.
pub fn bound_choices(steps: &[StepRecord], declared: &[StepRef]) -> Result<Choices, String> {
    let mut bound = Choices::new();
    for step in steps.iter().filter(|step| is_held(step)) {
        let mut declared = declared.iter();
        let branches = declared.find(|declared| declared.name == step.step);
        for branch in branches.into_iter().flat_map(|step| &step.branches) {
            let taken = bound.entry(branch.step.clone());
            let taken = taken.or_insert_with(|| branch.branch.clone());
            if *taken != branch.branch {
                return Err(format!(
                    "{}: it has or may have an effect, and so has a step of another branch of `{}`: \
                     roll the execution back",
                    step.label(),
                    branch.step
                ));
            }
        }
    }
    Ok(bound)
}

/// The branches that the records of an execution generation show: an attempt claimed a step of
/// each, or its effect binds the redrive. A branch without records is not known.
pub fn taken_choices(
    steps: &[StepRecord],
    declared: &[StepRef],
    execution_generation: u32,
) -> Choices {
    let reached = |step: &&StepRecord| {
        is_held(step) || step.was_claimed() && step.execution_generation == execution_generation
    };
    let branches = steps.iter().filter(reached).filter_map(|step| {
        let mut declared = declared.iter();
        declared.find(|declared| declared.name == step.step)
    });
    branches
        .flat_map(|step| &step.branches)
        .map(|branch| (branch.step.clone(), branch.branch.clone()))
        .collect()
}

/// The record of a redrive whose owner begins under another definition than the one that the
/// request was checked with.
pub fn redefined(execution: &ExecutionRecord, gate: &AdmissionSpec) -> ExecutionRecord {
    ExecutionRecord {
        rev: execution.rev + 1,
        version: gate.version,
        definition_digest: gate.definition_digest.clone(),
        ..execution.clone()
    }
}

/// The record of a redrive that admission refuses, for lack of budget or because the definition
/// changed: effects that remain are undone.
pub fn refused_redrive(
    execution: &ExecutionRecord,
    outcomes: impl Iterator<Item = GuardrailOutcome>,
    now: Timestamp,
) -> ExecutionRecord {
    let mut next = unwinding(execution, &execution.owner, &Failure::rejected(), now);
    next.decided(outcomes);
    next
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestOutcome {
    /// The request is recorded: start the record's owner.
    Done(Box<ExecutionRecord>),
    /// Nothing is changed. The record's owner may have to be started, if the first requester died.
    Already(Box<ExecutionRecord>, String),
    /// The request is refused.
    Refused(String),
    /// The request is refused for now.
    TooEarly(String),
    /// No such execution exists.
    Unknown,
}

/// Records a request to an execution. A concurrent write makes it decide again.
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
            RequestTransition::TooEarly(why) => return Ok(RequestOutcome::TooEarly(why)),
        };
        let expect = Expect::Rev(snapshot.execution.rev);
        if ledger.put(next.as_ref(), expect).await? == Put::Done {
            return Ok(RequestOutcome::Done(next));
        }
    }
}
