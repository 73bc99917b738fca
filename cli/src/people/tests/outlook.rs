//! Tests of what the command says about actions and statistics.

use serde_json::{Value, json};

use super::{document, id, screen, text, unpromised};
use crate::{
    api::typed,
    people::{action, shape::outlook, statistics},
};

#[test]
fn the_command_reads_of_actions_and_statistics_only_what_the_document_promises() {
    let document = document();
    let of = &document;
    let differences = [
        unpromised::<outlook::Actions>(of, "Actions"),
        unpromised::<outlook::Action>(of, "Action"),
        unpromised::<outlook::ActionRefusal>(of, "ActionRefusal"),
        unpromised::<outlook::Effect>(of, "ActionEffect"),
        unpromised::<outlook::RemainingEffect>(of, "RemainingEffect"),
        unpromised::<outlook::Continuation>(of, "Continuation"),
        unpromised::<outlook::Statistics>(of, "Statistics"),
        unpromised::<outlook::Figures>(of, "Figures"),
        unpromised::<outlook::Bucket>(of, "Bucket"),
        unpromised::<outlook::WorkflowFigures>(of, "WorkflowFigures"),
        unpromised::<outlook::StepFigures>(of, "StepFigures"),
        unpromised::<outlook::Now>(of, "Now"),
        unpromised::<outlook::Count>(of, "Count"),
    ];
    assert_eq!(differences.concat(), Vec::<String>::new());
}

fn effect(step: &str, certainty: &str) -> Value {
    json!({ "step": step, "action": "http", "state": "SUCCESS", "certainty": certainty })
}

#[test]
fn actions_say_what_is_undone_in_order_and_what_remains() {
    let mut left = effect("tell\u{1b}[2J", "possible");
    left["why"] = json!("the step has no undo");
    let found = json!({
        "execution_id": id("41c20d"), "workflow_id": "WF-PAY", "tenant": "acme",
        "status": "EXECUTED", "generation": 0,
        "actions": [
            { "action": "cancel", "allowed": false, "command": "holdfast cancel 41c20d",
              "refusal": { "code": "conflict", "message": "the execution has ended EXECUTED" },
              "effect": "It stops.", "undoes": [], "cannot_undo": [] },
            { "action": "rollback", "allowed": true, "command": "holdfast rollback 41c20d",
              "effect": "The effects are undone.", "cannot_undo": [left],
              "undoes": [effect("pay", "certain"), effect("hold", "certain")] },
            { "action": "decide", "decision": "retry", "step": "pay", "allowed": true,
              "command": "holdfast decide 41c20d retry", "effect": "The step is tried again.",
              "undoes": [], "cannot_undo": [],
              "continues": { "version": 3, "keeps": [effect("hold", "certain")],
                             "runs": ["pay", "tell"], "first": "pay" } },
        ],
    });
    let found = typed(&found).unwrap_or_else(|_| panic!("actions"));
    insta::assert_snapshot!(action::text(&found), @r"
    execution 41c20d0000000000000000000000000000000000 of WF-PAY, EXECUTED

    rollback
      The effects are undone.
      undoes  pay (SUCCESS)
      undoes  hold (SUCCESS)
      remains tell�[2J (SUCCESS, perhaps): the step has no undo
      holdfast rollback 41c20d

    decide retry (step pay)
      The step is tried again.
      keeps   hold (SUCCESS)
      runs    pay, tell (version 3)
      holdfast decide 41c20d retry

    cancel
      It stops.
      not now: the execution has ended EXECUTED
    ");
}

#[test]
fn statistics_leave_hours_without_executions_out() {
    let figures = |started: u64, executed: u64| {
        let ended = match executed {
            0 => json!({}),
            _ => json!({ "EXECUTED": executed }),
        };
        json!({
            "started": started, "ended": ended, "withdrawn": 0,
            "success_rate": (executed > 0).then_some(1.0),
            "mean_time_to_complete_ms": (executed > 0).then_some(2_500),
            "total_time_to_complete_ms": 2_500 * executed,
            "decisions": 0, "mean_time_to_decide_ms": null, "total_time_to_decide_ms": 0,
        })
    };
    let with = |name: &str, value: &str, mut figures: Value| {
        figures[name] = value.into();
        figures
    };
    let answer = json!({
        "tenant": "acme", "from": "2026-11-24T10:00:00Z", "until": "2026-11-24T12:00:00Z",
        "by": "hour", "total": figures(2, 1), "updated_at": null,
        "buckets": [
            with("at", "2026-11-24T10:00:00Z", figures(2, 1)),
            with("at", "2026-11-24T11:00:00Z", figures(0, 0)),
        ],
        "workflows": [with("workflow_id", "WF-PAY", figures(2, 1))],
        "steps": [{ "workflow_id": "WF-PAY", "step": "pay", "ended": 1, "attempts": 2,
                    "mean_ms": 1_200, "total_ms": 1_200 }],
        "now": { "open_incidents": { "count": 3, "more": true },
                 "waiting_questions": { "count": 1, "more": false }, "paused": [] },
    });
    let shown = text(statistics::text(&answer, &screen()));
    assert!(shown.contains("2026-11-24T10:00:00Z  2"), "{shown}");
    assert!(!shown.contains("2026-11-24T11:00:00Z"), "{shown}");
    assert!(
        shown.contains("100.0 %") && shown.contains("2.5 s"),
        "{shown}"
    );
    let now = "now: more than 3 open incidents, 1 waiting question, 0 paused";
    assert!(shown.contains(now), "{shown}");
}
