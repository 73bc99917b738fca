//! Guardrails on the stack: limits and budgets under fifty concurrent starts, approvals, and
//! complete reasons of rejections.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;
use holdfast_access::Role;
use holdfast_ids::digest::value_sha256_hex;
use holdfast_receipt::Approval;
use holdfast_tests::{Api, Reply, Stack, eventually, unique};
use serde_json::{Value, json};

const LIMITED: &str = include_str!("../workflows/limited.yaml");
const RATED: &str = include_str!("../workflows/rated.yaml");
const AGREED: &str = include_str!("../workflows/agreed.yaml");
const CLOSED: &str = include_str!("../workflows/closed.yaml");

/// The names of the guardrails that rejected a start.
fn refusals(execution: &Value) -> Vec<&str> {
    let guardrails = execution["guardrails"].as_array().expect("guardrails");
    let no = guardrails.iter().filter(|one| one["held"] == false);
    no.filter_map(|one| one["name"].as_str()).collect()
}

/// Waits until an execution has an open question or a receipt.
async fn settled(api: &Api, id: &str) -> Value {
    eventually(&format!("{id} waits or is over"), || async {
        let reply = api.get(&format!("/v1/executions/{id}")).await;
        let waits = reply.body["questions"][0]["status"] == "OPEN";
        match reply.status == 200 && (waits || !reply.body["receipt"].is_null()) {
            true => Ok(reply.body),
            false => Err(format!("{} {}", reply.status, reply.body)),
        }
    })
    .await
}

/// Sends `count` concurrent starts, each for its own vendor, and waits until each has a question or
/// a receipt.
async fn started(api: &Api, count: usize, amount: f64) -> Vec<(String, Value)> {
    let starts = (0..count).map(|_| async {
        let vendor = unique("vendor");
        let input = json!({ "vendor_id": vendor, "amount": amount });
        let id = api
            .started("WF-TEST-LIMITED", &unique("limited"), &input)
            .await;
        (vendor, settled(api, &id).await)
    });
    join_all(starts).await
}

/// Rejects the question of an execution and gives its receipt.
async fn rolled_back(api: &Api, execution: &Value) -> Value {
    let incident = execution["questions"][0]["incident"]
        .as_str()
        .expect("an incident");
    let mut body = json!({ "decision": "reject", "reason": "no longer" });
    let id = execution["execution_id"].as_str().expect("an id");
    body["execution_id"] = id.into();
    let decided = api
        .as_actor("bob")
        .post(&format!("{incident}/decision"), &body)
        .await;
    assert_eq!(decided.status, 200, "{}", decided.body);
    api.finished(id).await.1
}

/// The budget and the limit of the limited workflow, as a caller sees them.
///
/// Each process of the API caches the list of workflows for a minute, and another process may
/// answer the next request. So each caller waits until the answer has the workflow.
async fn budget_and_limit(api: &Api) -> (Value, Value) {
    eventually("the budgets have the workflow", || async {
        let body = api.get("/v1/budgets").await.body;
        let of = |list: &str| {
            let bounds = body[list].as_array().into_iter().flatten();
            let mut bounds = bounds.filter(|one| one["workflow_id"] == "WF-TEST-LIMITED");
            bounds.next().cloned()
        };
        of("budgets")
            .zip(of("limits"))
            .ok_or_else(|| body.to_string())
    })
    .await
}

#[tokio::test]
async fn concurrent_starts_are_admitted_up_to_the_limit_of_a_minute() {
    let stack = Stack::from_env().await;
    stack.aws.deploy(RATED).await;
    let api = stack.api.as_tenant(&stack.aws.new_tenant("rated"));
    let starts = (0..20).map(|_| async {
        let id = api
            .started("WF-TEST-RATED", &unique("rated"), &json!({}))
            .await;
        settled(&api, &id).await
    });
    // Groups the starts by the minute of their time: the admitted ones and the rejected ones.
    let mut minutes: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for execution in join_all(starts).await {
        let at = execution["started_at"].as_str().expect("a time");
        let (ran, refused) = minutes.entry(at[..16].to_owned()).or_default();
        match execution["status"].as_str() {
            Some("EXECUTED") => *ran += 1,
            _ => {
                assert_eq!(refusals(&execution), ["starts_per_minute"], "{execution}");
                *refused += 1;
            }
        }
    }
    for (minute, (ran, refused)) in minutes {
        assert_eq!(
            ran,
            3.min(ran + refused),
            "{minute}: {refused} were refused"
        );
    }
}

