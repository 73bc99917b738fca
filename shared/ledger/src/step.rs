//! The record of one step (or one item of a `for_each`): what was claimed, by whom, and what came of it.

use holdfast_receipt::AttemptOutcome;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use holdfast_ids::{
    keys::{ExecutionKey, effect_key},
    names::step_label,
};
use holdfast_task::{UndoPolicy, payload::Payload};

/// One step's record. Written whole, each time on condition that `rev` is still what the writer read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Counts the writes, from 1: the condition of the next one.
    pub rev: u64,
    /// The execution's partition.
    pub at: ExecutionKey,
    /// The step's name.
    pub step: String,
    /// The item's name in a `for_each`.
    pub item: Option<String>,
    /// The step's place in declared order, from 1.
    pub number: u32,
    /// The action that performs it.
    pub action: String,
    /// The idempotency key that its target receives.
    pub key: String,
    /// Rises only after a committed undo.
    #[serde(rename = "generation")]
    pub effect_generation: u32,
    /// The execution's epoch when it was claimed last, forward or for its undo.
    pub epoch: u64,
    /// The execution's generation then: a later one gives it a fresh budget of attempts.
    #[serde(rename = "run")]
    pub execution_generation: u32,
    /// The input of every attempt: the first claim's, whatever later attempts were sent.
    pub input: Payload,
    /// How it is undone; `None` where it is irreversible.
    pub undo: Option<UndoPolicy>,
    /// The undo's own input, where the action has one.
    pub undo_input: Option<Payload>,
    /// Whether the target can take the same call twice.
    pub idempotent: bool,
    /// Whether the workflow goes on without it if it fails cleanly.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Where it stands.
    pub state: StepState,
    /// What the effect yielded, once an attempt succeeded; kept while it is undone.
    pub output: Option<Payload>,
    /// Whether an attempt whose outcome nobody knows may have taken effect. Only a success settles it.
    pub tainted: bool,
    /// Every attempt, oldest first.
    pub attempts: Vec<Attempt>,
    /// How many of them no longer count: they belong to earlier runs, or a person allowed more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub forgiven: u32,
    /// Every attempt to undo it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo_attempts: Vec<Attempt>,
    /// How many of those no longer count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub undo_forgiven: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum StepState {
    /// An attempt is at work until its lease ends.
    Running {
        /// The attempt's fencing token.
        token: String,
        /// After this another attempt may take over.
        lease_until: Timestamp,
    },
    /// The last attempt failed cleanly and another may follow, not before `until`.
    Waiting {
        /// The earliest time of the next attempt.
        until: Timestamp,
    },
    /// An attempt's outcome is unknown; nobody is at work.
    Unknown,
    /// The effect stands.
    Succeeded,
    /// It failed for good and nothing was applied.
    FailedClean,
    /// An attempt to undo it, or to ask its target about it, is at work until its lease ends.
    Undoing {
        /// The attempt's fencing token.
        token: String,
        /// After this another attempt may take over.
        lease_until: Timestamp,
    },
    /// The last attempt to undo it did not succeed and another may follow, not before `until`.
    UndoWaiting {
        /// The earliest time of the next attempt.
        until: Timestamp,
    },
    /// It was undone, or never happened and cannot any more.
    Undone,
    /// Its undo failed for good.
    UndoFailed,
}

impl StepState {
    /// Its name, as people and the API see it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Running { .. } => "RUNNING",
            Self::Waiting { .. } => "WAITING",
            Self::Unknown => "UNKNOWN",
            Self::Succeeded => "SUCCESS",
            Self::FailedClean => "FAILED",
            Self::Undoing { .. } | Self::UndoWaiting { .. } => "UNDOING",
            Self::Undone => "UNDONE",
            Self::UndoFailed => "UNDO_FAILED",
        }
    }
}

/// One attempt at a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its fencing token.
    pub token: String,
    /// When it claimed the step.
    pub started_at: Timestamp,
    /// When its end was recorded.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<AttemptOutcome>,
    /// What went wrong, for people; at most 200 characters.
    pub error: Option<String>,
}

