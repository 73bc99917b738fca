//! Questions to people, pure: an execution that waits for a decision, who may give it, and which of decision and
//! silence came first.

use holdfast_receipt::Decision;
use holdfast_task::QuestionKind;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    execution::{ExecutionRecord, Phase},
    request::Request,
    step::StepRecord,
};
use holdfast_ids::{keys::ExecutionKey, names::same_person};

/// What is asked of people, one record per step. Written whole, each time on condition that `rev` is still what the
/// writer read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Counts the writes, from 1: the condition of the next one.
    pub rev: u64,
    /// The execution's partition.
    pub at: ExecutionKey,
    /// The step that waits.
    pub step: String,
    /// What can be decided.
    pub kind: QuestionKind,
    /// The execution's epoch when it was asked: later ones make the answer pointless.
    pub epoch: u64,
    /// The execution's generation then.
    #[serde(rename = "run")]
    pub execution_generation: u32,
    /// What people read.
    pub message: String,
    /// The incident by which they find it.
    pub incident: String,
    /// The task that waits, as Step Functions knows it.
    pub token: String,
    /// When the machine entered the state that asks: a later entry is another question.
    pub entered: Timestamp,
    /// How often that state was tried again since: an older token never replaces a newer one (protocol.md, ruling 8).
    pub retry: u32,
    /// Silence until then rolls back.
    pub until: Timestamp,
    /// How often the step had been tried: a decision about these attempts is none about later ones.
    pub attempts: u32,
    /// Whether somebody has decided.
    pub state: QuestionState,
    /// What was decided about this step before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Ruling>,
}

/// Whether somebody has decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum QuestionState {
    /// Not yet.
    Open,
    /// Somebody has.
    Ruled {
        /// What.
        ruling: Ruling,
        /// Whether the machine was told.
        delivered: bool,
    },
    /// Nobody has in time.
    Expired {
        /// When that was recorded.
        at: Timestamp,
    },
}

/// A decision, and who gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// What was decided.
    pub decision: Decision,
    /// By whom, as their token names them.
    pub by: String,
    /// Why, in their own words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Question {
    /// The decision that stands, if the machine has yet to be told of it.
    pub fn undelivered(&self) -> Option<&Ruling> {
        match &self.state {
            QuestionState::Ruled {
                ruling,
                delivered: false,
            } => Some(ruling),
            _ => None,
        }
    }

    /// The decision that stands.
    pub fn ruling(&self) -> Option<&Ruling> {
        match &self.state {
            QuestionState::Ruled { ruling, .. } => Some(ruling),
            _ => None,
        }
    }

    /// Whether the workflow goes on without the step.
    pub fn skips(&self, step: &StepRecord, execution_generation: u32) -> bool {
        let skipped = self
            .ruling()
            .is_some_and(|ruling| ruling.decision == Decision::Skip);
        skipped && self.execution_generation == execution_generation && self.step == step.step
    }

    /// The record after the machine was told of its decision.
    pub fn told(&self) -> Option<Self> {
        let ruling = self.undelivered()?.clone();
        Some(Self {
            rev: self.rev + 1,
            state: QuestionState::Ruled {
                ruling,
                delivered: true,
            },
            ..self.clone()
        })
    }
}

/// What a question finds that is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum QuestionTransition {
    /// Write this record.
    Write(Box<Question>),
    /// It, or a later one, is asked already.
    Unchanged,
    /// Somebody has decided, and the token that would have told it is gone: tell this one.
    Ruled(Ruling),
}

/// Decides what becomes of a question that a machine asks.
pub fn put_question(current: Option<&Question>, asked: &Question) -> QuestionTransition {
    let Some(stands) = current else {
        return QuestionTransition::Write(Box::new(asked.clone()));
    };
    let rev = stands.rev + 1;
    if (stands.entered, stands.retry) >= (asked.entered, asked.retry) {
        return QuestionTransition::Unchanged;
    }
    if stands.entered < asked.entered {
        let earlier = stands.earlier.iter().chain(stands.ruling());
        return QuestionTransition::Write(Box::new(Question {
            rev,
            earlier: earlier.cloned().collect(),
            ..asked.clone()
        }));
    }
    match &stands.state {
        QuestionState::Open => QuestionTransition::Write(Box::new(Question {
            rev,
            token: asked.token.clone(),
            retry: asked.retry,
            ..stands.clone()
        })),
        QuestionState::Ruled { ruling, .. } => QuestionTransition::Ruled(ruling.clone()),
        QuestionState::Expired { .. } => QuestionTransition::Unchanged,
    }
}

