//! Tests of measurements: each change of a step or a question measures what it ended, once.

use holdfast_ledger::{Question, QuestionState, Ruling, fixtures::question};
use holdfast_receipt::Decision;

use super::*;
use crate::metrics::step_emf;

pub(super) fn origin() -> Origin {
    Origin::of(&fixture_execution(&key("k")))
}

/// An attempt from one second to another.
pub(super) fn tried(token: &str, from: i64, to: i64, outcome: AttemptOutcome) -> Attempt {
    Attempt {
        started_at: at(from),
        ended_at: Some(at(to)),
        ..attempt(token, Some(outcome))
    }
}

fn begun(token: &str, from: i64) -> Attempt {
    Attempt {
        started_at: at(from),
        ..attempt(token, None)
    }
}

/// The measured values of the changes between successive versions, as name and value.
fn measured(versions: &[Record]) -> Vec<(&'static str, i64)> {
    let before = std::iter::once(None).chain(versions.iter().map(Some));
    let all = before
        .zip(versions)
        .flat_map(|(old, new)| measurements(old, new, &origin()));
    let values = all.flat_map(|one| [one.of_step, one.of_target].concat());
    values
        .map(|(metric, value)| (metric.name(), value))
        .collect()
}

fn versions_of(steps: &[StepRecord]) -> Vec<Record> {
    steps.iter().map(recorded).collect()
}

#[test]
fn a_step_is_measured_from_its_first_attempt_to_its_end_and_each_attempt_by_itself() {
    let of = key("k");
    let refused = tried("a", 2, 3, AttemptOutcome::Transient);
    let waiting = StepState::Waiting { until: at(10) };
    let done = tried("b", 10, 14, AttemptOutcome::Succeeded);
    let values = measured(&versions_of(&[
        step(&of, running("a", 30), vec![begun("a", 2)]),
        step(&of, waiting, vec![refused.clone()]),
        step(&of, running("b", 40), vec![refused.clone(), begun("b", 10)]),
        step(&of, StepState::Succeeded, vec![refused, done]),
    ]));
    let expected = [
        ("queue_time", 2_000),
        ("attempt_duration", 1_000),
        ("step_duration", 12_000),
        ("step_attempts", 2),
        ("attempt_duration", 4_000),
    ];
    assert_eq!(values, expected);
}

#[test]
fn attempts_before_a_retry_decision_are_no_part_of_a_step_duration() {
    let refused = tried("a", 2, 3, AttemptOutcome::Permanent);
    let done = tried("b", 90_000, 90_004, AttemptOutcome::Succeeded);
    let decided = |state, attempts| StepRecord {
        forgiven: 1,
        ..step(&key("k"), state, attempts)
    };
    let values = measured(&versions_of(&[
        decided(
            running("b", 90_030),
            vec![refused.clone(), begun("b", 90_000)],
        ),
        decided(StepState::Succeeded, vec![refused, done]),
    ]));
    assert!(values.contains(&("step_duration", 4_000)), "{values:?}");
    assert!(values.contains(&("step_attempts", 1)), "{values:?}");
}

#[test]
fn an_attempt_that_died_or_did_nothing_measures_no_target() {
    let of = key("k");
    for outcome in [AttemptOutcome::Lost, AttemptOutcome::Halted] {
        let values = measured(&versions_of(&[
            step(&of, running("a", 30), vec![begun("a", 2)]),
            step(&of, StepState::Unknown, vec![tried("a", 2, 90, outcome)]),
        ]));
        assert_eq!(values, [("queue_time", 2_000)], "{outcome:?}");
    }
}

#[test]
fn only_the_first_claim_of_the_first_step_measures_the_queue() {
    let first = step(&key("k"), running("a", 30), vec![begun("a", 2)]);
    let second = StepRecord {
        number: 2,
        ..first.clone()
    };
    let item = StepRecord {
        item: Some("v-1".to_owned()),
        ..first.clone()
    };
    // A pause took the claim back.
    let paused = StepRecord {
        attempts: Vec::new(),
        ..first.clone()
    };
    let redriven = StepRecord {
        execution_generation: 1,
        ..first.clone()
    };
    assert_eq!(measured(&versions_of(&[second])), []);
    assert_eq!(measured(&versions_of(&[item])), []);
    assert_eq!(measured(&versions_of(&[redriven])), []);
    let again = [first.clone(), paused, first];
    assert_eq!(measured(&versions_of(&again)), [("queue_time", 2_000)]);
}

