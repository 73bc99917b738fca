//! Broken rules, each with the property that detects it, so that the checks can fail.

use holdfast_ledger::{
    ClaimTransition, StepRecord, StepState, TakeoverTransition, UndoClaimTransition, UndoNeed,
    claim, claim_undo, complete, complete_undo, need, redrive, take,
};
use holdfast_model::{PRODUCTION, Protocol, Rules, Setting};
use holdfast_task::{Failure, StepRef};
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
    second_run: false,
};

/// One attempt of the first execution generation and one of the redrive that may follow, without
/// the recovery.
const NEXT_GENERATION: Setting = Setting {
    attempts: 1,
    recovery: false,
    next_generation: true,
    ..USUAL
};

/// Two runs of one Express start.
const TWO_RUNS: Setting = Setting {
    second_run: true,
    ..USUAL
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

#[test]
fn a_redrive_that_forgets_an_earlier_key_is_caught() {
    let rules = Rules {
        claim: |record, mine, now| match claim(record, mine, now) {
            ClaimTransition::Write(mut next) => {
                next.earlier.clear();
                ClaimTransition::Write(next)
            }
            other => other,
        },
        ..PRODUCTION
    };
    let unfenced = Setting {
        fences: false,
        ..NEXT_GENERATION
    };
    breaks(unfenced, rules, "the receipt names every residue");
}

#[test]
fn a_redrive_that_keeps_a_refused_key_is_caught() {
    let rules = Rules {
        claim: |record, mine, now| match (record, claim(record, mine, now)) {
            (Some(record), ClaimTransition::Write(mut next))
                if record.state == StepState::FailedClean =>
            {
                next.key.clone_from(&record.key);
                next.effect_generation = record.effect_generation;
                ClaimTransition::Write(next)
            }
            (_, other) => other,
        },
        ..PRODUCTION
    };
    breaks(
        NEXT_GENERATION,
        rules,
        "a redrive sends nothing under a key that was refused",
    );
}

#[test]
fn a_late_claim_that_rewrites_a_closed_record_is_caught() {
    let rules = Rules {
        claim: |record, mine, now| {
            let open = record.map(|record| StepRecord {
                closed: None,
                ..record.clone()
            });
            claim(open.as_ref(), mine, now)
        },
        ..PRODUCTION
    };
    breaks(
        NEXT_GENERATION,
        rules,
        "no closed record changes after its receipt",
    );
}

#[test]
fn a_redrive_that_runs_a_possible_effect_as_another_action_is_caught() {
    let rules = Rules {
        // The definition counts as having each step's own action.
        redrive: |snapshot, admission, _, request, owner, now| {
            let own = snapshot.steps.iter().map(|record| StepRef {
                approvals: Vec::new(),
                output: false,
                branches: Vec::new(),
                name: record.step.clone(),
                action: record.action.clone(),
                for_each: None,
                last: true,
            });
            let declared: Vec<StepRef> = own.collect();
            redrive(snapshot, admission, &declared, request, owner, now)
        },
        claim: |record, mine, now| {
            let same = record.map(|record| match record.state {
                StepState::FailedClean => StepRecord {
                    action: mine.first.action.clone(),
                    ..record.clone()
                },
                _ => record.clone(),
            });
            claim(same.as_ref(), mine, now)
        },
        ..PRODUCTION
    };
    let verified = Setting {
        reversible: false,
        ..NEXT_GENERATION
    };
    breaks(
        verified,
        rules,
        "a key is sent with one action and one input",
    );
}

#[test]
fn a_receipt_that_states_records_of_before_another_end_is_caught() {
    let rules = Rules {
        states_own_snapshot: |_| true,
        ..PRODUCTION
    };
    breaks(USUAL, rules, "the receipt names every residue");
}

#[test]
fn a_recovery_that_undoes_an_execution_whose_steps_are_all_done_is_caught() {
    let rules = Rules {
        take_to_finish: |execution, by, epoch, now| {
            let lost = Failure {
                state: String::new(),
                error: String::new(),
                cause: String::new(),
                by: None,
            };
            take(execution, by, epoch, &lost, now)
        },
        ..PRODUCTION
    };
    breaks(
        USUAL,
        rules,
        "a recovery undoes nothing where every step was done",
    );
}

#[test]
fn a_run_that_takes_the_undo_of_the_other_run_for_its_own_is_caught() {
    let rules = Rules {
        claim_undo: |record, mine, now| match record.state {
            StepState::Undoing { .. } => UndoClaimTransition::Mine,
            _ => claim_undo(record, mine, now),
        },
        ..PRODUCTION
    };
    let without_recovery = Setting {
        recovery: false,
        ..TWO_RUNS
    };
    breaks(
        without_recovery,
        rules,
        "one attempt at a time is at the target",
    );
}

#[test]
fn a_sweep_that_takes_over_beside_live_runs_and_keeps_the_epoch_is_caught() {
    let rules = Rules {
        take: |execution, by, epoch, failure, now| match take(execution, by, epoch, failure, now) {
            TakeoverTransition::Write(mut next) if by == "recovery" => {
                next.epoch = execution.epoch;
                TakeoverTransition::Write(next)
            }
            other => other,
        },
        ..PRODUCTION
    };
    breaks(TWO_RUNS, rules, "an undo comes after its effect is fenced");
}
