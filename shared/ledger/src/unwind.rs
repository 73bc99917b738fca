//! The rules of rollback, pure: who takes an execution over, what has to be undone, and who may undo it.

use jiff::{SignedDuration, Timestamp};

use super::{
    claim::{abandoned, ended},
    execution::{ExecutionRecord, Phase},
    step::{Attempt, StepRecord, StepState},
};
use holdfast_action::Verdict;
use holdfast_receipt::AttemptOutcome;
use holdfast_task::{Failure, VERIFY_POLICY, payload::Payload, timing::UNWINDING_OVERDUE};

/// What taking over an execution finds.
#[derive(Debug, Clone, PartialEq)]
pub enum TakeoverTransition {
    /// Write this record: from then on only tasks of its epoch may act, and none of a step.
    Write(Box<ExecutionRecord>),
    /// It is ours already.
    Mine,
    /// It has ended.
    Over,
    /// Somebody else took it over since it was last seen.
    Superseded,
}

/// Decides a takeover by the Step Functions execution `by`, which last saw the execution in `epoch`.
///
/// The cause that stands is kept: a recovery goes on with what the first one began.
pub fn take(
    execution: &ExecutionRecord,
    by: &str,
    epoch: u64,
    failure: &Failure,
    now: Timestamp,
) -> TakeoverTransition {
    let failure = match &execution.phase {
        Phase::Ended { .. } => return TakeoverTransition::Over,
        Phase::Unwinding { .. } if execution.owner == by => return TakeoverTransition::Mine,
        _ if execution.epoch != epoch => return TakeoverTransition::Superseded,
        Phase::Unwinding { failure } => failure,
        Phase::Running => failure,
        // Nothing was applied: it only has to be finished.
        Phase::Rejected => return TakeoverTransition::Mine,
    };
    TakeoverTransition::Write(Box::new(unwinding(execution, by, failure, now)))
}

/// The record of an execution that `by` unwinds from now on.
pub(super) fn unwinding(
    execution: &ExecutionRecord,
    by: &str,
    failure: &Failure,
    now: Timestamp,
) -> ExecutionRecord {
    ExecutionRecord {
        rev: execution.rev + 1,
        epoch: execution.epoch + 1,
        owner: by.to_owned(),
        deadline: now
            .saturating_add(UNWINDING_OVERDUE)
            .unwrap_or(Timestamp::MAX),
        phase: Phase::Unwinding {
            failure: failure.clone(),
        },
        ..execution.clone()
    }
}

/// When an execution that is unwound, or was, was last taken over for it: its record is overdue a fixed time later.
pub fn unwound_since(execution: &ExecutionRecord) -> Timestamp {
    execution
        .deadline
        .saturating_sub(UNWINDING_OVERDUE)
        .unwrap_or(Timestamp::MIN)
}

/// What a step's record asks for while its execution unwinds.
#[derive(Debug, Clone, PartialEq)]
pub enum UndoNeed {
    /// Nothing: it is over.
    Nothing,
    /// This write, which closes it.
    Close(Box<StepRecord>),
    /// An attempt to undo it, or to ask its target about it.
    Undo,
    /// Patience: an attempt at the step may be at work until then.
    Wait(Timestamp),
}

/// Decides what a record asks for in the execution's generation `run`.
pub fn need(record: &StepRecord, execution_generation: u32, now: Timestamp) -> UndoNeed {
    match &record.state {
        StepState::Running { lease_until, .. } if now < *lease_until => {
            UndoNeed::Wait(*lease_until)
        }
        StepState::Waiting { .. } if !record.tainted => UndoNeed::Close(Box::new(StepRecord {
            rev: record.rev + 1,
            state: StepState::FailedClean,
            ..record.clone()
        })),
        StepState::Succeeded if record.undo.is_none() => UndoNeed::Nothing,
        StepState::Unknown if record.undo.is_none() && was_asked(record) => UndoNeed::Nothing,
        StepState::UndoFailed if record.execution_generation >= execution_generation => {
            UndoNeed::Nothing
        }
        StepState::FailedClean | StepState::Undone => UndoNeed::Nothing,
        StepState::Running { .. }
        | StepState::Waiting { .. }
        | StepState::Unknown
        | StepState::Succeeded
        | StepState::Undoing { .. }
        | StepState::UndoWaiting { .. }
        | StepState::UndoFailed => UndoNeed::Undo,
    }
}

/// Whether the target of a step without undo was asked for the last time.
fn was_asked(record: &StepRecord) -> bool {
    record.undo_counted().next().is_some()
}

