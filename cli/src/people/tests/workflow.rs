//! Workflows and their versions, and what a pause would touch.

use serde_json::json;

use super::{document, screen, text, unpromised};
use crate::{
    api::typed,
    people::{
        control,
        shape::{outlook, workflow as shape},
        workflow,
    },
};

#[test]
fn the_command_reads_of_workflows_only_what_the_document_promises() {
    let of = &document();
    let differences = [
        unpromised::<shape::Workflow>(of, "Workflow"),
        unpromised::<shape::WorkflowVersions>(of, "WorkflowVersions"),
        unpromised::<shape::WorkflowVersion>(of, "WorkflowVersion"),
        unpromised::<outlook::ControlOutlook>(of, "ControlOutlook"),
        unpromised::<outlook::CoveredWorkflow>(of, "CoveredWorkflow"),
    ];
    assert_eq!(differences.concat(), Vec::<String>::new());
}

#[test]
fn workflows_are_listed_with_their_descriptions() {
    let items = json!([
        { "workflow_id": "WF-PAY", "version": 3, "tier": "standard",
          "description": "Pays a vendor\u{1b}[2J" },
        { "workflow_id": "WF-TELL", "version": 1, "tier": "express" },
    ]);
    insta::assert_snapshot!(text(workflow::table(&items, &screen())), @r"
    WORKFLOW  VERSION  TIER      DESCRIPTION
    WF-PAY    3        standard  Pays a vendor�[2J
    WF-TELL   1        express
    ");
    let none = text(workflow::table(&json!([]), &screen()));
    assert_eq!(none, "no workflow is open to this tenant\n");
}

#[test]
fn a_version_says_when_it_was_published_and_whether_it_is_deployed() {
    let version = |version: u32, deployed: bool| {
        json!({ "version": version, "tier": "standard", "deployed": deployed,
            "definition_digest": format!("sha256:{}", "ab".repeat(32)),
            "published_at": "2026-11-24T11:57:00Z" })
    };
    let answer = json!({ "versions": [version(4, true), version(3, false)], "more": true });
    insta::assert_snapshot!(text(workflow::versions(&answer, &screen())), @r"
    VERSION  NOW       PUBLISHED  TIER      DIGEST
    4        deployed  3 min ago  standard  abababababab
    3        kept      3 min ago  standard  abababababab
    older versions are kept, too
    ");
}

#[test]
fn what_a_pause_would_touch_is_counted_by_workflow() {
    let mut answer = json!({
        "scope": "tenant/acme", "state": "running", "reason": "fixed", "by": "ann",
        "scope_check": "found", "open_executions": 251, "workflows_more": true,
        "workflows": [
            { "workflow_id": "WF-PAY", "open_executions": 190 },
            { "workflow_id": "WF-TELL", "open_executions": 10 },
        ],
    });
    let read = |answer: &serde_json::Value| -> outlook::ControlOutlook {
        typed(answer).unwrap_or_else(|_| panic!("an outlook"))
    };
    let found = read(&answer);
    let said = control::state_of(&found) + &control::covered(&found);
    insta::assert_snapshot!(said, @r"
    tenant/acme is running: fixed (ann)
    251 executions are open in it
         190  WF-PAY
          10  WF-TELL
      and more
    ");
    answer["scope_check"] = json!("new");
    for member in ["open_executions", "workflows", "workflows_more"] {
        answer.as_object_mut().expect("an object").remove(member);
    }
    insta::assert_snapshot!(control::covered(&read(&answer)), @r"
    the scope does not exist yet: check its name
    the open executions were not counted
    ");
}
