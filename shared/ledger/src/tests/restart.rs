//! The claim of a later execution generation, for every record that an earlier one can leave, and
//! the old rules that broke it.

use super::super::{
    Claim, ClaimTransition, Residue, StepRecord, StepState, claim,
    fixtures::{at, attempt, claim_by, key, running, step},
};
use holdfast_receipt::AttemptOutcome;

const NOW: i64 = 100;

/// A rule of claims.
type Rule = fn(&StepRecord, &Claim) -> ClaimTransition;

fn rule(record: &StepRecord, next: &Claim) -> ClaimTransition {
    claim(Some(record), next, at(NOW))
}

/// Every record of one attempt, with its residue, and whether its end closed it.
fn records() -> Vec<StepRecord> {
    let states = [
        (running("a", NOW - 1), None),
        (StepState::Unknown, Some(AttemptOutcome::Unknown)),
        (StepState::Succeeded, Some(AttemptOutcome::Succeeded)),
        (StepState::FailedClean, Some(AttemptOutcome::Permanent)),
        (StepState::Undone, Some(AttemptOutcome::Unknown)),
        (StepState::Undone, Some(AttemptOutcome::Succeeded)),
    ];
    let mut records = Vec::new();
    for (state, outcome) in states {
        for [tainted, fences, closed] in (0..8).map(|bits| [1, 2, 4].map(|bit| bits & bit > 0)) {
            let mut record = step(&key("k"), state.clone(), vec![attempt("a", outcome)]);
            record.tainted = tainted && state == StepState::FailedClean;
            record.closed = closed.then_some(1);
            if let Some(undo) = &mut record.undo {
                undo.fences = fences;
            }
            records.push(record);
        }
    }
    records
}

/// The violations of a rule, if the next generation has the same action or another one.
fn broken(rule: Rule) -> Vec<&'static str> {
    let mut broken = Vec::new();
    for record in records() {
        for action in ["vendor-hold", "http"] {
            let mut claim = claim_by(&record.at, "b", NOW);
            claim.first.execution_generation = 1;
            claim.first.epoch = 2;
            claim.first.action = action.to_owned();
            let ClaimTransition::Write(next) = rule(&record, &claim) else {
                continue;
            };
            let same = next.key == record.key;
            let remembers = same || next.earlier.contains(&record.effect());
            let held = record.residue_of_key() != Residue::None;
            let why = if record.is_closed(1) {
                "a closed record is claimed"
            } else if same && !held {
                "a refused key is kept"
            } else if same && action != record.action {
                "another action gets the key"
            } else if held && !remembers {
                "an earlier key is forgotten"
            } else {
                continue;
            };
            broken.push(why);
        }
    }
    broken.sort_unstable();
    broken.dedup();
    broken
}

#[test]
fn a_later_generation_keeps_a_key_only_while_its_effect_may_exist_and_forgets_none() {
    assert_eq!(broken(rule), [""; 0]);
}

#[test]
fn a_rule_that_keeps_a_refused_key_is_found() {
    let kept: Rule = |record, claim| match rule(record, claim) {
        ClaimTransition::Write(mut next) => {
            next.key = record.key.clone();
            ClaimTransition::Write(next)
        }
        other => other,
    };
    assert!(broken(kept).contains(&"a refused key is kept"));
}

#[test]
fn a_rule_that_forgets_an_earlier_key_is_found() {
    let forgets: Rule = |record, claim| match rule(record, claim) {
        ClaimTransition::Write(mut next) => {
            next.earlier.clear();
            ClaimTransition::Write(next)
        }
        other => other,
    };
    assert_eq!(broken(forgets), ["an earlier key is forgotten"]);
}

#[test]
fn a_rule_that_runs_another_action_after_a_tainted_clean_failure_is_found() {
    let runs: Rule = |record, claim| match record.state {
        StepState::FailedClean if record.tainted => {
            let mut same = claim.clone();
            same.first.action = record.action.clone();
            rule(record, &same)
        }
        _ => rule(record, claim),
    };
    assert_eq!(broken(runs), ["another action gets the key"]);
}

#[test]
fn a_rule_that_claims_a_closed_record_is_found() {
    let claims: Rule = |record, claim| {
        let mut open = record.clone();
        open.closed = None;
        rule(&open, claim)
    };
    assert_eq!(broken(claims), ["a closed record is claimed"]);
}