/// What a decision finds.
#[derive(Debug, Clone, PartialEq)]
pub enum RulingTransition {
    /// Write this record.
    Write(Box<Question>),
    /// The same was decided before.
    Already(Box<Question>),
    /// It comes too late, or another one was quicker: why.
    Refused(String),
    /// This person may not.
    Forbidden(String),
    /// It is not among what can be decided.
    Unfit(String),
}

/// Decides on a decision: one conditional write on an open question, and the winner rules.
pub fn decide(
    question: &Question,
    execution: &ExecutionRecord,
    decision: Decision,
    request: &Request,
    now: Timestamp,
) -> RulingTransition {
    let known = question.kind.decisions();
    if !known.contains(&decision) {
        let names: Vec<_> = known.iter().map(|one| one.name()).collect();
        return RulingTransition::Unfit(format!("the decision is one of {}", names.join(", ")));
    }
    let own = |by: &String| same_person(by, &request.by);
    if decision == Decision::Approve && execution.requested_by.as_ref().is_some_and(own) {
        let why = "whoever requested an execution cannot approve it: another person must";
        return RulingTransition::Forbidden(why.to_owned());
    }
    match &question.state {
        QuestionState::Ruled { ruling, .. } if ruling.decision == decision => {
            return RulingTransition::Already(Box::new(question.clone()));
        }
        QuestionState::Ruled { ruling, .. } => {
            return RulingTransition::Refused(format!(
                "{} decided {} at {}",
                ruling.by,
                ruling.decision.name(),
                ruling.at
            ));
        }
        QuestionState::Expired { at } => {
            return RulingTransition::Refused(format!(
                "nobody had decided by {at}, and silence rolls back"
            ));
        }
        QuestionState::Open => {}
    }
    if execution.phase != Phase::Running || execution.epoch != question.epoch {
        let state = execution.phase.name();
        return RulingTransition::Refused(format!(
            "the execution no longer waits for it: it is {state}"
        ));
    }
    if now >= question.until {
        let until = question.until;
        return RulingTransition::Refused(format!(
            "it had to come before {until}: the execution is rolled back"
        ));
    }
    RulingTransition::Write(Box::new(Question {
        rev: question.rev + 1,
        state: QuestionState::Ruled {
            ruling: Ruling {
                decision,
                by: request.by.clone(),
                reason: request.reason.clone(),
                at: now,
            },
            delivered: false,
        },
        ..question.clone()
    }))
}

/// What the end of the time for a decision finds.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpiryTransition {
    /// Write this record: nobody has decided.
    Write(Box<Question>),
    /// Somebody had: this rules.
    Ruled(Ruling),
    /// It was recorded before.
    Over,
    /// There is time left until then: this is another question than the one that timed out.
    Early(Timestamp),
}

/// How far the clock of the machine, which counts the time, may be ahead of the function's.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(10);

/// Decides what becomes of a question whose time is over.
pub fn expire(question: &Question, now: Timestamp) -> ExpiryTransition {
    match &question.state {
        QuestionState::Ruled { ruling, .. } => ExpiryTransition::Ruled(ruling.clone()),
        QuestionState::Expired { .. } => ExpiryTransition::Over,
        QuestionState::Open if now + CLOCKS_APART < question.until => {
            ExpiryTransition::Early(question.until)
        }
        QuestionState::Open => ExpiryTransition::Write(Box::new(Question {
            rev: question.rev + 1,
            state: QuestionState::Expired { at: now },
            ..question.clone()
        })),
    }
}
