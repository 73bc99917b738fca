//! The other workflows that ship with the project.

use holdfast_ids::keys::execution_id;
use holdfast_tests::{Stack, eventually, unique};
use serde_json::json;

const GROUP: &str = "WF-HOLD-VENDOR-GROUP";
const REMINDER: &str = "WF-REVIEW-REMINDER";

#[tokio::test]
async fn a_group_is_held_vendor_by_vendor_and_its_notifications_are_sent_in_parallel() {
    let stack = Stack::from_env().await;
    let vendors: Vec<_> = (0..4).map(|_| unique("vendor")).collect();
    let input = json!({
        "group": "g", "hold_days": 3, "tell_treasury": true,
        "vendors": [{ "id": vendors[0] }, { "id": vendors[1] }, { "id": vendors[2] },
            { "id": vendors[3], "exempt": true }],
    });
    let id = stack.api.started(GROUP, &unique("group"), &input).await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    let mut held: Vec<_> = receipt["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter(|step| step["name"] == "hold_one")
        .map(|step| {
            (
                step["item"].as_str().expect("an item"),
                step["status"].as_str().expect("a status"),
            )
        })
        .collect();
    held.sort_unstable();
    let mut expected: Vec<_> = vendors[..3]
        .iter()
        .map(|vendor| (vendor.as_str(), "SUCCESS"))
        .collect();
    expected.sort_unstable();
    assert_eq!(
        held, expected,
        "one record per vendor, none for the exempt one"
    );
    for vendor in &vendors[..3] {
        assert_eq!(stack.vendor.effects_on(vendor).await, ["hold_placed"]);
    }
    assert!(stack.vendor.effects_on(&vendors[3]).await.is_empty());
    let notified: Vec<_> = receipt["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter(|step| step["action"] == "http")
        .collect();
    assert_eq!(notified.len(), 2);
    assert!(notified.iter().all(|step| step["status"] == "SUCCESS"));
}

#[tokio::test]
async fn a_step_with_a_false_condition_is_skipped_without_a_record() {
    let stack = Stack::from_env().await;
    let input = json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] });
    let id = stack.api.started(GROUP, &unique("group"), &input).await;
    let (execution, receipt) = stack.api.finished(&id).await;
    let treasury = receipt["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .find(|step| step["name"] == "tell_treasury");
    assert_eq!(treasury.expect("it is listed")["status"], "SKIPPED");
    assert!(!holdfast_tests::texts(&execution["steps"], "name").contains(&"tell_treasury"));
}

#[tokio::test]
async fn one_failing_vendor_ends_the_group_and_the_other_holds_are_released() {
    let stack = Stack::from_env().await;
    let (good, bad) = (unique("vendor"), unique("vendor"));
    let fault = json!({
        "route": "POST /holds", "count": 100, "vendor_id": bad,
        "kind": { "status": 403, "block": "before_commit" },
    });
    let refusal = stack.vendor.block(fault).await;
    let input = json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": good }, { "id": bad }] });
    let id = stack.api.started(GROUP, &unique("group"), &input).await;
    eventually("the other vendor is held", || async {
        let effects = stack.vendor.effects_on(&good).await;
        (effects == ["hold_placed"])
            .then_some(())
            .ok_or_else(|| format!("{effects:?}"))
    })
    .await;
    refusal.unblock().await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "ROLLED_BACK", "{execution}");
    assert_eq!(receipt["residual_effects"], json!([]));
    let effects = stack.vendor.effects_on(&good).await;
    assert_eq!(effects, ["hold_placed", "hold_released"]);
    assert!(stack.vendor.effects_on(&bad).await.is_empty());
}

