//! The properties that must hold in every state of an approval, and the states that must occur.

use std::collections::BTreeSet;

use holdfast_ledger::QuestionState;
use holdfast_receipt::{Decision, Status};
use stateright::Property;

use super::{
    ask::MachineStage,
    cast::{ApprovalSetting, REQUESTER, identity},
    model::ApprovalModel,
    state::{ApprovalState, VoteBreach},
};

type Rule = Property<ApprovalModel>;

/// The rules that no path breaks.
pub(crate) fn always() -> Vec<Rule> {
    vec![
        Property::always("an approval has enough distinct people", enough),
        Property::always("no group counts twice where groups are distinct", distinct),
        Property::always("one rejection rejects", |_, state: &ApprovalState| {
            let mut votes = state.votes().iter();
            let rejects = votes.any(|vote| vote.decision == Decision::Reject);
            !rejects || state.decision() == Some(Decision::Reject)
        }),
        Property::always("the requester never counts", requester),
        Property::always(
            "each vote is of a person who may cast it, and says how",
            |_, state: &ApprovalState| !state.has(VoteBreach::NotEntitled),
        ),
        Property::always(
            "a vote is about what its person was shown",
            |_, state: &ApprovalState| !state.has(VoteBreach::NotShown),
        ),
        Property::always(
            "no vote follows the deadline or the end",
            |_, state: &ApprovalState| !state.has(VoteBreach::TooLate),
        ),
        Property::always("a decision never changes", |_, state: &ApprovalState| {
            !state.has(VoteBreach::Redecided)
        }),
        Property::always(
            "no recorded vote is lost, and none counts twice",
            |_, state: &ApprovalState| {
                let recorded: usize = state.people.iter().map(|one| usize::from(one.votes)).sum();
                state.votes().len() == recorded && state.people.iter().all(|one| one.votes <= 1)
            },
        ),
        Property::always("only what is approved continues", continues),
        Property::always(
            "whatever happens, it ends and takes no more votes",
            |model: &ApprovalModel, state: &ApprovalState| {
                let question = state.question.as_ref();
                let waits = question.is_some_and(|question| question.waits(&state.execution));
                !model.is_at_rest(state) || (state.ended().is_some() && !waits)
            },
        ),
    ]
}

/// An approved question has votes of enough people, whatever stand-ins and spellings there are.
fn enough(model: &ApprovalModel, state: &ApprovalState) -> bool {
    if state.decision() != Some(Decision::Approve) {
        return true;
    }
    let votes = state.votes();
    let all_for = votes.iter().all(|vote| vote.decision == Decision::Approve);
    let voters: BTreeSet<_> = votes.iter().map(|vote| identity(&vote.by)).collect();
    let places: BTreeSet<_> = votes
        .iter()
        .map(|vote| identity(vote.acting_for.as_ref().unwrap_or(&vote.by)))
        .collect();
    let count = model.setting.count as usize;
    all_for && voters.len() >= count && places.len() >= count
}

fn distinct(model: &ApprovalModel, state: &ApprovalState) -> bool {
    let votes = state.votes().iter();
    let approvals = votes.filter(|vote| vote.decision == Decision::Approve);
    let groups: Vec<_> = approvals.map(|vote| &vote.group).collect();
    let distinct: BTreeSet<_> = groups.iter().collect();
    !model.setting.distinct_groups || distinct.len() == groups.len()
}

fn requester(_: &ApprovalModel, state: &ApprovalState) -> bool {
    state.votes().iter().all(|vote| {
        let acting_for = vote.acting_for.iter();
        let mut people = acting_for.chain([&vote.by]);
        vote.decision == Decision::Reject || !people.any(|one| identity(one) == REQUESTER)
    })
}

/// A state machine continues, and an execution ends as executed, only by an approval of its own
/// generation.
fn continues(_: &ApprovalModel, state: &ApprovalState) -> bool {
    let approved = |generation: u32| {
        let question = state.question.as_ref();
        let approved = state.decision() == Some(Decision::Approve);
        approved && question.is_some_and(|one| one.execution_generation == generation)
    };
    let generation = state.execution.generation;
    let machine = &state.machines[generation as usize];
    let goes_on = machine.stage == MachineStage::Continues(Some(Decision::Approve));
    let executed = state.ended() == Some(Status::Executed);
    !(goes_on || executed) || approved(generation)
}

/// The states that some path must reach, so that the other properties are not vacuous.
pub(crate) fn reached(setting: &ApprovalSetting) -> Vec<Rule> {
    let mut all = vec![
        Property::sometimes("it is approved", |_, state: &ApprovalState| {
            state.ended() == Some(Status::Executed)
        }),
        Property::sometimes("its time ends", |_, state: &ApprovalState| {
            let expired = |state: &QuestionState| matches!(state, QuestionState::Expired { .. });
            let question = state.question.as_ref();
            question.is_some_and(|question| expired(&question.state))
        }),
    ];
    let mut add = |expected: bool, property: Rule| all.extend(expected.then_some(property));
    let people = setting.people;
    add(
        people.iter().any(|one| one.decision == Decision::Reject),
        Property::sometimes("a person rejects", |_, state: &ApprovalState| {
            state.decision() == Some(Decision::Reject)
        }),
    );
    add(
        people.iter().any(|one| {
            let member = one.stands_in_for.map(|(_, member)| identity(member));
            member.is_some_and(|member| member != REQUESTER)
        }),
        Property::sometimes("a stand-in counts", |_, state: &ApprovalState| {
            state.votes().iter().any(|vote| vote.acting_for.is_some())
        }),
    );
    add(
        people
            .iter()
            .any(|one| one.platform_admin && identity(one.subject) != REQUESTER),
        Property::sometimes(
            "a platform admin takes the place of a group",
            |_, state: &ApprovalState| state.votes().iter().any(|vote| vote.in_place_of_group),
        ),
    );
    add(
        setting.redrive,
        Property::sometimes("a redrive is approved", |_, state: &ApprovalState| {
            state.ended() == Some(Status::Executed) && state.execution.generation == 1
        }),
    );
    add(
        setting.faults > 0,
        Property::sometimes("a vote arrives late", |_, state: &ApprovalState| {
            state.late_vote
        }),
    );
    all
}
