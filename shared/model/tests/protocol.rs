//! Every interleaving under the production rules, for each kind of step: every property holds.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use holdfast_model::{PRODUCTION, Protocol, Setting, World};
use stateright::{Checker, Model};

/// An idempotent step with an undo, at a target that fences: two attempts, two rollbacks, any two
/// faults.
const USUAL: Setting = Setting {
    reversible: true,
    fences: true,
    idempotent: true,
    attempts: 2,
    faults: 2,
    recovery: true,
    next_generation: false,
    second_run: false,
};

/// Visits every state and returns their number.
fn holds(setting: Setting) {
    let rules = PRODUCTION;
    let protocol = Protocol { setting, rules };
    let checker = protocol.checker().spawn_dfs().join();
    eprintln!("{setting:?}: {} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn a_step_whose_target_fences_is_undone_for_good() {
    holds(USUAL);
}

#[test]
fn a_step_whose_target_does_not_fence_is_undone_or_named_as_possible() {
    holds(Setting {
        fences: false,
        faults: 1,
        ..USUAL
    });
}

#[test]
fn a_step_whose_target_takes_no_call_twice_is_called_once() {
    holds(Setting {
        idempotent: false,
        faults: 1,
        ..USUAL
    });
}

#[test]
fn a_step_without_undo_is_verified_and_named() {
    holds(Setting {
        reversible: false,
        faults: 1,
        ..USUAL
    });
}

#[test]
fn every_property_holds_for_three_attempts_too() {
    holds(Setting {
        attempts: 3,
        faults: 1,
        ..USUAL
    });
}

/// One attempt of the first execution generation and one of the redrive that may follow, without
/// the recovery.
const NEXT_GENERATION: Setting = Setting {
    attempts: 1,
    faults: 2,
    recovery: false,
    next_generation: true,
    ..USUAL
};

#[test]
fn a_step_whose_target_fences_keeps_its_promise_in_the_next_generation() {
    holds(NEXT_GENERATION);
}

#[test]
fn a_step_whose_target_does_not_fence_keeps_its_earlier_key_in_the_next_generation() {
    holds(Setting {
        fences: false,
        ..NEXT_GENERATION
    });
}

#[test]
fn a_step_without_undo_keeps_its_promise_in_the_next_generation() {
    holds(Setting {
        reversible: false,
        ..NEXT_GENERATION
    });
}

#[test]
fn a_step_whose_target_takes_no_call_twice_keeps_its_promise_in_the_next_generation() {
    holds(Setting {
        idempotent: false,
        ..NEXT_GENERATION
    });
}

#[test]
fn a_recovery_in_either_generation_keeps_the_promise() {
    let with_recovery = Setting {
        faults: 0,
        recovery: true,
        ..NEXT_GENERATION
    };
    for (reversible, fences) in [(true, true), (true, false), (false, true)] {
        holds(Setting {
            reversible,
            fences,
            ..with_recovery
        });
    }
}

/// Two runs of one Express start. Each has an attempt at the step, and can end the execution or
/// roll it back. One that died runs again from the start.
const TWO_RUNS: Setting = Setting {
    faults: 1,
    recovery: false,
    second_run: true,
    ..USUAL
};

#[test]
fn two_runs_of_one_express_start_keep_the_promise() {
    for (reversible, fences, idempotent) in [
        (true, true, true),
        (true, false, true),
        (false, true, true),
        (true, true, false),
    ] {
        holds(Setting {
            reversible,
            fences,
            idempotent,
            ..TWO_RUNS
        });
    }
}

#[test]
fn the_sweep_may_recover_an_express_execution_beside_its_live_runs() {
    holds(Setting {
        attempts: 1,
        faults: 0,
        recovery: true,
        ..TWO_RUNS
    });
}

fn name(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

/// Together with the properties of states at rest, this shows that every execution ends.
#[test]
fn no_execution_goes_in_circles() {
    let setting = Setting { faults: 1, ..USUAL };
    let rules = PRODUCTION;
    let protocol = Protocol { setting, rules };
    let first = protocol.init_states().remove(0);
    // Whether every successor of a state was visited: a state that is met again before lies on a
    // cycle.
    let mut seen = HashMap::from([(name(&first), false)]);
    let mut path = vec![(name(&first), protocol.next_states(&first))];
    while let Some((state, left)) = path.last_mut() {
        let Some(next) = left.pop() else {
            seen.insert(*state, true);
            path.pop();
            continue;
        };
        let (state, next_name) = (*state, name(&next));
        match seen.get(&next_name) {
            None => {
                seen.insert(next_name, false);
                path.push((next_name, protocol.next_states(&next)));
            }
            // A late arrival changes nothing.
            Some(done) => assert!(*done || next_name == state, "a circle: {next:?}"),
        }
    }
    assert!(seen.len() > 100_000, "only {} states", seen.len());
}
