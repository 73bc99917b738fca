//! Pure rules of questions to people: their record, and whether a decision or the timeout came
//! first.

use std::collections::BTreeSet;

use holdfast_receipt::{Decision, Vote};
use holdfast_task::{Approvers, QuestionKind};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    asking_execution::AskingExecution,
    execution::ExecutionRecord,
    incident::{Incident, IncidentStatus},
    step::StepRecord,
    voter::Seat,
};
use holdfast_ids::keys::ExecutionKey;

/// The time after which a decision that was not delivered is delivered again.
const REDELIVERY: SignedDuration = SignedDuration::from_secs(15);

/// The time after which the sweep looks at an open question. `Ask` has looked before, if it lives.
const LOOK_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// A question to people, one record per step. It is written whole, on condition that `rev` is still
/// the one that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Counts the writes, from 1: the condition of the next one.
    pub rev: u64,
    /// The execution.
    pub at: ExecutionKey,
    /// The step that waits.
    pub step: String,
    /// The kind, which says what can be decided.
    pub kind: QuestionKind,
    /// The execution's epoch at the time of the question; a later epoch closes it.
    pub epoch: u64,
    /// The execution generation at the time of the question.
    #[serde(rename = "run")]
    pub execution_generation: u32,
    /// The message for people.
    pub message: String,
    /// The id of the incident that shows the question.
    pub incident: String,
    /// The error's name in that incident. Questions of earlier versions do not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// The task token that Step Functions waits for.
    pub token: String,
    /// The time at which the state was entered; a later entry is another question.
    pub entered: Timestamp,
    /// Retry count of that state: orders task tokens of one entry, so that an older token never
    /// replaces a newer one (docs/protocol.md, rule 8).
    pub retry: u32,
    /// The deadline. Without a decision before it, the execution is rolled back.
    pub until: Timestamp,
    /// The number of attempts at the step; a decision applies to these and to no later ones.
    pub attempts: u32,
    /// The state.
    pub state: QuestionState,
    /// The earlier decisions about this step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Ruling>,
    /// The ids of other incidents that earlier questions about this step opened in this execution
    /// generation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_incidents: Vec<String>,
    /// The execution, as the list of open questions shows it. Questions of earlier releases have
    /// none, and are in no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<AskingExecution>,
    /// The people who may approve, and how many must. Without it, one platform admin decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvers: Option<Approvers>,
    /// The decisions of people on an approval, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    /// The seats that each vote can take, in the order of `votes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seats: Vec<Vec<Seat>>,
    /// The hex SHA-256 of the canonical JSON of what people are shown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shown_sha256: String,
    /// The reminders so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded: Option<Reminders>,
}

/// The reminders of an open question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminders {
    /// The number of reminders.
    pub n: u32,
    /// The time of the last one.
    pub last: Timestamp,
}

/// The state of a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum QuestionState {
    /// No person has decided.
    Open,
    /// A person has decided.
    Ruled {
        /// The decision.
        ruling: Ruling,
        /// True if Step Functions has received the decision.
        delivered: bool,
    },
    /// No person was asked: the `when` of the approval yielded false.
    Skipped {
        /// The time.
        at: Timestamp,
        /// The rule, as the definition writes it.
        rule: String,
    },
    /// No person decided in time.
    Expired {
        /// The time at which that was recorded.
        at: Timestamp,
        /// True if the execution stopped waiting before the deadline. Records of earlier releases
        /// do not say.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        closed: bool,
    },
}

/// A decision and the person who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The decision.
    pub decision: Decision,
    /// The person, as the token names them.
    pub by: String,
    /// The reason, in the person's own words.
    pub reason: String,
    /// The time of the decision.
    pub at: Timestamp,
    /// The incident of its question, if a later question about the step followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
}

impl Question {
    /// The decision, if Step Functions has not received it.
    pub fn undelivered(&self) -> Option<&Ruling> {
        match &self.state {
            QuestionState::Ruled {
                ruling,
                delivered: false,
            } => Some(ruling),
            _ => None,
        }
    }

    /// The record after the vote that decides it.
    pub(crate) fn ruled(&self, vote: &Vote, votes: Vec<Vote>, seats: Vec<Vec<Seat>>) -> Self {
        Self {
            rev: self.rev + 1,
            state: QuestionState::Ruled {
                ruling: Ruling {
                    decision: vote.decision,
                    by: vote.by.clone(),
                    reason: vote.reason.clone(),
                    at: vote.at,
                    incident: None,
                },
                delivered: false,
            },
            votes,
            seats,
            ..self.clone()
        }
    }

    /// The decision, if there is one.
    pub fn ruling(&self) -> Option<&Ruling> {
        match &self.state {
            QuestionState::Ruled { ruling, .. } => Some(ruling),
            _ => None,
        }
    }

    /// Returns whether a person skipped the step of the question in this execution generation.
    pub fn is_skip(&self, execution_generation: u32) -> bool {
        let ruling = self.ruling();
        let skipped = ruling.is_some_and(|ruling| ruling.decision == Decision::Skip);
        skipped && self.execution_generation == execution_generation
    }

    /// Returns whether people gave this approval in this execution generation, or its rule asked
    /// none.
    pub fn is_approved(&self, step: &str, execution_generation: u32) -> bool {
        let approved = match &self.state {
            QuestionState::Ruled { ruling, .. } => ruling.decision == Decision::Approve,
            QuestionState::Skipped { .. } => true,
            QuestionState::Open | QuestionState::Expired { .. } => false,
        };
        approved && self.step == step && self.execution_generation == execution_generation
    }

