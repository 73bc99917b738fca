//! The rules of the ledger, pure: who may start, claim, complete or settle, given what is recorded and the time.

use jiff::{SignedDuration, Timestamp};

use super::{
    execution::{ExecutionRecord, Phase},
    step::{Attempt, StepRecord, StepState},
};
use holdfast_receipt::AttemptOutcome;
use holdfast_task::{Failure, payload::Payload};

/// What a start finds.
#[derive(Debug, Clone, PartialEq)]
pub enum StartTransition {
    /// Nobody was first: record it.
    Write,
    /// This is the owner's own record: go on with it.
    Resume,
    /// The same start belongs to another execution, or to this one, which is over.
    Duplicate,
    /// The key belongs to a start with another input.
    KeyReused,
}

/// Decides a start. The owner's own repeat goes on with what it recorded, even where a trigger's mapping yields
/// another input each time it is evaluated. For everyone else the input is compared before the status, so that a
/// reused key is told apart from a repeat whatever became of the first.
pub fn start(current: Option<&ExecutionRecord>, asked: &ExecutionRecord) -> StartTransition {
    let Some(first) = current else {
        return StartTransition::Write;
    };
    let open = match &first.phase {
        Phase::Running | Phase::Rejected => true,
        // A redrive that was refused hears so again.
        Phase::Unwinding { failure } => *failure == Failure::rejected(),
        Phase::Ended { .. } => false,
    };
    if open && first.owner == asked.owner {
        StartTransition::Resume
    } else if first.fingerprint() != asked.fingerprint() {
        StartTransition::KeyReused
    } else {
        StartTransition::Duplicate
    }
}

/// An attempt that wants to act; made once, before any retry of the claim itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The attempt's fencing token.
    pub token: String,
    /// How long it may act.
    pub lease: SignedDuration,
    /// Attempts allowed in all.
    pub max_attempts: u32,
    /// The record as the first claim would write it: `Running`, one attempt.
    pub first: StepRecord,
}

/// What a claim finds.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimTransition {
    /// Write this record; the attempt may act once it stands.
    Write(Box<StepRecord>),
    /// The attempt's own claim already stands: its answer was lost.
    Mine,
    /// Another attempt holds the lease until then.
    Held(Timestamp),
    /// The step may not be tried before then.
    NotBefore(Timestamp),
    /// It succeeded before; give this answer again.
    Succeeded(Payload),
    /// It succeeded in an earlier run with another input than it has now: its answer is not this step's.
    Changed,
    /// It failed for good before; say so again.
    Failed,
    /// It is undone or about to be, or a later part of the engine has claimed it.
    Withdrawn,
    /// It may have happened and nobody may try again. Write the record if there is one.
    Unknown(Option<Box<StepRecord>>),
}

/// Decides a claim against what stands.
pub fn claim(current: Option<&StepRecord>, claim: &Claim, now: Timestamp) -> ClaimTransition {
    let Some(record) = current else {
        return ClaimTransition::Write(Box::new(claim.first.clone()));
    };
    let again = |from: &StepRecord| {
        ClaimTransition::Write(Box::new(next_attempt(from, record.rev + 1, claim, now)))
    };
    // A redrive counts attempts anew, and tries again what failed before.
    let earlier = record.execution_generation < claim.first.execution_generation;
    let may_retry = |record: &StepRecord| match earlier {
        true => record.idempotent,
        false => record.may_retry(claim.max_attempts),
    };
    match &record.state {
        StepState::Running { token, .. } if *token == claim.token => ClaimTransition::Mine,
        _ if claim.first.epoch < record.epoch => ClaimTransition::Withdrawn,
        StepState::Running { lease_until, .. } if now < *lease_until => {
            ClaimTransition::Held(*lease_until)
        }
        StepState::Running { .. } => {
            let lost = abandoned(record, now);
            if may_retry(&lost) {
                again(&lost)
            } else {
                ClaimTransition::Unknown(Some(Box::new(lost)))
            }
        }
        StepState::Unknown if may_retry(record) => again(record),
        StepState::Unknown => ClaimTransition::Unknown(None),
        StepState::Waiting { until } if now < *until => ClaimTransition::NotBefore(*until),
        StepState::Waiting { .. } => again(record),
        StepState::Succeeded if earlier && record.input.sha256() != claim.first.input.sha256() => {
            ClaimTransition::Changed
        }
        StepState::Succeeded => match &record.output {
            Some(output) => ClaimTransition::Succeeded(output.clone()),
            None => ClaimTransition::Unknown(None),
        },
        StepState::FailedClean if earlier && record.tainted => again(record),
        StepState::FailedClean | StepState::Undone if earlier => {
            ClaimTransition::Write(Box::new(anew(record, claim)))
        }
        StepState::FailedClean => ClaimTransition::Failed,
        StepState::Undoing { .. }
        | StepState::UndoWaiting { .. }
        | StepState::Undone
        | StepState::UndoFailed => ClaimTransition::Withdrawn,
    }
}

/// How an attempt went, as it reports it.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptReport {
    /// The effect stands.
    Succeeded(Payload),
    /// Nothing happened; another attempt may succeed, after this long if the target said so.
    Transient {
        /// What went wrong.
        error: String,
        /// How long the target asked to be left alone.
        wait: SignedDuration,
    },
    /// Nothing happened, for good.
    Permanent(String),
    /// It may have happened.
    Unknown(String),
    /// It did nothing: the execution was no longer running.
    Halted(String),
    /// It did nothing: the execution waits, because of what this says. The attempt counts for nothing.
    Paused(String),
}

