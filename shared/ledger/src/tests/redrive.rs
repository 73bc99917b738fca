//! Redrives of executions that did not execute.

use serde_json::json;

use super::{
    super::{
        ExecutionRecord, Phase, Redrive, RequestTransition, Snapshot, StepRecord, StepState,
        bound_choices,
        fixtures::{at, declared, step},
        redrive,
    },
    lifecycle::{NOW, already, ended, of, receipt, refused, request, unwinding, written},
};
use holdfast_receipt::{GuardrailOutcome, Status};
use holdfast_task::{AdmissionSpec, BranchRef, StepRef};

fn gate() -> AdmissionSpec {
    AdmissionSpec {
        workflow: "WF-HOLD".to_owned(),
        version: 2,
        description: None,
        definition_digest: "sha256:2".to_owned(),
        tenants: Vec::new(),
        input_schema: json!({}),
        guardrails: Vec::new(),
        triggers: Vec::new(),
        rules: holdfast_task::StartConditions::default(),
        fields: holdfast_task::ShownFields::default(),
        timeout_s: 600,
        tier: holdfast_task::Tier::Standard,
    }
}

fn redriven_as(
    execution: &ExecutionRecord,
    steps: &[StepState],
    declared: &[StepRef],
) -> RequestTransition {
    let records = steps
        .iter()
        .map(|state| step(&execution.at, state.clone(), Vec::new()));
    redriven_of(execution, records.collect(), declared)
}

fn redriven_of(
    execution: &ExecutionRecord,
    records: Vec<StepRecord>,
    declared: &[StepRef],
) -> RequestTransition {
    let snapshot = Snapshot::new(execution.clone(), records, 0);
    redrive(
        &snapshot,
        &gate(),
        declared,
        &request(),
        "arn:again",
        at(NOW),
    )
}

pub(super) fn redriven(execution: &ExecutionRecord, steps: &[StepState]) -> RequestTransition {
    redriven_as(execution, steps, &[declared("hold")])
}

#[test]
fn a_redrive_runs_in_a_new_generation_under_the_current_definition() {
    for status in [
        Status::Failed,
        Status::RolledBack,
        Status::PartiallyRolledBack,
    ] {
        let first = ExecutionRecord {
            unwound_at: Some(at(30)),
            ..ended(status)
        };
        let right = ExecutionRecord {
            rev: 6,
            unwound_at: None,
            version: 2,
            definition_digest: "sha256:2".to_owned(),
            epoch: 4,
            generation: 1,
            origin: None,
            owner: "arn:again".to_owned(),
            deadline: at(NOW + 600),
            phase: Phase::Running,
            previous: Some(receipt()),
            past: first.past_after(),
            receipt: None,
            redriven: Some(Redrive {
                generation: 1,
                by: request().by,
                reason: request().reason,
                at: at(NOW),
                machine: None,
            }),
            ..first.clone()
        };
        let steps = [
            StepState::Succeeded,
            StepState::FailedClean,
            StepState::Undone,
            StepState::Unknown,
        ];
        assert_eq!(written(redriven(&first, &steps)), right, "{status:?}");
        // A repeat: the owner may never have been started, or the answer was lost.
        already(&redriven(&right, &steps), "is redriven already");
        let stopped = ExecutionRecord {
            phase: unwinding().phase,
            ..right
        };
        refused(&redriven(&stopped, &steps), "has not ended");
    }
}

#[test]
fn a_redrive_is_refused_unless_the_execution_failed() {
    for open in [of(Phase::Running), of(Phase::Rejected), unwinding()] {
        refused(&redriven(&open, &[]), "has not ended");
    }
    already(
        &redriven(&ended(Status::Executed), &[]),
        "has been executed",
    );
    refused(
        &redriven(&ended(Status::Rejected), &[]),
        "another idempotency key",
    );
}

#[test]
fn a_redrive_is_refused_after_a_failed_undo() {
    let partly = ended(Status::PartiallyRolledBack);
    refused(
        &redriven(&partly, &[StepState::UndoFailed]),
        "hold: its undo failed",
    );
}

