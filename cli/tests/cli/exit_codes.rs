//! Tests of the exit codes of commands that use the API (docs/commands.md).

use serde_json::json;

use crate::doors::{Server, TOKEN, ok, run};

#[test]
fn a_missing_execution_exits_with_3_and_a_wrong_argument_with_2() {
    let id = "41c20d".repeat(7)[..40].to_owned();
    let listed = json!({ "executions": [{
        "execution_id": id, "workflow_id": "WF-PAY", "tenant": "acme", "status": "FAILED",
        "started_at": "2026-11-24T11:57:00Z", "ended_at": null, "trigger": "api",
    }], "next": null });
    let server = Server::start(move |line| match line.contains("/v1/executions?") {
        true => ok(listed.clone()),
        false => {
            let kind = "urn:holdfast:problem:not-found";
            (
                "404 Not Found".to_owned(),
                json!({ "type": kind, "title": "Not found" }),
            )
        }
    });
    for missing in [
        &["show", &id][..],
        &["logs", &id],
        &["receipt", "get", &id],
        &["receipt", "get", &id, "--generation", "1"],
    ] {
        let output = run(&server.address, TOKEN, missing);
        assert_eq!(output.code, Some(3), "{missing:?}: {}", output.err);
    }
    let before = server.requests().len();
    let audit = [
        "receipt", "audit", "--tenant", "acme", "--dir", "m", "--jwks", "k",
    ];
    for wrong in [
        &["show", "no-id"][..],
        &["receipt", "get", "no-id"],
        &[&audit[..], &["--from", "today", "--to", "2026-11-02"]].concat(),
    ] {
        let output = run(&server.address, TOKEN, wrong);
        assert_eq!(output.code, Some(2), "{wrong:?}: {}", output.err);
    }
    assert_eq!(server.requests().len(), before);
    // A receipt is named by the first digits too.
    run(&server.address, TOKEN, &["receipt", "get", "41c20d"]);
    let fetched = server.requests().pop().expect("a request");
    let path = format!("GET /v1/executions/{id}/receipt");
    assert!(fetched.starts_with(&path), "{fetched}");
}

#[test]
fn a_start_that_waited_exits_with_0_only_for_executed() {
    for (status, code) in [("EXECUTED", 0), ("FAILED", 1), ("REJECTED", 1)] {
        let id = "41c20d".repeat(7)[..40].to_owned();
        let answer = json!({
            "execution_id": id, "replayed": false, "status": status, "execution": { "status": status },
        });
        let server = Server::start(move |_| ok(answer.clone()));
        let start = ["start", "WF-PAY", "--yes", "--wait"];
        for arguments in [&start[..], &[&start[..], &["--json"]].concat()] {
            let output = run(&server.address, TOKEN, arguments);
            assert_eq!(output.code, Some(code), "{arguments:?}: {}", output.err);
            assert!(output.out.contains(status), "{}", output.out);
        }
    }
    let started = json!({ "execution_id": "4".repeat(40), "replayed": false });
    let server = Server::start(move |_| ok(started.clone()));
    let output = run(&server.address, TOKEN, &["start", "WF-PAY", "--yes"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
}
