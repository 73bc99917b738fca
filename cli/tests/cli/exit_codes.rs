//! Tests of the exit codes of commands that use the API (docs/commands.md).

use serde_json::json;

use crate::{
    doors::{Server, TOKEN, ok, run},
    project::Project,
};

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
            "execution_id": id, "replayed": false, "status": status,
            "execution": {
                "execution_id": id, "workflow_id": "WF-PAY", "workflow_version": 1, "tenant": "acme",
                "status": status, "trigger": "api", "generation": 0,
                "started_at": "2026-01-01T09:00:00Z", "ended_at": "2026-01-01T09:00:01Z",
                "guardrails": [], "failure": null, "questions": [], "steps": [],
            },
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

#[test]
fn a_wrong_argument_exits_with_2_before_any_request() {
    let server = Server::start(|_| ok(json!({})));
    let said = |arguments: &[&str]| {
        let output = run(&server.address, TOKEN, arguments);
        assert_eq!(output.code, Some(2), "{arguments:?}: {}", output.err);
        output.err
    };
    let why = said(&["ls", "--status", "NOPE"]);
    assert!(why.contains("RUNNING, WAITING, PAUSED"), "{why}");
    let bulk = ["bulk", "cancel", "--reason", "r"];
    said(&[&bulk[..], &["--status", "NOPE"]].concat());
    said(&bulk);
    said(&[&bulk[..], &["--from", "1h", "--until", "2h"]].concat());
    for list in ["ls", "receipts", "statistics"] {
        let why = said(&[
            list,
            "--from",
            "2026-11-02T00:00:00Z",
            "--until",
            "2026-11-01T00:00:00Z",
        ]);
        let said = "--until 2026-11-01T00:00:00Z is earlier than --from 2026-11-02T00:00:00Z";
        assert!(why.contains(said), "{why}");
    }
    let delegation = ["delegations", "set", "ops", "--to", "ann", "--reason", "r"];
    let why = said(&[&delegation[..], &["--until", "2020-01-01T00:00:00Z"]].concat());
    assert!(
        why.contains("--until 2020-01-01T00:00:00Z is not after"),
        "{why}"
    );
    let long = "r".repeat(453);
    let unnamed = ["delegations", "set", "ops", "--to", "", "--reason", "r"];
    for (arguments, words) in [
        (&["ls", "--idempotency-key", "k"][..], "--workflow"),
        (&["ls", "--subject", ""], "1 to 200 visible characters"),
        (&["statistics", "--from", "40d"], "--by hour takes 7 days"),
        (
            &[
                "statistics",
                "--by",
                "day",
                "--from",
                "300d",
                "--until",
                "200d",
            ],
            "day 31",
        ),
        (
            &["bulk", "cancel", "--status", "FAILED", "--reason", &long],
            "1 to 452 characters",
        ),
        (&["start", "WF-A", "--yes", "--key", "k,k"], "sent twice"),
        (
            &["decide", "41c2", "retry", "--reason", "r", "--step", ""],
            "1 to 200 visible characters",
        ),
        (
            &[&unnamed[..], &["--until", "8h"]].concat(),
            "1 to 200 visible characters",
        ),
        (
            &[&delegation[..], &["--until", "900d"]].concat(),
            "more than 90 days after",
        ),
        (
            &[&delegation[..], &["--from", "91d", "--until", "92d"]].concat(),
            "more than 90 days from now",
        ),
    ] {
        let why = said(arguments);
        assert!(why.contains(words), "{arguments:?}: {why}");
    }
    let file = run(
        &server.address,
        TOKEN,
        &["start", "WF-A", "--yes", "--input", "@nosuch"],
    );
    assert_eq!(file.code, Some(1), "{}", file.err);
    assert!(server.requests().is_empty());
}

#[test]
fn a_wrong_name_exits_with_2_and_a_wrong_file_with_1() {
    let project = Project::new();
    project.write("samconfig.toml", "[default.global.parameters]\n");
    let new = project.run(&["new", "known"]);
    assert_eq!(new.code, Some(0), "{}", new.err);
    let file = "workflows/known.yaml";
    for (arguments, code) in [
        (&["new", ""][..], 2),
        (&["drill", file, "--only", "nosuch"], 2),
        (&["drill", file, "--only", "Finish/nosuch"], 2),
        (&["drill", file, "--only", "Nosuch/lost-answer"], 2),
        (&["drill", file, "--schedules", "0"], 2),
        (
            &["doctor", "--before-deploy", "--parameter-overrides", "x"],
            2,
        ),
        (&["doctor", "--before-deploy", "--config-env", "nosuch"], 2),
        (&["doctor", "--config-env", "nosuch"], 2),
        (&["new", "known"], 1),
        (&["validate", "workflows/nosuch.yaml"], 1),
        (&["graph", "workflows/nosuch.yaml"], 1),
        (&["drill", file, "--input", "nosuch.json"], 1),
    ] {
        let output = project.run(arguments);
        assert_eq!(output.code, Some(code), "{arguments:?}: {}", output.err);
    }
}

#[test]
fn a_stack_that_cannot_be_read_makes_no_function_wrong() {
    let project = Project::new();
    project.write("samconfig.toml", "[default.global.parameters]\n");
    project.run(&["new", "known"]);
    let output = project.run(&["doctor", "--sam", "./no-such-program"]);
    assert_eq!(output.code, Some(1), "{}", output.out);
    assert!(
        !output.out.contains("WRONG BeginFunction"),
        "{}",
        output.out
    );
    assert!(
        output.err.contains("the functions were not checked"),
        "{}",
        output.err
    );
    assert!(
        output.err.contains("needs the SAM CLI and AWS credentials"),
        "{}",
        output.err
    );
}
