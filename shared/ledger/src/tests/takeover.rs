//! The decision on a takeover, in every phase.

use super::super::{
    ExecutionRecord, Phase, TakeoverTransition,
    fixtures::{at, execution, key},
    take, take_to_finish, unwound_since,
};
use holdfast_receipt::Status;
use holdfast_task::{Failure, timing::UNWINDING_OVERDUE};

const NOW: i64 = 100;

fn failure(state: &str) -> Failure {
    Failure {
        state: state.to_owned(),
        error: "Permanent".to_owned(),
        cause: "{}".to_owned(),
        by: None,
    }
}

fn unwinding() -> Phase {
    Phase::Unwinding {
        failure: failure("first"),
    }
}

/// The execution in its third epoch, owned by `arn:owner`.
fn execution_in(phase: Phase) -> ExecutionRecord {
    ExecutionRecord {
        rev: 7,
        epoch: 3,
        phase,
        ..execution(&key("k"))
    }
}

fn taken(execution: &ExecutionRecord, by: &str, epoch: u64) -> TakeoverTransition {
    take(execution, by, epoch, &failure("second"), at(NOW))
}

fn written(execution: &ExecutionRecord, by: &str) -> ExecutionRecord {
    let TakeoverTransition::Write(next) = taken(execution, by, 3) else {
        panic!("not free: {:?}", taken(execution, by, 3));
    };
    *next
}

#[test]
fn a_takeover_changes_the_owner_and_nothing_of_the_start() {
    let running = execution_in(Phase::Running);
    for (by, origin) in [
        ("arn:owner", None),
        ("arn:recovery", Some("arn:owner".to_owned())),
    ] {
        let right = ExecutionRecord {
            rev: 8,
            epoch: 4,
            origin,
            owner: by.to_owned(),
            deadline: at(NOW) + UNWINDING_OVERDUE,
            unwound_at: Some(at(NOW)),
            phase: Phase::Unwinding {
                failure: failure("second"),
            },
            ..running.clone()
        };
        assert_eq!(written(&running, by), right);
    }
}

#[test]
fn the_origin_is_written_only_while_another_owner_acts() {
    let attribute = |record: &ExecutionRecord| {
        let record = serde_json::to_value(record).expect("it has JSON");
        record.get("origin").cloned()
    };
    let running = execution_in(Phase::Running);
    assert_eq!((running.origin(), attribute(&running)), ("arn:owner", None));
    let mut next = running;
    for by in ["arn:recovery", "arn:other"] {
        next = ExecutionRecord {
            epoch: 3,
            ..written(&next, by)
        };
        assert_eq!((next.origin(), next.owner.as_str()), ("arn:owner", by));
        assert_eq!(attribute(&next), Some("arn:owner".into()));
    }
    // A record of an earlier release has it always.
    let earlier = ExecutionRecord {
        origin: Some("arn:owner".to_owned()),
        ..execution_in(Phase::Running)
    };
    assert_eq!(written(&earlier, "arn:recovery").origin(), "arn:owner");
}

#[test]
fn a_recovery_keeps_the_recorded_failure() {
    let next = written(&execution_in(unwinding()), "arn:recovery");
    assert_eq!(next.phase, unwinding());
    assert_eq!((next.epoch, next.owner.as_str()), (4, "arn:recovery"));
}

#[test]
fn an_owner_that_took_over_before_is_recognized_in_every_epoch() {
    for epoch in [0, 2, 3, 4] {
        let found = taken(&execution_in(unwinding()), "arn:owner", epoch);
        assert_eq!(found, TakeoverTransition::Mine, "epoch {epoch}");
    }
}

#[test]
fn a_takeover_from_another_epoch_is_superseded() {
    for epoch in [2, 4] {
        for (phase, by) in [
            (Phase::Running, "arn:owner"),
            (Phase::Running, "arn:recovery"),
            (Phase::Rejected, "arn:owner"),
            (unwinding(), "arn:recovery"),
        ] {
            let found = taken(&execution_in(phase.clone()), by, epoch);
            assert_eq!(
                found,
                TakeoverTransition::Superseded,
                "{phase:?} {by} {epoch}"
            );
        }
    }
}

#[test]
fn an_ended_execution_cannot_be_taken_over() {
    for status in [
        Status::Executed,
        Status::RolledBack,
        Status::PartiallyRolledBack,
        Status::Failed,
        Status::Rejected,
    ] {
        let ended = execution_in(Phase::Ended {
            status,
            at: at(60),
            failure: None,
        });
        for (by, epoch) in [("arn:owner", 3), ("arn:recovery", 3), ("arn:owner", 2)] {
            assert_eq!(
                taken(&ended, by, epoch),
                TakeoverTransition::Over,
                "{status:?}"
            );
        }
    }
}

#[test]
fn a_rejected_execution_has_nothing_to_take_over() {
    let found = taken(&execution_in(Phase::Rejected), "arn:recovery", 3);
    assert_eq!(found, TakeoverTransition::Mine);
}

#[test]
fn after_a_takeover_no_step_is_admitted_and_only_the_new_epoch_unwinds() {
    let next = written(&execution_in(Phase::Running), "arn:recovery");
    for epoch in [2, 3, 4, 5] {
        assert!(!next.admits(epoch), "{epoch}");
        assert_eq!(next.unwinds(epoch), epoch == 4, "{epoch}");
    }
}

#[test]
fn a_takeover_that_finishes_leaves_the_execution_running_for_its_new_owner_alone() {
    let running = execution_in(Phase::Running);
    let taken = take_to_finish(&running, "arn:recovery", 3, at(NOW));
    let TakeoverTransition::Write(next) = taken else {
        panic!("not free: {taken:?}");
    };
    let right = ExecutionRecord {
        rev: 8,
        epoch: 4,
        origin: Some("arn:owner".to_owned()),
        owner: "arn:recovery".to_owned(),
        deadline: at(NOW) + UNWINDING_OVERDUE,
        ..running.clone()
    };
    assert_eq!(*next, right);
    let found = |execution, by, epoch| take_to_finish(execution, by, epoch, at(NOW));
    let superseded = TakeoverTransition::Superseded;
    assert_eq!(found(&running, "arn:owner", 3), TakeoverTransition::Mine);
    assert_eq!(found(&next, "arn:recovery", 3), TakeoverTransition::Mine);
    assert_eq!(found(&next, "arn:another", 3), superseded);
    assert_eq!(
        found(&execution_in(unwinding()), "arn:recovery", 3),
        superseded
    );
}

#[test]
fn the_rollback_began_at_the_first_takeover_of_its_generation() {
    let first = written(&execution_in(Phase::Running), "arn:owner");
    let later = take(&first, "arn:recovery", 4, &failure("second"), at(NOW + 60));
    let TakeoverTransition::Write(mut later) = later else {
        panic!("not free: {later:?}");
    };
    assert_eq!(unwound_since(&later), at(NOW));
    // A record of an earlier release shows the last takeover alone.
    later.unwound_at = None;
    assert_eq!(unwound_since(&later), at(NOW + 60));
}
