//! The record of one step or one item of a `for_each`: its claim, its attempts, its state and its
//! undo.

use holdfast_receipt::AttemptOutcome;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::attempt::{Attempt, RecordedAnswer, record_answer};
use super::retired::RetiredKey;
use holdfast_ids::{
    digest::value_sha256_hex,
    keys::{ExecutionKey, effect_key},
    names::step_label,
};
use holdfast_task::{UndoPolicy, payload::Payload};

/// The record of a step. It is written whole, on condition that `rev` is still the one that was
/// read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Counts the writes, from 1: the condition of the next one.
    pub rev: u64,
    /// The execution.
    pub at: ExecutionKey,
    /// The step's name.
    pub step: String,
    /// The item's name in a `for_each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// True if the item's name is the hash of its item key. An earlier release wrote no such mark.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub item_hashed: bool,
    /// The number of items of the `for_each`, if the step is a last one. Once as many records are
    /// done, every item was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u32>,
    /// The step's place in declared order, from 1; 0 if no attempt ever claimed the record.
    pub number: u32,
    /// The action that performs it.
    pub action: String,
    /// The idempotency key that its target receives.
    pub key: String,
    /// The effect generation: the number of times the effect was restarted under another key.
    #[serde(rename = "generation")]
    pub effect_generation: u32,
    /// The execution's epoch at the last claim, forward or for the undo.
    pub epoch: u64,
    /// The execution generation at the last claim; a later one counts attempts from zero.
    #[serde(rename = "run")]
    pub execution_generation: u32,
    /// The input of every attempt, which is the first claim's.
    pub input: Payload,
    /// True if the step only reads, so that it has no effect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
    /// The policy of its undo; `None` if the step is irreversible or only reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoPolicy>,
    /// The undo's own input, if the action has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_input: Option<Payload>,
    /// True if the target can take the same call twice.
    pub idempotent: bool,
    /// True if the workflow continues without the step if it fails without an effect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// The codes of failures without an effect after which the workflow continues.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub continues_on: Vec<String>,
    /// The state.
    pub state: StepState,
    /// The output, once an attempt succeeded; it is kept while the step is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Payload>,
    /// True if an attempt with an unknown outcome may have taken effect. Only a successful attempt
    /// or verification clears it.
    pub tainted: bool,
    /// Every attempt, oldest first.
    pub attempts: Vec<Attempt>,
    /// The number of forgiven attempts, which belong to earlier execution generations or precede a
    /// *retry* decision.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub forgiven: u32,
    /// Every attempt at the undo, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo_attempts: Vec<Attempt>,
    /// The number of forgiven attempts at the undo.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub undo_forgiven: u32,
    /// The effects under earlier keys that may still arrive, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<RecordedEffect>,
    /// The keys before the current one, oldest first. Records of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<RetiredKey>,
    /// The number of attempts that were made under earlier keys.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub earlier_attempts: u32,
    /// The number of attempts at the undo that were made for earlier keys.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub earlier_undo_attempts: u32,
    /// The execution generation up to which no claim and no decision changes the record any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<u32>,
}

/// An effect as a record keeps it. One under an earlier key was undone, and a call of that key may
/// still arrive, since the target does not refuse the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedEffect {
    /// The effect key.
    pub key: String,
    /// The action that performed it.
    pub action: String,
    /// The input of its attempts.
    pub input: Payload,
    /// The undo's own input, if the action has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_input: Option<Payload>,
    /// The output, if an attempt succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Payload>,
}

pub(super) fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The state of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum StepState {
    /// An attempt is at work until its lease ends.
    Running {
        /// The attempt's fencing token.
        token: String,
        /// The end of the lease, after which another attempt may take over.
        lease_until: Timestamp,
    },
    /// The last attempt failed without an effect and another may follow, not before `until`.
    Waiting {
        /// The earliest time of the next attempt.
        until: Timestamp,
    },
    /// An attempt's outcome is unknown, and no attempt is at work.
    Unknown,
    /// The effect happened and remains.
    Succeeded,
    /// The step failed permanently, without an effect.
    FailedClean,
    /// An attempt at the undo, or at a verification, is at work until its lease ends.
    Undoing {
        /// The attempt's fencing token.
        token: String,
        /// The end of the lease, after which another attempt may take over.
        lease_until: Timestamp,
    },
    /// The last attempt at the undo did not succeed and another may follow, not before `until`.
    UndoWaiting {
        /// The earliest time of the next attempt.
        until: Timestamp,
    },
    /// The effect was undone, or never happened and cannot happen any more.
    Undone,
    /// The undo failed permanently.
    UndoFailed,
}

impl StepState {
    /// The name in the API and for people.
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

/// The effect that remains at the target of a step that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residue {
    /// No effect remains.
    None,
    /// The effect may remain.
    Possible,
    /// The effect remains.
    Certain,
}

impl StepRecord {
    /// The record of a step that no attempt claimed, closed in the execution generation `closed`.
    pub fn unclaimed(at: &ExecutionKey, step: &str, epoch: u64, closed: u32) -> Self {
        let nothing = Value::Null;
        Self {
            rev: 1,
            at: at.clone(),
            step: step.to_owned(),
            item: None,
            item_hashed: false,
            items: None,
            number: 0,
            action: String::new(),
            key: effect_key(at, step, None, 0),
            effect_generation: 0,
            epoch,
            execution_generation: closed,
            input: Payload::Inline {
                sha256: value_sha256_hex(&nothing).unwrap_or_default(),
                value: nothing,
            },
            undo: None,
            undo_input: None,
            idempotent: false,
            reads: false,
            optional: false,
            continues_on: Vec::new(),
            state: StepState::FailedClean,
            output: None,
            tainted: false,
            attempts: Vec::new(),
            forgiven: 0,
            undo_attempts: Vec::new(),
            undo_forgiven: 0,
            earlier: Vec::new(),
            retired: Vec::new(),
            earlier_attempts: 0,
            earlier_undo_attempts: 0,
            closed: Some(closed),
        }
    }

