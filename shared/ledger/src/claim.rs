//! Pure rules of a step: which claim or completion is applied, given the records and the time.

use jiff::{SignedDuration, Timestamp};

use super::{
    late_claim::never_run,
    step::{Attempt, Residue, StepRecord, StepState},
};
use holdfast_receipt::AttemptOutcome;
use holdfast_task::payload::Payload;

/// The claim of one attempt, made once, before any retry of the write itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The attempt's fencing token.
    pub token: String,
    /// The time for which it excludes other attempts.
    pub lease: SignedDuration,
    /// The maximum number of attempts.
    pub max_attempts: u32,
    /// The record as the first claim would write it: `Running`, one attempt.
    pub first: StepRecord,
}

/// The decision on a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimTransition {
    /// Write this record; the attempt may act once it is written.
    Write(Box<StepRecord>),
    /// The attempt's own claim is recorded: the answer to its write was lost.
    Mine,
    /// Another attempt holds the lease until then.
    Held(Timestamp),
    /// The step may not be tried before then.
    NotBefore(Timestamp),
    /// The step succeeded before with this output.
    Succeeded(Payload),
    /// The step succeeded, or may have, in an earlier execution generation, with another action or
    /// input than it has now.
    Changed,
    /// The step failed permanently before.
    Failed,
    /// The step is undone or about to be, or a task of a later epoch has claimed it.
    Withdrawn,
    /// The effect may have happened and no attempt may follow. Write the record if there is one. Of
    /// a step that only reads, the record says that the step failed without an effect.
    Unknown(Option<Box<StepRecord>>),
}

/// Decides a claim, given the stored record.
pub fn claim(current: Option<&StepRecord>, claim: &Claim, now: Timestamp) -> ClaimTransition {
    let Some(record) = current else {
        return ClaimTransition::Write(Box::new(claim.first.clone()));
    };
    let again = |from: &StepRecord| {
        ClaimTransition::Write(Box::new(next_attempt(from, record.rev + 1, claim, now)))
    };
    // A redrive counts attempts from zero and retries a step that failed.
    let earlier = record.execution_generation < claim.first.execution_generation;
    let may_retry = |record: &StepRecord| match earlier {
        true => record.idempotent || record.reads,
        false => record.may_retry(claim.max_attempts),
    };
    let another_action = record.action != claim.first.action;
    let another = another_action || record.input.sha256() != claim.first.input.sha256();
    // An effect that may exist under its key is repeated as it was, or not at all.
    let held = earlier
        && !record.reads
        && match &record.state {
            StepState::Running { .. } | StepState::Unknown | StepState::Succeeded => another,
            StepState::Waiting { .. } | StepState::FailedClean => record.tainted && another,
            // Its undo must still be able to reach what arrives late.
            StepState::Undone => another_action && record.residue() != Residue::None,
            StepState::Undoing { .. } | StepState::UndoWaiting { .. } | StepState::UndoFailed => {
                false
            }
        };
    match &record.state {
        StepState::Running { token, .. } if *token == claim.token => ClaimTransition::Mine,
        _ if claim.first.epoch < record.epoch => ClaimTransition::Withdrawn,
        _ if record.is_closed(claim.first.execution_generation) => ClaimTransition::Withdrawn,
        StepState::Running { lease_until, .. } if now < *lease_until => {
            ClaimTransition::Held(*lease_until)
        }
        _ if held => ClaimTransition::Changed,
        // A step that only reads may read again.
        _ if earlier && record.reads && another => {
            ClaimTransition::Write(Box::new(restarted(record, claim)))
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
        StepState::Succeeded => match &record.output {
            Some(output) => ClaimTransition::Succeeded(output.clone()),
            None => ClaimTransition::Unknown(None),
        },
        StepState::FailedClean if earlier && record.tainted => again(record),
        StepState::FailedClean | StepState::Undone if earlier => {
            ClaimTransition::Write(Box::new(restarted(record, claim)))
        }
        StepState::FailedClean => ClaimTransition::Failed,
        StepState::Undoing { .. }
        | StepState::UndoWaiting { .. }
        | StepState::Undone
        | StepState::UndoFailed => ClaimTransition::Withdrawn,
    }
}

/// The outcome of an attempt, as it reports it.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptReport {
    /// The effect happened.
    Succeeded(Payload),
    /// Nothing happened; another attempt may succeed, after the wait that the target named.
    Transient {
        /// The error.
        error: String,
        /// The wait that the target named; zero without one.
        wait: SignedDuration,
    },
    /// Nothing happened, and another attempt cannot help.
    Permanent(String),
    /// The effect may have happened; another attempt, if one may follow, waits as long as the
    /// target named.
    Unknown {
        /// The error.
        error: String,
        /// The wait that the target named; zero without one.
        wait: SignedDuration,
    },
    /// The attempt did nothing: the execution was no longer running. A record without another
    /// attempt keeps no trace of it.
    Halted(String),
    /// The attempt did nothing, since it could not read whether it may act. It never is the last
    /// one: the retries of the state machine are the bound.
    Unread(String),
    /// The attempt did nothing, because the execution is paused for this reason. It does not count.
    Paused(String),
}

