//! The actions of every participant, and the properties that must hold in every state.

use holdfast_ledger::{Residue, StepRecord, StepState};
use stateright::{Model, Property};

use crate::{
    back::Stage,
    forward::Forward,
    kept::SharedRecord,
    records::{OWNERS, REQUESTED, SECOND_RUN},
    rules::Rules,
    world::{Breach, Change, Setting, World, key_of},
};

/// The protocol in one setting, under these rules.
#[derive(Clone)]
pub struct Protocol {
    /// The kind of step, and how much goes wrong.
    pub setting: Setting,
    /// The rules, such as [`PRODUCTION`](crate::PRODUCTION).
    pub rules: Rules,
}

/// The participant that acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// An attempt at the step, by number.
    Attempt(usize),
    /// The rollback of the execution's own Step Functions execution (0) or the recovery (1).
    Rollback(usize),
}

/// A deed of a participant, or an event that meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The next step: a write arrives and is answered, a call succeeds.
    GoesOn,
    /// Its write arrives, and the answer is lost, so it is sent again.
    IsUnheard,
    /// The execution is paused.
    IsPaused,
    /// The target answers with a transient failure.
    IsBusy,
    /// The target answers with a permanent failure.
    IsRefused,
    /// No answer comes before the timeout; the call may still be on its way.
    TimesOut,
    /// The function dies; its write or call may still be on its way.
    Crashes,
    /// A write whose sender no longer waits arrives, the first or the second.
    OrphanArrives(usize),
    /// A call whose caller no longer waits arrives.
    LateCallArrives,
    /// An undo that died is given up.
    GivesUp,
    /// The execution ends `EXECUTED`.
    EndsWell,
}

impl Deed {
    /// Returns whether it is a fault; the number of faults is limited.
    pub(crate) fn is_fault(self) -> bool {
        match self {
            Self::IsPaused
            | Self::IsUnheard
            | Self::IsBusy
            | Self::IsRefused
            | Self::TimesOut
            | Self::Crashes => true,
            Self::GoesOn
            | Self::OrphanArrives(_)
            | Self::LateCallArrives
            | Self::GivesUp
            | Self::EndsWell => false,
        }
    }
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A participant acts.
    Does(Actor, Deed),
    /// The execution is redriven after its end, under a definition that may have changed.
    IsRedriven(Change),
    /// The execution is rolled back after its end, on request.
    IsWithdrawn,
    /// Time passes until the next lease is over.
    LeaseEnds,
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.setting)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let mut deeds = Vec::new();
        let mut all = |actor, deeds: &mut Vec<Deed>| {
            actions.extend(deeds.drain(..).map(|deed| Action::Does(actor, deed)));
        };
        for (n, attempt) in world.forward.iter().enumerate() {
            attempt.deeds(&mut deeds);
            all(Actor::Attempt(n), &mut deeds);
        }
        for (n, rollback) in world.back.iter().enumerate() {
            rollback.deeds(&mut deeds);
            all(Actor::Rollback(n), &mut deeds);
        }
        let is_first = world.execution.generation == 0;
        if self.setting.next_generation && is_first && world.receipt.is_some() {
            let changes = [Change::Nothing, Change::Input, Change::Action];
            actions.extend(changes.map(Action::IsRedriven));
            actions.push(Action::IsWithdrawn);
        }
        actions.push(Action::LeaseEnds);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        match action {
            Action::Does(Actor::Attempt(n), deed) => self.forward(world, n, deed),
            Action::Does(Actor::Rollback(n), deed) => self.back(world, n, deed),
            Action::IsRedriven(change) => self.redrives(world, change),
            Action::IsWithdrawn => self.withdraws(world),
            Action::LeaseEnds => world.lease_ends(),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = never();
        all.extend([
            Property::always("no two completions are committed", |_, world: &World| {
                let mut committed = world.committed.iter();
                committed.all(|(successes, undos)| *successes <= 1 && *undos <= 1)
            }),
            Property::always(
                "no closed record changes after its receipt",
                |_, world: &World| is_as_published(world),
            ),
            Property::always("a target that fences keeps what is undone undone", fenced),
            Property::always("a target that takes no call twice is called once", once),
            Property::always("the receipt names every residue", truthful),
            Property::always(
                "whatever happens, it ends and all is closed",
                |model: &Self, world: &World| {
                    !model.is_at_rest(world) || (world.receipt.is_some() && world.is_closed())
                },
            ),
        ]);
        all.extend(self.reached());
        all
    }
}