    /// Returns whether an attempt claimed the record before its execution ended.
    pub fn was_claimed(&self) -> bool {
        self.number > 0
    }

    /// Returns whether a claim or a decision of this execution generation changes nothing any more.
    pub fn is_closed(&self, execution_generation: u32) -> bool {
        self.closed
            .is_some_and(|closed| execution_generation <= closed)
    }

    /// The code of the failure without an effect after which the workflow continues by its
    /// definition, if the step failed so.
    pub fn continued_on(&self) -> Option<&str> {
        let code = self.attempts.last()?.code.as_deref()?;
        let listed = self.continues_on.iter().any(|listed| listed == code);
        (listed && !self.tainted && self.state == StepState::FailedClean).then_some(code)
    }

    /// Returns whether an attempt may follow an unknown outcome. The target must be able to take
    /// the same call twice, and its last answer must not have been a permanent failure.
    pub fn may_retry(&self, max_attempts: u32) -> bool {
        let refused = |last: &Attempt| last.outcome == Some(AttemptOutcome::Permanent);
        (self.idempotent || self.reads)
            && !self.is_exhausted(max_attempts)
            && !self.counted().last().is_some_and(refused)
    }

    /// The attempts that count.
    fn counted(&self) -> &[Attempt] {
        self.attempts.get(self.forgiven as usize..).unwrap_or(&[])
    }

    /// Returns whether no further attempt is allowed.
    pub fn is_exhausted(&self, max_attempts: u32) -> bool {
        self.counted().len() >= max_attempts as usize
    }

    /// The attempts at the undo that count. A halted attempt did nothing, so it does not count.
    pub(super) fn undo_counted(&self) -> impl Iterator<Item = &Attempt> {
        let counted = self.undo_attempts.iter().skip(self.undo_forgiven as usize);
        counted.filter(|attempt| attempt.outcome != Some(AttemptOutcome::Halted))
    }

    /// The residue at the target, as far as the record shows, with that of earlier keys.
    pub fn residue(&self) -> Residue {
        match self.residue_of_key() {
            Residue::None if !self.earlier.is_empty() => Residue::Possible,
            residue => residue,
        }
    }

    /// The residue under the current key. A call that is still on its way can take effect after the
    /// undo, unless the target refuses the forward key from then on (docs/protocol.md, rule 2).
    pub fn residue_of_key(&self) -> Residue {
        let attempts = self.attempts.iter().skip(self.earlier_attempts as usize);
        let undos = self.undo_attempts.iter();
        let undos = undos.skip(self.earlier_undo_attempts as usize);
        let unknown = |attempt: &Attempt| attempt.outcome.is_some_and(AttemptOutcome::is_unknown);
        let undo_may_have_worked = || undos.clone().any(unknown);
        // A success says that the effect happened, not that no earlier call is still on its way.
        let may_arrive_late = || {
            let fences = self.undo.is_some_and(|undo| undo.fences);
            !fences && attempts.clone().any(unknown) || self.may_exist_twice()
        };
        match self.state {
            _ if self.reads || self.acted_under_earlier_keys_only() => Residue::None,
            StepState::Undone if may_arrive_late() => Residue::Possible,
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

    /// Returns whether two attempts may each have had an effect, so that one undo may leave the
    /// other: the target does not recognize a repeated key.
    pub fn may_exist_twice(&self) -> bool {
        let attempts = self.attempts.iter().skip(self.earlier_attempts as usize);
        let acted = attempts.filter(|attempt| {
            let effect = |outcome: AttemptOutcome| {
                outcome == AttemptOutcome::Succeeded || outcome.is_unknown()
            };
            attempt.outcome.is_some_and(effect)
        });
        !self.idempotent && acted.count() > 1
    }

    /// Returns whether no attempt since the last restart acted, so that only what is under earlier
    /// keys may exist.
    pub fn acted_under_earlier_keys_only(&self) -> bool {
        let mut attempts = self.attempts.iter().skip(self.earlier_attempts as usize);
        let is_clean = |attempt: &Attempt| attempt.outcome.is_some_and(AttemptOutcome::is_clean);
        !self.earlier.is_empty() && attempts.all(is_clean)
    }

    /// The effect under the current key.
    pub fn effect(&self) -> RecordedEffect {
        RecordedEffect {
            key: self.key.clone(),
            action: self.action.clone(),
            input: self.input.clone(),
            undo_input: self.undo_input.clone(),
            output: self.output.clone(),
        }
    }

    /// The effect key of the next effect generation, under which the target has no stored answer.
    pub(super) fn next_key(&self) -> String {
        effect_key(
            &self.at,
            &self.step,
            self.item.as_deref(),
            self.effect_generation + 1,
        )
    }

    /// The last recorded error of the step, for people.
    pub fn last_error(&self) -> Option<&str> {
        last_error(&self.attempts)
    }

    /// The last recorded error of its undo, for people.
    pub fn last_undo_error(&self) -> Option<&str> {
        last_error(&self.undo_attempts)
    }

    /// The time of the first claim.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.attempts.first().map(|attempt| attempt.started_at)
    }

    /// The time at which the last attempt's end was recorded.
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
