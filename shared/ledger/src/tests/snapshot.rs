//! The records that a snapshot leaves out.

use super::{
    super::{
        ExecutionRecord, Phase, Snapshot, StepRecord, StepState,
        fixtures::{at, attempt, key, running, step},
    },
    lifecycle::{ended, of, unwinding},
};
use holdfast_receipt::{AttemptOutcome, Status};

fn has(execution: &ExecutionRecord, step: StepRecord) -> bool {
    let snapshot = Snapshot::new(execution.clone(), vec![step], 0);
    !snapshot.steps.is_empty()
}

/// Records of a claim whose attempt died, and of one whose attempt could not read.
fn late_claims() -> [StepRecord; 2] {
    let waiting = StepState::Waiting { until: at(0) };
    let transient = attempt("a", Some(AttemptOutcome::Transient));
    [
        step(&key("k"), running("a", 35), vec![attempt("a", None)]),
        step(&key("k"), waiting, vec![transient]),
    ]
}

#[test]
fn a_snapshot_lacks_an_open_record_only_after_the_end_of_a_rollback() {
    let ends = [
        Status::Failed,
        Status::RolledBack,
        Status::PartiallyRolledBack,
    ];
    for late in late_claims() {
        for status in ends {
            assert!(!has(&ended(status), late.clone()), "{status:?} {late:?}");
        }
        let others = [of(Phase::Running), unwinding(), ended(Status::Executed)];
        for execution in others {
            assert!(
                has(&execution, late.clone()),
                "{:?} {late:?}",
                execution.phase
            );
        }
    }
}

#[test]
fn a_late_claim_remains_one_in_every_later_generation() {
    for late in late_claims() {
        for (status, has_it) in [(Status::RolledBack, false), (Status::Executed, true)] {
            let next = ExecutionRecord {
                generation: 1,
                past: ended(status).past_after(),
                ..of(Phase::Running)
            };
            assert_eq!(has(&next, late.clone()), has_it, "{status:?} {late:?}");
            let claimed = StepRecord {
                execution_generation: 1,
                ..late.clone()
            };
            assert!(has(&next, claimed), "it is of this generation: {late:?}");
        }
    }
}

#[test]
fn a_snapshot_has_every_record_that_may_have_an_effect() {
    let rolled_back = ended(Status::RolledBack);
    for late in late_claims() {
        let tainted = StepRecord {
            tainted: true,
            ..late.clone()
        };
        assert!(has(&rolled_back, tainted), "{late:?}");
        let mut twice = late.clone();
        let first = attempt("x", Some(AttemptOutcome::Unknown));
        twice.attempts.insert(0, first);
        assert!(has(&rolled_back, twice), "{late:?}");
    }
    for state in [StepState::Unknown, StepState::Succeeded, StepState::Undone] {
        let record = step(&key("k"), state, vec![attempt("a", None)]);
        assert!(has(&rolled_back, record));
    }
}
