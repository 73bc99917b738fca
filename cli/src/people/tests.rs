//! Tests of what people read, and of the members that the command reads of the API's answers.

mod bulk;
mod outlook;
mod show;
mod workflow;

use std::{collections::BTreeSet, fs, path::Path};

use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};

use super::{allowance, control, decide, delegation, incident, list, request, shape, tenant};
use crate::{api::typed, report::Trouble, screen::Screen};

fn screen() -> Screen {
    Screen {
        width: None,
        colour: false,
        now: "2026-11-24T12:00:00Z".parse().expect("a time"),
    }
}

/// The text of a table, which has no trouble with a sample.
fn text(table: Result<String, Trouble>) -> String {
    table.unwrap_or_else(|trouble| match trouble {
        Trouble::Other(why) => panic!("{why}"),
        _ => panic!("another trouble"),
    })
}

fn id(first: &str) -> String {
    format!("{first:0<40}")
}

fn execution() -> Value {
    json!({
        "execution_id": id("41c20d"), "workflow_id": "WF-PAY-VENDOR", "workflow_version": 3,
        "tier": "express", "tenant": "acme", "status": "RUNNING", "subject": "order 17",
        "trigger": "api", "requested_by": "ann",
        "shown": [{ "label": "Amount", "value": "60000 EUR\u{1b}[2J" }],
        "generation": 1, "started_at": "2026-11-24T11:57:00Z", "ended_at": null,
        "guardrails": [{ "name": "short_hold", "held": true }], "failure": null,
        "questions": [
            { "step": "pay", "kind": "escalation", "status": "OPEN", "until": "2026-11-24T14:00:00Z",
              "decisions": ["retry", "skip", "rollback"], "decision": null,
              "incident": format!("/v1/incidents/{}", id("5ec2")), "message": "POST answered 422" },
            { "step": "agreed", "kind": "approval", "status": "DECIDED",
              "until": "2026-11-24T13:00:00Z", "decisions": ["approve", "reject"],
              "decision": { "decision": "approve", "by": "ann", "reason": "fine\u{1b}[2J" },
              "votes": [{ "decision": "approve", "by": "cem", "reason": "so be it\nvote x",
                          "group": "cfo", "acting_for": "eve" },
                        { "decision": "approve", "by": "ann", "group": "treasury",
                          "in_place_of_group": true }],
              "incident": format!("/v1/incidents/{}", id("5ec3")) },
        ],
        "steps": [
            { "name": "hold", "item": "v-1", "action": "vendor-hold", "status": "SUCCESS",
              "started_at": "2026-11-24T11:57:01Z", "attempts": [{ "outcome": "succeeded" }],
              "undo_attempts": [] },
            { "name": "pay", "action": "http", "status": "FAILED",
              "started_at": "2026-11-24T11:57:02Z", "undo_attempts": [],
              "attempts": [{ "outcome": "permanent", "error": "POST answered 422",
                "answer": { "path": "/payments", "body": "{\"detail\": \"IBAN unknown\"}",
                            "cut": false } }] },
        ],
    })
}