/// What a completion finds.
#[derive(Debug, Clone, PartialEq)]
pub enum CompletionTransition {
    /// Write this record.
    Write(Box<StepRecord>),
    /// This attempt's end is recorded already: its answer was lost.
    Mine,
    /// Another attempt took over: this one's outcome counts for nothing.
    Fenced,
}

/// Decides a completion by the attempt with `token`: only the attempt that holds the claim may write.
pub fn complete(
    current: &StepRecord,
    token: &str,
    attempted: &AttemptReport,
    max_attempts: u32,
    now: Timestamp,
) -> CompletionTransition {
    let holds =
        matches!(&current.state, StepState::Running { token: holder, .. } if holder == token);
    let last = current.attempts.last();
    if !holds && matches!(attempted, AttemptReport::Paused(_)) {
        // It did nothing, whoever came after it.
        return CompletionTransition::Mine;
    }
    if !holds {
        // An end that somebody else wrote, when the lease was over, is not this attempt's.
        let mine = last.is_some_and(|attempt| {
            attempt.token == token
                && attempt
                    .outcome
                    .is_some_and(|outcome| outcome != AttemptOutcome::Lost)
        });
        return if mine {
            CompletionTransition::Mine
        } else {
            CompletionTransition::Fenced
        };
    }
    let exhausted = current.is_exhausted(max_attempts);
    let tainted = current.tainted;
    let clean_end = if tainted {
        StepState::Unknown
    } else {
        StepState::FailedClean
    };
    let (state, outcome, error) = match attempted {
        AttemptReport::Succeeded(_) => (StepState::Succeeded, AttemptOutcome::Succeeded, None),
        AttemptReport::Transient { error, .. } if exhausted => {
            (clean_end, AttemptOutcome::Transient, Some(error))
        }
        AttemptReport::Transient { error, wait } => (
            StepState::Waiting {
                until: now.saturating_add(*wait).unwrap_or(Timestamp::MAX),
            },
            AttemptOutcome::Transient,
            Some(error),
        ),
        AttemptReport::Permanent(error) => (clean_end, AttemptOutcome::Permanent, Some(error)),
        AttemptReport::Unknown(error) => (StepState::Unknown, AttemptOutcome::Unknown, Some(error)),
        AttemptReport::Halted(error) => (clean_end, AttemptOutcome::Halted, Some(error)),
        AttemptReport::Paused(_) => {
            return CompletionTransition::Write(Box::new(unclaimed(current, now)));
        }
    };
    let tainted = match outcome {
        AttemptOutcome::Succeeded => false,
        AttemptOutcome::Unknown => true,
        _ => tainted,
    };
    let output = match attempted {
        AttemptReport::Succeeded(output) => Some(output.clone()),
        _ => None,
    };
    let mut next = StepRecord {
        rev: current.rev + 1,
        state,
        output,
        tainted,
        ..current.clone()
    };
    let error = error.map(String::as_str);
    ended(next.attempts.last_mut(), outcome, error, now);
    CompletionTransition::Write(Box::new(next))
}

/// The record of a step whose attempt was kept from acting. A pause can outlast any number of attempts: none counts.
fn unclaimed(record: &StepRecord, now: Timestamp) -> StepRecord {
    let mut before = StepRecord {
        rev: record.rev + 1,
        state: StepState::Waiting { until: now },
        ..record.clone()
    };
    before.attempts.pop();
    before
}

/// The record of a step whose attempt never reported back.
pub(super) fn abandoned(record: &StepRecord, now: Timestamp) -> StepRecord {
    let mut next = StepRecord {
        rev: record.rev + 1,
        state: StepState::Unknown,
        tainted: true,
        ..record.clone()
    };
    let error = "no answer before its lease ended";
    ended(
        next.attempts.last_mut(),
        AttemptOutcome::Lost,
        Some(error),
        now,
    );
    next
}

/// Records an attempt's end.
pub(super) fn ended(
    attempt: Option<&mut Attempt>,
    outcome: AttemptOutcome,
    error: Option<&str>,
    now: Timestamp,
) {
    if let Some(attempt) = attempt {
        attempt.ended_at = Some(now);
        attempt.outcome = Some(outcome);
        attempt.error = error.map(|error| error.chars().take(200).collect());
    }
}

/// The record of a step of which nothing stands and nothing is on its way: as the definition has it now, with what was
/// tried before. What a target may remember of its key is not answered again: the key is another one after a committed
/// undo, and where something else is asked for.
fn anew(record: &StepRecord, claim: &Claim) -> StepRecord {
    let first = &claim.first;
    let same = record.state == StepState::FailedClean
        && record.action == first.action
        && record.input.sha256() == first.input.sha256();
    let (key, effect_generation) = match same {
        true => (record.key.clone(), record.effect_generation),
        false => (record.next_key(), record.effect_generation + 1),
    };
    StepRecord {
        rev: record.rev + 1,
        key,
        effect_generation,
        attempts: [&record.attempts[..], &first.attempts[..]].concat(),
        forgiven: record.attempts.len() as u32,
        undo_attempts: record.undo_attempts.clone(),
        undo_forgiven: record.undo_attempts.len() as u32,
        ..first.clone()
    }
}

/// The record with one more attempt at work, `rev` as given.
fn next_attempt(record: &StepRecord, rev: u64, claim: &Claim, now: Timestamp) -> StepRecord {
    let mut next = StepRecord {
        rev,
        epoch: claim.first.epoch,
        execution_generation: claim.first.execution_generation,
        state: StepState::Running {
            token: claim.token.clone(),
            lease_until: now + claim.lease,
        },
        ..record.clone()
    };
    if record.execution_generation < claim.first.execution_generation {
        next.forgiven = record.attempts.len() as u32;
        next.undo_forgiven = record.undo_attempts.len() as u32;
    }
    next.attempts.push(Attempt::begun(&claim.token, now));
    next
}
