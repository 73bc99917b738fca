//! The actions of everything that writes a question, each listed only where it is possible.

use holdfast_ledger::{Phase, QuestionState};
use holdfast_receipt::Status;
use stateright::{Model, Property};

use super::{
    VoteRules,
    ask::MachineStage,
    cast::{ApprovalSetting, Instant},
    properties,
    state::ApprovalState,
    voter::VotingStage,
};

/// The votes of an approval in one setting, under these rules.
#[derive(Clone)]
pub struct ApprovalModel {
    /// The approval and its people.
    pub setting: ApprovalSetting,
    /// The rules, such as [`VOTES`](super::VOTES).
    pub rules: VoteRules,
}

/// One event. A person and a state machine are named by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoteAction {
    /// The person reads the question.
    Reads(usize),
    /// The API receives the person's decision and reads the records.
    Decides(usize),
    /// The person's vote arrives and is answered.
    Votes(usize),
    /// The function that serves the person dies, and the person repeats the request.
    VoterDies(usize),
    /// A vote whose sender died arrives.
    OrphanArrives(usize),
    /// The state machine takes its next step.
    Continues(usize),
    /// The `Ask` of the state machine dies.
    AskDies(usize),
    /// The question of an `Ask` that died arrives.
    LateQuestion(usize),
    /// The decision is delivered to the state machine.
    IsDelivered,
    /// The same, but the sender dies before it records that.
    DeliveryDies,
    /// The rollback takes its next step.
    RollsBack,
    /// The execution is cancelled.
    IsCancelled,
    /// The execution is redriven, with other values.
    IsRedriven,
    /// Time passes until something changes.
    TimePasses,
}

impl Model for ApprovalModel {
    type State = ApprovalState;
    type Action = VoteAction;

    fn init_states(&self) -> Vec<ApprovalState> {
        vec![ApprovalState::new(&self.setting)]
    }

    fn actions(&self, state: &ApprovalState, actions: &mut Vec<VoteAction>) {
        let faulty = state.faults > 0;
        self.actions_of_people(state, actions);
        for (n, machine) in state.machines.iter().enumerate() {
            let waits = machine.stage == MachineStage::Waits;
            let early = waits && state.now < Instant::deadline(n as u32);
            if machine.stage != MachineStage::Over && !early {
                actions.push(VoteAction::Continues(n));
            }
            if faulty && matches!(machine.stage, MachineStage::Puts(_) | MachineStage::Looks) {
                actions.push(VoteAction::AskDies(n));
            }
            if machine.orphan.is_some() {
                actions.push(VoteAction::LateQuestion(n));
            }
        }
        let question = state.question.as_ref();
        if question.is_some_and(|question| question.undelivered().is_some()) {
            actions.push(VoteAction::IsDelivered);
            actions.extend(faulty.then_some(VoteAction::DeliveryDies));
        }
        match state.execution.phase {
            Phase::Running => actions.push(VoteAction::IsCancelled),
            Phase::Unwinding { .. } => actions.push(VoteAction::RollsBack),
            _ => {}
        }
        let again = self.setting.redrive && state.execution.generation == 0;
        if again && state.ended().is_some_and(|end| end != Status::Executed) {
            actions.push(VoteAction::IsRedriven);
        }
        if state.now.next(&self.setting).is_some() {
            actions.push(VoteAction::TimePasses);
        }
    }

    fn next_state(&self, state: &ApprovalState, action: VoteAction) -> Option<ApprovalState> {
        let mut next = state.clone();
        let to = &mut next;
        let fault = matches!(
            action,
            VoteAction::VoterDies(_) | VoteAction::AskDies(_) | VoteAction::DeliveryDies
        );
        to.faults = to.faults.checked_sub(u8::from(fault))?;
        match action {
            VoteAction::Reads(n) => self.reads(to, n)?,
            VoteAction::Decides(n) => self.decides(to, n)?,
            VoteAction::Votes(n) => self.votes(to, n)?,
            VoteAction::VoterDies(n) => self.voter_dies(to, n)?,
            VoteAction::OrphanArrives(n) => self.orphan_arrives(to, n)?,
            VoteAction::Continues(n) => self.continues(to, n)?,
            VoteAction::AskDies(n) => self.ask_dies(to, n)?,
            VoteAction::LateQuestion(n) => self.late_question(to, n)?,
            VoteAction::IsDelivered => self.delivers(to, false)?,
            VoteAction::DeliveryDies => self.delivers(to, true)?,
            VoteAction::RollsBack => self.rolls_back(to)?,
            VoteAction::IsCancelled => self.is_cancelled(to)?,
            VoteAction::IsRedriven => self.is_redriven(to)?,
            VoteAction::TimePasses => to.now = to.now.next(&self.setting)?,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = properties::always();
        all.extend(properties::reached(&self.setting));
        all
    }
}

impl ApprovalModel {
    fn actions_of_people(&self, state: &ApprovalState, actions: &mut Vec<VoteAction>) {
        let question = state.question.as_ref();
        let open = question.is_some_and(|question| question.state == QuestionState::Open);
        for (n, person) in state.people.iter().enumerate() {
            match &person.stage {
                VotingStage::Idle if open => actions.push(VoteAction::Reads(n)),
                VotingStage::Idle | VotingStage::Answered => {}
                VotingStage::Read(_) => actions.push(VoteAction::Decides(n)),
                VotingStage::Voting(_) => {
                    actions.push(VoteAction::Votes(n));
                    if state.faults > 0 {
                        actions.push(VoteAction::VoterDies(n));
                    }
                }
            }
            if person.orphan.is_some() {
                actions.push(VoteAction::OrphanArrives(n));
            }
        }
    }

    /// Returns whether nothing more can happen, except that people read and decide.
    pub(crate) fn is_at_rest(&self, state: &ApprovalState) -> bool {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        let of_a_person =
            |action: &VoteAction| matches!(action, VoteAction::Reads(_) | VoteAction::Decides(_));
        actions.iter().all(of_a_person)
    }
}