#[test]
fn a_list_of_executions_has_short_ids_and_relative_times() {
    let items = json!([
        { "execution_id": id("41c20d"), "workflow_id": "WF-PAY-VENDOR", "status": "EXECUTED",
          "trigger": "api", "started_at": "2026-11-24T11:57:00Z",
          "ended_at": "2026-11-24T11:57:04.25Z", "subject": "order 17\u{202e}" },
        { "execution_id": id("9e0f"), "workflow_id": "WF-HOLD", "status": "WAITING",
          "trigger": "nightly", "started_at": "2026-11-24T10:00:00Z", "ended_at": null },
    ]);
    insta::assert_snapshot!(text(list::executions(&items, &screen())), @r"
    ID            WORKFLOW       STATUS    SUBJECT    STARTED    TOOK   TRIGGER
    41c20d000000  WF-PAY-VENDOR  EXECUTED  order 17�  3 min ago  4.2 s  api
    9e0f00000000  WF-HOLD        WAITING              2 h ago           nightly
    ");
}

#[test]
fn a_list_of_receipts_has_their_digests() {
    let items = json!([{
        "execution_id": id("41c20d"), "workflow_id": "WF-PAY-VENDOR", "status": "ROLLED_BACK",
        "generation": 0, "started_at": "2026-11-24T11:57:00Z", "sha256": "5e".repeat(32),
    }]);
    insta::assert_snapshot!(text(list::receipt_table(&items, &screen())), @r"
    ID            GENERATION  WORKFLOW       STATUS       STARTED    SHA-256
    41c20d000000  0           WF-PAY-VENDOR  ROLLED_BACK  3 min ago  5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e
    ");
}

#[test]
fn the_inbox_says_what_can_be_decided_until_when() {
    let question = |decisions: &[&str], step: &str, more: Value| {
        let mut question = json!({
            "execution_id": id("41c20d"), "workflow_id": "WF-PAY-VENDOR", "tenant": "acme",
            "step": step, "decisions": decisions, "incident_id": id("5ec2"), "until": "2026-11-24T14:00:00Z",
        });
        question
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        question
    };
    let items = json!([
        question(
            &["retry", "skip", "rollback"],
            "pay",
            json!({ "message": "POST answered 422" })
        ),
        question(
            &["approve", "reject"],
            "agreed",
            json!({
                "message": "pay 60,000?", "subject": "order 17", "count": 2, "votes": 1,
            })
        ),
    ]);
    insta::assert_snapshot!(text(decide::questions(&items, &screen())), @r"
    ID            TENANT  WORKFLOW       SUBJECT   STEP    DECIDE                 VOTES   UNTIL   MESSAGE
    41c20d000000  acme    WF-PAY-VENDOR            pay     retry, skip, rollback          in 2 h  POST answered 422
    41c20d000000  acme    WF-PAY-VENDOR  order 17  agreed  approve, reject        1 of 2  in 2 h  pay 60,000?

    holdfast decide ID retry|skip|rollback|approve|reject --reason TEXT
    ");
}

#[test]
fn a_confirmation_says_what_happens_to_which_execution() {
    let found: shape::Execution = typed(&execution()).unwrap_or_else(|_| panic!("an execution"));
    let effect = decide::question_in_lines(&found, &found.questions[0]);
    insta::assert_snapshot!(effect, @r"
      execution 41c20d0000000000000000000000000000000000 of WF-PAY-VENDOR, tenant acme
      subject order 17
      Amount: 60000 EUR�[2J
      step pay: POST answered 422
    ");
    assert_eq!(
        request::in_lines(&found),
        format!(
            "  execution {} of WF-PAY-VENDOR, tenant acme, RUNNING\n  subject order 17\n  \
             steps: 1 SUCCESS, 1 FAILED",
            id("41c20d")
        )
    );
}

#[test]
fn an_incident_lists_the_executions_that_met_it() {
    let one = json!({
        "incident_id": id("5ec2"), "workflow_id": "WF-PAY-VENDOR", "tenant": "acme",
        "state": "pay", "error": "Permanent", "status": "OPEN", "standing": true,
        "opened_at": "2026-11-24T11:00:00Z", "message": "POST answered 422",
    });
    insta::assert_snapshot!(text(incident::table(&json!([one]), &screen())), @r"
    ID            TENANT  WORKFLOW       STATE  ERROR      STATUS  EFFECTS  OPENED   MESSAGE
    5ec200000000  acme    WF-PAY-VENDOR  pay    Permanent  OPEN    remain   1 h ago  POST answered 422
    ");
    let mut full = one;
    full["executions_total"] = json!(3);
    full["executions"] = json!([{
        "execution_id": id("41c20d"), "at": "2026-11-24T11:57:00Z", "status": "WAITING",
        "stands": ["hold[v-1]"], "reason": "POST answered 422",
    }]);
    insta::assert_snapshot!(text(incident::in_words(&full, &screen())), @r"
    incident  5ec2000000000000000000000000000000000000
    workflow  WF-PAY-VENDOR, tenant acme
    cause     pay Permanent
    status    OPEN
    opened    2026-11-24T11:00:00Z (1 h ago)
    message   POST answered 422

    EXECUTION                                 STATUS   MET        EFFECTS    REASON
    41c20d0000000000000000000000000000000000  WAITING  3 min ago  hold[v-1]  POST answered 422
    and 2 more
    ");
}

#[test]
fn controls_and_tenants_are_shown_with_their_state() {
    let change: shape::ControlChange = typed(&json!({
        "scope": "tenant/acme", "state": "paused", "replayed": true, "open_executions": 25,
        "open_executions_more": true,
    }))
    .unwrap_or_else(|_| panic!("a change"));
    assert_eq!(
        control::in_words(&change),
        "tenant/acme is paused, as before; at least 25 executions are open"
    );
    let items = json!([
        { "tenant": "acme", "state": "open", "by": "ann", "at": "2026-11-24T11:57:00Z" },
        { "tenant": "initech", "state": "closed", "by": "bob", "at": "2026-10-01T00:00:00Z" },
    ]);
    insta::assert_snapshot!(text(tenant::table(&items, &screen())), @r"
    TENANT   STATE   CHANGED     BY
    acme     open    3 min ago   ann
    initech  closed  2026-10-01  bob
    ");
}

#[test]
fn what_is_paused_is_listed_before_what_runs() {
    let items = json!([
        { "scope": "workflow/WF-PAY", "state": "running", "reason": "fixed", "by": "ann",
          "at": "2026-11-24T11:57:00Z" },
        { "scope": "tenant/acme", "state": "paused", "running_executions": "rollback",
          "reason": "a leak\u{1b}[2J", "by": "bob", "at": "2026-11-24T10:00:00Z" },
    ]);
    insta::assert_snapshot!(text(control::table(&items, &screen())), @r"
    SCOPE            STATE    EXECUTIONS  CHANGED    BY   REASON
    tenant/acme      paused   rollback    2 h ago    bob  a leak�[2J
    workflow/WF-PAY  running              3 min ago  ann  fixed
    ");
    let none = text(control::table(&json!([]), &screen()));
    assert_eq!(none, "no controls: nothing was ever paused\n");
}

#[test]
fn budgets_and_limits_have_what_is_left_as_far_as_the_role_sees_it() {
    let budget = json!({
        "workflow_id": "WF-PAY-VENDOR", "tenant": "acme", "name": "paid", "limit": "100000",
        "period": "2026-11-24", "resets_at": "2026-11-25T00:00:00Z", "used": "99000.5",
        "left": "999.5",
    });
    let limit = json!({
        "workflow_id": "WF-PAY-VENDOR", "tenant": "acme", "name": "concurrent_executions",
        "limit": "5", "period": null, "resets_at": null, "used": "5", "left": "0",
    });
    let mut answer = json!({ "budgets": [budget], "limits": [limit] });
    insta::assert_snapshot!(text(allowance::table(&answer, &screen())), @r"
    WORKFLOW       NAME                   LIMIT   USED     LEFT   PERIOD      RESETS
    WF-PAY-VENDOR  paid                   100000  99000.5  999.5  2026-11-24  in 12 h
    WF-PAY-VENDOR  concurrent_executions  5       5        0
    ");
    let budget = answer["budgets"][0].as_object_mut().expect("a budget");
    budget.retain(|name, _| name != "used" && name != "left");
    insta::assert_snapshot!(text(allowance::table(&answer, &screen())), @r"
    WORKFLOW       NAME                   LIMIT   USED  LEFT  PERIOD      RESETS
    WF-PAY-VENDOR  paid                   100000              2026-11-24  in 12 h
    WF-PAY-VENDOR  concurrent_executions  5       5     0
    ");
    let coloured = Screen {
        colour: true,
        ..screen()
    };
    let coloured = text(allowance::table(&answer, &coloured));
    assert!(coloured.contains("\u{1b}[31m0\u{1b}[0m"), "{coloured}");
    let none = json!({ "budgets": [], "limits": [] });
    let none = text(allowance::table(&none, &screen()));
    assert_eq!(none, "no budgets and no limits\n");
}

#[test]
fn a_delegation_says_who_decides_for_whom_and_when() {
    let one = json!({
        "group": "cfo", "by": "ann", "to": "bob", "from": "2026-11-24T11:57:00Z",
        "until": "2026-11-24T14:00:00Z", "reason": "on leave", "at": "2026-11-24T11:57:00Z",
        "in_force": true, "removed": false,
    });
    let mut later = one.clone();
    later["from"] = json!("2026-11-24T13:00:00Z");
    later["in_force"] = json!(false);
    insta::assert_snapshot!(text(delegation::table(&json!([one, later]), &screen())), @r"
    GROUP  MEMBER  STAND-IN  NOW      FROM       UNTIL   REASON
    cfo    ann     bob       decides  3 min ago  in 2 h  on leave
    cfo    ann     bob       not yet  in 1 h     in 2 h  on leave
    ");
    let change = |members: Value| {
        let mut change = one.clone();
        let members = members.as_object().expect("an object").clone();
        change.as_object_mut().expect("an object").extend(members);
        let change = typed(&change).unwrap_or_else(|_| panic!("a change"));
        delegation::in_words(&change)
    };
    assert_eq!(
        change(json!({ "replayed": false })),
        "bob decides for cfo in the place of ann, from 2026-11-24T11:57:00Z until \
         2026-11-24T14:00:00Z"
    );
    assert_eq!(
        change(json!({ "removed": true, "replayed": true })),
        "ann has no stand-in for cfo, as before"
    );
}

/// The OpenAPI document.
fn document() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let text = fs::read_to_string(file).expect("docs/openapi.json");
    serde_json::from_str(&text).expect("JSON")
}

/// The differences between the members that a type reads and those that a schema promises. A member
/// that is not optional must always be there.
fn unpromised<T: JsonSchema>(document: &Value, name: &str) -> Vec<String> {
    let read = schema_for!(T).to_value();
    let promised = &document["components"]["schemas"][name];
    let names = |list: &Value| -> BTreeSet<String> {
        let list = list.as_array().into_iter().flatten();
        list.filter_map(|name| Some(name.as_str()?.to_owned()))
            .collect()
    };
    let (needed, given) = (names(&read["required"]), names(&promised["required"]));
    let members = read["properties"].as_object().into_iter().flatten();
    let unknown = members.filter_map(|(member, _)| {
        let known = promised["properties"].get(member).is_some();
        (!known).then(|| format!("{name} has no {member}"))
    });
    let unsure = needed.difference(&given);
    unknown
        .chain(unsure.map(|member| format!("{name} can lack {member}")))
        .collect()
}

#[test]
fn the_command_reads_only_what_the_openapi_document_promises() {
    let of = &document();
    let differences = [
        unpromised::<shape::InboxQuestion>(of, "ListedQuestion"),
        unpromised::<shape::ListedExecution>(of, "ListedExecution"),
        unpromised::<shape::ListedReceipt>(of, "ListedReceipt"),
        unpromised::<shape::Execution>(of, "Execution"),
        unpromised::<shape::ShownField>(of, "ShownField"),
        unpromised::<shape::StartResult>(of, "StartResult"),
        unpromised::<shape::Failure>(of, "ExecutionFailure"),
        unpromised::<shape::Guardrail>(of, "GuardrailOutcome"),
        unpromised::<shape::Question>(of, "Question"),
        unpromised::<shape::RecordedDecision>(of, "DecisionView"),
        unpromised::<shape::Step>(of, "Step"),
        unpromised::<shape::Attempt>(of, "Attempt"),
        unpromised::<shape::TargetAnswer>(of, "TargetAnswer"),
        unpromised::<shape::Incident>(of, "Incident"),
        unpromised::<shape::IncidentInFull>(of, "IncidentInFull"),
        unpromised::<shape::IncidentExecution>(of, "LinkedExecution"),
        unpromised::<shape::RequestResult>(of, "RequestResult"),
        unpromised::<shape::DecisionResult>(of, "DecisionResult"),
        unpromised::<shape::ControlChange>(of, "ControlChange"),
        unpromised::<shape::Control>(of, "Control"),
        unpromised::<shape::Allowances>(of, "Budgets"),
        unpromised::<shape::Allowance>(of, "Allowance"),
        unpromised::<shape::Delegation>(of, "Delegation"),
        unpromised::<shape::DelegationChange>(of, "DelegationChange"),
        unpromised::<shape::Tenant>(of, "TenantChange"),
        unpromised::<shape::bulk::BulkPreview>(of, "BulkPreview"),
        unpromised::<shape::bulk::StatusCount>(of, "StatusCount"),
        unpromised::<shape::bulk::BulkSample>(of, "BulkSample"),
        unpromised::<shape::bulk::RefusalCount>(of, "RefusalCount"),
        unpromised::<shape::bulk::BulkChange>(of, "BulkChange"),
        unpromised::<shape::bulk::BulkReport>(of, "BulkReport"),
        unpromised::<shape::bulk::BulkCounts>(of, "BulkCounts"),
        unpromised::<shape::bulk::BulkItem>(of, "BulkReportItem"),
    ];
    assert_eq!(differences.concat(), Vec::<String>::new());
}

#[test]
fn an_answer_of_another_shape_is_refused() {
    let mut wrong = execution();
    wrong["started_at"] = json!("yesterday");
    let Err(Trouble::Other(why)) = typed::<shape::Execution>(&wrong) else {
        panic!("yesterday is no time");
    };
    assert!(why.starts_with("the API's answer is not what"), "{why}");
}