#[tokio::test]
async fn a_scheduled_workflow_starts_once_per_scheduled_time_and_waits() {
    let stack = Stack::from_env().await;
    let api = stack.api.as_tenant("acme");
    // The input that the scheduler sends, with a time that no other run of this test has.
    let time = unique("2031-01-01T07:00:00Z");
    let sent = json!({ "trigger": "workday_morning", "scheduled_time": time });
    let first = stack.aws.start(REMINDER, &unique("schedule"), &sent).await;
    let id = execution_id("acme", REMINDER, &format!("workday_morning/{time}"));
    let execution = eventually("the first reminder is sent", || async {
        let execution = api.get(&format!("/v1/executions/{id}")).await.body;
        if execution["steps"][0]["status"] != "SUCCESS" {
            return Err(execution.to_string());
        }
        Ok(execution)
    })
    .await;
    assert_eq!(
        (&execution["status"], &execution["trigger"]),
        (&json!("RUNNING"), &json!("workday_morning"))
    );
    let repeat = stack.aws.start(REMINDER, &unique("schedule"), &sent).await;
    assert_eq!(
        stack.aws.ended(&repeat).await.states,
        ["Begin", "Duplicate"]
    );
    stack
        .aws
        .states
        .stop_execution()
        .execution_arn(first)
        .send()
        .await
        .expect("it stops");
}

#[tokio::test]
async fn a_schedule_that_sends_no_time_starts_at_every_event() {
    let stack = Stack::from_env().await;
    let sent =
        json!({ "trigger": "workday_morning", "scheduled_time": "<aws.scheduler.scheduled-time>" });
    let arn = stack.aws.start(REMINDER, &unique("schedule"), &sent).await;
    eventually("it is past Begin", || async {
        let history = stack
            .aws
            .states
            .get_execution_history()
            .execution_arn(&arn)
            .send()
            .await
            .expect("its history");
        let entered: Vec<_> = history
            .events
            .iter()
            .filter_map(|event| event.state_entered_event_details.as_ref())
            .map(|state| state.name.as_str())
            .collect();
        let reached = entered.contains(&"first_reminder");
        reached.then_some(()).ok_or_else(|| format!("{entered:?}"))
    })
    .await;
    stack
        .aws
        .states
        .stop_execution()
        .execution_arn(arn)
        .send()
        .await
        .expect("it stops");
}

#[tokio::test]
async fn a_workflow_continues_after_its_waits() {
    let stack = Stack::from_env().await;
    stack
        .aws
        .deploy(include_str!("../workflows/pauses.yaml"))
        .await;
    let team = unique("team");
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(6);
    let input = json!({ "team": team, "until": until.to_string() });
    let id = stack
        .api
        .started("WF-TEST-PAUSES", &unique("pauses"), &input)
        .await;
    let (execution, _) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    let second: jiff::Timestamp = execution["steps"][1]["started_at"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("RFC 3339");
    assert!(
        second >= until - jiff::SignedDuration::from_secs(1),
        "{second} is before {until}"
    );
    assert_eq!(stack.vendor.effects(&format!("team={team}")).await.len(), 2);
}

#[tokio::test]
async fn a_wait_whose_expression_fails_ends_the_execution_safely() {
    let stack = Stack::from_env().await;
    stack
        .aws
        .deploy(include_str!("../workflows/pauses.yaml"))
        .await;
    let input = json!({ "team": unique("team"), "until": "tomorrow" });
    let id = stack
        .api
        .started("WF-TEST-PAUSES", &unique("pauses"), &input)
        .await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "PARTIALLY_ROLLED_BACK", "{execution}");
    assert_eq!(
        receipt["residual_effects"].as_array().map(Vec::len),
        Some(1),
        "the effect of the first notification remains"
    );
}

#[tokio::test]
async fn two_items_with_one_key_are_refused_before_any_effect() {
    let stack = Stack::from_env().await;
    stack
        .aws
        .deploy(include_str!("../workflows/twins.yaml"))
        .await;
    let vendor = unique("vendor");
    let twins = json!({ "vendors": [{ "id": vendor, "days": 1 }, { "id": vendor, "days": 2 }] });
    let id = stack
        .api
        .started("WF-TEST-TWINS", &unique("twins"), &twins)
        .await;
    assert_eq!(stack.api.finished(&id).await.0["status"], "FAILED");
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
    // A filter with one result yields the value without a list, and one without a result yields
    // nothing.
    for (days, left) in [(0, 0), (1, 1)] {
        let some =
            json!({ "vendors": [{ "id": vendor, "days": days }, { "id": "v", "days": -1 }] });
        let id = stack
            .api
            .started("WF-TEST-TWINS", &unique("twins"), &some)
            .await;
        assert_eq!(stack.api.finished(&id).await.0["status"], "EXECUTED");
        assert_eq!(stack.vendor.effects_on(&vendor).await.len(), left);
    }
}