/// An attempt that wants to undo; made once, before any retry of the claim itself.
#[derive(Debug, Clone, PartialEq)]
pub struct UndoClaim {
    /// The attempt's fencing token.
    pub token: String,
    /// The epoch of the plan it belongs to.
    pub epoch: u64,
    /// The execution's generation.
    pub execution_generation: u32,
}

/// What an undo's claim finds.
#[derive(Debug, Clone, PartialEq)]
pub enum UndoClaimTransition {
    /// Write this record; unless it is closed by that, the attempt may act once it stands.
    Write(Box<StepRecord>),
    /// The attempt's own claim already stands: its answer was lost.
    Mine,
    /// Another attempt, forward or undo, holds the lease until then.
    Held(Timestamp),
    /// The undo may not be tried before then.
    NotBefore(Timestamp),
    /// Nothing is left to undo.
    Over,
    /// A later plan has claimed it.
    Superseded,
}

/// Decides an undo's claim against what stands.
pub fn claim_undo(record: &StepRecord, claim: &UndoClaim, now: Timestamp) -> UndoClaimTransition {
    match &record.state {
        StepState::Undoing { token, .. } if *token == claim.token => {
            return UndoClaimTransition::Mine;
        }
        _ if record.epoch > claim.epoch => return UndoClaimTransition::Superseded,
        StepState::Undoing { lease_until, .. } if now < *lease_until => {
            return UndoClaimTransition::Held(*lease_until);
        }
        StepState::Undoing { .. } => {
            let lost = undo_lost(record, now);
            let again = matches!(lost.state, StepState::UndoWaiting { .. });
            return UndoClaimTransition::Write(Box::new(if again {
                let rev = record.rev;
                undo_attempt(StepRecord { rev, ..lost }, claim, now)
            } else {
                lost
            }));
        }
        StepState::UndoWaiting { until } if now < *until => {
            return UndoClaimTransition::NotBefore(*until);
        }
        _ => {}
    }
    match need(record, claim.execution_generation, now) {
        UndoNeed::Nothing => UndoClaimTransition::Over,
        UndoNeed::Close(next) => UndoClaimTransition::Write(next),
        UndoNeed::Wait(until) => UndoClaimTransition::Held(until),
        UndoNeed::Undo => {
            // The claim fences an attempt at the step that never reported back.
            let from = if matches!(record.state, StepState::Running { .. }) {
                StepRecord {
                    rev: record.rev,
                    ..abandoned(record, now)
                }
            } else {
                record.clone()
            };
            UndoClaimTransition::Write(Box::new(undo_attempt(from, claim, now)))
        }
    }
}

/// How an attempt to undo went, as it reports it.
#[derive(Debug, Clone, PartialEq)]
pub enum UndoReport {
    /// The effect is gone, or never was.
    Undone,
    /// Of a step without undo: what its target says.
    Verified(Verdict<Payload>),
    /// Nothing happened; another attempt may succeed, after this long if the target said so.
    Transient {
        /// What went wrong.
        error: String,
        /// How long the target asked to be left alone.
        wait: SignedDuration,
    },
    /// It cannot be undone.
    Permanent(String),
    /// It may have been undone.
    Unknown(String),
    /// It did nothing: a later plan rules.
    Halted(String),
}

/// What the end of an undo's attempt finds.
#[derive(Debug, Clone, PartialEq)]
pub enum UndoCompletionTransition {
    /// Write this record.
    Write(Box<StepRecord>),
    /// This attempt's end is recorded already: its answer was lost.
    Mine,
    /// Another attempt took over: this one's outcome counts for nothing.
    Fenced,
}

