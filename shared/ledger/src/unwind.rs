//! Pure rules of rollback: which undo claim or undo completion is applied, and what to undo.

use jiff::{SignedDuration, Timestamp};

use super::{
    claim::{abandoned, ended},
    step::{Attempt, StepRecord, StepState},
};
use holdfast_action::Verdict;
use holdfast_receipt::AttemptOutcome;
use holdfast_task::{VERIFY_POLICY, payload::Payload};

/// The work that a step needs during the rollback of its execution.
#[derive(Debug, Clone, PartialEq)]
pub enum UndoNeed {
    /// No work.
    Nothing,
    /// This write, which closes the step.
    Close(Box<StepRecord>),
    /// An attempt at its undo, or at a verification.
    Undo,
    /// A wait, since an attempt at the step may be at work until then.
    Wait(Timestamp),
}

/// Decides what a step needs in the given execution generation.
pub fn need(record: &StepRecord, execution_generation: u32, now: Timestamp) -> UndoNeed {
    match &record.state {
        StepState::Running { lease_until, .. } if now < *lease_until => {
            UndoNeed::Wait(*lease_until)
        }
        StepState::Running { .. } if record.reads => {
            UndoNeed::Close(Box::new(abandoned(record, now)))
        }
        StepState::Waiting { .. } if !record.tainted && !is_owed_another_undo(record) => {
            UndoNeed::Close(Box::new(StepRecord {
                rev: record.rev + 1,
                state: StepState::FailedClean,
                // Another attempt was due, so the workflow did not continue after this failure.
                continues_on: Vec::new(),
                ..record.clone()
            }))
        }
        StepState::Succeeded if record.undo.is_none() => UndoNeed::Nothing,
        StepState::Unknown if record.undo.is_none() && was_verified(record) => UndoNeed::Nothing,
        StepState::UndoFailed if record.execution_generation >= execution_generation => {
            UndoNeed::Nothing
        }
        StepState::FailedClean if is_owed_another_undo(record) => UndoNeed::Undo,
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

/// Returns whether a redrive restarted the step and then had no effect. The step's earlier effect
/// is then undone again, since it may have arrived late under its key.
fn is_owed_another_undo(record: &StepRecord) -> bool {
    let mut earlier = record.earlier.iter();
    record.undo.is_some()
        && record.acted_under_earlier_keys_only()
        && earlier.any(|effect| effect.action == record.action)
}

/// The record after the end of its execution generation, which no late claim and no decision
/// changes; `None` if none could. `decided` says that a question of this execution generation is
/// about the step.
pub fn close(record: &StepRecord, execution_generation: u32, decided: bool) -> Option<StepRecord> {
    let rests = match record.state {
        StepState::FailedClean | StepState::Undone | StepState::Unknown => true,
        // A claim of a later generation with another input reads again.
        StepState::Succeeded => record.reads,
        _ => false,
    };
    // A claim of the execution generation that claimed the step last changes no such record.
    let open = decided || record.execution_generation < execution_generation;
    let closes = rests && open && !record.is_closed(execution_generation);
    closes.then(|| StepRecord {
        rev: record.rev + 1,
        closed: Some(execution_generation),
        ..record.clone()
    })
}

/// Returns whether the last verification of a step without undo is over.
fn was_verified(record: &StepRecord) -> bool {
    record.undo_counted().next().is_some()
}

/// The claim of one attempt at an undo, made once, before any retry of the write itself.
#[derive(Debug, Clone, PartialEq)]
pub struct UndoClaim {
    /// The attempt's fencing token.
    pub token: String,
    /// The epoch of its plan.
    pub epoch: u64,
    /// The execution generation.
    pub execution_generation: u32,
}

/// The decision on an undo's claim.
#[derive(Debug, Clone, PartialEq)]
pub enum UndoClaimTransition {
    /// Write this record. Unless it closes the step, the attempt may act once it is written.
    Write(Box<StepRecord>),
    /// The attempt's own claim is recorded: the answer to its write was lost.
    Mine,
    /// Another attempt, forward or undo, holds the lease until then.
    Held(Timestamp),
    /// No attempt at the undo may begin before then.
    NotBefore(Timestamp),
    /// Nothing remains to be undone.
    Over,
    /// A task of a later plan has claimed the step.
    Superseded,
}

/// Decides an undo's claim, given the stored record.
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
            // The claim fences an attempt at the step that never completed.
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

/// The outcome of an attempt at an undo, as it reports it.
#[derive(Debug, Clone, PartialEq)]
pub enum UndoReport {
    /// The effect is undone, or never happened.
    Undone,
    /// The answer of the target to a verification, for a step without undo.
    Verified(Verdict<Payload>),
    /// Nothing happened; another attempt may succeed, after the wait that the target named.
    Transient {
        /// The error.
        error: String,
        /// The wait that the target named; zero without one.
        wait: SignedDuration,
    },
    /// The effect cannot be undone.
    Permanent(String),
    /// The effect may have been undone; another attempt waits as long as the target named.
    Unknown {
        /// The error.
        error: String,
        /// The wait that the target named; zero without one.
        wait: SignedDuration,
    },
    /// The attempt did nothing, because a later plan has taken over.
    Halted(String),
}

/// The decision on the completion of an undo.
#[derive(Debug, Clone, PartialEq)]
pub enum UndoCompletionTransition {
    /// Write this record.
    Write(Box<StepRecord>),
    /// This attempt's end is recorded: the answer to its write was lost.
    Mine,
    /// Another attempt took over, so this outcome is not recorded.
    Fenced,
}

/// Decides the completion of an undo by the attempt with `token`: only the attempt that holds the
/// claim may write.
pub fn complete_undo(
    current: &StepRecord,
    token: &str,
    report: &UndoReport,
    now: Timestamp,
) -> UndoCompletionTransition {
    if !matches!(&current.state, StepState::Undoing { token: holder, .. } if holder == token) {
        let mine = current.undo_attempts.iter().any(|attempt| {
            let own = |outcome| outcome != AttemptOutcome::Lost;
            attempt.token == token && attempt.outcome.is_some_and(own)
        });
        return if mine {
            UndoCompletionTransition::Mine
        } else {
            UndoCompletionTransition::Fenced
        };
    }
    let next = match report {
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
        // A call that is still on its way may take effect later, so the step remains tainted.
        UndoReport::Verified(Verdict::DidNotHappen) => undo_ended(
            current,
            StepState::FailedClean,
            AttemptOutcome::Succeeded,
            None,
            now,
        ),
        UndoReport::Verified(Verdict::CannotTell) => {
            let error = "the target cannot tell whether the effect happened";
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
            final_state(current),
            AttemptOutcome::Permanent,
            Some(error),
            now,
        ),
        UndoReport::Transient { error, wait } => {
            undo_again(current, AttemptOutcome::Transient, error, *wait, now)
        }
        UndoReport::Unknown { error, wait } => {
            undo_again(current, AttemptOutcome::Unknown, error, *wait, now)
        }
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

/// Closes a step whose undo never answered: the record to write, `None` if nothing is open, the end
/// of the lease if an attempt may be at work.
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
    let (state, outcome) = (final_state(&begun), AttemptOutcome::Unknown);
    let given_up = undo_ended(&begun, state, outcome, Some(error), now);
    let rev = record.rev + 1;
    Ok(Some(StepRecord { rev, ..given_up }))
}

/// The state of a step whose undo is not attempted again.
fn final_state(record: &StepRecord) -> StepState {
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

/// The record after a failed attempt: another one may follow unless the maximum is reached.
fn undo_again(
    record: &StepRecord,
    outcome: AttemptOutcome,
    error: &str,
    wait: SignedDuration,
    now: Timestamp,
) -> StepRecord {
    let policy = record.undo.unwrap_or(VERIFY_POLICY);
    let state = if record.undo_counted().count() >= policy.max_attempts as usize {
        final_state(record)
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

/// The record with one more attempt at the undo at work.
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