    /// Returns whether the question was put about this record in this execution generation.
    pub fn concerns(&self, step: &StepRecord, execution_generation: u32) -> bool {
        self.execution_generation == execution_generation
            && self.step == step.step
            && step.item.is_none()
    }

    /// Returns whether the workflow continues without the step.
    pub fn skips(&self, step: &StepRecord, execution_generation: u32) -> bool {
        self.is_skip(execution_generation) && self.step == step.step
    }

    /// Returns whether a person can still decide it, as far as the execution allows.
    pub fn waits(&self, execution: &ExecutionRecord) -> bool {
        self.state == QuestionState::Open && execution.admits(self.epoch)
    }

    /// The incident that the question opens.
    pub fn as_incident(&self, execution: &ExecutionRecord) -> Incident {
        Incident {
            rev: 1,
            id: self.incident.clone(),
            tenant: self.at.tenant.clone(),
            workflow: execution.workflow.clone(),
            state: self.step.clone(),
            error: self.error.clone(),
            message: self.message.clone(),
            opened_at: self.entered,
            execution: self.at.execution.clone(),
            version: execution.version,
            subject: execution.subject.clone(),
            standing: false,
            status: IncidentStatus::Open,
            handled: Vec::new(),
        }
    }

    /// The ids of the incidents of the questions about this step in this execution generation.
    pub fn incidents(&self) -> impl Iterator<Item = &String> {
        self.earlier_incidents.iter().chain([&self.incident])
    }

    /// The ids of the incidents that a later question with the incident `next` keeps.
    fn incidents_before(&self, next: &Self) -> Vec<String> {
        if self.execution_generation != next.execution_generation {
            return Vec::new();
        }
        let others: BTreeSet<_> = self
            .incidents()
            .filter(|id| **id != next.incident)
            .collect();
        others.into_iter().cloned().collect()
    }

    /// The time at which the sweep looks at it; `None` if no look is needed. A look that finds an
    /// open question of a running execution needs no other, since the end finds the question.
    pub fn due(&self) -> Option<Timestamp> {
        let due = match &self.state {
            QuestionState::Open if self.reminded.is_some() => return self.next_reminder(),
            QuestionState::Open => self.entered.saturating_add(LOOK_AFTER),
            QuestionState::Ruled {
                ruling,
                delivered: false,
            } => ruling.at.saturating_add(REDELIVERY),
            QuestionState::Ruled { .. }
            | QuestionState::Skipped { .. }
            | QuestionState::Expired { .. } => return None,
        };
        Some(due.unwrap_or(Timestamp::MAX))
    }

    /// The time of the next reminder; `None` if none comes before the deadline.
    pub fn next_reminder(&self) -> Option<Timestamp> {
        let every_s = self.approvers.as_ref()?.remind_every_s?;
        let last = self.reminded.as_ref().map_or(self.entered, |one| one.last);
        let every = SignedDuration::from_secs(i64::try_from(every_s).ok()?);
        let next = last.saturating_add(every).ok()?;
        (self.state == QuestionState::Open && next < self.until).then_some(next)
    }

    /// The record after a reminder; `None` if none is due.
    pub fn after_reminder(&self, now: Timestamp) -> Option<Self> {
        let due = self.next_reminder().is_some_and(|next| next <= now) && now < self.until;
        due.then(|| Self {
            rev: self.rev + 1,
            reminded: Some(Reminders {
                n: self.reminded.as_ref().map_or(0, |one| one.n) + 1,
                last: now,
            }),
            ..self.clone()
        })
    }

    /// The record after the delivery of its decision; `None` if there is nothing to deliver.
    pub fn delivered(&self) -> Option<Self> {
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

/// The decision on a question that a state puts.
#[derive(Debug, Clone, PartialEq)]
pub enum QuestionTransition {
    /// Write this record.
    Write(Box<Question>),
    /// The question, or a later one, is recorded already.
    Unchanged,
    /// A person has decided, and the token for the delivery is gone: answer this task.
    Ruled(Ruling),
    /// The rule asks no person: answer this task.
    Skipped,
}

/// Decides on a question that a state puts.
pub fn put_question(current: Option<&Question>, put: &Question) -> QuestionTransition {
    let Some(stored) = current else {
        return QuestionTransition::Write(Box::new(put.clone()));
    };
    let rev = stored.rev + 1;
    if (stored.entered, stored.retry) >= (put.entered, put.retry) {
        return QuestionTransition::Unchanged;
    }
    if stored.entered < put.entered {
        let last = stored.ruling().map(|ruling| Ruling {
            incident: Some(stored.incident.clone()),
            ..ruling.clone()
        });
        return QuestionTransition::Write(Box::new(Question {
            rev,
            earlier: stored.earlier.iter().cloned().chain(last).collect(),
            earlier_incidents: stored.incidents_before(put),
            ..put.clone()
        }));
    }
    match &stored.state {
        QuestionState::Open => QuestionTransition::Write(Box::new(Question {
            rev,
            token: put.token.clone(),
            retry: put.retry,
            ..stored.clone()
        })),
        QuestionState::Ruled { ruling, .. } => QuestionTransition::Ruled(ruling.clone()),
        QuestionState::Skipped { .. } => QuestionTransition::Skipped,
        QuestionState::Expired { .. } => QuestionTransition::Unchanged,
    }
}