/// The rules that no path breaks.
fn never() -> Vec<Property<Protocol>> {
    vec![
        Property::always(
            "one attempt at a time is at the target",
            |_, world: &World| !world.has(Breach::TwoAtWork),
        ),
        Property::always(
            "only the holder of the claim completes",
            |_, world: &World| !world.has(Breach::NotHolder),
        ),
        Property::always(
            "an undo comes after its effect is fenced",
            |_, world: &World| !world.has(Breach::UndoneUnfenced),
        ),
        Property::always(
            "no call is sent after a committed undo",
            |_, world: &World| !world.has(Breach::SentAfterUndo),
        ),
        Property::always(
            "epochs and revisions rise, history stays",
            |_, world: &World| !world.has(Breach::WentBack),
        ),
        Property::always(
            "a redrive sends nothing under a key that was refused",
            |_, world: &World| !world.has(Breach::SentAfterRefusal),
        ),
        Property::always(
            "a key is sent with one action and one input",
            |_, world: &World| !world.has(Breach::SentAnother),
        ),
        Property::always(
            "a recovery undoes nothing where every step was done",
            |_, world: &World| !world.has(Breach::SuccessUndone),
        ),
    ]
}

impl Protocol {
    /// Returns whether no participant can act, except by calls and writes that are on their way.
    fn is_at_rest(&self, world: &World) -> bool {
        let waits = |n| self.back(world, n, Deed::GoesOn).is_none();
        let mut forward = world.forward.iter();
        let mut back = world.back.iter().enumerate();
        let first = world.execution.generation == 0;
        let belongs_later = |one: &Forward| one.execution_generation > 0 && world.redriven_at == 0;
        forward.all(|one| one.is_gone() || belongs_later(one))
            && (world.lease_ends().is_none()
                || back.all(|(n, one)| one.is_over() || (n == REQUESTED && first)))
            && (0..world.back.len()).all(waits)
    }

    /// The states that some path must reach, so that the other properties are not vacuous.
    fn reached(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::sometimes("it is executed", |_, world: &World| world.is_executed()),
            Property::sometimes("nothing is ever claimed", |_, world: &World| {
                world.ended() && world.record.is_none()
            }),
            Property::sometimes(RECOVERY_ENDS, |_, world: &World| {
                world.ended() && world.execution.owner == OWNERS[1] && world.execution.epoch == 3
            }),
            Property::sometimes("a claim comes after the end", |_, world: &World| {
                world.ended()
                    && record_is(world, |state| matches!(state, StepState::Running { .. }))
            }),
        ];
        all.retain(|property| self.setting.recovery || property.name != RECOVERY_ENDS);
        if self.setting.next_generation {
            all.extend(reached_next());
        }
        if self.setting.second_run {
            all.extend(reached_twice());
        }
        if self.setting.faults == 0 {
            return all;
        }
        if !self.setting.reversible {
            all.push(Property::sometimes(
                "its target verifies",
                |_, world: &World| {
                    let tried =
                        |record: &SharedRecord<StepRecord>| !record.undo_attempts.is_empty();
                    world.ended() && world.record.as_ref().is_some_and(tried)
                },
            ));
            return all;
        }
        all.push(Property::sometimes(
            "an undo fails for good",
            |_, world: &World| {
                world.ended() && record_is(world, |state| *state == StepState::UndoFailed)
            },
        ));
        all.push(match self.setting.fences {
            true => Property::sometimes("a late call is refused", |_, world: &World| {
                world.targets.iter().any(|target| target.refused_late)
            }),
            false => Property::sometimes(
                "a late call takes effect after its undo",
                |_, world: &World| {
                    world.ended()
                        && record_is(world, |state| *state == StepState::Undone)
                        && effects_under_its_key(world) > 0
                },
            ),
        });
        all
    }
}

