//! A state machine that waits for an approval: it asks, waits, and continues with the answer.

use std::hash::{Hash, Hasher};

use holdfast_ids::digest::value_sha256_hex;
use holdfast_ledger::{
    ExpiryTransition, Question, QuestionState, QuestionTransition, TakeoverTransition, shown, take,
};
use holdfast_receipt::{Decision, Status};
use holdfast_task::QuestionKind;

use super::{
    cast::Instant,
    end::ended,
    model::ApprovalModel,
    state::{ApprovalState, QuestionWrite},
};
use crate::{
    records::{OWNERS, REQUESTED, STEP, at, failure},
    world::Put,
};

/// The state machine of one execution generation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct StateMachine {
    pub(crate) epoch: u64,
    /// Retry count of the state that asks.
    pub(crate) retry: u32,
    pub(crate) stage: MachineStage,
    /// A write of an `Ask` that died.
    pub(crate) orphan: Option<QuestionWrite>,
}

/// The stage of a state machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum MachineStage {
    /// Not started, or ended.
    #[default]
    Over,
    /// About to put the question.
    Asks,
    /// The question is on its way.
    Puts(QuestionWrite),
    /// The question is recorded; about to look at the execution again.
    Looks,
    Waits,
    /// The expiry is on its way.
    Expires(QuestionWrite),
    /// Continues with this decision; `None` after the expiry.
    Continues(Option<Decision>),
}

impl StateMachine {
    /// The state machine of the first execution generation.
    pub(crate) fn first() -> Self {
        Self::begun(1)
    }

    /// A state machine that begins in this epoch.
    pub(crate) fn begun(epoch: u64) -> Self {
        Self {
            epoch,
            stage: MachineStage::Asks,
            ..Self::default()
        }
    }

    /// Hashes the relevant parts.
    pub(crate) fn hash_by<H: Hasher, W: Hash>(
        &self,
        to: &mut H,
        sent: impl Fn(&QuestionWrite) -> Option<W>,
    ) {
        (self.epoch, self.retry).hash(to);
        self.orphan.as_ref().and_then(&sent).hash(to);
        match &self.stage {
            MachineStage::Over => 0.hash(to),
            MachineStage::Asks => 1.hash(to),
            MachineStage::Puts(write) => (2, sent(write)).hash(to),
            MachineStage::Looks => 3.hash(to),
            MachineStage::Waits => 4.hash(to),
            MachineStage::Expires(write) => (5, sent(write)).hash(to),
            MachineStage::Continues(decision) => (6, decision.map(|one| one as u8)).hash(to),
        }
    }
}

/// The task token of a state machine.
fn token(n: usize, retry: u32) -> String {
    format!("{n}-{retry}")
}

impl ApprovalModel {
    /// The state machine of execution generation `n` takes its next step.
    pub(crate) fn continues(&self, state: &mut ApprovalState, n: usize) -> Option<()> {
        let epoch = state.machines[n].epoch;
        let stage = match state.machines[n].stage.clone() {
            MachineStage::Over => return None,
            MachineStage::Asks if !state.execution.admits(epoch) => MachineStage::Over,
            MachineStage::Asks => self.puts(state, n, None),
            MachineStage::Puts(write) => match state.put(&self.rules, &write) {
                Put::Done => MachineStage::Looks,
                Put::Lost => self.puts(state, n, state.question.as_deref()),
            },
            MachineStage::Looks if state.execution.admits(epoch) => MachineStage::Waits,
            MachineStage::Looks => {
                self.closes_late(state);
                MachineStage::Over
            }
            MachineStage::Waits if state.now < Instant::deadline(n as u32) => return None,
            MachineStage::Waits => self.expires(state, n),
            MachineStage::Expires(write) => match state.put(&self.rules, &write) {
                Put::Done => MachineStage::Continues(None),
                Put::Lost => self.expires(state, n),
            },
            MachineStage::Continues(decision) => {
                self.ends(state, n, decision);
                MachineStage::Over
            }
        };
        state.machines[n].stage = stage;
        Some(())
    }

    /// `Ask` dies, and Step Functions tries it again with another task token.
    pub(crate) fn ask_dies(&self, state: &mut ApprovalState, n: usize) -> Option<()> {
        let machine = &mut state.machines[n];
        match std::mem::replace(&mut machine.stage, MachineStage::Asks) {
            MachineStage::Puts(write) => machine.orphan = Some(write),
            MachineStage::Looks => {}
            _ => return None,
        }
        machine.retry += 1;
        Some(())
    }

