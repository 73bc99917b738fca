//! Broken rules, each with the property that detects it, so that the checks can fail.

use holdfast_ledger::{
    StepRecord, StepState, TakeoverTransition, UndoNeed, claim, claim_undo, complete,
    complete_undo, need, take,
};
use holdfast_model::{PRODUCTION, Protocol, Rules, Setting};
use jiff::Timestamp;
use stateright::{Checker, HasDiscoveries, Model};

/// An idempotent step with an undo, at a target that fences: two attempts, two rollbacks, any one
/// fault.
const USUAL: Setting = Setting {
    reversible: true,
    fences: true,
    idempotent: true,
    attempts: 2,
    faults: 1,
    recovery: true,
    next_generation: false,
};

/// Expects a counterexample to this property.
fn breaks(setting: Setting, rules: Rules, property: &'static str) {
    let checker = Protocol { setting, rules }
        .checker()
        .finish_when(HasDiscoveries::AnyOf([property].into()))
        .spawn_bfs()
        .join();
    let found = checker.discovery(property);
    let found = found.unwrap_or_else(|| panic!("nothing broke: {property}"));
    eprintln!(
        "{property}: broken in {} events",
        found.into_actions().len()
    );
}

/// The record as if its lease had ended.
fn over(record: &StepRecord, now: Timestamp) -> StepRecord {
    let mut record = record.clone();
    if let StepState::Running { lease_until, .. } | StepState::Undoing { lease_until, .. } =
        &mut record.state
    {
        *lease_until = now;
    }
    record
}

fn holder(record: &StepRecord) -> &str {
    match &record.state {
        StepState::Running { token, .. } | StepState::Undoing { token, .. } => token,
        _ => "",
    }
}

#[test]
fn a_claim_that_ignores_the_lease_is_caught() {
    let rules = Rules {
        claim: |record, mine, now| {
            claim(record.map(|record| over(record, now)).as_ref(), mine, now)
        },
        ..PRODUCTION
    };
    breaks(USUAL, rules, "one attempt at a time is at the target");
}

#[test]
fn a_claim_after_an_unknown_outcome_at_a_target_that_takes_no_call_twice_is_caught() {
    let rules = Rules {
        claim: |record, mine, now| {
            let idempotent = record.map(|record| StepRecord {
                idempotent: true,
                ..record.clone()
            });
            claim(idempotent.as_ref(), mine, now)
        },
        ..PRODUCTION
    };
    let once = Setting {
        idempotent: false,
        ..USUAL
    };
    breaks(
        once,
        rules,
        "a target that takes no call twice is called once",
    );
}

#[test]
fn a_completion_that_ignores_the_token_is_caught() {
    let rules = Rules {
        complete: |record, _, end, max, now| complete(record, holder(record), end, max, now),
        ..PRODUCTION
    };
    breaks(USUAL, rules, "only the holder of the claim completes");
}

#[test]
fn an_attempt_that_does_not_look_at_the_execution_after_its_claim_is_caught() {
    let rules = Rules {
        admits: |_, _| true,
        ..PRODUCTION
    };
    breaks(USUAL, rules, "the receipt names every residue");
}

#[test]
fn a_takeover_that_does_not_raise_the_epoch_is_caught() {
    let rules = Rules {
        take: |execution, by, epoch, failure, now| match take(execution, by, epoch, failure, now) {
            TakeoverTransition::Write(mut next) => {
                next.epoch = execution.epoch;
                TakeoverTransition::Write(next)
            }
            other => other,
        },
        ..PRODUCTION
    };
    breaks(USUAL, rules, "epochs and revisions rise, history stays");
}

#[test]
fn an_undo_that_does_not_wait_for_the_lease_is_caught() {
    let rules = Rules {
        need: |record, execution_generation, now| {
            need(&over(record, now), execution_generation, now)
        },
        claim_undo: |record, mine, now| claim_undo(&over(record, now), mine, now),
        ..PRODUCTION
    };
    breaks(USUAL, rules, "an undo comes after its effect is fenced");
}

#[test]
fn an_undo_whose_completion_ignores_the_token_is_caught() {
    let rules = Rules {
        complete_undo: |record, _, end, now| complete_undo(record, holder(record), end, now),
        ..PRODUCTION
    };
    breaks(USUAL, rules, "only the holder of the claim completes");
}

#[test]
fn a_rollback_that_takes_an_unknown_outcome_for_nothing_is_caught() {
    let rules = Rules {
        need: |record, execution_generation, now| match record.state {
            StepState::Unknown => UndoNeed::Nothing,
            _ => need(record, execution_generation, now),
        },
        ..PRODUCTION
    };
    breaks(USUAL, rules, "whatever happens, it ends and all is closed");
}

#[test]
fn a_rollback_that_takes_a_lost_attempt_for_nothing_is_caught() {
    let rules = Rules {
        need: |record, execution_generation, now| match record.state {
            StepState::Running { lease_until, .. } if lease_until <= now => UndoNeed::Nothing,
            _ => need(record, execution_generation, now),
        },
        ..PRODUCTION
    };
    breaks(USUAL, rules, "whatever happens, it ends and all is closed");
}
