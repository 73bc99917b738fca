//! A person: reads the question, decides, and repeats the request if its answer is lost.

use std::hash::{Hash, Hasher};

use holdfast_ledger::{Request, RulingTransition};
use holdfast_receipt::Vote;

use super::{
    cast::{Instant, Person},
    model::ApprovalModel,
    state::{ApprovalState, QuestionWrite, VoteBreach},
};
use crate::world::Put;

/// One person's part in an approval.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Voting {
    pub(crate) stage: VotingStage,
    /// A write whose sender died.
    pub(crate) orphan: Option<VoteWrite>,
    /// The number of the person's votes that were recorded on the stored question.
    pub(crate) votes: u8,
}

/// The stage of a person.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum VotingStage {
    #[default]
    Idle,
    /// Has read the question with this digest.
    Read(String),
    /// The vote is on its way.
    Voting(VoteWrite),
    /// Has received an answer.
    Answered,
}

/// A vote on its way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VoteWrite {
    pub(crate) write: QuestionWrite,
    /// The digest of the question that the person read.
    read: String,
    /// The time of the request.
    at: Instant,
}

impl Voting {
    /// Hashes the relevant parts.
    pub(crate) fn hash_by<H: Hasher, W: Hash>(
        &self,
        to: &mut H,
        sent: impl Fn(&QuestionWrite) -> Option<W>,
    ) {
        match &self.stage {
            VotingStage::Idle => 0.hash(to),
            VotingStage::Read(digest) => (1, digest).hash(to),
            VotingStage::Voting(one) => (2, &one.read, one.at, sent(&one.write)).hash(to),
            VotingStage::Answered => 3.hash(to),
        }
        let orphan = self.orphan.as_ref();
        let orphan = orphan.and_then(|one| Some((sent(&one.write)?, &one.read, one.at)));
        orphan.hash(to);
        self.votes.hash(to);
    }
}

impl ApprovalModel {
    /// The person reads the question.
    pub(crate) fn reads(&self, state: &mut ApprovalState, n: usize) -> Option<()> {
        let question = state.question.as_ref()?;
        state.people[n].stage = VotingStage::Read(question.shown_sha256.clone());
        Some(())
    }

    /// The API receives the decision of a person and reads the records.
    pub(crate) fn decides(&self, state: &mut ApprovalState, n: usize) -> Option<()> {
        let VotingStage::Read(read) = state.people[n].stage.clone() else {
            return None;
        };
        state.people[n].stage = self.ruled(state, n, read, state.now)?;
        Some(())
    }

    /// The stage after the rule of a decision, given the stored records.
    fn ruled(
        &self,
        state: &ApprovalState,
        n: usize,
        read: String,
        at: Instant,
    ) -> Option<VotingStage> {
        let question = state.question.as_ref()?;
        let person = &self.setting.people[n];
        let now = at.time();
        let voter = self.setting.voter(&self.rules, n, &read, now);
        let request = Request {
            by: person.subject.to_owned(),
            reason: String::new(),
        };
        let execution = &state.execution;
        let (decide, decision) = (self.rules.decide, person.decision);
        Some(
            match decide(question, execution, decision, &voter, &request, now) {
                RulingTransition::Write(next) => VotingStage::Voting(VoteWrite {
                    write: QuestionWrite {
                        next: (*next).into(),
                        expect: Some(question.rev),
                    },
                    read,
                    at,
                }),
                // The person reads the changed question, and decides again.
                RulingTransition::Refused(_) if read != question.shown_sha256 => VotingStage::Idle,
                _ => VotingStage::Answered,
            },
        )
    }

    /// The vote of a person arrives and is answered.
    pub(crate) fn votes(&self, state: &mut ApprovalState, n: usize) -> Option<()> {
        let VotingStage::Voting(sent) = state.people[n].stage.clone() else {
            return None;
        };
        state.people[n].stage = match self.records(state, n, &sent) {
            Put::Done => VotingStage::Answered,
            Put::Lost => self.ruled(state, n, sent.read, sent.at)?,
        };
        Some(())
    }

    /// The function that serves a person dies with the vote on its way, and the person repeats the
    /// request.
    pub(crate) fn voter_dies(&self, state: &mut ApprovalState, n: usize) -> Option<()> {
        let person = &mut state.people[n];
        let VotingStage::Voting(sent) = person.stage.clone() else {
            return None;
        };
        person.stage = VotingStage::Read(sent.read.clone());
        person.orphan = Some(sent);
        Some(())
    }

    /// A vote whose sender died arrives.
    pub(crate) fn orphan_arrives(&self, state: &mut ApprovalState, n: usize) -> Option<()> {
        let sent = state.people[n].orphan.take()?;
        if self.records(state, n, &sent) == Put::Done {
            state.late_vote = true;
        }
        Some(())
    }

    /// Records a vote if its condition holds, and checks it.
    fn records(&self, state: &mut ApprovalState, n: usize, sent: &VoteWrite) -> Put {
        let next = &sent.write.next;
        let put = state.put(&self.rules, &sent.write);
        if put == Put::Lost {
            return put;
        }
        state.people[n].votes += 1;
        let late = sent.at >= Instant::deadline(next.execution_generation);
        let another = state.execution.generation != next.execution_generation;
        if late || another || state.ended().is_some() {
            state.breach(VoteBreach::TooLate);
        }
        let person = &self.setting.people[n];
        let mut own = next.votes.iter().filter(|vote| vote.by == person.subject);
        if !own.all(|vote| vote.shown_sha256 == sent.read && sent.read == next.shown_sha256) {
            state.breach(VoteBreach::NotShown);
        }
        if !next.votes.iter().all(|vote| self.is_entitled(vote)) {
            state.breach(VoteBreach::NotEntitled);
        }
        put
    }

    /// Returns whether the person could vote for the group of the vote at its time, and the vote
    /// says how.
    fn is_entitled(&self, vote: &Vote) -> bool {
        let mut people = self.setting.people.iter();
        let Some(person) = people.find(|person| person.subject == vote.by) else {
            return false;
        };
        let is_own = |group: &str| person.groups.contains(&group);
        let group = vote.group.as_deref();
        match (&vote.acting_for, vote.in_place_of_group) {
            (Some(member), false) => {
                let in_time =
                    Instant::Delegated.time() <= vote.at && vote.at < Instant::Returned.time();
                in_time && person.stands_in_for == group.map(|group| (group, member.as_str()))
            }
            (None, true) => person.platform_admin && !self.has_seat(person),
            (None, false) => group.is_some_and(is_own),
            (Some(_), true) => false,
        }
    }

    /// Returns whether the person is a member of a group that the approval names.
    fn has_seat(&self, person: &Person) -> bool {
        let mut by = self.setting.by.iter();
        by.any(|group| person.groups.contains(group))
    }
}