#[tokio::test]
async fn five_of_fifty_concurrent_starts_are_admitted_and_the_others_have_no_effect() {
    let stack = Stack::from_env().await;
    stack.aws.deploy(LIMITED).await;
    let api = stack.api.as_tenant(&stack.aws.new_tenant("fifty"));
    let all = started(&api, 50, 0.5).await;
    let (open, rejected): (Vec<_>, Vec<_>) =
        all.iter().partition(|(_, one)| one["status"] == "WAITING");
    assert_eq!((open.len(), rejected.len()), (5, 45));
    for (vendor, _) in &open {
        assert_eq!(stack.vendor.effects_on(vendor).await, ["hold_placed"]);
    }
    for (vendor, execution) in &rejected {
        assert_eq!(execution["status"], "REJECTED");
        assert_eq!(refusals(execution), ["concurrent_executions"]);
        assert!(stack.vendor.effects_on(vendor).await.is_empty());
    }
    // Each execution that ends makes room for another.
    let mut left = open.iter().copied();
    let (_, first) = left.next().expect("five");
    assert_eq!(rolled_back(&api, first).await["status"], "ROLLED_BACK");
    let next = started(&api, 3, 0.5).await;
    let running = |all: &[(String, Value)]| {
        all.iter()
            .filter(|(_, one)| one["status"] == "WAITING")
            .count()
    };
    assert_eq!(running(&next), 1);
    for (_, execution) in left.chain(next.iter().filter(|(_, one)| one["status"] == "WAITING")) {
        rolled_back(&api, execution).await;
    }
    let again = started(&api, 6, 0.5).await;
    assert_eq!(running(&again), 5, "all five were given back");
    for (_, execution) in again.iter().filter(|(_, one)| one["status"] == "WAITING") {
        rolled_back(&api, execution).await;
    }
}

#[tokio::test]
async fn a_budget_is_never_exceeded_and_a_rollback_releases_its_reservation() {
    let stack = Stack::from_env().await;
    stack.aws.deploy(LIMITED).await;
    let tenant = stack.aws.new_tenant("budget");
    let api = stack.api.as_tenant(&tenant);
    let other = stack.api.as_tenant(&stack.aws.new_tenant("budget"));
    let (all, others) = futures_util::join!(started(&api, 12, 30.3), started(&other, 1, 100.0));
    assert_eq!(others[0].1["status"], "WAITING", "a tenant has its own");
    let (open, rejected): (Vec<_>, Vec<_>) =
        all.iter().partition(|(_, one)| one["status"] == "WAITING");
    assert_eq!(
        (open.len(), rejected.len()),
        (3, 9),
        "30.3 three times is 90.9 of 100"
    );
    assert!(
        rejected
            .iter()
            .all(|(_, one)| refusals(one) == ["held_amount"])
    );
    let (budget, limit) = budget_and_limit(&api).await;
    for (bound, name, [limit, used, left]) in [
        (&budget, "held_amount", ["100", "90.9", "9.1"]),
        (&limit, "concurrent_executions", ["5", "3", "2"]),
    ] {
        assert_eq!(bound["name"], name, "{bound}");
        let found = [&bound["limit"], &bound["used"], &bound["left"]];
        assert_eq!(
            found,
            [&json!(limit), &json!(used), &json!(left)],
            "{bound}"
        );
    }
    assert!(budget["resets_at"].is_string() && limit["resets_at"].is_null());
    // The sums of amounts come from inputs, which an observer does not see.
    let observer = stack.api.as_role(Role::Observer, &tenant);
    let (of_budget, of_limit) = budget_and_limit(&observer).await;
    for (bound, sees) in [(&of_budget, false), (&of_limit, true)] {
        for member in ["used", "left"] {
            assert_eq!(bound.get(member).is_some(), sees, "{bound}");
        }
    }
    let [(_, spent)] = &started(&api, 1, 9.2).await[..] else {
        panic!("one was started");
    };
    assert_eq!(refusals(spent), ["held_amount"], "9.1 is left");
    let (vendor, first) = open[0];
    let receipt = rolled_back(&api, first).await;
    assert_eq!(receipt["status"], "ROLLED_BACK");
    assert_eq!(
        stack.vendor.effects_on(vendor).await,
        ["hold_placed", "hold_released"]
    );
    let [(_, fits)] = &started(&api, 1, 39.4).await[..] else {
        panic!("one was started");
    };
    assert_eq!(fits["status"], "WAITING", "30.3 and 9.1 are left: {fits}");
    let waiting = open[1..].iter().map(|(_, one)| one).chain([fits]);
    for execution in waiting {
        rolled_back(&api, execution).await;
    }
    rolled_back(&other, &others[0].1).await;
}