/// The state that only a setting with a recovery reaches.
const RECOVERY_ENDS: &str = "the recovery ends it";

/// The states that some path must reach in the second execution generation.
fn reached_next() -> [Property<Protocol>; 4] {
    [
        Property::sometimes("a redrive is executed", |_, world: &World| {
            has_next_receipt(world) && world.is_executed()
        }),
        Property::sometimes("a redrive is rolled back", |_, world: &World| {
            has_next_receipt(world) && world.redriven_at > 0 && !world.is_executed()
        }),
        Property::sometimes("a step runs under another key", |_, world: &World| {
            world.targets[1].effects > 0
        }),
        Property::sometimes("it is rolled back on request", |_, world: &World| {
            has_next_receipt(world) && world.redriven_at == 0
        }),
    ]
}

/// The states that some path must reach with two runs of one owner.
fn reached_twice() -> [Property<Protocol>; 2] {
    [
        Property::sometimes("both runs roll back at once", |_, world: &World| {
            let plans = |n: usize| {
                let rollback = &world.back[n];
                rollback.stage == Stage::Planning && rollback.epoch == world.execution.epoch
            };
            plans(0) && plans(SECOND_RUN)
        }),
        Property::sometimes(
            "one run ends well while the other acts",
            |_, world: &World| {
                let acts = |n: usize| !world.back[n].is_over();
                world.is_executed() && acts(0) && acts(SECOND_RUN)
            },
        ),
    ]
}

fn has_next_receipt(world: &World) -> bool {
    world.execution.generation > 0 && world.receipt.is_some()
}

fn record_is(world: &World, is: impl FnOnce(&StepState) -> bool) -> bool {
    world
        .record
        .as_ref()
        .is_some_and(|record| is(&record.state))
}

fn fenced(model: &Protocol, world: &World) -> bool {
    let undone = record_is(world, |state| *state == StepState::Undone);
    !(model.setting.fences && undone && effects_under_its_key(world) > 0)
}

fn once(model: &Protocol, world: &World) -> bool {
    model.setting.idempotent || world.targets.iter().all(|target| target.effects <= 1)
}

/// The number of effects that remain under the key of the step's record.
fn effects_under_its_key(world: &World) -> u8 {
    let record = world.record.as_ref();
    record.map_or(0, |record| world.targets[key_of(record)].effects)
}

/// The record that the receipt states is the stored one, unless an end that was written late met a
/// record that needed work.
fn is_as_published(world: &World) -> bool {
    let rev = world.record.as_ref().map(|record| record.rev);
    let mut stated = world.receipt.iter().flatten();
    stated.all(|record| Some(record.rev) == rev || !world.needs_no_work(record))
}

/// The residue of the receipt covers, under every key, each call that arrives after the end.
fn truthful(_: &Protocol, world: &World) -> bool {
    let covers = |seen: Option<&SharedRecord<StepRecord>>| {
        let effects = |key: usize| world.targets[key].effects;
        let Some(record) = seen else {
            return effects(0) == 0 && effects(1) == 0;
        };
        let key = key_of(record);
        // An earlier key is recorded as possible, or nothing can arrive under it.
        let earlier = !record.earlier.is_empty() || (0..key).all(|key| effects(key) == 0);
        earlier
            && (key + 1..2).all(|key| effects(key) == 0)
            && match record.residue_of_key() {
                Residue::None => effects(key) == 0,
                Residue::Possible => true,
                Residue::Certain => effects(key) > 0,
            }
    };
    let Some(receipt) = &world.receipt else {
        return true;
    };
    let executed = !world.is_executed() || record_is(world, |state| *state == StepState::Succeeded);
    executed && covers(receipt.as_ref()) && covers(world.record.as_ref())
}
