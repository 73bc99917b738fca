//! The state of the model of votes: one execution record, one question, its state machines, its
//! people and the time.

use std::hash::{Hash, Hasher};

use holdfast_ledger::{ExecutionRecord, Phase, Question, QuestionState};
use holdfast_receipt::{Decision, Status, Vote};

use super::{
    VoteRules,
    ask::StateMachine,
    cast::{ApprovalSetting, Instant, REQUESTER},
    end::EndStage,
    voter::Voting,
};
use crate::{kept::SharedRecord, records::begun, world::Put};

/// A rule that was broken on the path to this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VoteBreach {
    /// A vote of a person who could not decide then for that group, or who was not named as a
    /// stand-in or platform admin.
    NotEntitled,
    /// A vote about another question than the one that the person read.
    NotShown,
    /// A vote that was decided after the deadline, or recorded after the end of its execution.
    TooLate,
    /// A write that changed a decision, or opened a question that had expired.
    Redecided,
}

/// A write of the question on its way to the ledger.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuestionWrite {
    pub(crate) next: SharedRecord<Question>,
    /// The revision that the writer read; `None` if it expects no question.
    pub(crate) expect: Option<u64>,
}

/// A state of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalState {
    pub(crate) now: Instant,
    pub(crate) execution: SharedRecord<ExecutionRecord>,
    pub(crate) question: Option<SharedRecord<Question>>,
    /// The state machine of each execution generation.
    pub(crate) machines: [StateMachine; 2],
    pub(crate) end: EndStage,
    pub(crate) people: Vec<Voting>,
    /// The number of faults that may still happen.
    pub(crate) faults: u8,
    /// True if a vote whose sender had died was recorded.
    pub(crate) late_vote: bool,
    pub(crate) breaches: u8,
}

impl ApprovalState {
    pub(crate) fn new(setting: &ApprovalSetting) -> Self {
        let execution = ExecutionRecord {
            requested_by: Some(REQUESTER.to_owned()),
            ..begun()
        };
        Self {
            now: Instant::Start,
            execution: execution.into(),
            question: None,
            machines: [StateMachine::first(), StateMachine::default()],
            end: EndStage::Idle,
            people: vec![Voting::default(); setting.people.len()],
            faults: setting.faults,
            late_vote: false,
            breaches: 0,
        }
    }

    pub(crate) fn breach(&mut self, breach: VoteBreach) {
        self.breaches |= 1 << breach as u8;
    }

    pub(crate) fn has(&self, breach: VoteBreach) -> bool {
        self.breaches & 1 << breach as u8 != 0
    }

    pub(crate) fn ended(&self) -> Option<Status> {
        match self.execution.phase {
            Phase::Ended { status, .. } => Some(status),
            _ => None,
        }
    }

    /// The decision on the stored question.
    pub(crate) fn decision(&self) -> Option<Decision> {
        let ruling = self.question.as_ref()?.ruling()?;
        Some(ruling.decision)
    }

    /// The votes on the stored question.
    pub(crate) fn votes(&self) -> &[Vote] {
        self.question
            .as_ref()
            .map_or(&[], |question| &question.votes)
    }

    /// Returns whether the condition of a write holds.
    pub(crate) fn admits(&self, rules: &VoteRules, write: &QuestionWrite) -> bool {
        let stored = self.question.as_ref().map(|question| question.rev);
        (rules.admits_write)(write.expect, stored)
    }

    /// Applies a write of the question if its condition holds.
    pub(crate) fn put(&mut self, rules: &VoteRules, write: &QuestionWrite) -> Put {
        if !self.admits(rules, write) {
            return Put::Lost;
        }
        let decided = |question: &Question| match &question.state {
            QuestionState::Ruled { ruling, .. } => Some(Some(ruling.decision)),
            QuestionState::Expired { .. } => Some(None),
            _ => None,
        };
        if let Some(stored) = &self.question {
            let same = stored.entered == write.next.entered;
            if same && decided(stored).is_some() && decided(stored) != decided(&write.next) {
                self.breach(VoteBreach::Redecided);
            }
            if !same {
                // Votes belong to one entry of the state.
                for person in &mut self.people {
                    person.votes = 0;
                }
            }
        }
        self.question = Some(write.next.clone());
        Put::Done
    }

    /// Replaces the execution record.
    pub(crate) fn write_execution(&mut self, next: ExecutionRecord) {
        self.execution = next.into();
    }

    /// The relevant content of a write on its way; `None` if it can no longer succeed.
    fn sent(&self, write: &QuestionWrite) -> Option<impl Hash + use<>> {
        let stored = self.question.as_ref().map(|question| question.rev);
        (write.expect == stored).then(|| view(&write.next))
    }
}

/// The parts of a question that a rule or a property reads. Its revision only rises, and the times
/// of votes are checked when they are recorded.
fn view(question: &Question) -> impl Hash + use<> {
    let (state, delivered) = match &question.state {
        QuestionState::Open => (0, false),
        QuestionState::Skipped { .. } => (1, false),
        QuestionState::Expired { .. } => (2, false),
        QuestionState::Ruled { ruling, delivered } => (3 + ruling.decision as u8, *delivered),
    };
    let votes = question.votes.iter().map(|vote| {
        let seat = (vote.group.clone(), vote.acting_for.clone());
        let person = (vote.by.clone(), vote.decision as u8, vote.in_place_of_group);
        (person, seat, vote.shown_sha256.clone())
    });
    let seats = question.seats.iter().map(Vec::len);
    (
        (question.execution_generation, question.retry),
        (state, delivered),
        votes.collect::<Vec<_>>(),
        seats.collect::<Vec<_>>(),
    )
}

/// States with the same hash are visited once. Revisions, and the content of writes that can no
/// longer succeed, make no difference to later states.
impl Hash for ApprovalState {
    fn hash<H: Hasher>(&self, to: &mut H) {
        let execution = &self.execution;
        (execution.epoch, execution.generation).hash(to);
        (execution.phase.name(), &execution.owner).hash(to);
        self.question
            .as_ref()
            .map(|question| view(question))
            .hash(to);
        for machine in &self.machines {
            machine.hash_by(to, |write| self.sent(write));
        }
        self.end.hash_by(to, |write| self.sent(write));
        for person in &self.people {
            person.hash_by(to, |write| self.sent(write));
        }
        (self.now, self.faults, self.late_vote, self.breaches).hash(to);
    }
}
