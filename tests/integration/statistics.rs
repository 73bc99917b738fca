//! Statistics at the running stack: each execution counts once, in its own tenant, and the people
//! who may see lists see them.

use aws_sdk_dynamodb::Client;
use holdfast_access::Role;
use holdfast_aws::{DynamoLedger, HourStatistics};
use holdfast_ledger::{Contribution, Statistics, StatisticsKey, add_contributions};
use holdfast_tests::{Stack, eventually, sdk_config, unique};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{decisions::refused, ledger::twin};

/// A workflow that is open to every tenant.
const GROUP: &str = "WF-HOLD-VENDOR-GROUP";

#[tokio::test]
async fn executions_of_a_tenant_count_once_and_its_observer_sees_them() {
    let stack = Stack::from_env().await;
    let tenant = unique("counted");
    let platform = stack.api.as_role(Role::PlatformAdmin, "acme");
    let registered = platform
        .put(&format!("/v1/tenants/{tenant}"), &json!({}))
        .await;
    assert_eq!(registered.status, 200, "{}", registered.body);
    let api = stack.api.as_tenant(&tenant);
    for key in ["one", "two"] {
        let vendors = json!([{ "id": unique("vendor") }, { "id": unique("vendor") }]);
        let input = json!({ "group": "g", "hold_days": 3, "vendors": vendors });
        let id = api.started(GROUP, key, &input).await;
        let (execution, _) = api.finished(&id).await;
        assert_eq!(execution["status"], "EXECUTED", "{execution}");
    }
    let observer = stack.api.as_role(Role::Observer, &tenant);
    let path = format!("/v1/statistics?workflow_id={GROUP}");
    let counted = eventually("both ends are counted", || async {
        let seen = observer.get(&path).await.body;
        let ended = &seen["total"]["ended"]["EXECUTED"];
        (*ended == 2).then(|| seen.clone()).ok_or(seen.to_string())
    })
    .await;
    let total = &counted["total"];
    assert_eq!(
        (&total["started"], &total["success_rate"]),
        (&json!(2), &json!(1.0))
    );
    assert_eq!(counted["tenant"], tenant.as_str());
    let steps = counted["steps"].as_array().expect("steps");
    let held = steps.iter().find(|step| step["step"] == "hold_one");
    // Two executions of two vendors each.
    assert_eq!(held.expect("the step")["ended"], 4, "{counted}");
    let buckets = counted["buckets"].as_array().expect("buckets");
    let started = buckets.iter().filter_map(|one| one["started"].as_u64());
    assert_eq!((buckets.len(), started.sum::<u64>()), (25, 2));
    let every = platform.get(&format!("{path}&tenant=*")).await.body;
    let tenants = every["tenants"].as_array().expect("tenants");
    let own = tenants.iter().find(|one| one["tenant"] == tenant.as_str());
    assert_eq!(own.expect("the tenant")["started"], 2, "{every}");
    let stranger = stack.api.as_role(Role::TenantAdmin, "acme");
    let other = stranger.get(&format!("{path}&tenant={tenant}")).await;
    assert_eq!(other.status, 404, "{}", other.body);
}