#[test]
fn a_redrive_is_refused_if_the_definition_lacks_or_changed_a_succeeded_step() {
    let partly = ended(Status::PartiallyRolledBack);
    let renamed = StepRef {
        name: "hold_it".to_owned(),
        ..declared("hold")
    };
    let other = StepRef {
        action: "http".to_owned(),
        ..declared("hold")
    };
    for now in [vec![], vec![renamed], vec![other]] {
        let found = redriven_as(&partly, &[StepState::Succeeded], &now);
        refused(&found, "no longer has this step with this action");
        written(redriven_as(&partly, &[StepState::Undone], &now));
    }
}

#[test]
fn a_redrive_is_refused_if_a_succeeded_step_moved_into_or_out_of_a_for_each() {
    let partly = ended(Status::PartiallyRolledBack);
    let inside = StepRef {
        for_each: Some("each".to_owned()),
        ..declared("hold")
    };
    let item = StepRecord {
        item: Some("v-1".to_owned()),
        ..step(&partly.at, StepState::Succeeded, Vec::new())
    };
    let found = |record: &StepRecord, declared: &StepRef| {
        redriven_of(
            &partly,
            vec![record.clone()],
            std::slice::from_ref(declared),
        )
    };
    let plain = step(&partly.at, StepState::Succeeded, Vec::new());
    refused(&found(&plain, &inside), "in this place");
    refused(&found(&item, &declared("hold")), "in this place");
    written(found(&item, &inside));
}

#[test]
fn the_guardrail_that_refused_an_earlier_redrive_is_not_carried_over() {
    let mut first = ended(Status::Failed);
    for (name, held) in [("short_hold", true), ("held_amount", false)] {
        first.guardrails.push(GuardrailOutcome {
            name: name.to_owned(),
            held,
            message: None,
        });
    }
    let next = written(redriven(&first, &[StepState::Undone]));
    let names: Vec<_> = next.guardrails.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["input", "short_hold"]);
}

/// The declarations of `hold` and `other`, in two branches of one choice.
fn in_branches() -> Vec<StepRef> {
    let of = |name: &str, branch: &str| StepRef {
        name: name.to_owned(),
        branches: vec![BranchRef {
            step: "route".to_owned(),
            branch: branch.to_owned(),
        }],
        ..declared("hold")
    };
    vec![of("hold", "1"), of("other", "otherwise")]
}

#[test]
fn a_redrive_takes_a_branch_again_that_has_or_may_have_an_effect() {
    let running = StepState::Running {
        token: "a".to_owned(),
        lease_until: at(NOW),
    };
    for (state, bound) in [
        (StepState::Succeeded, true),
        (StepState::Unknown, true),
        (running, true),
        (StepState::FailedClean, false),
        (StepState::Undone, false),
    ] {
        let partly = ended(Status::PartiallyRolledBack);
        let records = [step(&partly.at, state.clone(), Vec::new())];
        let expected = bound.then(|| ("route".to_owned(), "1".to_owned()));
        let found = bound_choices(&records, &in_branches());
        assert_eq!(found, Ok(expected.into_iter().collect()), "{state:?}");
    }
}

#[test]
fn a_redrive_with_effects_in_two_branches_is_refused() {
    let partly = ended(Status::PartiallyRolledBack);
    let one = step(&partly.at, StepState::Succeeded, Vec::new());
    let other = StepRecord {
        step: "other".to_owned(),
        ..one.clone()
    };
    let found = redriven_of(&partly, vec![one, other], &in_branches());
    refused(&found, "a step of another branch of `route`");
}

#[test]
fn a_redrive_forgets_the_choices_of_the_generation_before() {
    let mut before = ended(Status::RolledBack);
    before.choices = [("route".to_owned(), "1".to_owned())].into();
    let now = written(redriven_of(&before, Vec::new(), &in_branches()));
    assert_eq!((now.choices.len(), now.stopped), (0, None));
}