#[test]
fn an_undo_measures_its_target_and_no_step() {
    let of = key("k");
    let done = tried("a", 2, 3, AttemptOutcome::Succeeded);
    let undone = |state, undo_attempts| StepRecord {
        undo_attempts,
        ..step(&of, state, vec![done.clone()])
    };
    let undoing = StepState::Undoing {
        token: "u".to_owned(),
        lease_until: at(60),
    };
    let values = measured(&versions_of(&[
        undone(StepState::Succeeded, Vec::new()),
        undone(undoing, vec![begun("u", 20)]),
        undone(
            StepState::Undone,
            vec![tried("u", 20, 27, AttemptOutcome::Succeeded)],
        ),
    ]));
    assert_eq!(values.last(), Some(&("attempt_duration", 7_000)));
    let ended = values.iter().filter(|(name, _)| *name == "step_duration");
    assert_eq!(ended.count(), 1, "the step itself: {values:?}");
}

#[test]
fn a_question_is_measured_from_its_entry_to_its_decision_or_deadline_once() {
    let open = question(&key("k"));
    let ruling = Ruling {
        decision: Decision::Retry,
        by: "alice".to_owned(),
        reason: "hidden".to_owned(),
        at: at(40),
        incident: None,
    };
    let ruled = |delivered| Question {
        state: QuestionState::Ruled {
            ruling: ruling.clone(),
            delivered,
        },
        ..open.clone()
    };
    let expired = Question {
        state: QuestionState::Expired {
            at: at(60),
            closed: false,
        },
        ..open.clone()
    };
    let record = |question: &Question| Record::Question(Box::new(question.clone()));
    let decided = [record(&open), record(&ruled(false)), record(&ruled(true))];
    assert_eq!(measured(&decided), [("decision_time", 40_000)]);
    let late = [record(&open), record(&expired)];
    assert_eq!(measured(&late), [("decision_time", 60_000)]);
}

#[test]
fn the_line_of_a_step_has_dimensions_for_step_and_target_and_none_for_tenant_or_execution() {
    let of = StepRecord {
        action: "http".to_owned(),
        input: inline(
            json!({ "url": "https://api.example.com/v1?token=hidden", "body": "hidden" }),
        ),
        ..step(
            &key("k"),
            StepState::Succeeded,
            vec![tried("a", 2, 3, AttemptOutcome::Succeeded)],
        )
    };
    let all = measurements(None, &recorded(&of), &origin());
    let lines: Vec<_> = all
        .iter()
        .map(|one| step_emf("Holdfast/test", one, &about()))
        .collect();
    let last = lines.last().expect("the end of the step");
    let metric = |name: &str, unit: &str| json!({ "Name": name, "Unit": unit });
    assert_eq!(
        last["_aws"]["CloudWatchMetrics"],
        json!([
            {
                "Namespace": "Holdfast/test",
                "Dimensions": [["workflow", "step"]],
                "Metrics": [metric("step_duration", "Milliseconds"), metric("step_attempts", "Count")],
            },
            {
                "Namespace": "Holdfast/test",
                "Dimensions": [["target"]],
                "Metrics": [metric("attempt_duration", "Milliseconds")],
            },
        ])
    );
    for (member, value) in [
        ("workflow", "WF-HOLD"),
        ("step", "hold"),
        ("target", "api.example.com"),
        ("outcome", "succeeded"),
        ("tenant", "acme"),
    ] {
        assert_eq!(last[member], value, "{member}");
    }
    assert!(!json!(lines).to_string().contains("hidden"), "{lines:?}");
}

#[test]
fn a_metrics_line_declares_its_metrics_and_dimensions() {
    let line = emf(
        "Holdfast/test",
        &[(Metric::SuccessRate, 1)],
        Some(&about()),
        true,
        at(0),
    );
    assert_eq!(
        line["_aws"]["CloudWatchMetrics"][0],
        json!({
            "Namespace": "Holdfast/test",
            "Dimensions": [[], ["workflow"], ["tenant"]],
            "Metrics": [{ "Name": "workflow_success_rate", "Unit": "None" }],
        })
    );
    assert_eq!(line["workflow_success_rate"], 1);
    assert_eq!(line["workflow"], "WF-HOLD");
}
