//! Who can do what, and what must hold in every state.

use holdfast_ledger::{Residue, StepRecord, StepState};
use stateright::{Model, Property};

use crate::{
    back::Back,
    forward::Forward,
    kept::Shared,
    records::OWNERS,
    rules::Rules,
    world::{Breach, Setting, World},
};

/// The protocol in one setting, under these rules.
#[derive(Clone)]
pub struct Protocol {
    /// The kind of step, and how much goes wrong.
    pub setting: Setting,
    /// The rules; see [`PRODUCTION`](crate::PRODUCTION).
    pub rules: Rules,
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// An attempt at the step, by number.
    Attempt(usize),
    /// The machine's rollback (0) or the recovery (1).
    Rollback(usize),
}

/// What somebody does, or what happens to him.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The next thing; of a write that it arrives and is answered, of a call that it works.
    GoesOn,
    /// Its write arrives, and the answer is lost: it will be sent again.
    IsUnheard,
    /// Somebody has paused it.
    IsPaused,
    /// The target says no, for now.
    IsBusy,
    /// The target says no.
    IsRefused,
    /// No answer comes in time; the call may still be on its way.
    TimesOut,
    /// The function dies; what it sent may still be on its way.
    Crashes,
    /// A write that nobody waits for arrives, the first or the second.
    OrphanArrives(usize),
    /// A call that nobody waits for arrives.
    LateCallArrives,
    /// An undo that died is given up.
    GivesUp,
    /// The execution ends well.
    EndsWell,
}

impl Deed {
    /// Whether it is one of the things that go wrong, of which there is a limited number.
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
    /// Somebody does something.
    Does(Actor, Deed),
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
        actions.push(Action::LeaseEnds);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        match action {
            Action::Does(Actor::Attempt(n), deed) => self.forward(world, n, deed),
            Action::Does(Actor::Rollback(n), deed) => self.back(world, n, deed),
            Action::LeaseEnds => world.lease_ends(),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::always(
                "one attempt at a time is at the target",
                |_, world: &World| !world.has(Breach::TwoAtWork),
            ),
            Property::always(
                "only the holder of the claim completes",
                |_, world: &World| !world.has(Breach::NotHolder),
            ),
            Property::always("no two completions are committed", |_, world: &World| {
                world.committed.0 <= 1 && world.committed.1 <= 1
            }),
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
            Property::always("a target that fences keeps what is undone undone", fenced),
            Property::always("a target that takes no call twice is called once", once),
            Property::always("the receipt names what stands or may", truthful),
            Property::always(
                "whatever happens, it ends and all is closed",
                |model: &Self, world: &World| {
                    !model.is_at_rest(world) || (world.ended() && world.is_closed())
                },
            ),
        ];
        all.extend(self.reached());
        all
    }
}

impl Protocol {
    /// Whether nobody can do anything any more, but for what is still on its way.
    fn is_at_rest(&self, world: &World) -> bool {
        let waits = |n| self.back(world, n, Deed::GoesOn).is_none();
        world.forward.iter().all(Forward::is_gone)
            && (world.lease_ends().is_none() || world.back.iter().all(Back::is_over))
            && (0..world.back.len()).all(waits)
    }

    /// What must happen somewhere, or the rest says nothing.
    fn reached(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::sometimes("it is executed", |_, world: &World| world.is_executed()),
            Property::sometimes("nothing is ever claimed", |_, world: &World| {
                world.ended() && world.record.is_none()
            }),
            Property::sometimes("the recovery ends it", |_, world: &World| {
                world.ended() && world.execution.owner == OWNERS[1] && world.execution.epoch == 3
            }),
            Property::sometimes("a claim comes after the end", |_, world: &World| {
                world.ended()
                    && record_is(world, |state| matches!(state, StepState::Running { .. }))
            }),
        ];
        if !self.setting.reversible {
            all.push(Property::sometimes(
                "its target is asked",
                |_, world: &World| {
                    let asked = |record: &Shared<StepRecord>| !record.undo_attempts.is_empty();
                    world.ended() && world.record.as_ref().is_some_and(asked)
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
                world.target.refused_late
            }),
            false => Property::sometimes(
                "a late call takes effect after its undo",
                |_, world: &World| {
                    world.ended()
                        && world.target.effects > 0
                        && record_is(world, |state| *state == StepState::Undone)
                },
            ),
        });
        all
    }
}

fn record_is(world: &World, is: impl FnOnce(&StepState) -> bool) -> bool {
    world
        .record
        .as_ref()
        .is_some_and(|record| is(&record.state))
}

fn fenced(model: &Protocol, world: &World) -> bool {
    let undone = record_is(world, |state| *state == StepState::Undone);
    !(model.setting.fences && undone && world.target.effects > 0)
}

fn once(model: &Protocol, world: &World) -> bool {
    model.setting.idempotent || world.target.effects <= 1
}

/// Whatever arrives after the end, it is covered by what was said of it.
fn truthful(_: &Protocol, world: &World) -> bool {
    let effects = world.target.effects;
    let covers = |seen: Option<&Shared<StepRecord>>| match seen
        .map_or(Residue::None, |record| record.residue())
    {
        Residue::None => effects == 0,
        Residue::Possible => true,
        Residue::Certain => effects > 0,
    };
    let Some(receipt) = &world.receipt else {
        return true;
    };
    let executed = !world.is_executed() || record_is(world, |state| *state == StepState::Succeeded);
    executed && covers(receipt.as_ref()) && covers(world.record.as_ref())
}