/// Decides the end of the undo's attempt with `token`: only the attempt that holds the claim may write.
pub fn complete_undo(
    current: &StepRecord,
    token: &str,
    undid: &UndoReport,
    now: Timestamp,
) -> UndoCompletionTransition {
    if !matches!(&current.state, StepState::Undoing { token: holder, .. } if holder == token) {
        let mine = current.undo_attempts.iter().any(|attempt| {
            let told = |outcome| outcome != AttemptOutcome::Lost;
            attempt.token == token && attempt.outcome.is_some_and(told)
        });
        return if mine {
            UndoCompletionTransition::Mine
        } else {
            UndoCompletionTransition::Fenced
        };
    }
    let next = match undid {
        UndoReport::Undone => undo_ended(
            current,
            StepState::Undone,
            AttemptOutcome::Succeeded,
            None,
            now,
        ),
        UndoReport::Verified(Verdict::Happened(output)) => StepRecord {
            output: Some(output.clone()),
            tainted: false,
            ..undo_ended(
                current,
                StepState::Succeeded,
                AttemptOutcome::Succeeded,
                None,
                now,
            )
        },
        // A call that is still on its way may happen yet: it remains possible.
        UndoReport::Verified(Verdict::DidNotHappen) => undo_ended(
            current,
            StepState::FailedClean,
            AttemptOutcome::Succeeded,
            None,
            now,
        ),
        UndoReport::Verified(Verdict::CannotTell) => {
            let error = "the target cannot tell whether it happened";
            undo_ended(
                current,
                StepState::Unknown,
                AttemptOutcome::Permanent,
                Some(error),
                now,
            )
        }
        UndoReport::Permanent(error) => undo_ended(
            current,
            for_good(current),
            AttemptOutcome::Permanent,
            Some(error),
            now,
        ),
        UndoReport::Transient { error, wait } => {
            undo_again(current, AttemptOutcome::Transient, error, *wait, now)
        }
        UndoReport::Unknown(error) => undo_again(
            current,
            AttemptOutcome::Unknown,
            error,
            SignedDuration::ZERO,
            now,
        ),
        UndoReport::Halted(error) => undo_ended(
            current,
            StepState::UndoWaiting { until: now },
            AttemptOutcome::Halted,
            Some(error),
            now,
        ),
    };
    UndoCompletionTransition::Write(Box::new(next))
}

/// Closes a step whose undo was asked for and never answered; `None` if nothing is open, the instant a lease ends if
/// an attempt may still be at work.
pub fn give_up(
    record: &StepRecord,
    claim: &UndoClaim,
    error: &str,
    now: Timestamp,
) -> Result<Option<StepRecord>, Timestamp> {
    let begun = match claim_undo(record, claim, now) {
        UndoClaimTransition::Over | UndoClaimTransition::Superseded => return Ok(None),
        UndoClaimTransition::Held(until) => return Err(until),
        UndoClaimTransition::Write(next) if !matches!(next.state, StepState::Undoing { .. }) => {
            return Ok(Some(*next));
        }
        UndoClaimTransition::Write(next) => *next,
        UndoClaimTransition::Mine | UndoClaimTransition::NotBefore(_) => {
            undo_attempt(record.clone(), claim, now)
        }
    };
    let (state, outcome) = (for_good(&begun), AttemptOutcome::Unknown);
    let given_up = undo_ended(&begun, state, outcome, Some(error), now);
    let rev = record.rev + 1;
    Ok(Some(StepRecord { rev, ..given_up }))
}

/// The end of an undo that will not be tried again.
fn for_good(record: &StepRecord) -> StepState {
    if record.undo.is_some() {
        StepState::UndoFailed
    } else {
        StepState::Unknown
    }
}

fn undo_lost(record: &StepRecord, now: Timestamp) -> StepRecord {
    let error = "no answer before its lease ended";
    undo_again(
        record,
        AttemptOutcome::Lost,
        error,
        SignedDuration::ZERO,
        now,
    )
}

/// After an attempt that another one may follow, if one is left.
fn undo_again(
    record: &StepRecord,
    outcome: AttemptOutcome,
    error: &str,
    wait: SignedDuration,
    now: Timestamp,
) -> StepRecord {
    let policy = record.undo.unwrap_or(VERIFY_POLICY);
    let state = if record.undo_counted().count() >= policy.max_attempts as usize {
        for_good(record)
    } else {
        StepState::UndoWaiting {
            until: now.saturating_add(wait).unwrap_or(Timestamp::MAX),
        }
    };
    undo_ended(record, state, outcome, Some(error), now)
}

fn undo_ended(
    record: &StepRecord,
    state: StepState,
    outcome: AttemptOutcome,
    error: Option<&str>,
    now: Timestamp,
) -> StepRecord {
    let mut next = StepRecord {
        rev: record.rev + 1,
        state,
        ..record.clone()
    };
    ended(next.undo_attempts.last_mut(), outcome, error, now);
    next
}

/// The record with one more attempt to undo it at work.
fn undo_attempt(record: StepRecord, claim: &UndoClaim, now: Timestamp) -> StepRecord {
    let policy = record.undo.unwrap_or(VERIFY_POLICY);
    let mut next = StepRecord {
        rev: record.rev + 1,
        epoch: claim.epoch,
        execution_generation: claim.execution_generation,
        state: StepState::Undoing {
            token: claim.token.clone(),
            lease_until: now + policy.lease(),
        },
        ..record
    };
    if record.execution_generation < claim.execution_generation {
        next.undo_forgiven = next.undo_attempts.len() as u32;
    }
    next.undo_attempts.push(Attempt::begun(&claim.token, now));
    next
}