#[tokio::test]
async fn actions_foresee_what_the_requests_then_do_and_causes_group_what_waits() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (id, question) = refused(&stack, &vendor).await;
    let admin = stack.api.as_role(Role::PlatformAdmin, "acme");
    let path = format!("/v1/executions/{id}/actions");
    let seen = admin.get(&path).await.body;
    let action = |seen: &Value, name: &str, decision: &Value| {
        let actions = seen["actions"].as_array().expect("actions").clone();
        let found = actions
            .into_iter()
            .find(|one| one["action"] == name && one["decision"] == *decision);
        found.unwrap_or_else(|| panic!("no {name} {decision}: {seen}"))
    };
    let retry = action(&seen, "decide", &json!("retry"));
    assert_eq!(retry["allowed"], true, "{retry}");
    assert_eq!(retry["continues"]["first"], question["step"], "{retry}");
    let redrive = action(&seen, "redrive", &Value::Null);
    assert_eq!(redrive["refusal"]["code"], "conflict", "{redrive}");
    let tenant_admin = stack.api.as_role(Role::TenantAdmin, "acme");
    let tenant_admin = tenant_admin.get(&path).await.body;
    let forbidden = action(&tenant_admin, "decide", &json!("retry"));
    assert_eq!(forbidden["refusal"]["code"], "forbidden", "{forbidden}");
    // A role that does not see what the question shows gets no digest to decide by.
    let observer = stack.api.as_role(Role::Observer, "acme");
    let observer = observer.get(&path).await.body;
    let unseen = action(&observer, "decide", &json!("retry"));
    assert!(
        unseen["request"]["body"]["shown_sha256"].is_null(),
        "{unseen}"
    );
    assert!(
        retry["request"]["body"]["shown_sha256"].is_string(),
        "{retry}"
    );
    // The target refused cleanly, so that a skip leaves nothing.
    let skip = action(&seen, "decide", &json!("skip"));
    assert_eq!(skip["cannot_undo"], json!([]), "{skip}");
    assert_ne!(skip["continues"]["first"], question["step"], "{skip}");
    assert!(redrive["continues"].is_null(), "{redrive}");
    let causes = admin.get("/v1/causes?tenant=acme").await.body;
    let causes = causes["causes"].as_array().expect("causes");
    let of = |cause: &&Value| {
        let incidents = cause["incidents"].as_array().into_iter().flatten();
        let mut ids = incidents.filter_map(|one| one["incident_id"].as_str());
        let incident = question["incident"].as_str().unwrap_or_default();
        ids.any(|one| incident.ends_with(one))
    };
    let cause = causes.iter().find(of).expect("the cause");
    assert!(cause["executions"]["count"].as_u64() >= Some(1), "{cause}");

    // The request of an action is sent as it is, with a reason.
    let request = &retry["request"];
    let mut body = request["body"].clone();
    body["reason"] = json!("the vendor agreed");
    let to = request["path"].as_str().expect("a path");
    let decided = admin.post(to, &body).await;
    assert_eq!(decided.status, 200, "{}", decided.body);
    let (execution, _) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    let ended = admin.get(&path).await.body;
    let rollback = action(&ended, "rollback", &Value::Null);
    assert_eq!(rollback["allowed"], true, "{rollback}");
    let mut undoes = rollback["undoes"].as_array().expect("effects").iter();
    assert!(
        undoes.any(|effect| effect["step"] == question["step"]),
        "{rollback}"
    );
    let cancel = action(&ended, "cancel", &Value::Null);
    assert_eq!(
        (
            &cancel["allowed"],
            cancel["undoes"].as_array().map(Vec::len)
        ),
        (&json!(false), Some(0))
    );
}

#[tokio::test]
async fn a_table_adds_a_repeated_delivery_once_and_the_changes_that_follow_it() {
    let _stack = Stack::from_env().await;
    let client = Client::new(&sdk_config().load().await);
    let table = twin(&client).await;
    let ledger = DynamoLedger::new(client.clone(), &table);
    let hour = Timestamp::constant(1_759_150_800, 0);
    let of = StatisticsKey {
        tenant: "acme".to_owned(),
        hour,
        workflow: "WF-X".to_owned(),
    };
    let changes: Vec<_> = (8..12).map(started).collect();
    // The second delivery repeats the first, and the third repeats both and adds a change.
    for (from, to) in [(0, 2), (0, 2), (2, 3), (0, 4)] {
        let added = add_contributions(&ledger, &of, &changes[from..to], hour).await;
        added.expect("the table answers");
    }
    for (workflow, expected) in [(None, vec![4]), (Some("WF-Y"), vec![])] {
        let mut sums = Vec::new();
        let each = |hour: HourStatistics| sums.push(hour.sums.started);
        let more = ledger.statistics("acme", workflow, (hour, hour), 10, each);
        assert!(!more.await.expect("the table answers"));
        assert_eq!(sums, expected);
    }
    let gone = client.delete_table().table_name(table).send().await;
    gone.expect("it goes");
}

fn started(sequence: u32) -> Contribution {
    Contribution {
        sequence: sequence.to_string(),
        sums: Statistics {
            started: 1,
            ..Statistics::default()
        },
    }
}