    /// The question of an `Ask` that died arrives.
    pub(crate) fn late_question(&self, state: &mut ApprovalState, n: usize) -> Option<()> {
        let write = state.machines[n].orphan.take()?;
        state.put(&self.rules, &write);
        Some(())
    }

    /// A decision is sent to the state machine that waits, and the question says so if the sender
    /// does not die.
    pub(crate) fn delivers(&self, state: &mut ApprovalState, dies: bool) -> Option<()> {
        let question = state.question.as_deref()?;
        let decision = question.undelivered()?.decision;
        for n in 0..state.machines.len() {
            let machine = &state.machines[n];
            let waits = matches!(machine.stage, MachineStage::Looks | MachineStage::Waits);
            if waits && token(n, machine.retry) == question.token {
                state.machines[n].stage = MachineStage::Continues(Some(decision));
                break;
            }
        }
        if !dies {
            let next = state.question.as_deref()?.delivered()?;
            state.question = Some(next.into());
        }
        Some(())
    }

    /// The stage of an `Ask` that puts its question, given the stored one.
    fn puts(&self, state: &ApprovalState, n: usize, stored: Option<&Question>) -> MachineStage {
        let question = self.question(state, n);
        match (self.rules.put_question)(stored, &question) {
            QuestionTransition::Write(next) => MachineStage::Puts(QuestionWrite {
                next: (*next).into(),
                expect: stored.map(|stored| stored.rev),
            }),
            QuestionTransition::Ruled(ruling) => MachineStage::Continues(Some(ruling.decision)),
            QuestionTransition::Unchanged | QuestionTransition::Skipped => MachineStage::Looks,
        }
    }

    /// The question of a state machine, as the engine prepares it. That of a redrive is about other
    /// values.
    fn question(&self, state: &ApprovalState, n: usize) -> Question {
        let machine = &state.machines[n];
        let mut question = Question {
            rev: 1,
            at: state.execution.at.clone(),
            step: STEP.to_owned(),
            kind: QuestionKind::Approval,
            epoch: machine.epoch,
            execution_generation: n as u32,
            message: format!("values {n}"),
            incident: String::new(),
            error: String::new(),
            token: token(n, machine.retry),
            entered: at(n as i64),
            retry: machine.retry,
            until: Instant::deadline(n as u32).time(),
            attempts: 0,
            state: QuestionState::Open,
            earlier: Vec::new(),
            earlier_incidents: Vec::new(),
            asked_by: None,
            approvers: Some(self.setting.approvers()),
            votes: Vec::new(),
            seats: Vec::new(),
            shown_sha256: String::new(),
            reminded: None,
        };
        question.shown_sha256 =
            value_sha256_hex(&shown(&question, &state.execution)).unwrap_or_default();
        question
    }

    /// Closes a question whose execution has stopped.
    fn closes_late(&self, state: &mut ApprovalState) {
        let Some(question) = &state.question else {
            return;
        };
        if let Some(next) = (self.rules.close)(question, state.now.time()) {
            let expect = Some(question.rev);
            let next = next.into();
            state.put(&self.rules, &QuestionWrite { next, expect });
        }
    }

    /// The stage of a state machine whose time is over, given the stored question.
    fn expires(&self, state: &ApprovalState, n: usize) -> MachineStage {
        let epoch = state.machines[n].epoch;
        let question = state.question.as_deref();
        let Some(question) = question.filter(|question| question.epoch == epoch) else {
            return MachineStage::Continues(None);
        };
        match (self.rules.expire)(question, state.now.time()) {
            ExpiryTransition::Write(next) => MachineStage::Expires(QuestionWrite {
                next: (*next).into(),
                expect: Some(question.rev),
            }),
            ExpiryTransition::Ruled(ruling) => MachineStage::Continues(Some(ruling.decision)),
            _ => MachineStage::Continues(None),
        }
    }

    /// The state machine ends its execution as executed after an approval. After any other answer
    /// it takes the execution over to roll it back.
    fn ends(&self, state: &mut ApprovalState, n: usize, decision: Option<Decision>) {
        let epoch = state.machines[n].epoch;
        let now = state.now.time();
        if decision == Some(Decision::Approve) {
            if state.execution.admits(epoch) {
                state.write_execution(ended(&state.execution, Status::Executed, now));
            }
            return;
        }
        let owner = OWNERS[n * REQUESTED];
        let taken = take(&state.execution, owner, epoch, &failure(0), now);
        if let TakeoverTransition::Write(next) = taken {
            state.write_execution(*next);
        }
    }
}
