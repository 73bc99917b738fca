//! The record of one step (or one item of a `for_each`): what was claimed, by whom, and what came of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{keys::ExecutionKey, payload::Payload, task::UndoPolicy};

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
    pub generation: u32,
    /// The execution's epoch when it was claimed.
    pub epoch: u64,
    /// The input of every attempt: the first claim's, whatever later attempts were sent.
    pub input: Payload,
    /// How it is undone; `None` where it is irreversible.
    pub undo: Option<UndoPolicy>,
    /// The undo's own input, where the action has one.
    pub undo_input: Option<Payload>,
    /// Whether the target can take the same call twice.
    pub idempotent: bool,
    /// Where it stands.
    pub state: StepState,
    /// Whether an attempt whose outcome nobody knows may have taken effect. Only a success settles it.
    pub tainted: bool,
    /// Every attempt, oldest first.
    pub attempts: Vec<Attempt>,
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
    Succeeded {
        /// The action's output.
        output: Payload,
    },
    /// It failed for good and nothing was applied.
    FailedClean,
}

impl StepState {
    /// Its name, as people and the API see it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Running { .. } => "RUNNING",
            Self::Waiting { .. } => "WAITING",
            Self::Unknown => "UNKNOWN",
            Self::Succeeded { .. } => "SUCCESS",
            Self::FailedClean => "FAILED",
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

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The effect stands.
    Succeeded,
    /// Nothing happened; another attempt may succeed.
    Transient,
    /// Nothing happened, for good.
    Permanent,
    /// It may have happened: no answer, or none that says.
    Unknown,
    /// It never reported back; its lease ran out.
    Lost,
    /// The execution was no longer running when it was about to act; it did nothing.
    Halted,
}

impl StepRecord {
    /// Whether an unknown outcome may be tried again: with the same key, where the target can take the same call
    /// twice, and unless its last word was that it never will.
    pub fn may_retry(&self, max_attempts: u32) -> bool {
        let refused = |last: &Attempt| last.outcome == Some(AttemptOutcome::Permanent);
        self.idempotent
            && self.attempts.len() < max_attempts as usize
            && !self.attempts.last().is_some_and(refused)
    }

    /// The last error recorded, for people.
    pub fn last_error(&self) -> Option<&str> {
        self.attempts
            .iter()
            .rev()
            .find_map(|attempt| attempt.error.as_deref())
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
        match &self.item {
            Some(item) => format!("{}[{item}]", self.step),
            None => self.step.clone(),
        }
    }
}
