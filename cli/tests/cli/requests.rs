//! Tests of requests to an execution: what the API would refuse is refused before a confirmation.

use serde_json::json;

use crate::doors::{Server, TOKEN, ok, run};

const ID: &str = "41c20d0000000000000000000000000000000000";

/// A deployment with an open execution, whose rollback would be refused by this code.
fn refusing(code: &'static str) -> Server {
    Server::start(move |line| {
        if line.contains("/actions") {
            let refusal = json!({ "code": code, "message": "it has not ended" });
            return ok(json!({
                "execution_id": ID, "workflow_id": "WF-PAY", "status": "RUNNING",
                "actions": [{
                    "action": "rollback", "allowed": false, "refusal": refusal, "command": "",
                    "effect": "Undoes it.", "undoes": [], "cannot_undo": [],
                }],
            }));
        }
        ok(json!({
            "execution_id": ID, "workflow_id": "WF-PAY", "workflow_version": 1, "tenant": "acme",
            "status": "RUNNING", "trigger": "api", "generation": 0,
            "started_at": "2026-11-24T11:57:00Z", "guardrails": [], "questions": [], "steps": [],
        }))
    })
}

#[test]
fn a_request_that_the_state_refuses_is_not_offered_for_confirmation() {
    let server = refusing("conflict");
    let args = ["rollback", ID, "--reason", "paid twice"];
    let output = run(&server.address, TOKEN, &args);
    assert_eq!(output.code, Some(3), "{}", output.err);
    assert_eq!(
        output.err,
        "error: rollback is refused now: it has not ended\n"
    );
    assert!(server.requests().iter().all(|one| one.starts_with("GET ")));
}

#[test]
fn a_repeated_request_is_offered_since_the_api_completes_it() {
    let server = refusing("already");
    let args = ["rollback", ID, "--reason", "paid twice"];
    let output = run(&server.address, TOKEN, &args);
    assert_eq!(output.code, Some(5), "{}", output.err);
}