/// The decision on a completion.
#[derive(Debug, Clone, PartialEq)]
pub enum CompletionTransition {
    /// Write this record.
    Write(Box<StepRecord>),
    /// This attempt's end is recorded: the answer to its write was lost.
    Mine,
    /// Another attempt took over, so this outcome is not recorded.
    Fenced,
}

/// Decides a completion by the attempt with `token`: only the attempt that holds the claim may
/// write.
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
    if !holds
        && matches!(
            attempted,
            AttemptReport::Paused(_) | AttemptReport::Halted(_)
        )
    {
        // The attempt did nothing, so a later attempt cannot conflict with it.
        return CompletionTransition::Mine;
    }
    if !holds {
        // `Lost` was written by another attempt after the lease had ended.
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
        AttemptReport::Transient { error, wait } => {
            (wait_for(*wait, now), AttemptOutcome::Transient, Some(error))
        }
        AttemptReport::Unread(error) => (
            wait_for(SignedDuration::ZERO, now),
            AttemptOutcome::Transient,
            Some(error),
        ),
        AttemptReport::Permanent(error) => (clean_end, AttemptOutcome::Permanent, Some(error)),
        // A step that only reads leaves nothing in doubt.
        AttemptReport::Unknown { error, .. } if current.reads && exhausted => {
            (StepState::FailedClean, AttemptOutcome::Unknown, Some(error))
        }
        AttemptReport::Unknown { error, wait }
            if current.reads || (current.idempotent && !exhausted && wait.is_positive()) =>
        {
            (wait_for(*wait, now), AttemptOutcome::Unknown, Some(error))
        }
        AttemptReport::Unknown { error, .. } => {
            (StepState::Unknown, AttemptOutcome::Unknown, Some(error))
        }
        AttemptReport::Halted(_) if current.attempts.len() == 1 => {
            return CompletionTransition::Write(Box::new(never_run(current)));
        }
        AttemptReport::Halted(error) => (clean_end, AttemptOutcome::Halted, Some(error)),
        AttemptReport::Paused(_) => {
            let state = StepState::Waiting { until: now };
            return CompletionTransition::Write(Box::new(unclaimed(current, state)));
        }
    };
    let tainted = match outcome {
        AttemptOutcome::Succeeded => false,
        AttemptOutcome::Unknown => !current.reads,
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

fn wait_for(wait: SignedDuration, now: Timestamp) -> StepState {
    StepState::Waiting {
        until: now.saturating_add(wait).unwrap_or(Timestamp::MAX),
    }
}

/// The record of a step whose attempt a pause or the end of its execution prevented. A pause can
/// outlast any number of attempts, so none counts.
pub(super) fn unclaimed(record: &StepRecord, state: StepState) -> StepRecord {
    let mut before = StepRecord {
        rev: record.rev + 1,
        state,
        ..record.clone()
    };
    before.attempts.pop();
    before
}

/// The record of a step whose attempt never completed. Its effect may have happened, unless the
/// step only reads.
pub(super) fn abandoned(record: &StepRecord, now: Timestamp) -> StepRecord {
    let state = match record.reads {
        true => StepState::FailedClean,
        false => StepState::Unknown,
    };
    let mut next = StepRecord {
        rev: record.rev + 1,
        state,
        tainted: !record.reads,
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

/// The record of a step that leaves no residue: as the definition has it now, with the attempts of
/// before.
///
/// The key is a new one, so that the target repeats no answer that it stored under the old one: the
/// success that was undone, or its refusal. What may still arrive under the old key is kept as an
/// earlier effect.
fn restarted(record: &StepRecord, claim: &Claim) -> StepRecord {
    let first = &claim.first;
    let possible = record.residue_of_key() != Residue::None;
    let mut earlier = record.earlier.clone();
    earlier.extend(possible.then(|| record.effect()));
    StepRecord {
        rev: record.rev + 1,
        key: record.next_key(),
        effect_generation: record.effect_generation + 1,
        earlier,
        retired: record.retired_after(),
        earlier_attempts: record.attempts.len() as u32,
        earlier_undo_attempts: record.undo_attempts.len() as u32,
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
        items: claim.first.items,
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