impl Attempt {
    /// One that begins.
    pub fn begun(token: &str, now: Timestamp) -> Self {
        Self {
            token: token.to_owned(),
            started_at: now,
            ended_at: None,
            outcome: None,
            error: None,
        }
    }
}

/// What stands at the target of a step that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residue {
    /// Nothing.
    None,
    /// The effect may.
    Possible,
    /// The effect does.
    Certain,
}

impl StepRecord {
    /// Whether an unknown outcome may be tried again: with the same key, where the target can take the same call
    /// twice, and unless its last word was that it never will.
    pub fn may_retry(&self, max_attempts: u32) -> bool {
        let refused = |last: &Attempt| last.outcome == Some(AttemptOutcome::Permanent);
        self.idempotent
            && !self.is_exhausted(max_attempts)
            && !self.counted().last().is_some_and(refused)
    }

    /// The attempts that count.
    fn counted(&self) -> &[Attempt] {
        self.attempts.get(self.forgiven as usize..).unwrap_or(&[])
    }

    /// Whether no further attempt is allowed.
    pub fn is_exhausted(&self, max_attempts: u32) -> bool {
        self.counted().len() >= max_attempts as usize
    }

    /// The attempts to undo it that count; one that did nothing does not.
    pub(super) fn undo_counted(&self) -> impl Iterator<Item = &Attempt> {
        let counted = self.undo_attempts.iter().skip(self.undo_forgiven as usize);
        counted.filter(|attempt| attempt.outcome != Some(AttemptOutcome::Halted))
    }

    /// What stands at the target, as far as the record can tell. An undo does not reach an effect that is still on
    /// its way, unless the target refuses the forward key from then on (protocol.md, ruling 2).
    pub fn residue(&self) -> Residue {
        let undo_may_have_worked = || {
            let mut ends = self
                .undo_attempts
                .iter()
                .filter_map(|attempt| attempt.outcome);
            ends.any(AttemptOutcome::is_unknown)
        };
        // A success settles whether it happened, not whether an attempt before it is still on its way.
        let may_come_late = || {
            let mut ends = self.attempts.iter().filter_map(|attempt| attempt.outcome);
            ends.any(AttemptOutcome::is_unknown) && !self.undo.is_some_and(|undo| undo.fences)
        };
        match self.state {
            StepState::Undone if may_come_late() => Residue::Possible,
            StepState::Undone => Residue::None,
            _ if self.tainted => Residue::Possible,
            StepState::Succeeded => Residue::Certain,
            StepState::UndoFailed if undo_may_have_worked() => Residue::Possible,
            StepState::UndoFailed => Residue::Certain,
            StepState::FailedClean | StepState::Waiting { .. } => Residue::None,
            StepState::Running { .. }
            | StepState::Unknown
            | StepState::Undoing { .. }
            | StepState::UndoWaiting { .. } => Residue::Possible,
        }
    }

    /// The key of the effect that a claim after a committed undo causes: a target must not answer it from memory.
    pub(super) fn next_key(&self) -> String {
        effect_key(
            &self.at,
            &self.step,
            self.item.as_deref(),
            self.effect_generation + 1,
        )
    }

    /// The last error recorded of the step itself, for people.
    pub fn last_error(&self) -> Option<&str> {
        last_error(&self.attempts)
    }

    /// The last error recorded of its undo, for people.
    pub fn last_undo_error(&self) -> Option<&str> {
        last_error(&self.undo_attempts)
    }

    /// When the first attempt claimed it.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.attempts.first().map(|attempt| attempt.started_at)
    }

    /// When the last attempt's end was recorded.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.attempts.last().and_then(|attempt| attempt.ended_at)
    }

    /// `step`, or `step[item]`.
    pub fn label(&self) -> String {
        step_label(&self.step, self.item.as_deref())
    }
}

fn last_error(attempts: &[Attempt]) -> Option<&str> {
    attempts
        .iter()
        .rev()
        .find_map(|attempt| attempt.error.as_deref())
}
