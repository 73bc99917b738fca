//! Bulks at the running stack: a bulk requests exactly what it has shown, for the caller to whom it
//! was shown. Each execution has one outcome, even if the worker dies.

mod many;

use std::collections::BTreeSet;

use holdfast_access::Role;
use holdfast_tests::{Api, Reply, Stack, eventually, unique};
use serde_json::{Value, json};

use crate::decisions::{asked, decide};

const SIGNS: &str = "WF-TEST-BULK";

/// Shows a bulk, which must be possible, and gives the answer.
async fn shown(api: &Api, body: &Value) -> Value {
    let reply = api.post("/v1/bulk", body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

async fn run(api: &Api, shown: &Value) -> Reply {
    let path = shown["links"]["run"].as_str().expect("a path");
    api.post(path, &json!({ "token": shown["token"] })).await
}

async fn report(api: &Api, shown: &Value) -> Value {
    let path = shown["links"]["report"].as_str().expect("a path");
    let reply = api.get(&format!("{path}?limit=100")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body
}

/// The report once the bulk makes no further request.
async fn ended(api: &Api, shown: &Value) -> Value {
    eventually("the bulk ends", || async {
        let report = report(api, shown).await;
        match report["status"].as_str() {
            Some("DONE" | "STOPPED") => Ok(report),
            _ => Err(report["counts"].to_string()),
        }
    })
    .await
}

/// Runs a bulk and gives its report.
async fn done(api: &Api, body: &Value) -> Value {
    let shown = shown(api, body).await;
    let started = run(api, &shown).await;
    assert_eq!(started.status, 200, "{}", started.body);
    ended(api, &shown).await
}

/// Starts executions that wait for two people.
async fn waits(stack: &Stack, api: &Api, count: usize) -> Vec<String> {
    let signs = include_str!("../workflows/signs.yaml").replace("WF-TEST-SIGNS", SIGNS);
    stack.aws.deploy(&signs).await;
    let mut ids = Vec::new();
    for n in 0..count {
        let input = json!({ "vendor_id": unique("vendor"), "amount": 90_000 });
        ids.push(api.started(SIGNS, &format!("k-{n}"), &input).await);
    }
    for id in &ids {
        asked(api, id).await;
    }
    ids
}

#[tokio::test]
async fn only_the_caller_to_whom_a_bulk_was_shown_runs_it_and_only_as_it_was_shown() {
    let stack = Stack::from_env().await;
    let tenant = stack.aws.new_tenant("bulk");
    let root = stack.api.as_actor("root").as_tenant(&tenant);
    waits(&stack, &root, 1).await;
    let body =
        json!({ "operation": "cancel", "filter": { "workflow_id": SIGNS }, "reason": "wrong" });
    let (first, second) = (shown(&root, &body).await, shown(&root, &body).await);
    let path = first["links"]["run"].as_str().expect("a path").to_owned();
    let report = first["links"]["report"]
        .as_str()
        .expect("a path")
        .to_owned();
    let token = |shown: &Value| json!({ "token": shown["token"] });
    let eve = root.as_actor("eve");
    let globex = root.as_tenant("globex");
    let admin = stack.api.as_role(Role::TenantAdmin, "globex");
    let observer = stack.api.as_role(Role::Observer, &tenant);
    let approver = stack.api.as_role(Role::Approver, &tenant);
    for (who, api, body, status) in [
        ("another person", &eve, token(&first), 403),
        ("the token of another bulk", &root, token(&second), 409),
        (
            "an invented token",
            &root,
            json!({ "token": "0".repeat(64) }),
            409,
        ),
        ("no token", &root, json!({}), 400),
        (
            "more than a token",
            &root,
            json!({ "token": first["token"], "filter": {} }),
            400,
        ),
        (
            "another tenant of the same caller",
            &globex,
            token(&first),
            404,
        ),
        ("an admin of another tenant", &admin, token(&first), 404),
        ("an observer", &observer, token(&first), 403),
        ("an approver", &approver, token(&first), 404),
    ] {
        let reply = api.post(&path, &body).await;
        assert_eq!(reply.status, status, "{who}: {}", reply.body);
    }
    for (who, api, status) in [
        ("another admin", &eve, 200),
        ("another tenant", &globex, 404),
        ("an observer", &observer, 403),
        ("an approver", &approver, 404),
    ] {
        let reply = api.get(&report).await;
        assert_eq!(reply.status, status, "{who}: {}", reply.body);
    }
    let none = self::report(&root, &first).await;
    assert_eq!(none["counts"]["pending"], 1, "nothing was done: {none}");
    // Of two requests at once, one runs it.
    let (one, other) = futures_util::join!(run(&root, &first), run(&root, &first));
    let replayed: BTreeSet<_> = [&one, &other]
        .map(|reply| {
            assert_eq!(reply.status, 200, "{}", reply.body);
            reply.body["replayed"].as_bool()
        })
        .into();
    assert_eq!(replayed, BTreeSet::from([Some(false), Some(true)]));
    let report = ended(&root, &first).await;
    assert_eq!(report["counts"]["done"], 1, "{report}");
    // The other bulk showed the same execution, which has been cancelled since.
    run(&root, &second).await;
    let report = ended(&root, &second).await;
    let counts = &report["counts"];
    assert_eq!(counts["done"], 0, "{report}");
    assert!(counts["already"] == 1 || counts["refused"] == 1, "{report}");
}

#[tokio::test]
async fn a_bulk_is_stopped_by_the_person_to_whom_it_was_shown_or_by_a_platform_admin() {
    let stack = Stack::from_env().await;
    let tenant = stack.aws.new_tenant("bulk");
    let root = stack.api.as_actor("root").as_tenant(&tenant);
    waits(&stack, &root, 1).await;
    let body =
        json!({ "operation": "cancel", "filter": { "workflow_id": SIGNS }, "reason": "wrong" });
    let admin = stack.api.as_role(Role::TenantAdmin, &tenant);
    let path = |shown: &Value| {
        let path = shown["links"]["report"].as_str();
        path.expect("a path").to_owned()
    };
    let of_root = path(&shown(&root, &body).await);
    let of_admin = path(&shown(&admin, &body).await);
    assert_eq!(admin.get(&of_root).await.status, 200, "the admin sees it");
    let observer = stack.api.as_role(Role::Observer, &tenant);
    let foreign = stack.api.as_role(Role::TenantAdmin, "globex");
    let eve = root.as_actor("eve");
    for (who, api, path, status) in [
        ("an admin of the tenant", &admin, &of_root, 403),
        ("an admin of another tenant", &foreign, &of_root, 404),
        ("an observer", &observer, &of_root, 403),
        ("another platform admin", &eve, &of_root, 200),
        ("its own admin of the tenant", &admin, &of_admin, 200),
    ] {
        let reply = api.send(api.request("DELETE", path)).await;
        assert_eq!(reply.status, status, "{who}: {}", reply.body);
    }
}

#[tokio::test]
async fn a_bulk_needs_a_filter_the_operation_of_its_requests_and_something_to_do() {
    let stack = Stack::from_env().await;
    let admin = stack.api.as_role(Role::TenantAdmin, "acme");
    let approver = stack.api.as_role(Role::Approver, "acme");
    let none = json!({ "workflow_id": "WF-NONE" });
    let cancel =
        |filter: Value| json!({ "operation": "cancel", "filter": filter, "reason": "wrong" });
    let with =
        |operation: &str| json!({ "operation": operation, "filter": none, "reason": "wrong" });
    let approve =
        json!({ "operation": "decide", "decision": "approve", "filter": none, "reason": "fine" });
    for (api, body, status, says) in [
        (&admin, cancel(json!({})), 400, "one member at least"),
        (&admin, cancel(json!({ "sql": "1" })), 400, "sql"),
        (
            &admin,
            cancel(json!({ "incident_id": "7" })),
            400,
            "40 hex digits",
        ),
        (
            &admin,
            cancel(json!({ "status": "LOST" })),
            400,
            "status must be one of",
        ),
        (
            &admin,
            cancel(json!({ "workflow_id": "x" })),
            400,
            "no workflow id",
        ),
        (&admin, cancel(none.clone()), 409, "nothing to do"),
        (&admin, with("rollback"), 403, "may not roll"),
        (&admin, with("redrive"), 403, "may not redrive"),
        (&admin, approve.clone(), 403, "may not decide"),
        (&approver, with("cancel"), 403, "may not cancel"),
        (&approver, approve, 409, "open question"),
        (&stack.api, with("decide"), 400, "decision must be given"),
    ] {
        let reply = api.post("/v1/bulk", &body).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.body);
        let detail = reply.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(says), "{body}: {detail}");
    }
    let mut long = cancel(none);
    long["reason"] = "x".repeat(453).into();
    let reply = admin.post("/v1/bulk", &long).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
}

#[tokio::test]
async fn executions_are_cancelled_redriven_and_decided_in_bulk_by_the_rules_of_each_request() {
    let stack = Stack::from_env().await;
    let tenant = stack.aws.new_tenant("bulk");
    let api = stack.api.as_actor("root").as_tenant(&tenant);
    let ids = waits(&stack, &api, 3).await;
    let wait = || async {
        for id in &ids {
            asked(&api, id).await;
        }
    };
    let of = |operation: &str, status: &str| {
        let filter = json!({ "workflow_id": SIGNS, "status": status });
        json!({ "operation": operation, "filter": filter, "reason": "a wrong batch" })
    };
    // A stop before the first request.
    let never = shown(&api, &of("cancel", "WAITING")).await;
    assert_eq!(
        (&never["total"], &never["checked"]),
        (&json!(3), &json!(3)),
        "{never}"
    );
    let path = never["links"]["report"].as_str().expect("a path");
    let stopped = api.send(api.request("DELETE", path)).await;
    assert_eq!(stopped.body["status"], "STOPPED", "{}", stopped.body);
    assert_eq!(run(&api, &never).await.status, 409);
    let report = report(&api, &never).await;
    assert_eq!(report["counts"]["not_reached"], 3, "{report}");

    let report = done(&api, &of("cancel", "WAITING")).await;
    assert_eq!(report["counts"]["done"], 3, "{report}");
    let bulk = report["bulk_id"].as_str().expect("an id");
    for id in &ids {
        let (execution, receipt) = api.finished(id).await;
        assert_eq!(execution["status"], "FAILED", "{execution}");
        let failure = &receipt["failure"];
        let reason = format!("a wrong batch (bulk {bulk})");
        assert_eq!(
            (&failure["requested_by"], &failure["reason"]),
            (&json!("root"), &json!(reason)),
            "{receipt}"
        );
    }
    // The rule of the single request refuses each of them, now and when the bulk runs.
    let again = shown(&api, &of("cancel", "FAILED")).await;
    assert_eq!(again["refused_now"][0]["count"], 3, "{again}");
    run(&api, &again).await;
    let report = ended(&api, &again).await;
    assert_eq!(report["counts"]["refused"], 3, "{report}");
    let note = report["items"][0]["note"].as_str().expect("a reason");
    assert!(note.contains("has ended FAILED"), "{note}");

    let redrive = shown(&api, &of("redrive", "FAILED")).await;
    run(&api, &redrive).await;
    let report = ended(&api, &redrive).await;
    assert_eq!(report["counts"]["done"], 3, "{report}");
    wait().await;
    let filter = json!({ "workflow_id": SIGNS });
    let reject =
        json!({ "operation": "decide", "decision": "reject", "filter": filter, "reason": "no" });
    let report = done(&api, &reject).await;
    assert_eq!(report["counts"]["done"], 3, "{report}");
    for id in &ids {
        let (execution, receipt) = api.finished(id).await;
        assert_eq!(execution["generation"], 1, "{execution}");
        assert_eq!(
            receipt["approvals"][0]["votes"][0]["by"], "root",
            "{receipt}"
        );
    }
    // A list that was shown before the redrive is of another generation.
    let stale = shown(&api, &of("redrive", "FAILED")).await;
    let report = done(&api, &of("redrive", "FAILED")).await;
    assert_eq!(report["counts"]["done"], 3, "{report}");
    wait().await;
    run(&api, &stale).await;
    let report = ended(&api, &stale).await;
    assert_eq!(report["counts"]["refused"], 3, "{report}");
    let note = report["items"][0]["note"].as_str().expect("a reason");
    assert!(note.contains("generation 1 was shown"), "{note}");
    let report = done(&api, &of("cancel", "WAITING")).await;
    assert_eq!(report["counts"]["done"], 3, "{report}");
}

#[tokio::test]
async fn a_bulk_decides_no_later_failure_of_a_step_than_the_one_that_it_showed() {
    let stack = Stack::from_env().await;
    let tenant = stack.aws.new_tenant("bulk");
    let api = stack.api.as_actor("root").as_tenant(&tenant);
    stack
        .aws
        .deploy(include_str!("../workflows/asks.yaml"))
        .await;
    let vendor = unique("vendor");
    let fault = json!({
        "route": "POST /holds", "count": 2, "kind": { "status": 400 }, "vendor_id": vendor,
    });
    stack.vendor.plan(fault).await;
    let input = json!({ "vendor_id": vendor });
    let id = api.started("WF-TEST-ASKS", &unique("asks"), &input).await;
    let first = asked(&api, &id).await;
    let filter = json!({ "workflow_id": "WF-TEST-ASKS" });
    let body =
        json!({ "operation": "decide", "decision": "skip", "filter": filter, "reason": "no" });
    let listed = shown(&api, &body).await;
    assert_eq!(listed["total"], 1, "{listed}");
    assert_eq!(listed["sample"][0]["message"], first["message"], "{listed}");
    assert_eq!(listed["refused_now"], json!([]), "{listed}");
    // Another person is faster, and the step fails again.
    let eve = api.as_actor("eve");
    let retried = decide(&eve, &first, "retry", &id).await;
    assert_eq!(retried.status, 200, "{}", retried.body);
    let second = asked(&api, &id).await;
    assert_ne!(first["until"], second["until"], "{second}");
    run(&api, &listed).await;
    let report = ended(&api, &listed).await;
    assert_eq!(report["counts"]["refused"], 1, "{report}");
    let note = report["items"][0]["note"].as_str().expect("a reason");
    assert!(note.contains("has changed"), "{note}");
    // The question waits for a person who has seen it.
    assert_eq!(asked(&api, &id).await, second);
    let decided = decide(&eve, &second, "rollback", &id).await;
    assert_eq!(decided.status, 200, "{}", decided.body);
    let (execution, _) = api.finished(&id).await;
    assert_eq!(execution["status"], "ROLLED_BACK", "{execution}");
}