#[tokio::test]
async fn a_rejected_start_names_every_guardrail_that_rejected_it_and_reserves_nothing() {
    let stack = Stack::from_env().await;
    stack.aws.deploy(CLOSED).await;
    let vendor = unique("vendor");
    let input = json!({ "vendor_id": vendor });
    let id = stack
        .api
        .started("WF-TEST-CLOSED", &unique("closed"), &input)
        .await;
    let (execution, receipt) = stack.api.finished(&id).await;
    let all = ["freeze", "approval", "never", "nothing_left"];
    assert_eq!(refusals(&execution), all);
    assert_eq!(receipt["status"], "REJECTED");
    assert_eq!(receipt["guardrails"], execution["guardrails"]);
    // A message can quote the input, and a pause names a person. An observer sees only the names of
    // the guardrails.
    let observer = stack.api.as_role(Role::Observer, "acme");
    let seen = observer.get(&format!("/v1/executions/{id}")).await.body;
    assert_eq!(refusals(&seen), all);
    let shown = seen["guardrails"].as_array().expect("guardrails");
    assert!(shown.iter().all(|one| one["message"].is_null()), "{seen}");
    assert!(
        receipt["policy_digest"]
            .as_str()
            .is_some_and(|digest| digest.starts_with("sha256:"))
    );
    let events = eventually("the rejection has an audit event", || async {
        let events = stack
            .api
            .get(&format!("/v1/executions/{id}/events"))
            .await
            .body;
        let list = events["events"].as_array().cloned().unwrap_or_default();
        let shown = list
            .into_iter()
            .find(|one| one["type"] == "workflow.rejected");
        shown.ok_or_else(|| events.to_string())
    })
    .await;
    assert_eq!(events["data"]["guardrails"], json!(all));
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

/// Starts the workflow through the API as `ann`, with an approval.
async fn start_agreed(api: &Api, input: &Value, approval: &Value) -> Reply {
    let request = api
        .as_actor("ann")
        .request("POST", "/v1/workflows/WF-TEST-AGREED/executions")
        .header("idempotency-key", unique("agreed"))
        .header("content-type", "application/json");
    let body = json!({ "input": input, "approval": approval });
    api.send(request.body(body.to_string())).await
}

#[tokio::test]
async fn a_required_approval_must_be_another_persons_and_for_this_input() {
    let stack = Stack::from_env().await;
    stack.aws.deploy(AGREED).await;
    let (vendor, other) = (unique("vendor"), unique("vendor"));
    let input = json!({ "vendor_id": vendor });
    let now = jiff::Timestamp::try_from(SystemTime::now()).expect("a time");
    let right = Approval {
        approved_by: "bob".to_owned(),
        approved_at: now,
        expires_at: now + Duration::from_secs(3600),
        input_sha256: value_sha256_hex(&input).expect("a digest"),
        reference: unique("CASE"),
        signature: None,
    };
    let api = &stack.api;
    let run = async |input: &Value, approval: Value| {
        let reply = start_agreed(api, input, &approval).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        api.finished(reply.body["execution_id"].as_str().expect("an id"))
            .await
    };
    let (_, receipt) = run(&input, json!(right)).await;
    assert_eq!(receipt["status"], "EXECUTED", "{receipt}");
    assert_eq!(receipt["approval"]["reference"], right.reference);
    let another = Approval {
        reference: unique("CASE"),
        ..right.clone()
    };
    let own = Approval {
        approved_by: "Ann".to_owned(),
        ..another.clone()
    };
    let expired = Approval {
        approved_at: now - Duration::from_secs(7200),
        expires_at: now - Duration::from_secs(3600),
        ..another.clone()
    };
    for (input, approval, no, why) in [
        (
            json!({ "vendor_id": other }),
            json!(another),
            "approval",
            "another input",
        ),
        (input.clone(), json!(own), "approval", "cannot approve"),
        (input.clone(), json!(expired), "approval", "expired"),
        (input.clone(), Value::Null, "approval", "none was sent"),
        // The approval was given for one start.
        (
            input.clone(),
            json!(right),
            "approval_unused",
            "another has used it",
        ),
    ] {
        let (execution, _) = run(&input, approval).await;
        assert_eq!(execution["status"], "REJECTED");
        assert_eq!(refusals(&execution), [no]);
        assert!(
            execution["guardrails"].to_string().contains(why),
            "{execution}"
        );
    }
    assert!(stack.vendor.effects_on(&other).await.is_empty());
    let mut odd = json!(right);
    odd["input_sha256"] = json!("short");
    let reply = start_agreed(api, &input, &odd).await;
    assert_eq!(
        (reply.status, reply.body["type"].as_str()),
        (400, Some("urn:holdfast:problem:bad-request"))
    );
}

#[tokio::test]
async fn a_start_outside_the_allowed_hours_is_rejected_for_every_caller() {
    let stack = Stack::from_env().await;
    // The allowed hour lies at the other side of the day.
    let now = jiff::Timestamp::try_from(SystemTime::now()).expect("a time");
    let hour = now.to_zoned(jiff::tz::TimeZone::UTC).hour();
    let (from, to) = match hour < 12 {
        true => ("20:00", "21:00"),
        false => ("02:00", "03:00"),
    };
    let name: String = unique("hours").to_uppercase().replace('-', "");
    let yaml = include_str!("../workflows/rated.yaml")
        .replace("WF-TEST-RATED", &format!("WF-TEST-{name}"));
    let hours = format!("hours: {{ zone: UTC, from: \"{from}\", to: \"{to}\" }}\n");
    stack.aws.deploy(&format!("{yaml}{hours}")).await;
    let id = stack
        .api
        .started(&format!("WF-TEST-{name}"), &unique("hours"), &json!({}))
        .await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(receipt["status"], "REJECTED", "{receipt}");
    assert_eq!(refusals(&execution), ["hours"], "{execution}");
}
